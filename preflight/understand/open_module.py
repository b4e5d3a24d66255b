"""Cards that only the open kernel module drives, on a host that has loaded the other one."""

from __future__ import annotations

from preflight.facts import Card, Fact, Gpu, Missing

# NVIDIA's open kernel modules, README: Blackwell and later have no other.
_FAMILIES = frozenset({"blackwell"})


def closed_module_cards(gpus: tuple[Gpu, ...] | Missing) -> Fact[tuple[str, ...]]:
    """Their numbers; () where none is, or the open module is loaded."""
    if isinstance(gpus, Missing):
        return gpus
    found = []
    for gpu in gpus:
        wants = isinstance(gpu.catalog, Card) and gpu.catalog.family in _FAMILIES
        if wants and isinstance(gpu.is_open_driver, Missing):
            return gpu.is_open_driver
        if wants and gpu.is_open_driver is False:
            found.append(gpu.subject)
    return tuple(found)
