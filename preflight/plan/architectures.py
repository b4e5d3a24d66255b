"""What each architecture assumes beyond its config.json; the data is architectures.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any, Literal

import yaml


@dataclass(frozen=True)
class Architecture:
    """How one model_type differs from the plain decoder; the fields are told in the data."""

    is_known: bool = True
    defaults: Mapping[str, Any] = field(default_factory=dict)
    qkv_bias: bool = False
    plain_mlp: bool = False
    norms: int = 2
    sliding_every: int = 0
    second_mixer: Literal["", "attention", "state-space"] = ""
    is_encoder: bool = False
    has_positions: bool = False
    width_field: str = ""
    takes_float16: bool = True


def architecture(model_type: str) -> Architecture:
    """That of a model_type; a plain decoder, not known, for one that is not listed."""
    entry = _document().get(model_type)
    return Architecture(is_known=False) if entry is None else Architecture(**entry)


@cache
def _document() -> dict[str, Any]:
    text = (files(__package__) / "architectures.yaml").read_text(encoding="utf-8")
    found: dict[str, Any] = yaml.load(text, Loader=yaml.CSafeLoader)
    return found
