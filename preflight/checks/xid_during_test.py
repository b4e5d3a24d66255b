"""The driver reported no error while the card was measured.

Why: an old Xid may be a program's fault; one that appears while nothing but known kernels run is
  the card's, its link's or its power's.
Fix: Do what the code asks for: reset, power off and on, reseat, replace; then measure again.
Source: the kernel log before and after; NVIDIA's Xid catalogue (driver 590), code by code in
  xids.yaml. Codes that are a program's fault elsewhere fail here: the programs are the probe's own.
"""

from __future__ import annotations

from dataclasses import dataclass

from preflight.facts import Gpu, XidEvent
from preflight.findings import FAIL, PASS, Finding, Level
from preflight.xids import UNKNOWN, table

ID = "xid-during-test"
SUBJECT = Gpu
LEVEL = Level.MEASURE
REMEDY_CLASS = "reset-gpu"


@dataclass(frozen=True)
class Limits:
    """What a policy may set under `xid-during-test`."""

    ours: tuple[int, ...] = (13, 31, 80)  # a program's fault elsewhere; here the program is known


def check(limits: Limits, *, xids_during_test: tuple[XidEvent, ...]) -> Finding:
    if not xids_during_test:
        return Finding(PASS, (), message="no Xid while it was measured", basis="measured")
    rules = [(event, table().get(event.code, UNKNOWN)) for event in xids_during_test]
    bad = [(e, r) for e, r in rules if e.code in limits.ours or r.judge([e]) is not PASS]
    said = [f"Xid {event.code} x{event.count} ({rule.meaning})" for event, rule in bad or rules]
    codes = tuple(event.code for event in xids_during_test)
    words = f"while it was measured: {', '.join(said[:4])}"
    if not bad:
        return Finding(PASS, codes, message=words, basis="measured")
    remedy, remedy_class = bad[0][1].remedy, bad[0][1].remedy_class
    return Finding(
        FAIL, codes, (), None, words, remedy=remedy, remedy_class=remedy_class, basis="measured"
    )
