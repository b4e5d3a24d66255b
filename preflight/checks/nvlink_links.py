"""All NVLinks of each card are up.

Why: cards on NVLink trade data ten times faster than over PCIe. One link down takes its share of
  that away; all down throws tensor parallelism back on PCIe, at a fraction of the tokens.
Fix: Reset the cards; reseat the bridge, or the module on its board; look for Xid 74 and for the
  fabric manager. A link that stays down is a service case.
Source: NVML, state of each link, against the links of the product in the catalogue.
"""

from __future__ import annotations

from dataclasses import dataclass

from preflight.facts import Card, Gpu, NvLink
from preflight.findings import FAIL, PASS, WARN, Finding, Status

ID = "nvlink-links"
SUBJECT = Gpu
REMEDY_CLASS = "service"
_NO_BRIDGE = "no NVLink bridge is plugged"
_ALONE = "one card alone has no peer"
_DIVIDED = "a card divided by MIG uses no NVLink"


@dataclass(frozen=True)
class Limits:
    """What a policy may set under `nvlink-links`."""

    # A guess from 12 links and three bridges of an A100 PCIe.
    links_of_a_bridge: int = 4  # of a card that may be joined by one, two or three bridges
    # In the names of products that are joined by bridges, which nobody must plug.
    bridged: tuple[str, ...] = ("GeForce", "RTX", "PCIe", "PCIE", "NVL")


def check(
    limits: Limits,
    *,
    nvlink: NvLink,
    catalog: Card | None = None,
    has_peers: bool | None = None,
    mig_enabled: bool | None = None,
) -> Finding:
    up, offered = len(nvlink.active), len(nvlink.active) + len(nvlink.inactive)
    expected = catalog.nvlink_links if catalog else offered
    is_bridged = catalog is None or any(word in catalog.name for word in limits.bridged)
    if not up:
        reason = _DIVIDED if mig_enabled else _ALONE if has_peers is False else None
        reason = reason or (_NO_BRIDGE if is_bridged else None)
        if reason:
            return Finding(Status.NOT_APPLICABLE, reason=reason)
    words = f"NVLinks up: {up}, required {expected}"
    if nvlink.inactive:
        words += f"; down: {', '.join(map(str, nvlink.inactive))}"
    if up >= expected and not nvlink.inactive:
        return Finding(PASS, up, expected, "links", words)
    is_part = is_bridged and up % limits.links_of_a_bridge == 0
    return Finding(WARN if is_part else FAIL, up, expected, "links", words)
