"""What is built once and kept outside the repository: PREFLIGHT_LAB_CACHE."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

BUILD_S = 1200  # for one step of a build: an index that does not answer must not hold all up
CACHE = Path(os.environ.get("PREFLIGHT_LAB_CACHE", "~/.cache/gpu-preflight-lab")).expanduser()


def made(name: str, recipe: str, make: Callable[[Path], None]) -> Path:
    """The folder that `make` fills, built anew only where its recipe's text has changed.

    A build that breaks off leaves nothing under the name, so that the next run starts over.
    """
    folder = CACHE / f"{name}-{hashlib.sha256(recipe.encode()).hexdigest()[:12]}"
    with _alone(name):
        if folder.is_dir():
            return folder
        for old in (*CACHE.glob(f"{name}-*"), *CACHE.glob(f".{name}-*")):
            shutil.rmtree(old)
        half = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=CACHE))
        half.chmod(0o755)
        make(half)
        half.rename(folder)
    return folder


class NotBuiltError(RuntimeError):
    """What the lab is made of cannot be had here: a mirror, an index, a tool says no."""


def run(*argv: str | Path) -> None:
    """Run a step of a build; the end of its output is in the error when it fails."""
    command = " ".join(str(word) for word in argv)
    try:
        done = subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=BUILD_S,
        )
    except subprocess.TimeoutExpired:
        raise NotBuiltError(f"{command} took more than {BUILD_S} s") from None
    if done.returncode:
        raise NotBuiltError(f"{command} ended with {done.returncode}:\n{done.stdout[-2000:]}")


@contextmanager
def _alone(name: str) -> Iterator[None]:
    """Two runs at once build one thing once."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
