"""A card of before Ampere has pages of memory left to retire, and none waits for a reset.

Why: Volta and Turing take a page with errors out of use, at the next start of the driver. Until
  then the bad page is in use; and after 64 pages the card can hide no more.
Fix: Stop what runs on the card and reset it; replace it when it nears 64 pages.
Source: NVIDIA dynamic page retirement: two single-bit errors or one double-bit error at an address
  retire a page, 64 at most.
"""

from __future__ import annotations

from dataclasses import dataclass

from preflight.facts import Gpu, RetiredPages
from preflight.findings import FAIL, PASS, WARN, Finding

ID = "retired-pages"
SUBJECT = Gpu
REMEDY_CLASS = "reset-gpu"
_REPLACE = "Replace the card: it can hardly retire another page."


@dataclass(frozen=True)
class Limits:
    """What a policy may set under `retired-pages`; counts of pages, 64 being all there are."""

    warn_at: int = 60  # a few are left
    fail_at: int = 63  # the next error may be the last that is hidden


def check(limits: Limits, *, retired_pages: RetiredPages) -> Finding:
    pages = retired_pages
    total = pages.single_bit + pages.double_bit
    if pages.pending:
        words = "a bad page of memory is in use until the card is reset"
        return Finding(FAIL, total, limits.warn_at, "pages", words)
    words = (
        f"retired pages: {total}, required below {limits.warn_at}; "
        f"{pages.single_bit} single-bit, {pages.double_bit} double-bit"
    )
    status = FAIL if total >= limits.fail_at else WARN if total >= limits.warn_at else PASS
    if status is PASS:
        return Finding(status, total, limits.warn_at, "pages", words)
    return Finding(status, total, limits.warn_at, "pages", words, _REPLACE, "replace")
