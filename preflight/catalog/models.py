"""Models by the names people give them, each with what its config.json says.

The data is models.yaml beside this file; a new model is one entry there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

_NOISE = re.compile(r"[^a-z0-9/]|\binstruct\b|\bmeta\b|\bit\b")
_NEAR = 0.6


@dataclass(frozen=True)
class CatalogModel:
    """`config` is the part of its config.json that sizes it, quantization_config with it."""

    name: str
    repo: str  # "owner/name" on the hub
    config: Mapping[str, Any]
    source: str
    aliases: tuple[str, ...] = ()


def model(name: str) -> CatalogModel | None:
    """The one of that name, alias or repository; case, dashes and dots do not matter."""
    return _by_name().get(_plain(name))


def near(name: str) -> list[str]:
    """Names of the catalogue that are like this one, the nearest first."""
    plain = {_plain(key): entry.name for entry in models() for key in _keys(entry)}
    found = get_close_matches(_plain(name), plain, n=8, cutoff=_NEAR)
    return list(dict.fromkeys(plain[key] for key in found))[:3]


@cache
def models() -> tuple[CatalogModel, ...]:
    """All of them, in the catalogue's order."""
    text = (files(__package__) / "models.yaml").read_text(encoding="utf-8")
    document: dict[str, Any] = yaml.load(text, Loader=yaml.CSafeLoader)
    return tuple(_entry(entry, document) for entry in document["models"])


@cache
def _by_name() -> dict[str, CatalogModel]:
    return {_plain(key): entry for entry in models() for key in _keys(entry)}


def _keys(entry: CatalogModel) -> tuple[str, ...]:
    """All that it is called; of a repository the name alone too."""
    repos = (entry.repo, *(alias for alias in entry.aliases if "/" in alias))
    return (*repos, *(repo.partition("/")[2] for repo in repos), *entry.aliases, entry.name)


def _plain(name: str) -> str:
    return _NOISE.sub("", name.lower())


def _entry(entry: Mapping[str, Any], document: Mapping[str, Any]) -> CatalogModel:
    shape = document["shapes"][entry["shape"]]
    config = dict(shape["config"])
    if "quantisation" in entry:
        config["quantization_config"] = document["quantisations"][entry["quantisation"]]
    if "max_model_len" in entry:
        config["max_position_embeddings"] = entry["max_model_len"]
    source = document["sources"][shape["source"]]
    return CatalogModel(
        entry["name"], entry["repo"], config, source, tuple(entry.get("aliases", ()))
    )
