"""What a PCIe link carries, by generation and lanes, and the least that a copy must reach.

Source: PCI Express Base Specification 5.0, 4.2: 2.5 and 5 GT/s in 8b/10b code, above in 128b/130b.
"""

from __future__ import annotations

from collections.abc import Sequence

_GT_S = {1: 2.5, 2: 5.0, 3: 8.0, 4: 16.0, 5: 32.0, 6: 64.0}
_EXACT = 0.01  # a rate so near to one of the table is that one


def gt_s(gen: int) -> float | None:
    """Transfers of one lane, 10^9 a second; None for a generation that is not known."""
    return _GT_S.get(gen)


def raw_gb_s(gen: int, lanes: int) -> float | None:
    """One way, before packets' heads: 63.0 for generation 5 with 16 lanes."""
    rate = gt_s(gen)
    if rate is None:
        return None
    code = 0.8 if gen <= 2 else 128 / 130
    return rate * lanes * code / 8


def least(raw: float, table: Sequence[float], limits: Sequence[float]) -> float:
    """The limit of the link in `table` (raw GB/s) that is nearest to `raw`, scaled to it."""
    place = min(range(len(table)), key=lambda n: max(raw / table[n], table[n] / raw))
    scale = raw / table[place]
    return limits[place] if abs(scale - 1) <= _EXACT else limits[place] * scale
