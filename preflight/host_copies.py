"""Whether copies between a card and its host reach what the link carries, and who limits them."""

from __future__ import annotations

from dataclasses import dataclass

from preflight.findings import FAIL, PASS, WARN, Finding
from preflight.link_rates import least
from preflight.measured import Measured

_MEMORY = (
    "Fill every memory channel of the card's socket; look at NUMA settings (NPS, SNC), at power "
    "states in the BIOS, and for other work on the host; then measure again."
)


@dataclass(frozen=True)
class Table:
    """Limits in GB/s for links by what they carry, raw; a policy may set them."""

    raw_gb_s: tuple[float, ...]
    warn_below_gb_s: tuple[float, ...]
    fail_below_gb_s: tuple[float, ...]
    riser_raw_gb_s: float

    def __post_init__(self) -> None:
        sizes = {len(self.raw_gb_s), len(self.warn_below_gb_s), len(self.fail_below_gb_s)}
        if len(sizes) > 1 or not self.raw_gb_s or min(self.raw_gb_s) <= 0:
            raise ValueError("each link needs its raw rate and both of its limits")


@dataclass(frozen=True)
class Lanes:
    """What is known of the link besides: None where it was not read."""

    raw_gb_s: float
    gen: tuple[int | None, int | None]  # under load, possible
    width: tuple[int | None, int | None]
    other_way: Measured | None  # copies of the other direction
    is_in_guest: bool

    def prove_themselves(self, table: Table) -> bool:
        """The other direction is fast and the link is at its full generation and width.

        The same lanes carry both ways: what is slow one way alone is behind the link.
        """
        for now, could in (self.gen, self.width):
            if now is None or could is None or now < could:
                return False
        warn = least(self.raw_gb_s, table.raw_gb_s, table.warn_below_gb_s)
        return self.other_way is not None and self.other_way.median >= warn


def judge(table: Table, way: str, got: Measured, lanes: Lanes) -> Finding:
    """The median decides; a link fails only where its better copies are too slow as well."""
    raw = lanes.raw_gb_s
    warn = least(raw, table.raw_gb_s, table.warn_below_gb_s)
    fail = least(raw, table.raw_gb_s, table.fail_below_gb_s)
    measured, expected = round(got.median, 2), round(warn, 2)
    words = f"{way} {got.median:.1f} GB/s of a link that carries {raw:.1f}, required {warn:.1f}"
    if raw <= table.riser_raw_gb_s:
        return Finding(FAIL, measured, expected, "GB/s", words, basis="measured")
    if got.median >= warn:
        return Finding(PASS, measured, expected, "GB/s", words, basis="measured")
    status = FAIL if got.better < fail else WARN
    if status is WARN and got.median < fail:
        words += (
            f"; its better copies reached {got.better:.1f}, so that others may have disturbed it"
        )
    if not lanes.prove_themselves(table):
        return Finding(status, measured, expected, "GB/s", words, basis="measured")
    assert lanes.other_way is not None
    words += f"; the other way {lanes.other_way.median:.1f}, so that not the link but the host's"
    words += " memory limits it" + (", or its neighbours" if lanes.is_in_guest else "")
    status = WARN if lanes.is_in_guest else status
    return Finding(
        status, measured, expected, "GB/s", words, _MEMORY, "reconfigure", basis="measured"
    )
