"""The constants of speed, each with its source; the data is speed.yaml beside this file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from preflight.facts import Figure


@dataclass(frozen=True)
class LinkRates:
    latency_us: float
    rank_us: float
    share: float  # of the raw rate one way
    of_copy: float  # of a measured copy


@dataclass(frozen=True)
class Rates:
    """Shares are parts of a nominal rate, `_us` is time, `unpack_g_s` 10^9 weights a second."""

    bandwidth_share: float
    cache_share: float
    layer_us: float
    quantise_us: float
    request_us: float
    unpack_g_s: float  # inf: no limit is known
    matmul_share_16: float
    matmul_share_8: float
    experts_share: float
    eager_layer_us: float
    pipeline_share: float
    hop_us: float
    links: Mapping[str, LinkRates]
    pcie_lane_gb_s: Mapping[int, float]
    spread: Mapping[str, float]
    sources: Mapping[str, Figure] = field(default_factory=dict)  # of each of the figures above


@cache
def rates() -> Rates:
    """What is shipped."""
    text = files(__package__).joinpath("speed.yaml").read_text(encoding="utf-8")
    return parse(yaml.load(text, Loader=yaml.CSafeLoader))


def parse(data: Mapping[str, Any]) -> Rates:
    """A table of the shape of speed.yaml; KeyError where a figure or its source is missing."""
    told: Mapping[str, str] = data["sources"]
    plain = {key: Figure(v[0], told[v[1]]) for key, v in data.items() if isinstance(v, list)}
    return Rates(
        **{key: figure.value for key, figure in plain.items()},
        links={
            kind: LinkRates(**{key: pair[0] for key, pair in link.items()})
            for kind, link in data["links"].items()
        },
        pcie_lane_gb_s={int(gen): pair[0] for gen, pair in data["pcie_lane_gb_s"].items()},
        spread={key: pair[0] for key, pair in data["spread"].items()},
        sources=plain,
    )
