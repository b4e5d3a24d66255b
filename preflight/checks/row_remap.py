"""Each card's memory has not used up its spare rows, and no repair waits for a reset.

Why: since Ampere a card replaces a bad row of its memory by a spare one, at the next reset. Until
  then the bad row is still in use; and when no spare is left in a bank, the card is worn out.
Fix: Drain and reset the card (A100: reboot the host), then check again.
Source: NVIDIA GPU Memory Error Management, row remapping: 8 uncorrectable remaps in one bank or 512
  in all set the failure flag; only GA100, GH100 and GB100 contain an error to the job that met it.
"""

from __future__ import annotations

from dataclasses import dataclass

from preflight.facts import Card, Gpu, RemappedRows
from preflight.findings import FAIL, PASS, WARN, Finding

ID = "row-remap"
SUBJECT = Gpu
REMEDY_CLASS = "reset-gpu"
_REPLACE = "Replace the card: it can no longer repair its memory."
_WATCH = "Watch the count; replace the card when it grows."


@dataclass(frozen=True)
class Limits:
    """What a policy may set under `row-remap`."""

    warn_uncorrectable_at: int = 1  # rows replaced after an uncorrectable error
    fail_uncorrectable_at: int = 8  # as many as may wear out one bank
    # Compute capabilities of chips that contain a memory error: an idle one may wait for its reset.
    contained: tuple[str, ...] = ("8.0", "9.0", "10.0")


def check(
    limits: Limits,
    *,
    remapped_rows: RemappedRows,
    catalog: Card | None = None,
    is_idle: bool = False,
    remapped_rows_after_test: RemappedRows | None = None,
) -> Finding:
    if worse := _worse(remapped_rows, remapped_rows_after_test or remapped_rows):
        return worse
    rows = remapped_rows
    count, said = rows.uncorrectable, f"{rows.correctable} correctable"
    if rows.failure:
        words = "row remapping has failed: no spare row is left where one is needed"
        return Finding(FAIL, count, message=words, remedy=_REPLACE, remedy_class="replace")
    if rows.pending:
        contained = catalog is not None and catalog.compute_capability in limits.contained
        words = "a bad row of memory is in use until the card is reset"
        return Finding(WARN if contained and is_idle else FAIL, count, message=words)
    words = f"remapped rows: {count} uncorrectable, required 0; {said}"
    if count >= limits.fail_uncorrectable_at:
        return Finding(FAIL, count, 0, "rows", words, _REPLACE, "replace")
    if count >= limits.warn_uncorrectable_at:
        return Finding(WARN, count, 0, "rows", words, _WATCH, "watch")
    return Finding(PASS, count, 0, "rows", words)


def _worse(before: RemappedRows, after: RemappedRows) -> Finding | None:
    """What the test itself brought to light; a card under load is not idle."""
    count, more = after.uncorrectable, after.uncorrectable - before.uncorrectable
    if after.failure and not before.failure:
        words = "row remapping failed in the test: no spare row is left where one is needed"
        return Finding(FAIL, count, message=words, remedy=_REPLACE, remedy_class="replace")
    if after.pending and not before.pending:
        words = "after the test a bad row of memory is in use until the card is reset"
        return Finding(FAIL, count, message=words)
    if more > 0:
        words = f"rows remapped in the test: {more} uncorrectable, required 0"
        return Finding(FAIL, more, 0, "rows", words)
    return None
