"""Holds one host: its mounts, its cgroup, its systemd-nspawn; takes all away when its input ends.

The process lives in a mount namespace of its own, so that the host's overlay is nobody else's and
goes with it. It is told by lines on stdin (`start`, `stop`, `cut`) and tells by lines on stdout
(`up PID`, `off STATUS`). End of input, also by the death of who started it, cuts the power.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from io import FileIO
from pathlib import Path
from typing import Any

REBOOT = 133  # systemd-nspawn's exit status when the host inside asked to be started again
PATIENCE_S = 60  # for an orderly shutdown; then the power goes


class Keeper:
    """One host of the description that `Host` writes."""

    def __init__(self, told: dict[str, Any]) -> None:
        self.told = told
        self.folder = Path(told["folder"])
        self.root = self.folder / "root"
        self.orders = FileIO(0)  # unbuffered, since it is waited for
        self.process: subprocess.Popen[bytes] | None = None

    def run(self) -> None:
        cgroups = [_cgroup(self.told["machine"], where) for where in _hierarchies()]
        try:
            self._mount()
            while (line := self._next()) is not None:
                {"start": self._start, "stop": self._stop, "cut": self._cut}[line]()
        finally:
            if self.process is not None:
                self._cut()
            for cgroup in cgroups:
                _dissolve(cgroup)
            subprocess.run(["umount", str(self.root)], check=True)

    def _mount(self) -> None:
        for name in ("upper", "work", "root"):
            (self.folder / name).mkdir(exist_ok=True)
        layers = ":".join(self.told["image"])
        options = f"lowerdir={layers},upperdir={self.folder}/upper,workdir={self.folder}/work"
        argv = ["mount", "-t", "overlay", "overlay", "-o", options, str(self.root)]
        subprocess.run(argv, check=True)

    def _next(self) -> str | None:
        """The next order; meanwhile a host that reboots is started again, one that ends is told."""
        while True:
            pidfds = [os.pidfd_open(self.process.pid)] if self.process else []
            ready, _, _ = select.select([0, *pidfds], [], [])
            for pidfd in pidfds:
                os.close(pidfd)
                if pidfd in ready:
                    self._ended()
            if 0 in ready:
                return self.orders.readline().decode().strip() or None

    def _start(self) -> None:
        environment = os.environ | {"SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"}
        with (self.folder / "console.log").open("ab") as console:
            self.process = subprocess.Popen(
                self.told["nspawn"],
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
                env=environment,
            )
        _say("up", self.process.pid)

    def _ended(self) -> None:
        assert self.process is not None
        status = self.process.wait()
        self.process = None
        if status == REBOOT:
            self._start()
        else:
            _say("off", status)

    def _stop(self) -> None:
        assert self.process is not None
        self.process.terminate()  # nspawn passes it on as an order to power off
        try:
            self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._pull()
        self._ended()

    def _cut(self) -> None:
        self._pull()
        self._ended()

    def _pull(self) -> None:
        """Kill the host's init, and with it all that runs there; nspawn then ends by itself."""
        assert self.process is not None
        pid = self.process.pid
        with suppress(FileNotFoundError, ProcessLookupError):  # it ended by itself meanwhile
            children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
            for child in children or [str(pid)]:  # no init yet
                os.kill(int(child), signal.SIGKILL)
        self.process.wait()


def _say(word: str, number: int) -> None:
    with suppress(BrokenPipeError):  # who started this is dead: nobody is left to be told
        os.write(1, f"{word} {number}\n".encode())


def _hierarchies() -> list[Path]:
    mixed = [Path("/sys/fs/cgroup", name) for name in ("unified", "systemd")]
    return [where for where in mixed if where.is_dir()] or [Path("/sys/fs/cgroup")]


def _cgroup(machine: str, where: Path) -> Path:
    """Two hosts in one cgroup would share `payload`."""
    cgroup = where / machine
    cgroup.mkdir(exist_ok=True)
    (cgroup / "cgroup.procs").write_text(str(os.getpid()))
    return cgroup


def _dissolve(cgroup: Path) -> None:
    (cgroup.parent / "cgroup.procs").write_text(str(os.getpid()))
    for folder, _, _ in os.walk(cgroup, topdown=False):
        os.rmdir(folder)


if __name__ == "__main__":
    description = json.loads(Path(sys.argv[1]).read_text())
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        Keeper(description).run()
    finally:
        if not Path(description["folder"], "keep").exists():
            shutil.rmtree(description["folder"])
