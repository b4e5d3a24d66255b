from __future__ import annotations

from typing import Any

import pytest

from preflight.checks.pcie_aer import Limits, check
from preflight.facts import AerCounts
from preflight.findings import FAIL, PASS, WARN, Status
from tests.checks.cards import card

ROOT, CARD = "0000:00:01.1", "0000:01:00.0"
QUIET = {"corrected": {CARD: 0, ROOT: 0}, "nonfatal": {CARD: 0}, "fatal": {CARD: 0}}


def aer(**given: Any) -> AerCounts:
    empty: dict[str, Any] = {
        "corrected": {},
        "nonfatal": {},
        "fatal": {},
        "sticky_corrected": {},
        "sticky_uncorrected": {},
    }
    return AerCounts(**{**empty, **given})


@pytest.mark.parametrize(
    "given, status",
    [
        (QUIET, PASS),
        ({**QUIET, "corrected": {CARD: 0, ROOT: 1}}, WARN),
        ({**QUIET, "nonfatal": {CARD: 1}}, FAIL),
        ({**QUIET, "fatal": {ROOT: 1}}, FAIL),
        ({"corrected": {CARD: 0}}, PASS),
        ({"nonfatal": {CARD: 0}}, PASS),
        ({"fatal": {CARD: 0}}, PASS),
        ({}, Status.UNKNOWN),  # neither counted nor shown
        ({"sticky_corrected": {CARD: ("AdvNonFatalErr",)}}, Status.UNKNOWN),
        ({**QUIET, "sticky_corrected": {CARD: ("AdvNonFatalErr",)}}, PASS),
        ({**QUIET, "sticky_uncorrected": {CARD: ("UnsupReq",)}}, PASS),
        ({**QUIET, "sticky_corrected": {CARD: ("BadTLP",)}}, WARN),  # gpu0 of two RTX 3080
        ({"sticky_corrected": {CARD: ("RxErr", "BadTLP")}}, WARN),
        ({**QUIET, "sticky_uncorrected": {CARD: ("CmpltTO",)}}, WARN),  # and gpu1
    ],
)
def test_reports(given: dict[str, Any], status: Status) -> None:
    assert check(Limits(), aer=aer(**given)).status is status


@pytest.mark.parametrize(
    "form, bits, status",
    [
        ("data-center", ("RxErr", "BadTLP", "BadDLLP", "Timeout"), PASS),  # eight sound H100s
        ("data-center", ("Rollover",), WARN),
        ("geforce", ("RxErr",), WARN),
        ("workstation", ("RxErr",), WARN),
    ],
)
def test_what_training_leaves_on_data_center_cards(
    form: str, bits: tuple[str, ...], status: Status
) -> None:
    facts = aer(**QUIET, sticky_corrected={CARD: bits})
    assert check(Limits(), aer=facts, catalog=card(form=form)).status is status


def test_the_message_names_the_ports() -> None:
    finding = check(Limits(), aer=aer(**{**QUIET, "corrected": {CARD: 0, ROOT: 7}}))
    assert finding.message == f"corrected PCIe errors since boot: 7, at {ROOT}"
    bits = aer(
        **QUIET,
        sticky_corrected={CARD: ("RxErr", "AdvNonFatalErr")},
        sticky_uncorrected={CARD: ("CmpltTO",)},
    )
    assert f"{CARD} CmpltTO, RxErr" in check(Limits(), aer=bits).message
    assert "AdvNonFatalErr" not in check(Limits(), aer=bits).message


@pytest.mark.parametrize(
    "grown, seconds, status",
    [
        ({}, 4.0, PASS),
        ({"corrected": 32}, 4.0, PASS),  # told by the count since boot, in life
        ({"corrected": 33}, 4.0, FAIL),
        ({"corrected": 64}, 120.0, PASS),
        ({"corrected": 65}, 120.0, FAIL),
        ({"nonfatal": 1}, 4.0, FAIL),
        ({"fatal": 1}, 4.0, FAIL),
        ({"corrected": 34}, 63.75, PASS),  # a minute and a sixteenth
        ({"corrected": 35}, 63.75, FAIL),
    ],
)
def test_growth_while_it_was_measured(grown: dict[str, int], seconds: float, status: Any) -> None:
    finding = check(Limits(), aer=aer(**QUIET), pcie_errors_under_load=grown, copying_s=seconds)
    assert finding.status is status


@pytest.mark.parametrize("replays, told", [(538, True), (0, False), (None, False)])
def test_packets_sent_again_are_named_beside_the_bits(replays: int | None, told: bool) -> None:
    bits = aer(**QUIET, sticky_corrected={CARD: ("BadTLP",)})
    message = check(Limits(), aer=bits, pcie_replays=replays).message
    assert (f"{replays} replays" in message) is told


def test_errors_in_a_test_of_unknown_length_are_judged_as_in_a_minute() -> None:
    grown = {"corrected": 33}
    assert check(Limits(), aer=aer(**QUIET), pcie_errors_under_load=grown).status is FAIL
    lost = check(Limits(), aer=aer(**QUIET), pcie_errors_under_load={"fatal": 1, "nonfatal": 2})
    assert (lost.measured, lost.expected) == (3, 0)
