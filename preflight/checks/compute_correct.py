"""The card computes the same, bit for bit, every time, and what every other card computes.

Why: a chip or memory that is wrong once in a while shows no error: a model then answers nonsense,
  or a training run diverges, weeks later.
Fix: Repeat with the card alone and cool; what differs again goes back to its maker.
Source: the same operands again and again, compared with an answer that is known beforehand and with
  those of the other cards; one difference is a fault on every product.
"""

from __future__ import annotations

from dataclasses import dataclass

from preflight.facts import Gpu
from preflight.findings import FAIL, PASS, Finding, Level

ID = "compute-correct"
SUBJECT = Gpu
LEVEL = Level.MEASURE
REMEDY_CLASS = "replace"
_SHOWN = 4


@dataclass(frozen=True)
class Limits:
    """Nothing to set: one wrong bit is one too many."""


def check(limits: Limits, *, wrong_results: tuple[str, ...]) -> Finding:
    if not wrong_results:
        words = "every result was right, bit for bit"
        return Finding(PASS, (), message=words, basis="measured")
    more = len(wrong_results) - _SHOWN
    words = "; ".join(wrong_results[:_SHOWN]) + (f"; and {more} more" if more > 0 else "")
    return Finding(FAIL, wrong_results, message=f"wrong results: {words}", basis="measured")
