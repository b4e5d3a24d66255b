"""What the measuring left behind on one card, by the driver and the bus as they were read again."""

from __future__ import annotations

from preflight.facts import Fact, Missing, RemappedRows
from preflight.understand.during_test import Before
from preflight.understand.memory import remapped_rows
from preflight.understand.nvml import Nvml, NvmlCard, card
from preflight.understand.picking import Picked, Picks, count

_LOST = "GPU_IS_LOST"
_UNCORRECTED = "TotalEccErrors(UNCORRECTED,{})"
_NVML, _BUS = "nvml-after", "sysfs-pci-after"


def after_test(before: Before, pci: str) -> Picks:
    """A source is named only where it tells of harm: the rest was told before."""
    first = card(before.nvml[0].by_address().get(pci), before.nvml[0].why or Missing("not-present"))
    again = _again(before.nvml[1], pci, first.index)
    if not first.answers or again is None:
        bus = _off_the_bus(before, pci)
        return {"lost_after_test": Picked(bus, _BUS if bus else "")}
    lost, errors = _lost(before, pci, first, again), _new_errors(first, again)
    grown = _ecc_growth(first, again)
    has_grown = isinstance(grown, int) and grown > 0
    old, rows = (each.get("RemappedRows", remapped_rows) for each in (first, again))
    is_new = isinstance(rows, RemappedRows) and rows != old
    return {
        "lost_after_test": Picked(lost, f"{_NVML}, {_BUS}" if lost else ""),
        "errors_after_test": Picked(errors, _NVML if errors else ""),
        "ecc_uncorrectable_in_test": Picked(grown, _NVML if has_grown else ""),
        "remapped_rows_after_test": Picked(rows, _NVML if is_new else ""),
    }


def _again(after: Nvml, pci: str, index: int | None) -> NvmlCard | None:
    """The same card; one that no longer tells its address has its index. None: nobody asked."""
    unplaced = (device for device in after.unplaced() if device.index == index)
    found = after.by_address().get(pci) or next(unplaced, None)
    if found is None and after.why is not None:
        return None
    return card(found, Missing("gpu-lost", "NVML no longer lists the card"))


def _lost(before: Before, pci: str, first: NvmlCard, again: NvmlCard) -> tuple[str, ...]:
    signs = []
    if again.has_error(_LOST) and not first.has_error(_LOST):
        signs.append(f"NVML: {_LOST}")
    if again.index is None:
        signs.append("NVML no longer lists it")
    return (*signs, *_off_the_bus(before, pci))


def _off_the_bus(before: Before, pci: str) -> tuple[str, ...]:
    old, new = before.trees
    if isinstance(old, Missing) or isinstance(new, Missing) or pci not in old:
        return ()
    if pci not in new:
        return ("it is gone from the bus",)
    is_lost = new[pci].is_lost and not old[pci].is_lost
    return ("its configuration space reads as all ones",) if is_lost else ()


def _new_errors(first: NvmlCard, again: NvmlCard) -> tuple[str, ...]:
    known = set(first.errors())
    return tuple(error for error in again.errors() if error not in known)


def _ecc_growth(first: NvmlCard, again: NvmlCard) -> Fact[int]:
    """By the counter that grew most; one that was reset meanwhile counts from zero."""
    grown = []
    for since in ("VOLATILE", "AGGREGATE"):
        old, new = (each.get(_UNCORRECTED.format(since), count) for each in (first, again))
        if isinstance(old, int) and isinstance(new, int):
            grown.append(new - old if new >= old else new)
    return max(grown) if grown else Missing("not-present", "no ECC counter")
