"""How facts, checks and a policy become findings, and findings a verdict."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from preflight import engine
from preflight.checks import Check
from preflight.facts import (
    Facts,
    FileSystem,
    Gpu,
    GpuPair,
    Host,
    Missing,
    NotApplicable,
    PeerPath,
)
from preflight.findings import FAIL, PASS, WARN, Finding, Level, Status, Verdict, Waived
from preflight.policy import Policy

UNKNOWN, NOT_APPLICABLE = Status.UNKNOWN, Status.NOT_APPLICABLE
DOC = """A sentence.

Why: because.
Fix: Reseat
  the card.
Source: a book.
"""


@dataclass(frozen=True)
class Limits:
    at_most: int = 5


def made(judge: Callable[..., Finding], **given: Any) -> Check:
    traits: dict[str, Any] = {
        "id": "power-draw",
        "subject": Gpu,
        "level": Level.LOOK,
        "remedy_class": "service",
        "limits": Limits,
        "check": judge,
        "doc": DOC,
    }
    return Check(**{**traits, **given})


def by_temperature(limits: Limits, *, temperature_c: int, numa_node: int = -7) -> Finding:
    status = PASS if temperature_c <= limits.at_most else FAIL
    return Finding(status, temperature_c, limits.at_most, f"°C on node {numa_node}")


def gpu(number: int = 0, **facts: Any) -> Gpu:
    return Gpu(f"gpu{number}", f"0000:0{number + 1}:00.0", **facts)


def judged(facts: Facts, check: Check, policy: Policy | None = None) -> list[Finding]:
    return engine.judge(facts, policy or Policy("test"), Level.SOAK, [check])


def test_a_finding_for_each_card_with_place_remedy_and_evidence() -> None:
    hot = gpu(1, temperature_c=9, name="RTX 4090", slot="PCIEX16_1")
    hot = replace(hot, sources={"temperature_c": "nvml", "numa_node": "sysfs-pci", "uuid": "smi-q"})
    cool, warm = judged(Facts(Host(), (gpu(temperature_c=5), hot)), made(by_temperature))
    assert (cool.status, cool.subject, cool.remedy, cool.remedy_class) == (PASS, "gpu0", None, None)
    assert (warm.status, warm.id, warm.subject) == (FAIL, "power-draw", "gpu1")
    assert (warm.remedy, warm.remedy_class) == ("Reseat the card.", "service")
    assert warm.evidence == ("nvml", "sysfs-pci")
    assert warm.message == (
        "gpu1 (RTX 4090, 0000:02:00.0, slot PCIEX16_1): "
        "Power draw 9 °C on node -7, required 5 °C on node -7"
    )


def test_a_finding_keeps_its_own_remedy_message_and_evidence() -> None:
    own = Finding(
        WARN, message="too hot", remedy="Open it.", remedy_class="watch", evidence=("lspci",)
    )
    [finding] = judged(Facts(Host(), (gpu(temperature_c=1),)), made(lambda limits: own))
    assert (finding.remedy, finding.remedy_class, finding.evidence) == (
        "Open it.",
        "watch",
        ("lspci",),
    )
    assert finding.message.endswith("): too hot")


def test_a_pass_carries_no_remedy_even_where_the_check_gave_one() -> None:
    own = Finding(PASS, message="fine", remedy="Open it.", remedy_class="watch")
    [finding] = judged(Facts(Host(), (gpu(),)), made(lambda limits: own))
    assert (finding.remedy, finding.remedy_class) == (None, None)


def test_a_host_is_not_named_in_its_messages() -> None:
    check = made(lambda limits: Finding(PASS, (1, 2.50)), subject=Host)
    [finding] = judged(Facts(Host(), ()), check)
    assert finding.message == "Power draw 1, 2.5"


@pytest.mark.parametrize(
    "fact, status",
    [
        (Missing("timed-out", "nvidia-smi -q"), UNKNOWN),
        (NotApplicable("it has no sensor"), NOT_APPLICABLE),
    ],
)
def test_a_needed_fact_that_is_missing_is_no_verdict_of_the_check(
    fact: Missing | NotApplicable, status: Status
) -> None:
    [finding] = judged(Facts(Host(), (gpu(temperature_c=fact),)), made(by_temperature))
    assert (finding.status, finding.reason) == (status, str(fact))
    assert finding.message.endswith(f": Power draw: {fact}")


@pytest.mark.parametrize("fact", [Missing("not-supported"), NotApplicable("one node")])
def test_a_fact_that_only_refines_keeps_its_default(fact: Missing | NotApplicable) -> None:
    card = gpu(temperature_c=1, numa_node=fact)
    [finding] = judged(Facts(Host(), (card,)), made(by_temperature))
    assert (finding.status, finding.unit) == (PASS, "°C on node -7")
    [finding] = judged(Facts(Host(), (replace(card, numa_node=3),)), made(by_temperature))
    assert finding.unit == "°C on node 3"


def test_what_does_not_exist_outweighs_what_was_not_read() -> None:
    check = made(lambda limits, *, temperature_c, fan_speed_percent: Finding(PASS))
    card = gpu(temperature_c=Missing("timed-out"), fan_speed_percent=NotApplicable("no fan"))
    [finding] = judged(Facts(Host(), (card,)), check)
    assert finding.status is NOT_APPLICABLE


def test_a_value_that_is_false_or_zero_is_a_value() -> None:
    check = made(lambda limits, *, temperature_c, mig_enabled: Finding(PASS, temperature_c))
    [finding] = judged(Facts(Host(), (gpu(temperature_c=0, mig_enabled=False),)), check)
    assert (finding.status, finding.measured) == (PASS, 0)


ONE, TWO = (gpu(),), (gpu(), gpu(1))
PAIR = GpuPair("gpu0-gpu1", "gpu0 and gpu1")
PATH = PeerPath("gpu0>gpu1", "gpu0 to gpu1")
DISK = FileSystem("disk:/", "disk:/")


@pytest.mark.parametrize(
    "subject, facts, subjects, status",
    [
        (Gpu, Facts(Host(), TWO), ["gpu0", "gpu1"], PASS),
        (Gpu, Facts(Host(), ()), ["host"], NOT_APPLICABLE),
        (Gpu, Facts(Host(), Missing("tool-absent")), ["host"], UNKNOWN),
        (GpuPair, Facts(Host(), TWO, pairs=(PAIR,)), ["gpu0-gpu1"], PASS),
        (GpuPair, Facts(Host(), ONE), ["host"], NOT_APPLICABLE),
        (GpuPair, Facts(Host(), ()), ["host"], NOT_APPLICABLE),
        (GpuPair, Facts(Host(), TWO), ["host"], UNKNOWN),
        (GpuPair, Facts(Host(), Missing("tool-absent")), ["host"], UNKNOWN),
        (PeerPath, Facts(Host(), TWO, peer_paths=(PATH,)), ["gpu0>gpu1"], PASS),
        (PeerPath, Facts(Host(), ONE), ["host"], NOT_APPLICABLE),
        (PeerPath, Facts(Host(), TWO), ["host"], UNKNOWN),
        (FileSystem, Facts(Host(), (), file_systems=(DISK,)), ["disk:/"], PASS),
        (FileSystem, Facts(Host(), ()), ["host"], UNKNOWN),
        (Host, Facts(Host(), Missing("tool-absent")), ["host"], PASS),
    ],
)
def test_subjects(subject: type, facts: Facts, subjects: list[str], status: Status) -> None:
    findings = judged(facts, made(lambda limits: Finding(PASS), subject=subject))
    assert [finding.subject for finding in findings] == subjects
    assert {finding.status for finding in findings} == {status}


def test_limits_and_waivers_come_from_the_policy(tmp_path: Path) -> None:
    check = made(by_temperature)
    facts = Facts(Host(), (gpu(temperature_c=7),))
    assert judged(facts, check)[0].status is FAIL
    policy = Policy("lenient", limits_of={"power-draw": Limits(at_most=7)})
    assert judged(facts, check, policy)[0].status is PASS


def test_levels_above_the_one_asked_for_are_counted_and_not_run() -> None:
    checks = [
        made(lambda limits: Finding(PASS), id=level.value, level=level, subject=Host)
        for level in Level
    ]
    facts = Facts(Host(), ())
    found = {
        level: [f.id for f in engine.judge(facts, Policy("test"), level, checks)] for level in Level
    }
    assert found == {
        Level.LOOK: ["look"],
        Level.MEASURE: ["look", "measure"],
        Level.SOAK: ["look", "measure", "soak"],
    }
    assert engine.not_run(Level.LOOK, checks) == {"measure": ("measure",), "soak": ("soak",)}
    assert engine.not_run(Level.SOAK, checks) == {}


POLICY = Policy("test", required_at={Level.LOOK: ("a", "b"), Level.SOAK: ("c",)})
WAIVED = Waived("2027-01-31", "known")


def found(id: str, status: Status, waived: Waived | None = None) -> Finding:
    return Finding(status, id=id, subject="gpu0", waived=waived)


A, B = found("a", PASS), found("b", PASS)


@pytest.mark.parametrize(
    "findings, verdict, missing",
    [
        ([A, B], Verdict.ACCEPT, ()),
        ([A, found("b", WARN)], Verdict.ACCEPT, ()),
        ([A, found("b", NOT_APPLICABLE)], Verdict.ACCEPT, ()),
        ([A, B, found("x", UNKNOWN)], Verdict.ACCEPT, ()),
        ([A, B, found("x", FAIL)], Verdict.REJECT, ()),
        ([A, found("b", UNKNOWN)], Verdict.UNKNOWN, ("b",)),
        ([A, B, found("b", UNKNOWN)], Verdict.UNKNOWN, ("b",)),  # one card of two
        ([A], Verdict.UNKNOWN, ("b",)),
        ([], Verdict.UNKNOWN, ("a", "b")),
        ([found("a", FAIL), found("b", UNKNOWN)], Verdict.REJECT, ()),
        ([A, B, found("x", FAIL, WAIVED)], Verdict.ACCEPT, ()),
        ([A, B, found("x", FAIL, WAIVED), found("x", FAIL)], Verdict.REJECT, ()),
        ([A, found("b", UNKNOWN, WAIVED)], Verdict.ACCEPT, ()),
        ([A, found("b", FAIL, WAIVED), found("b", UNKNOWN)], Verdict.UNKNOWN, ("b",)),
    ],
)
def test_verdict(findings: list[Finding], verdict: Verdict, missing: tuple[str, ...]) -> None:
    judgement = engine.verdict(findings, POLICY, Level.LOOK)
    assert (judgement.verdict, judgement.missing_required) == (verdict, missing)


def test_what_is_required_grows_with_the_level() -> None:
    assert engine.verdict([A, B], POLICY, Level.MEASURE).verdict is Verdict.ACCEPT
    assert engine.verdict([A, B], POLICY, Level.SOAK).missing_required == ("c",)


def test_the_engine_stays_small() -> None:
    assert len(Path(engine.__file__).read_text().splitlines()) < 150
