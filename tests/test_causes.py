"""One fault, however many checks tell of it."""

from __future__ import annotations

import pytest

from preflight.causes import causes, heaviest, weightiest_first
from preflight.checks import registry
from preflight.findings import FAIL, WARN, Finding, RemedyClass, Status

LOST = Finding(FAIL, id="gpu-reachable", subject="gpu1", remedy_class="power-cycle")


def finding(
    id: str,
    subject: str = "gpu1",
    remedy_class: RemedyClass | None = "watch",
    status: Status = FAIL,
    measured: object = None,
    message: str = "",
) -> Finding:
    return Finding(
        status,
        measured,
        message=message,
        id=id,
        subject=subject,
        remedy_class=remedy_class,
    )


@pytest.mark.parametrize(
    "sign, is_one",
    [
        (finding("gpu-query-errors"), True),
        (finding("gpu-query-errors", "gpu0"), False),  # another card's
        (finding("driver-responds", "host"), True),
        (finding("driver-responds", "host", "replace"), False),  # needs more than the cause
        (finding("driver-responds", "host", "power-cycle"), True),
        (finding("driver-responds", "host", "watch", WARN), True),
        (finding("driver-responds", "host", None, Status.UNKNOWN), False),
        (finding("driver-responds", "host", None, Status.PASS), False),
        (finding("disk-space", "host"), False),
        (finding("xid", measured=(79,)), True),
        (finding("xid", measured=(79, 13, 154)), True),
        (finding("xid", measured=(79, 48)), False),  # memory is another matter
        (finding("kernel-faults", "host", measured=("gpu-lost",)), True),
        (finding("kernel-faults", "host", measured=("gpu-lost", "oom-kill")), False),
    ],
)
def test_signs_of_a_lost_card(sign: Finding, is_one: bool) -> None:
    expected = {(sign.id, sign.subject): "gpu-reachable"} if is_one else {}
    assert causes([sign, LOST]) == expected


def test_a_card_that_did_not_start_is_missing_for_that_reason() -> None:
    count = finding("gpu-count", "host", "power-cycle")
    log = finding("kernel-faults", "host", "power-cycle", measured=("rm-init-failed",))
    assert causes([count, log]) == {("kernel-faults", "host"): "gpu-count"}


def test_a_warning_explains_no_failure() -> None:
    lost = finding("gpu-reachable", status=WARN, remedy_class="power-cycle")
    assert causes([lost, finding("gpu-query-errors")]) == {}
    assert causes([lost, finding("gpu-query-errors", status=WARN)])


def test_a_sign_explains_nothing_itself() -> None:
    """The driver that hangs on a lost card is no second cause of the errors of the other one."""
    hung = finding("driver-responds", "host", "reboot")
    other = finding("gpu-query-errors", "gpu0")
    assert causes([LOST, hung, other]) == {("driver-responds", "host"): "gpu-reachable"}
    assert causes([hung, other]) == {("gpu-query-errors", "gpu0"): "driver-responds"}


def test_the_cause_that_explains_more_counts() -> None:
    memory = [
        finding("row-remap", remedy_class="replace"),
        finding("ecc-uncorrectable", remedy_class="reset-gpu"),
        finding("xid", remedy_class="reset-gpu", measured=(48, 64, 94)),
    ]
    assert set(causes(memory).values()) == {"row-remap"}
    assert set(causes(memory[1:]).values()) == {"ecc-uncorrectable"}
    assert causes(memory[2:]) == {}


@pytest.mark.parametrize(
    "words, is_one",
    [
        ("BMC's log: Power Supply PS1 Status: AC lost", True),
        ("BMC's log: PSU2: Failure detected; PS1 Status: AC lost", True),
        ("BMC's log: Memory #0x87: Uncorrectable ECC", False),
        ("BMC's log: PS1 Status: AC lost; Memory #0x87: Uncorrectable ECC", False),
    ],
)
def test_the_board_s_log_follows_only_where_each_entry_is_the_supply_s(
    words: str, is_one: bool
) -> None:
    failed = finding("psu-redundancy", "host", "replace")
    log = finding("bmc-events", "host", "service", message=words)
    assert bool(causes([log, failed])) is is_one


def test_a_pair_is_about_its_cards() -> None:
    chip = finding("name-vs-device-id", remedy_class="replace")
    assert causes([chip, finding("gpu-model-uniform", "host", status=WARN)])
    assert not causes([LOST, finding("xid", "gpu0>gpu2", measured=(79,))])
    assert causes([LOST, finding("xid", "gpu0>gpu1", measured=(79,))])


def test_what_asks_most_stands_first_and_signs_behind_their_cause() -> None:
    found = [
        finding("disk-space", "host", "reconfigure"),
        finding("driver-responds", "host", "reboot"),
        finding("gpu-query-errors", "gpu1", "reset-gpu"),
        finding("gpu-reachable", "gpu1", "power-cycle"),
        finding("inforom-valid", "gpu0", "replace"),
        finding("power-limit", "gpu0", "reconfigure"),
        finding("uptime", "host", None),
    ]
    ordered = [f.id for f in weightiest_first(found, causes(found))]
    assert ordered == [
        "inforom-valid",
        "gpu-reachable",
        "driver-responds",
        "gpu-query-errors",
        "power-limit",  # a card before the host
        "disk-space",
        "uptime",
    ]


def test_a_warning_whose_cause_is_a_failure_keeps_its_own_place() -> None:
    unit = finding("systemd-failed", "host", "reconfigure", WARN)
    idle = finding("temperature-idle", "gpu0", "service", WARN)
    caused = {("systemd-failed", "host"): "fabric-state"}
    assert weightiest_first([unit, idle], caused) == [idle, unit]


def test_the_heaviest_remedy() -> None:
    assert heaviest([]) is None
    assert heaviest([finding("xid", remedy_class=None)]) is None
    classes: list[RemedyClass] = ["reset-gpu", "service", "reboot"]
    assert heaviest([finding("xid", remedy_class=c) for c in classes]) == "service"


def test_every_cause_and_sign_is_a_check() -> None:
    from preflight.causes import _SIGNS

    known = {check.id for check in registry()}
    assert set(_SIGNS) <= known
    assert {sign for signs in _SIGNS.values() for sign in signs} <= known
