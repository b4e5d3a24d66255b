"""Versions of libraries by the names of their files; nothing is opened or loaded."""

from __future__ import annotations

import re
from collections.abc import Iterator

from preflight.capture import Capture, Source
from preflight.facts import Missing, NcclLibrary
from preflight.understand.sources import failure

_DRIVER = re.compile(r"(libcuda|libnvidia-ml)\.so\.(\d{2,4}\.\d{1,4}(?:\.\d{1,4})?)")
_NCCL = re.compile(r"libnccl\.so\.(\d{1,2}\.\d{1,3}\.\d{1,3})")
_WHEEL = re.compile(r"nvidia_nccl_\w{1,16}-(\d{1,2}\.\d{1,3}\.\d{1,3})(?:[\w.+]{0,24})\.dist-info")


def versions(capture: Capture) -> dict[str, str] | Missing:
    """The driver's libraries: "libcuda" -> "580.159.04"; the one that the loader's link names."""
    source = capture.sources.get("libraries")
    why = failure(source)
    if source is None or why is not None:
        return why or Missing("not-collected")
    linked = {m[1]: m[2] for m in map(_DRIVER.fullmatch, _targets(source)) if m}
    present = {m[1]: m[2] for m in map(_DRIVER.fullmatch, _names(source)) if m}
    return present | linked


def nccl_libraries(capture: Capture) -> tuple[NcclLibrary, ...] | Missing:
    """Every NCCL with its version: shared libraries, and wheels, whose file tells none."""
    source = capture.sources.get("libraries")
    why = failure(source)
    if source is None or (why is not None and why.reason != "not-present"):
        return why or Missing("not-collected")
    found = {}
    for path in sorted(source.files):
        name = path.rpartition("/")[2]
        match = _NCCL.fullmatch(name) or _WHEEL.fullmatch(name)
        if match:
            found[path] = NcclLibrary(match.group(1), path)
    return tuple(found.values())


def _targets(source: Source) -> Iterator[str]:
    """What `libcuda.so.1` and the like point at."""
    return (target.rpartition("/")[2] for target in source.links.values())


def _names(source: Source) -> Iterator[str]:
    return (path.rpartition("/")[2] for path in source.files)
