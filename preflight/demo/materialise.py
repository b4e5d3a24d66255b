"""Write a capture as a root tree: the files, links and tools that a probe finds on that machine.

Every tool is a small script that answers exactly the recorded command lines with the recorded
output and exit code, and hangs where the recorded one hung. A tool that was absent is not there.
What no file system can hold (NVML, who asks, files that he may not read) stands in
`.simulated.json` at the tree's top, for launcher.py. The same tree and a `probe.pyz` give the
same evidence back.
"""

from __future__ import annotations

import os
import shlex
from collections import defaultdict
from pathlib import Path, PurePosixPath

import msgspec

from preflight.capture import Capture, Source

STAGE = ".simulated.json"  # launcher.py reads it
_RECORDED = ".recorded"
_IPMI_DEVICE = "/dev/ipmi0"


def materialise(capture: Capture, root: Path) -> None:
    """Write the machine that `capture` was taken on below `root`, an empty folder."""
    root = root.resolve()
    tools: dict[str, list[Source]] = defaultdict(list)
    for source in capture.sources.values():
        _write_links(source, root)
    for source in capture.sources.values():
        _write_files(source, root)
        if source.argv and source.status != "tool-absent":
            tools[PurePosixPath(source.argv[0]).name].append(source)
    for tool, answers in tools.items():
        _write_tool(tool, answers, root)
    _write_user(capture, root)
    _write(root / STAGE, msgspec.json.encode(_stage(capture)))


def _stage(capture: Capture) -> dict[str, object]:
    errors = {p: e for s in capture.sources.values() for p, e in s.errors.items()}
    return {"nvml": capture.sources.get("nvml"), "errors": errors, "uid": capture.probe.uid}


def _write_links(source: Source, root: Path) -> None:
    for path, target in source.links.items():
        link = _below(root, path)
        if not link.is_symlink():
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(target)


def _write_files(source: Source, root: Path) -> None:
    for path, text in source.files.items():
        _write(_below(root, path), text.encode() + b"\n")
    for path, digits in source.binary.items():
        _write(_below(root, path), bytes.fromhex(digits))
    for path in source.errors:
        _write(_below(root, path), b"")
    for pid, process in source.processes.items():
        for name in process.__struct_fields__:
            if text := getattr(process, name):
                _write(_below(root, f"/proc/{pid}/{name}"), text.encode() + b"\n")


def _write_user(capture: Capture, root: Path) -> None:
    """Where the probe finds its own name."""
    run = capture.probe
    _write(_below(root, "/etc/passwd"), f"{run.user}:x:{run.uid}:{run.uid}::/:/bin/sh\n".encode())


def _write_tool(tool: str, answers: list[Source], root: Path) -> None:
    script = ["#!/bin/sh", 'case "$#:$*" in']
    for number, source in enumerate(answers):
        kept = root / _RECORDED / f"{tool}.{number}"
        _write(kept.with_name(kept.name + ".out"), _output(source))
        _write(kept.with_name(kept.name + ".err"), source.stderr.encode())
        script += _answer(source, shlex.quote(str(kept)))
    script += ['*) echo "not recorded: $0 $*" >&2; exit 127 ;;', "esac", ""]
    path = _below(root, f"/usr/bin/{tool}")
    _write(path, "\n".join(script).encode())
    path.chmod(0o755)
    if tool == "ipmitool" and any(source.status != "not-present" for source in answers):
        _write(_below(root, _IPMI_DEVICE), b"")


def _answer(source: Source, kept: str) -> list[str]:
    assert source.argv is not None
    arguments = source.argv[1:]
    asked = shlex.quote(f"{len(arguments)}:{' '.join(arguments)}")
    hung = source.status == "timed-out"
    end = "exec /bin/sleep 100000" if hung else f"exit {source.exit_code or 0}"
    return [f"{asked})", f"/bin/cat {kept}.err >&2; /bin/cat {kept}.out; {end} ;;"]


def _output(source: Source) -> bytes:
    # one byte more than was kept, so that the probe cuts it at the same place
    return source.stdout.encode() + (b"\n" if source.truncated else b"")


def _below(root: Path, path: str) -> Path:
    """The place of an absolute path below root; ValueError where that or a link would leave it."""
    parts = PurePosixPath(path).parts
    place = root.joinpath(*parts[1:])
    folder = Path(os.path.realpath(place.parent))
    if parts[:1] != ("/",) or ".." in parts or not folder.is_relative_to(root):
        raise ValueError(f"not an absolute path below the root: {path}")
    return folder / place.name


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
