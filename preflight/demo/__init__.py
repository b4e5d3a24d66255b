"""Simulated hosts: recorded machines, found again by the very probe that goes to real ones.

A machine is written out as a tree of files and tools; the probe runs there as a process of its
own, under launcher.py. Nothing of this is in the probe.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO

import msgspec

from preflight import capture as captures
from preflight.capture import Capture
from preflight.demo import machine
from preflight.demo.machine import DEFAULT
from preflight.demo.materialise import materialise
from preflight.demo.measured import measured
from preflight.errors import ProbeFailed
from preflight.findings import Level
from preflight.transport import Progress, Step, probe_bytes
from preflight.transport.stream import Moment, seen_by

__all__ = ["DEFAULT", "fetch", "machines", "observe", "policy_name"]

_LAUNCHER = Path(__file__).with_name("launcher.py")
_END_S = 5.0  # for the probe to end its children


def machines() -> dict[str, str]:
    """Name -> one line; the default machine first."""
    return {name: machine.load(name).title for name in machine.names()}


def policy_name(name: str) -> str:
    """The policy that a machine is made to be judged by."""
    return machine.load(name).policy


def fetch(name: str, level: Level, progress: Progress) -> Capture:
    """A simulated machine's capture, taken by the probe as from a real host.

    At level measure with what its cards measured, where that is recorded; else at level look.
    """
    return observe(name, machine.load(name).capture, level, progress, probe_bytes())


def observe(
    name: str, recorded: Capture, level: Level, progress: Progress, probe: bytes
) -> Capture:
    """What the probe finds on the machine that `recorded` tells of; ProbeFailed where it ends ill.

    The tree lies in a temporary folder and is gone afterwards, also after Ctrl-C.
    """
    started = Moment.now()
    look = Level.LOOK  # what is measured besides is recorded
    with tempfile.TemporaryDirectory(prefix="preflight-demo-") as folder:
        root, archive = Path(folder, "root"), Path(folder, "probe.pyz")
        root.mkdir()
        materialise(recorded, root)
        archive.write_bytes(probe)
        data = _run([root, archive, "--level", look.value], Path(folder), name, progress)
    found = seen_by(captures.decode(data, name), name, started, None, None)
    if level is not Level.LOOK and recorded.measurements:
        found = measured(found, recorded.measurements)
    return msgspec.structs.replace(found, simulated=name)


def _run(arguments: list[Path | str], folder: Path, name: str, progress: Progress) -> bytes:
    command = [sys.executable, "-I", _LAUNCHER, *arguments]
    # A file takes all of the capture at once, so that its steps alone have to be listened to.
    with (folder / "capture.json").open("w+b") as output:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.PIPE
        )
        assert process.stderr
        try:
            said = _listen(process.stderr, name, progress)
            status = process.wait()
        finally:
            _end(process)
        if status:
            raise ProbeFailed(f"{name}: the probe ended with {status}: {captures.plain(said)}")
        output.seek(0)
        return output.read()


def _listen(stream: IO[bytes], name: str, progress: Progress) -> str:
    """Pass the probe's steps on; the last line that is none of them."""
    other = ""
    for line in stream:
        try:
            told = json.loads(line)
        except ValueError:
            other = line.decode(errors="replace").strip()
            continue
        if told["event"] in ("source", "step"):
            progress(name, Step(told["name"], told["done"], told["of"]))
    return other


def _end(process: subprocess.Popen[bytes]) -> None:
    """An interrupted probe ends its own children first."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(_END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    if process.stderr:
        process.stderr.close()
