"""NCCL is recent, and there is only one that a program could load by chance.

Why: NCCL moves the data between cards. An old one does not know newer cards, and of two on the
  library path a program takes whichever comes first, so a later upgrade changes nothing or breaks.
Fix: Remove the older libnccl, or upgrade it; a Python wheel brings its own and needs none.
Source: NCCL release notes; 2.20 as the oldest is a guess: what vLLM brings has been newer since
  2024.
"""

from __future__ import annotations

from dataclasses import dataclass

from preflight.facts import Host, NcclLibrary
from preflight.findings import PASS, WARN, Finding, Status
from preflight.versions import parse, require

ID = "nccl-version"
SUBJECT = Host
REMEDY_CLASS = "reconfigure"
_NONE = "no libnccl on the host; the wheels of vLLM bring their own"
_NO_VERSION = "the file names of libnccl do not tell its version"
_OF_ONE_PROGRAM = ("/site-packages/", "/dist-packages/")  # only its own interpreter loads it


@dataclass(frozen=True)
class Limits:
    """What a policy may set under `nccl-version`."""

    warn_below: str = "2.20"  # the oldest of all that are found is judged

    def __post_init__(self) -> None:
        require(self.warn_below, "NCCL version")


def check(limits: Limits, *, nccl_libraries: tuple[NcclLibrary, ...]) -> Finding:
    # libnccl.so.2 alone names the interface, not the version
    known = {lib: v for lib in nccl_libraries if (v := parse(lib.version)) and len(v) > 1}
    if not nccl_libraries:
        return Finding(Status.NOT_APPLICABLE, reason=_NONE)
    if not known:
        return Finding(Status.UNKNOWN, reason=_NO_VERSION)
    shown = ", ".join(f"{lib.version} ({lib.path})" for lib in known)
    shared = {v for lib, v in known.items() if not any(p in lib.path for p in _OF_ONE_PROGRAM)}
    if len(shared) > 1:
        words = f"{len(shared)} versions of NCCL on the library path, required 1: {shown}"
        return Finding(WARN, len(shared), 1, message=words)
    old = min(known.values()) < require(limits.warn_below, "warn_below")
    words = f"NCCL {shown}, required {limits.warn_below}"
    versions = tuple(sorted({lib.version for lib in known}))
    return Finding(WARN if old else PASS, versions, limits.warn_below, message=words)
