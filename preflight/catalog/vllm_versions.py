"""What each vLLM release brings and needs: torch, CUDA, NCCL, the least driver and Python.

The data is vllm_versions.yaml beside this file, which the Ansible roles read too.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from preflight.versions import is_of, parse, require


@dataclass(frozen=True)
class Release:
    """One row: it holds from `since` up to the next row's."""

    since: str
    torch: str
    cuda: str
    nccl: str
    driver: str  # the least that its CUDA runtime starts on
    python: str  # the least


@dataclass(frozen=True)
class KnownBad:
    """A driver, or a branch of drivers, on which vLLM is known to fail."""

    driver: str
    reason: str
    cure: str
    source: str


def release(vllm_version: str) -> Release | None:
    """What this vLLM brings; None for one older than the first row. ValueError for no version."""
    wanted = require(vllm_version, "vLLM version")
    fitting = [row for row in chain() if require(row.since, "since") <= wanted]
    return fitting[-1] if fitting else None


def proven() -> str:
    """The newest release that was proven to serve; what the roles install by default."""
    return str(_document()["vllm_versions_proven"])


@cache
def chain() -> tuple[Release, ...]:
    """All rows, the oldest first."""
    return tuple(Release(**row) for row in _document()["vllm_versions_chain"])


@cache
def known_bad() -> tuple[KnownBad, ...]:
    return tuple(KnownBad(**row) for row in _document()["vllm_versions_known_bad"])


def known_trouble(driver: str) -> str:
    """Why vLLM fails on this driver and what helps; "" where nothing of the kind is known."""
    version = parse(driver)
    if version is None:
        return ""
    found = [bad for bad in known_bad() if is_of(version, require(bad.driver, "driver"))]
    return "; ".join(f"{bad.reason} ({bad.cure})" for bad in found)


@cache
def _document() -> dict[str, Any]:
    text = (files(__package__) / "vllm_versions.yaml").read_text(encoding="utf-8")
    document: dict[str, Any] = yaml.load(text, Loader=yaml.CSafeLoader)
    return document
