#!/usr/bin/python
"""One look at the vllm@ units of a host: what is there, what runs, from what it was started."""

from __future__ import annotations

import os
import re
import stat
import subprocess

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = """
module: vllm_service_look
short_description: What there is of vllm@ units on a host
description:
  - Reads what several modules would read one after another, for all servers at once.
  - Changes nothing, and does the same in check mode.
author: [gpu-preflight]
options:
  root:
    description: The folder whose link C(current) is the vLLM that a server should run.
    type: path
    required: true
  paths:
    description: Paths to ask for.
    type: list
    elements: path
    default: []
  journal:
    description: Whether to read the first of what each server has logged since it was started.
    type: bool
    default: false
"""

RETURN = """
present:
  description: Those of C(paths) that are there.
  returned: always
  type: list
programs:
  description: SHA-1 of each of the units' programs that root owns and everybody may run, by name.
  returned: always
  type: dict
servers:
  description: >-
    For each file /etc/vllm/NAME.yaml: C(name), C(is_running), C(is_current) (started from what is
    there now), C(port) and C(cards) (those it was started on, else those of its settings),
    C(is_enabled), C(state), C(pid), C(restarts), C(arguments), C(settings) (the file's
    text), C(journal).
  returned: always
  type: list
listens:
  description: Addresses of all listening TCP sockets.
  returned: always
  type: list
"""

SETTINGS = "/etc/vllm"
STARTED = "/run/vllm"
PROGRAMS = "/usr/local/lib/vllm"
PORT = re.compile(r"^port: (\d{1,5})$", re.M)  # as our templates write them
CARDS = re.compile(r'^CUDA_VISIBLE_DEVICES="([0-9,]{1,80})"$', re.M)
JOURNAL_BYTES = 1 << 20  # a start logs some 100 KB
PROPERTIES = "ActiveState,UnitFileState,MainPID,InvocationID,NRestarts"


def run(*argv):
    """A command's status and output; status 127 where there is no such program."""
    environment = dict(os.environ, LC_ALL="C.UTF-8")
    try:
        done = subprocess.run(argv, capture_output=True, env=environment, check=False)
    except FileNotFoundError:
        return 127, ""
    return done.returncode, done.stdout.decode(errors="replace")


def read(path):
    """A file's text; "" where it is gone."""
    try:
        with open(path, "rb") as file:
            return file.read().decode(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return ""


def programs(module):
    found = {}
    for name in sorted(os.listdir(PROGRAMS)) if os.path.isdir(PROGRAMS) else []:
        path = os.path.join(PROGRAMS, name)
        status = os.lstat(path)
        if stat.S_ISREG(status.st_mode) and (status.st_uid, status.st_mode & 0o7777) == (0, 0o755):
            found[name] = module.sha1(path)
    return found


def names():
    files = os.listdir(SETTINGS) if os.path.isdir(SETTINGS) else []
    return sorted(file[: -len(".yaml")] for file in files if file.endswith(".yaml"))


def started_on(name):
    """Port and cards that a server was started on; of one that does not run, will take."""
    started = os.path.join(STARTED, name)
    port = PORT.search(read(os.path.join(started, "settings.yaml")))
    port = port or PORT.search(read(os.path.join(SETTINGS, name + ".yaml")))
    cards = CARDS.search(read(os.path.join(started, "environment")))
    cards = cards or CARDS.search(read(os.path.join(SETTINGS, name + ".env")))
    return (port.group(1) if port else "0"), (cards.group(1) if cards else "")


def server(name, root, with_journal):
    settings = os.path.join(SETTINGS, name + ".yaml")
    port, cards = started_on(name)
    text = run("systemctl", "show", "vllm@" + name, "--property=" + PROPERTIES)[1]
    told = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    pid = told.get("MainPID", "0")
    return {
        "name": name,
        "file": settings,
        "settings": read(settings),
        "is_running": os.path.exists(os.path.join(STARTED, name, "started-from")),
        "is_current": run(os.path.join(PROGRAMS, "vllm-is-current"), root, name)[0] == 0,
        "port": port,
        "cards": cards,
        "is_enabled": told.get("UnitFileState") == "enabled",
        "state": told.get("ActiveState", "unknown"),
        "restarts": told.get("NRestarts", "unknown"),
        "pid": int(pid),
        "arguments": read(f"/proc/{pid}/cmdline").split("\0")[:-1] if pid != "0" else [],
        "journal": journal(told.get("InvocationID")) if with_journal else "",
    }


def journal(invocation):
    """The beginning of what was logged since the start: a server that serves goes on for days."""
    if not invocation:
        return ""
    start = "_SYSTEMD_INVOCATION_ID=" + invocation
    argv = ["journalctl", start, "--output=cat", "--no-pager"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as program:
        text = program.stdout.read(JOURNAL_BYTES)
        program.kill()
    return text.decode(errors="replace")


def listening():
    """Local addresses of all listening TCP sockets, as ss prints them."""
    text = run("ss", "--no-header", "--listening", "--tcp", "--numeric")[1]
    return [line.split()[3] for line in text.splitlines() if len(line.split()) > 3]


def main():
    module = AnsibleModule(
        argument_spec={
            "root": {"type": "path", "required": True},
            "paths": {"type": "list", "elements": "path", "default": []},
            "journal": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    root, with_journal = module.params["root"], module.params["journal"]
    module.exit_json(
        changed=False,
        present=[path for path in module.params["paths"] if os.path.exists(path)],
        programs=programs(module),
        servers=[server(name, root, with_journal) for name in names()],
        listens=listening(),
    )


if __name__ == "__main__":
    main()
