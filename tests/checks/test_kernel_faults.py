from __future__ import annotations

import re

import pytest

from preflight.checks.kernel_faults import _REMEDIES, Limits, check
from preflight.facts import KernelFault
from preflight.findings import FAIL, PASS, WARN, Status
from preflight.parsers.kernel_faults import __doc__ as _KINDS


def fault(kind: str, boot: int = 0, subject: str = "host", count: int = 1) -> KernelFault:
    return KernelFault(kind, subject, f"the line of {kind}", count, boot, "12:00", "13:00")


@pytest.mark.parametrize(
    "kind, boot, status",
    [
        ("gpu-lost", 0, FAIL),
        ("gpu-lost", -1, FAIL),
        ("rm-init-failed", -1, FAIL),
        ("machine-check", 0, FAIL),
        ("edac-uncorrected", -1, FAIL),
        ("oom-kill", 0, FAIL),
        ("oom-kill", -1, WARN),
        ("soft-lockup", 0, FAIL),
        ("soft-lockup", -1, WARN),
        ("nmi", 0, FAIL),
        ("nmi", -1, WARN),
        ("edac-corrected", 0, WARN),
        ("io-error", 0, WARN),
        ("thermal-event", 0, WARN),
        ("hard-lockup", 0, FAIL),
        ("hard-lockup", -1, WARN),
        ("module-refused", 0, WARN),
        ("bar-unassigned", 0, WARN),
        ("xid-unplaced", 0, WARN),
        ("xid-unplaced-fatal", 0, FAIL),
        ("xid-unplaced-fatal", -1, WARN),
        ("api-mismatch", 0, PASS),  # driver-library-match says whether it still holds
        ("a-kind-of-later", 0, WARN),
    ],
)
def test_kinds(kind: str, boot: int, status: Status) -> None:
    assert check(Limits(), kernel_faults=(fault(kind, boot),)).status is status


def test_nothing_found_passes() -> None:
    assert check(Limits(), kernel_faults=()).status is PASS


def test_a_container_that_met_its_own_limit_is_no_fault_of_the_host() -> None:
    line = "Memory cgroup out of memory: Killed process 4711 (python)"
    facts = (KernelFault("oom-kill", "host", line, 3, 0, "12:00", "13:00"),)
    assert check(Limits(), kernel_faults=facts).status is WARN


def test_every_kind_that_the_parser_knows_is_thought_of() -> None:
    told = set(re.findall(r"[a-z]+(?:-[a-z]+)+|nmi", _KINDS.split("What is")[0]))
    limits = Limits()
    listed = {*limits.fail, *limits.fail_this_boot, *limits.ignored, *_REMEDIES}
    assert told - {"limited-link"} <= listed  # that one is a fact of the card's link


def test_the_worst_comes_first_and_brings_its_remedy() -> None:
    finding = check(
        Limits(),
        kernel_faults=(fault("io-error"), fault("gpu-lost", -1), fault("oom-kill", count=3)),
    )
    assert finding.status is FAIL
    assert finding.measured == ("oom-kill", "gpu-lost", "io-error")
    assert finding.remedy_class == "reconfigure"
    assert finding.message.startswith("kernel log: oom-kill x3 (last 13:00): the line of oom-kill")
    assert "gpu-lost x1 (last 13:00, before the last reboot)" in finding.message


def test_a_card_is_named_and_long_logs_are_cut() -> None:
    faults = tuple(fault("gpu-lost", subject=f"gpu{n}") for n in range(6))
    message = check(Limits(), kernel_faults=faults).message
    assert "gpu3 gpu-lost" in message
    assert "gpu4" not in message
    assert message.endswith("2 more kinds")
    assert "more" not in check(Limits(), kernel_faults=faults[:4]).message
    long = KernelFault("nmi", "host", "x" * 5000 + " y", 1, 0, "", "z" * 5000)
    assert len(check(Limits(), kernel_faults=(long,)).message) < 300
