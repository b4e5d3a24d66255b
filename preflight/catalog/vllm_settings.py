"""The settings that `vllm serve` has, by the names of its own parser.

The data is vllm_settings.yaml beside this file, of one release; what other releases have is not
known here.
"""

from __future__ import annotations

from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from preflight.versions import is_of, parse, require


def is_listed(vllm_version: str) -> bool:
    """Whether the list is that of this release; not where it is no version at all."""
    version, listed = parse(vllm_version), require(_document()["release"], "release")
    return version is not None and is_of(version, listed)


def has(name: str) -> bool:
    """Dashes or underscores; "no-" before one that can be off; "hf-overrides.a" sets a part."""
    flag = name.replace("_", "-").partition(".")[0]
    return flag in names() or flag.removeprefix("no-") in names()


def near(name: str) -> tuple[str, ...]:
    """The likeliest that was meant first."""
    return tuple(get_close_matches(name.replace("_", "-"), sorted(names()), 2, 0.75))


@cache
def names() -> frozenset[str]:
    """All of them, with dashes."""
    return frozenset(_document()["names"])


@cache
def _document() -> dict[str, Any]:
    text = (files(__package__) / "vllm_settings.yaml").read_text(encoding="utf-8")
    document: dict[str, Any] = yaml.load(text, Loader=yaml.CSafeLoader)
    return document
