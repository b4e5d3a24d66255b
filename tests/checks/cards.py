"""A catalogue card for tests: a GeForce RTX 4090 unless a trait is given."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from preflight.facts import Card

_RTX4090 = Card(
    name="GeForce RTX 4090",
    pci_device_ids=("2684",),
    family="ada",
    form="geforce",
    memory_mib=24564,
    memory_gb_s=1008.0,
    sm_count=128,
    compute_capability="8.9",
    power_limit_w=450,
    pcie_gen=4,
    pcie_width=16,
    nvlink_links=0,
    peer_access="no",
    figures={},
)


def card(**traits: Any) -> Card:
    return replace(_RTX4090, **traits)
