#!/usr/bin/python
"""Writes the units' programs in one step: a copy for each would be a connection for each."""

from __future__ import annotations

import os
import tempfile

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = """
module: vllm_service_programs
short_description: Writes several small programs into a folder
description:
  - Each is owned by root, may be run by everybody, and replaces what was there by a rename.
  - In check mode it tells the same and writes nothing.
author: [gpu-preflight]
options:
  folder:
    description: The folder on the host; in check mode it need not be there yet.
    type: path
    required: true
  programs:
    description: The text of each by its name.
    type: dict
    required: true
"""

RETURN = """
diff:
  description: Before and after of each program that is or would be written.
  returned: always
  type: list
"""


def before(path):
    """The text that is there; "" where there is none."""
    if not os.path.isfile(path):
        return ""
    with open(path, "rb") as file:
        return file.read().decode(errors="replace")


def is_as_told(path, text):
    if not os.path.isfile(path) or os.path.islink(path):
        return False
    status = os.stat(path)
    modes = (status.st_uid, status.st_gid, status.st_mode & 0o7777)
    return modes == (0, 0, 0o755) and before(path) == text


def write(module, path, text):
    handle, temporary = tempfile.mkstemp(dir=module.tmpdir)
    with os.fdopen(handle, "wb") as file:
        file.write(text.encode())
    os.chmod(temporary, 0o755)
    os.chown(temporary, 0, 0)
    module.atomic_move(temporary, path)
    os.chmod(path, 0o755)  # over an old file its own mode is kept
    os.chown(path, 0, 0)


def main():
    module = AnsibleModule(
        argument_spec={
            "folder": {"type": "path", "required": True},
            "programs": {"type": "dict", "required": True},
        },
        supports_check_mode=True,
    )
    folder, programs = module.params["folder"], module.params["programs"]
    texts = {os.path.join(folder, name): text for name, text in sorted(programs.items())}
    due = {path: text for path, text in texts.items() if not is_as_told(path, text)}
    diff = [
        {"before_header": path, "after_header": path, "before": before(path), "after": text}
        for path, text in due.items()
    ]
    if not module.check_mode:
        for path, text in due.items():
            write(module, path, text)
    module.exit_json(changed=bool(due), diff=diff)


if __name__ == "__main__":
    main()
