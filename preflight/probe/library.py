"""Loading one of the driver's libraries, also from where the loader does not look."""

from __future__ import annotations

import ctypes
import os

# Where distributions put them outside the loader's path.
FOLDERS = (
    "/usr/lib/wsl/lib",
    "/usr/lib/x86_64-linux-gnu",
    "/usr/lib/aarch64-linux-gnu",
    "/usr/lib64",
    "/usr/lib64/nvidia",
    "/usr/lib/nvidia",
    "/usr/local/nvidia/lib64",
    "/run/opengl-driver/lib",
)


class NotLoaded(Exception):
    """The loader's words; `status`: `tool-absent` where no file is found, else `tool-failed`."""

    def __init__(self, status: str, words: str) -> None:
        super().__init__(words)
        self.status = status


def load(name: str, is_host: bool = True) -> ctypes.CDLL:
    """NotLoaded; with `is_host` false only where the loader looks."""
    try:
        return ctypes.CDLL(name)
    except OSError as error:
        words = str(error)
    # glibc and musl name the file that is missing, which may be one that the library needs
    if name + ": " not in words or "No such file" not in words:
        raise NotLoaded("tool-failed", words)
    found = [] if not is_host else [f for f in FOLDERS if os.path.exists(f + "/" + name)]
    if not found:
        raise NotLoaded("tool-absent", words)
    try:
        return ctypes.CDLL(found[0] + "/" + name)
    except OSError as error:
        raise NotLoaded("tool-failed", str(error)) from error
