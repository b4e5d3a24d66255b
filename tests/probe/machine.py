"""Trees of files and tools that stand for a host, and running the probe on them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
PROBE = REPOSITORY / "preflight/probe.pyz"
VERSIONS = ("3.8", "3.9", "3.10", "3.11", "3.12", "3.13", "3.14")
NOBODY = 65534
PATIENCE_S = 60.0  # for a state that must come; a test that passes never waits so long

# Runs the loop over sources of its own in a process of its own, and prints what it gave.
_DRIVER = """
import json, os, resource, sys
from preflight.probe import files, pci
from preflight.probe.loop import Loop
from preflight.probe.sources import Source
from preflight.probe.sudo import Sudo
from preflight.probe.tree import Tree
asked = json.load(sys.stdin)
for name, limit in asked["limits"].items():
    resource.setrlimit(getattr(resource, name), (limit, limit))
if asked["uid"] is not None:
    os.setuid(asked["uid"])  # here, since the interpreter may lie where only root can go
events = []
tree = Tree(asked["root"])
sudo = Sudo(tree, os.geteuid() == 0, asked["sudo"], asked["password"].encode())
loop = Loop(tree, sudo,
            asked["deadline_s"], lambda event, **values: events.append(values))
results = loop.run([Source(**row) for row in asked["sources"]])
data = json.dumps({"results": results, "events": events, "gave_up": loop.gave_up,
                   "sudo": sudo.worked}).encode()
while data:  # Python's own buffered writing loses data when a child ends meanwhile
    data = data[os.write(1, data):]
"""


def tool(root: Path, name: str, script: str, folder: str = "usr/bin") -> Path:
    """A program of the tree: a shell script."""
    path = root / folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n" + script + "\n")
    path.chmod(0o755)
    return path


def file(root: Path, path: str, text: str = "") -> Path:
    where = root / path.lstrip("/")
    where.parent.mkdir(parents=True, exist_ok=True)
    where.write_text(text)
    return where


def collect(
    root: Path,
    *sources: dict[str, Any],
    deadline_s: float = 60.0,
    env: dict[str, str] | None = None,
    uid: int | None = None,
    sudo: bool = False,
    password: str = "",
    limits: dict[str, int] | None = None,
) -> dict[str, Any]:
    """Run these sources alone; their `results`, the progress as `events`, and the run's ends.

    `limits` are those of setrlimit(2).
    """
    asked = {"root": str(root), "sources": sources, "deadline_s": deadline_s}
    asked.update(uid=uid, sudo=sudo, password=password, limits=limits or {})
    done = subprocess.run(
        [sys.executable, "-c", _DRIVER],
        input=json.dumps(asked),
        cwd=REPOSITORY,
        env={**os.environ, **(env or {})},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def one(root: Path, source: dict[str, Any], **more: Any) -> dict[str, Any]:
    """The entry of a single source."""
    entry: dict[str, Any] = collect(root, source, **more)["results"][source["name"]]
    return entry


def python(version: str) -> str | None:
    """An interpreter of that version: on the PATH, or one that pyenv has built."""
    found = shutil.which(f"python{version}")
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    built = sorted(pyenv.glob(f"{version}.*/bin/python3"))
    # pyenv's own shims stand on the PATH for every version and refuse all but one.
    if built:
        return str(built[-1])
    return found if found and "shims" not in found else None


def wait_for(state: Callable[[], Any], what: str) -> Any:
    """What `state` gives as soon as it is true."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        value = state()
        if value:
            return value
        time.sleep(0.01)
    raise AssertionError(f"never came: {what}")


def alive(pid: int) -> bool:
    """Does it still run? A zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def children(pid: int) -> Iterator[int]:
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if fields[1] == str(pid):
            yield int(stat.parent.name)
