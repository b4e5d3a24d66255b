"""Evidence that vanishes makes no host better: what spoke against it is not forgotten as passed.

Each source of a golden machine, and each measurement, is taken away in turn. Nothing that is wrong
may then pass or not apply, no rejected host may be accepted, and nothing that passed may fail.
"""

from __future__ import annotations

import msgspec
import pytest

from preflight import demo
from preflight.capture import Capture, Source, load
from preflight.findings import Report, Status, Verdict
from preflight.judging import judge_capture
from preflight.policy import load as load_policy
from tests.test_hosts import HOSTS, expected

MACHINES = ["a100-remap-failed", "psu-failed", "x1-riser"]
WRONG = {Status.FAIL, Status.WARN}
SOFT = {Status.PASS, Status.NOT_APPLICABLE}
# The driver's own tools may stay silent only with a reason; here they are not on the host.
ABSENT = Source(status="tool-absent", detail="gone")


def judged(name: str, capture: Capture) -> Report:
    told = expected(name).get("policy") or demo.policy_name(name.removesuffix("-measured"))
    return judge_capture(capture, b"", load_policy(told))


def mutants(capture: Capture) -> list[tuple[str, Capture]]:
    replace = msgspec.structs.replace
    gone = [
        (name, replace(capture, sources={**capture.sources, name: ABSENT}))
        for name in capture.sources
    ]
    kept = capture.measurements
    skipped = [
        (f"{one.name} {place}", replace(capture, measurements=kept[:place] + kept[place + 1 :]))
        for place, one in enumerate(kept)
    ]
    return gone + skipped


@pytest.mark.parametrize("name", MACHINES)
def test_what_vanished_speaks_for_nobody(name: str) -> None:
    capture, _ = load(HOSTS / name / "capture.json")
    whole = judged(name, capture)
    before = {(f.id, f.subject): f.status for f in whole.findings}
    odd = []
    for what, mutant in mutants(capture):
        report = judged(name, mutant)
        if whole.verdict is Verdict.REJECT and report.verdict is Verdict.ACCEPT:
            odd.append((what, "verdict", "reject", "accept"))
        for f in report.findings:
            was = before.get((f.id, f.subject))
            if (was in WRONG and f.status in SOFT) or (was in SOFT and f.status is Status.FAIL):
                odd.append((what, f.id, f.subject, f"{was} -> {f.status}"))
    assert odd == []
