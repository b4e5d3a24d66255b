"""Where reports and captures go: checked before a host is touched, written whole or not at all."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from preflight.errors import UsageError

STDOUT = "-"


@dataclass(frozen=True)
class Outputs:
    """The files asked for; `several` hosts make `capture` a folder and `json` an array."""

    json: str | None
    capture: str | None
    several: bool

    def __post_init__(self) -> None:
        if self.json == self.capture == STDOUT:
            raise UsageError("--json - and --save-capture - both want standard output")
        if self.several and self.capture == STDOUT:
            raise UsageError("--save-capture - holds one host", "name a folder for several hosts")
        for path in (self.json, None if self.several else self.capture):
            if path and path != STDOUT:
                writable(Path(path))
        if self.several and self.capture:
            _folder(Path(self.capture))

    @property
    def takes_stdout(self) -> bool:
        """The report for people then goes to standard error."""
        return STDOUT in (self.json, self.capture)

    def capture_paths(self, hosts: Sequence[str]) -> list[str]:
        """One path a host; in a folder the host's name made safe, a number where two are equal."""
        assert self.capture is not None
        if not self.several:
            return [self.capture]
        paths: list[str] = []
        for host in hosts:
            name = re.sub(r"[^A-Za-z0-9._@-]", "_", host).lstrip(".") or "host"
            path, number = Path(self.capture) / f"{name}.json", 2
            while str(path) in paths:
                path, number = path.with_name(f"{name}-{number}.json"), number + 1
            paths.append(str(path))
        return paths


def write_file(path: Path, data: bytes) -> None:
    """Write beside and rename, so that a reader sees the old file or the whole new one."""
    try:
        if path.exists() and not path.is_file():  # /dev/stdout, a pipe
            path.write_bytes(data)
            return
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
            umask = os.umask(0)
            os.umask(umask)
            os.chmod(temporary, 0o666 & ~umask)
            os.replace(temporary, path)
        except BaseException:
            os.unlink(temporary)
            raise
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from error


def writable(path: Path) -> None:
    if path.is_dir():
        raise UsageError(f"{path} is a folder, a file was expected")
    if not path.parent.is_dir():
        raise UsageError(f"{path}: the folder {path.parent} does not exist")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise UsageError(f"{path}: not writable")


def _folder(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}", "several hosts need a folder") from error
