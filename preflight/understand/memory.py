"""A card's memory: size, window, ECC counters and remapped rows."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from preflight.facts import (
    Card,
    Fact,
    Missing,
    NotApplicable,
    RemappedRows,
    RemapperBanks,
    RetiredPages,
)
from preflight.understand.cards import CardEvidence
from preflight.understand.driver_says import smi, unless_absent
from preflight.understand.nvml import member
from preflight.understand.picking import (
    Picked,
    Picks,
    count,
    first,
    flag,
    mebibytes,
    mebibytes_of,
    whole,
)
from preflight.understand.sources import text

Read = Callable[[Any], Any]

_NO_ECC = "the card has no ECC"
_ECC_OFF = "ECC is switched off"
_NO_REMAPPER = "the card has no row remapper"
_UNCORRECTED = "MemoryErrorCounter(UNCORRECTED,AGGREGATE,{})"
_CORRECTED = "MemoryErrorCounter(CORRECTED,VOLATILE,DRAM)"
_RETIRES_NONE = "the card retires no pages"
_RETIRES_PAGES = frozenset({"volta", "turing"})  # they retire pages and remap no rows


def memory(card: CardEvidence, product: Fact[Card]) -> Picks:
    total = first(
        ("nvml", card.nvml.part("MemoryInfo", "total", _size_of)),
        ("smi-q", smi(card, "memory_mib", _size)),
        ("dmesg", _by_nouveau(card)),
    )
    ecc = _ecc(card, product, 0, "ecc_mode")
    return {
        "memory_total_mib": total,
        "bar1_total_mib": _bar1(card, total.value),
        "bar1_offered_mib": first(("lspci", _offered(card))),
        "ecc_enabled": ecc,
        "ecc_enabled_after_reboot": _ecc(card, product, 1, "ecc_mode_pending"),
        **{name: _without_ecc(counter, ecc.value) for name, counter in _counters(card).items()},
        "remapped_rows": _remapped(card, product, "RemappedRows", remapped_rows, _smi_rows),
        "remapper_banks": _remapped(card, product, "RowRemapperHistogram", _banks, _smi_banks),
        "retired_pages": _retired_pages(card, product),
    }


def _bar1(card: CardEvidence, total_mib: Fact[int]) -> Picked:
    """A guest may see a small window on a card whose host gave it the whole memory."""
    window = first(
        ("nvml", card.nvml.part("BAR1MemoryInfo", "bar1Total", mebibytes_of)),
        ("smi-q", smi(card, "bar1_mib", mebibytes)),
        ("lspci", _largest_region(card)),
    )
    size = window.value
    covers = isinstance(size, int) and isinstance(total_mib, int) and size >= total_mib
    if card.host.is_guest and not covers:
        return Picked(Missing("guest-view", "a guest's window says nothing of the host's"))
    return window


def _by_nouveau(card: CardEvidence) -> Fact[int]:
    """The kernel's own driver writes a card's memory into the log when it starts it."""
    log = text(card.host.capture, "dmesg")
    if isinstance(log, Missing):
        return log
    found = re.search(rf"nouveau {re.escape(card.pci)}: fb: (\d{{1,7}}) MiB", log[: 4 << 20])
    return int(found[1]) if found else Missing("not-present", "nouveau has not started the card")


def _offered(card: CardEvidence) -> Fact[int]:
    """Of all windows the largest offer; a card that offers no choice is told by nothing."""
    if isinstance(card.lspci, Missing):
        return card.lspci
    offers = (card.lspci["bar_sizes_mib"] or {}).values()
    sizes = [size for offer in offers for size in map(int, offer)]
    return max(sizes, default=None) or Missing("not-present", "lspci shows no resizable window")


def _largest_region(card: CardEvidence) -> Fact[int]:
    """The window on the memory is the largest: region 1 on GeForce, 2 on newer Tesla cards."""
    if isinstance(card.lspci, Missing):
        return card.lspci
    sizes = [whole(int(bar["size_mib"])) for bar in card.lspci["bars"] or () if bar["size_mib"]]
    return max(filter(None, sizes), default=None) or Missing("not-present", "lspci shows no region")


def _ecc(card: CardEvidence, product: Fact[Card], place: int, name: str) -> Picked:
    """NVML's pair: the mode that holds, and the one that will after a reboot."""
    readings = (
        ("nvml", card.nvml.part("EccMode", place, flag)),
        ("smi-q", smi(card, name, flag)),
    )
    if _is_professional(product):
        return first(*readings)
    return first(*((source, unless_absent(fact, _NO_ECC)) for source, fact in readings))


def _counters(card: CardEvidence) -> dict[str, Picked]:
    sram_status = card.nvml.part("SramEccErrorStatus", "bThresholdExceeded", flag)
    return {
        "ecc_correctable_volatile_dram": first(
            ("nvml", card.nvml.get(_CORRECTED, count)),
            ("smi-q", smi(card, "ecc.volatile.dram_correctable", count)),
        ),
        "ecc_uncorrectable_volatile": first(
            ("nvml", card.nvml.get("TotalEccErrors(UNCORRECTED,VOLATILE)", count)),
            ("smi-q", smi(card, "ecc_uncorrected", count)),
        ),
        "ecc_uncorrectable_aggregate_dram": first(
            ("nvml", card.nvml.get(_UNCORRECTED.format("DRAM"), count)),
            ("smi-q", smi(card, "ecc.aggregate.dram_uncorrectable", count)),
        ),
        "ecc_uncorrectable_aggregate_sram": first(
            ("nvml", card.nvml.get("SramEccErrorStatus", _sram)),
            ("nvml", card.nvml.get(_UNCORRECTED.format("SRAM"), count)),
            ("smi-q", smi(card, "ecc.aggregate.sram_uncorrectable", count)),
        ),
        "ecc_sram_threshold_exceeded": first(
            ("nvml", unless_absent(sram_status, "the card tells no threshold of its SRAM")),
            ("smi-q", smi(card, "ecc.sram_threshold_exceeded", flag)),
        ),
    }


def _without_ecc(counter: Picked, enabled: Fact[bool]) -> Picked:
    """A counter that is not offered does not exist where there is no ECC, or none in use."""
    if not isinstance(counter.value, (Missing, NotApplicable)):
        return counter
    if isinstance(enabled, NotApplicable):
        return Picked(enabled)
    is_unsupported = isinstance(counter.value, Missing) and counter.value.reason == "not-supported"
    return Picked(NotApplicable(_ECC_OFF)) if enabled is False and is_unsupported else counter


def _remapped(
    card: CardEvidence, product: Fact[Card], call: str, read: Read, read_smi: Read
) -> Picked:
    name = "remapped_rows" if read is remapped_rows else "remapper_banks"
    rows = first(
        ("nvml", card.nvml.get(call, read)),
        ("smi-q", smi(card, name, read_smi)),
    )
    if card.nvml.part("MigMode", 0, flag) is True or smi(card, "mig_mode", flag) is True:
        return rows  # with instances the driver may hide them
    is_owed = _is_professional(product) and product.family not in _RETIRES_PAGES  # type: ignore[union-attr]
    return rows if is_owed else Picked(unless_absent(rows.value, _NO_REMAPPER), rows.source)


def _is_professional(product: Fact[Card]) -> bool:
    """The catalogue knows the card as one with ECC: that it says it has none is no answer."""
    return isinstance(product, Card) and product.form != "geforce"


def _retired_pages(card: CardEvidence, product: Fact[Card]) -> Picked:
    """Since Ampere cards remap rows instead, whatever the driver says or does not say."""
    if isinstance(product, Card) and product.family not in _RETIRES_PAGES:
        return Picked(NotApplicable(_RETIRES_NONE))
    pages = first(("nvml", _nvml_pages(card)), ("smi-q", smi(card, "retired_pages", _smi_pages)))
    if _is_professional(product):
        return pages
    return Picked(unless_absent(pages.value, _RETIRES_NONE), pages.source)


def _nvml_pages(card: CardEvidence) -> Fact[RetiredPages]:
    """NVML gives the pages of each cause as a list."""
    single = card.nvml.get("RetiredPages_v2(MULTIPLE_SINGLE_BIT_ECC_ERRORS)", _length)
    double = card.nvml.get("RetiredPages_v2(DOUBLE_BIT_ECC_ERROR)", _length)
    pending = card.nvml.get("RetiredPagesPendingStatus", flag)
    for part in (single, double, pending):
        if isinstance(part, (Missing, NotApplicable)):
            return part
    return RetiredPages(single, double, pending)  # type: ignore[arg-type]


def _smi_pages(value: Any) -> RetiredPages | None:
    single, double = count(value["single_bit"]), count(value["double_bit"])
    pending = flag(value["pending"])
    if single is None or double is None or pending is None:
        return None
    return RetiredPages(single, double, pending)


def _length(value: Any) -> int | None:
    return len(value) if isinstance(value, list) else None


def _banks(value: Any) -> RemapperBanks | None:
    return _bank_counts([member(value, key) for key in ("none", "low", "partial", "high", "max")])


def _smi_banks(value: Any) -> RemapperBanks | None:
    return _bank_counts([value[key] for key in ("none", "low", "partial", "high", "full")])


def _bank_counts(values: list[Any]) -> RemapperBanks | None:
    counts = [told for told in map(count, values) if told is not None]
    return RemapperBanks(*counts) if len(counts) == len(values) else None


def remapped_rows(value: Any) -> RemappedRows | None:
    """NVML's list: correctable, uncorrectable, pending, failure."""
    corrected, uncorrected = (count(member(value, place)) for place in (0, 1))
    pending, failure = (flag(member(value, place)) for place in (2, 3))
    if corrected is None or uncorrected is None or pending is None or failure is None:
        return None
    return RemappedRows(corrected, uncorrected, pending, failure)


def _smi_rows(value: Any) -> RemappedRows | None:
    return remapped_rows(
        [value[key] for key in ("correctable", "uncorrectable", "pending", "failure")]
    )


def _sram(value: Any) -> int | None:
    """Parity and SEC-DED errors together."""
    parts = [count(member(value, key)) for key in ("aggregateUncParity", "aggregateUncSecDed")]
    known = [part for part in parts if part is not None]
    return sum(known) if len(known) == len(parts) else None


def _size(mib: object) -> int | None:
    """No card is without memory."""
    return mebibytes(mib) or None


def _size_of(size_bytes: object) -> int | None:
    return mebibytes_of(size_bytes) or None
