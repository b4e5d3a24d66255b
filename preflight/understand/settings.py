"""What is set on the host for every program: huge pages, CUDA's variables, libraries put first."""

from __future__ import annotations

import re
from typing import TypeAlias

from preflight.capture import Capture
from preflight.facts import Fact, Missing
from preflight.understand.evidence import Evidence
from preflight.understand.picking import Picked, Picks, first, words
from preflight.understand.sources import failure, file, file_error

_MODE = re.compile(r"\[(always|madvise|never)\]")
_SETTING = re.compile(r"\s{0,8}(?:export )?([A-Z0-9_]{4,40})=(.{0,400})")
_PRELOAD = "LD_PRELOAD"
_PLACES = (("proc", "/proc/self/environ", "the login"), ("os", "/etc/environment", "the system"))
_LOADER = "/etc/ld.so.preload"
_MOST = 8
_ENGINES = (("docker", "/etc/docker/daemon.json"), ("containerd", "/etc/containerd/config.toml"))
_NAMED = re.compile(r"/(?:etc|var/run)/(containerd(?=/conf\.d/)|cdi)/")

Settings: TypeAlias = list[tuple[str, str, str]] | Missing  # variable, value, of whom


def settings(evidence: Evidence) -> Picks:
    capture = evidence.capture
    found = _set(capture)
    return {
        "transparent_huge_pages": first(("os", _huge_pages(capture))),
        "cuda_settings": Picked(_of_cuda(found), "os, proc"),
        "preloaded": Picked(_preloaded(capture, found), "os, proc"),
        "toolkit_engines": first(("os", _engines(capture))),
    }


def _huge_pages(capture: Capture) -> Fact[str]:
    told = file(capture, "os", "/sys/kernel/mm/transparent_hugepage/enabled")
    if isinstance(told, Missing):
        return told
    found = _MODE.search(told[:200])
    return found[1] if found else Missing("not-parsed", words(told[:80]) or "it is empty")


def _set(capture: Capture) -> Settings:
    """Of both places; that of the login must be known, the system's file may lack."""
    found = []
    for source, path, whose in _PLACES:
        told = file(capture, source, path)
        if isinstance(told, Missing):
            if told.reason == "not-present" and source == "os":
                continue
            return told
        lines = (_SETTING.fullmatch(line) for line in told[: 64 << 10].splitlines()[:_MOST])
        found += [(one[1], words(one[2].strip("\"' ")) or "", whose) for one in lines if one]
    return found


def _of_cuda(found: Settings) -> Fact[tuple[str, ...]]:
    if isinstance(found, Missing):
        return found
    named = [f"{name}={value[:80]} of {whose}" for name, value, whose in found if name != _PRELOAD]
    return tuple(dict.fromkeys(named))


def _preloaded(capture: Capture, found: Settings) -> Fact[tuple[str, ...]]:
    if isinstance(found, Missing):
        return found
    paths = [value for name, value, _ in found if name == _PRELOAD]
    listed = file(capture, "os", _LOADER)
    if isinstance(listed, Missing) and listed.reason != "not-present":
        return listed
    if isinstance(listed, str):
        paths += [line.partition("#")[0] for line in listed[: 64 << 10].splitlines()[:_MOST]]
    names = [name for path in paths for name in re.split(r"[:\s]+", path[:400]) if name]
    return tuple(dict.fromkeys(word for word in map(words, names) if word))


def _engines(capture: Capture) -> Fact[tuple[str, ...]]:
    """Those whose configuration names NVIDIA's runtime; CDI's files serve podman and new ones."""
    source = capture.sources.get("os")
    why = failure(source)
    if source is None or why is not None:
        return why or Missing("not-collected")
    found = [name for name, path in _ENGINES if source.files.get(path)]
    found += [match[1] for path in (*source.files, *source.links) if (match := _NAMED.match(path))]
    unread = [path for _, path in _ENGINES if path in source.errors]
    if unread and not found:
        return file_error(source.errors[unread[0]], unread[0])
    return tuple(dict.fromkeys(found))
