"""Real hosts to play on (sshd on loopback) and a small project of playbooks to play."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.ssh.conftest import person, server, sshd

__all__ = ["person", "project", "server", "sshd"]
ROLES = Path(__file__).resolve().parents[2] / "roles"
PLAYBOOK = """
- name: Serve
  hosts: all
  gather_facts: false
  vars:
    ansible_python_interpreter: {python}
  tasks:
    - name: Look
      ansible.builtin.raw: "true"
      changed_when: false
    - name: Make a file
      ansible.builtin.copy:
        content: "{{{{ secret | default('none') }}}}"
        dest: "{{{{ made }}}}"
        mode: "0600"
      no_log: true
    - name: Make a folder
      ansible.builtin.file: {{path: "{{{{ made }}}}.d", state: directory, mode: "0700"}}
    - name: Be slow
      ansible.builtin.command: sleep {{{{ seconds | default(0) }}}}
      changed_when: false
    - name: Forgive
      ansible.builtin.command: /nowhere
      ignore_errors: true
    - name: Break
      ansible.builtin.fail: {{msg: "no KV cache: lower max_model_len"}}
      when: breaks | default(false) | bool
    - name: Tell
      ansible.builtin.set_stats: {{data: {{serving_urls: ["https://rig:8443/v1"]}}, per_host: true}}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project whose tp2 is a few tasks, and whose split is the real gate alone."""
    folder = tmp_path / "project"
    books = folder / "playbooks"
    books.mkdir(parents=True)
    (folder / "roles").symlink_to(ROLES)
    (books / "deploy-tp2.yml").write_text(PLAYBOOK.format(python=sys.executable))
    (books / "deploy-pp2.yml").write_text("- hosts: all\n  tasks: [no module]\n")
    (books / "deploy-split.yml").write_text(
        "- name: Judge\n  hosts: all\n  gather_facts: false\n  roles: [preflight]\n"
    )
    return folder
