"""All cards have joined the NVSwitch fabric, and the service that runs it is alive.

Why: cards on NVSwitch cannot even start a CUDA program before the fabric manager has joined them
  (cuInit gives error 802). It refuses to work with a driver of another version.
Fix: Install the fabric manager of the driver's own version, enable and start nvidia-fabricmanager,
  and look into its log.
Source: NVML, nvmlDeviceGetGpuFabricInfo; systemd for the service; dpkg for its version.
"""

from __future__ import annotations

from dataclasses import dataclass

from preflight.facts import Fabric, FabricCard, Host
from preflight.findings import FAIL, PASS, WARN, Finding, Status

ID = "fabric-state"
SUBJECT = Host
REMEDY_CLASS = "reconfigure"
_JOINED = ("completed", "success")


@dataclass(frozen=True)
class Limits:
    """Nothing to set: a card has joined or has not."""


def check(limits: Limits, *, fabric: Fabric) -> Finding:
    outside = [card for card in fabric.cards if (card.state, card.status) != _JOINED]
    faults = _told(outside)
    is_stopped = fabric.manager not in ("", "active")
    is_down = bool(fabric.switches) and is_stopped
    if is_down or (outside and is_stopped and fabric.manager != "not-found"):
        faults.append(f"nvidia-fabricmanager is {fabric.manager}")
    is_other = bool(fabric.manager_version and fabric.driver) and (
        fabric.manager_version != fabric.driver
    )
    if is_other:
        faults.append(f"fabric manager {fabric.manager_version}, driver {fabric.driver}")
    measured = len(fabric.cards) - len(outside)
    if outside or is_down:
        return Finding(FAIL, measured, len(fabric.cards), message="; ".join(faults))
    if is_other:
        words = f"{faults[0]}: it will not start again"
        return Finding(WARN, measured, len(fabric.cards), message=words)
    if not fabric.cards and not fabric.manager:
        reason = "there are NVSwitches, and neither cards nor the service tell of the fabric"
        return Finding(Status.UNKNOWN, reason=reason)
    return Finding(PASS, measured, len(fabric.cards), message="the NVSwitch fabric is complete")


def _told(outside: list[FabricCard]) -> list[str]:
    """Each state once, with the cards that are in it."""
    cards: dict[str, list[str]] = {}
    for card in outside:
        cards.setdefault(f"{card.state}, {card.status}", []).append(card.subject)
    return [f"{', '.join(subjects)}: {state}" for state, subjects in cards.items()]
