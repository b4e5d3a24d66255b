"""One bridge between the controller and the hosts, and nothing beyond it."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass, field

LABS = 20  # as many may run at once on one machine


@dataclass
class Network:
    """A bridge that goes when this process closes it or ends, however it ends."""

    bridge: str = ""
    prefix: str = ""
    _keeper: subprocess.Popen[str] | None = field(default=None, repr=False)

    @property
    def controller(self) -> str:
        return f"{self.prefix}.1"

    def address(self, number: int) -> str:
        return f"{self.prefix}.{10 + number}"

    def open(self) -> Network:
        """The first of twenty bridges that nobody has."""
        self._keeper = subprocess.Popen(
            [sys.executable, "-m", "tests.lab.network"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert self._keeper.stdout is not None
        self.bridge, _, self.prefix = self._keeper.stdout.readline().strip().partition(" ")
        if not self.prefix:
            raise RuntimeError(f"no bridge for the lab: all of {LABS} are taken, or not allowed")
        return self

    def close(self) -> None:
        if self._keeper is not None:
            self._keeper.communicate()
            self._keeper = None

    def plug(self, port: str) -> None:
        _ip("link", "set", port, "master", self.bridge)

    def unplug(self, port: str) -> None:
        _ip("link", "set", port, "nomaster")


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True)


def _taken(number: int) -> bool:
    made = subprocess.run(
        ["ip", "link", "add", f"lab{number}", "type", "bridge"], capture_output=True, text=True
    )
    if made.returncode and "File exists" not in made.stderr:
        raise RuntimeError(f"no bridge can be made: {made.stderr.strip()}")
    return made.returncode != 0


def _keep() -> None:
    """Make a bridge, name it on stdout, hold it until stdin closes."""
    number = next((n for n in range(LABS) if not _taken(n)), None)
    if number is None:
        return
    bridge, prefix = f"lab{number}", f"10.97.{number}"
    try:
        _ip("address", "add", f"{prefix}.1/24", "dev", bridge)
        _ip("link", "set", bridge, "up")
        print(bridge, prefix, flush=True)
        sys.stdin.read()
    finally:
        _ip("link", "delete", bridge)


if __name__ == "__main__":
    _keep()
