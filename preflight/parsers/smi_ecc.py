"""Memory health of one card from nvidia-smi -q: ECC counters, remapped rows, retired pages.

Counters come in three layouts: single_bit and double_bit by place (Pascal and older), SRAM and
DRAM (since Turing), SRAM split in parity and SEC-DED (since driver 550 or so).
"""

from __future__ import annotations

from typing import Any

from preflight.parsers.smi_field import Field, flag, is_error, number

Number = int | float | None


def ecc_errors(gpu: Field) -> dict[str, Any]:
    return {
        "volatile": _counters(gpu.at("ecc_errors/volatile")),
        "aggregate": _counters(gpu.at("ecc_errors/aggregate")),
        "sram_threshold_exceeded": flag(gpu.at("ecc_errors/aggregate/sram_threshold_exceeded")),
    }


def ecc_uncorrected(gpu: Field) -> Number:
    """Volatile, SRAM and DRAM together."""
    volatile = gpu.at("ecc_errors/volatile")
    if volatile is None:
        return None
    total = number(volatile.at("double_bit/total"))
    return total if total is not None else _sum(_places(volatile, "uncorrectable", "double_bit"))


def remapped_rows(gpu: Field) -> dict[str, Any] | None:
    """None where the card has no remapper, or the tool does not tell (MIG)."""
    rows = gpu.at("remapped_rows")
    if rows is None or not rows.children:
        return None
    facts = {
        "correctable": number(rows.at("remapped_row_corr", "correctable_error")),
        "uncorrectable": number(rows.at("remapped_row_unc", "uncorrectable_error")),
        "pending": flag(rows.at("remapped_row_pending", "pending")),
        "failure": flag(rows.at("remapped_row_failure", "remapping_failure_occurred")),
    }
    return None if all(fact is None for fact in facts.values()) else facts


def remapper_banks(gpu: Field) -> dict[str, Any] | None:
    """Banks of memory by how many spare rows they have left ("full": all of them)."""
    rows = gpu.at(
        "remapped_rows/row_remapper_histogram", "remapped_rows/bank_remap_availability_histogram"
    )
    if rows is None:
        return None
    names = {"none": "none", "low": "low", "partial": "partial", "high": "high", "full": "max"}
    facts = {
        key: number(rows.at(f"row_remapper_histogram_{name}", name)) for key, name in names.items()
    }
    return None if any(fact is None for fact in facts.values()) else facts


def retired_pages(gpu: Field) -> dict[str, Any] | None:
    pages = gpu.at("retired_pages")
    if pages is None:
        return None
    single = ("multiple_single_bit_retirement/retired_count", "single_bit_ecc")
    double = ("double_bit_retirement/retired_count", "double_bit_ecc")
    pending = ("pending_retirement", "pending_blacklist", "pending_page_blacklist", "pending")
    facts = {
        "single_bit": number(pages.at(*single)),
        "double_bit": number(pages.at(*double)),
        "pending": flag(pages.at(*pending)),
    }
    return None if all(fact is None for fact in facts.values()) else facts


def _counters(errors: Field | None) -> dict[str, Number]:
    counters: dict[str, Number] = {}
    for kind, bits in (("correctable", "single_bit"), ("uncorrectable", "double_bit")):
        places = _places(errors, kind, bits) if errors else []
        dram = [place for place in places if place.name in (f"dram_{kind}", "device_memory")]
        counters[f"sram_{kind}"] = _sum([place for place in places if place not in dram])
        counters[f"dram_{kind}"] = _sum(dram)
    return counters


def _places(errors: Field, kind: str, bits: str) -> list[Field]:
    """The counters of one kind, no total among them, in whichever layout this driver has."""
    old = errors.at(bits)
    if old is not None:
        return [place for place in old.children if place.name != "total"]
    names = (f"sram_{kind}", f"dram_{kind}", f"sram_{kind}_parity", f"sram_{kind}_secded",
             f"sram_{kind}_sec_ded")  # fmt: skip
    return [place for place in errors.children if place.name in names]


def _sum(places: list[Field]) -> Number:
    """A counter that the card does not have adds nothing; one that failed makes the sum None."""
    known = [value for value in map(number, places) if value is not None]
    return sum(known) if known and not any(is_error(place.value) for place in places) else None
