"""Policies that load, and how one extends another."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from preflight.checks import Check, registry
from preflight.errors import UsageError
from preflight.findings import FAIL, PASS, WARN, Finding, Level, Status
from preflight.policy import Policy, Waiver, load, shipped

UNKNOWN, NOT_APPLICABLE = Status.UNKNOWN, Status.NOT_APPLICABLE
CHECKS = {check.id: check for check in registry()}
LOOK = ("gpu-count", "gpu-query-errors", "driver-responds", "pcie-link-width", "xid")


def write(folder: Path, text: str, name: str = "ours.yaml") -> str:
    path = folder / name
    path.write_text(text)
    return str(path)


def limits(policy: Policy, id: str) -> object:
    return policy.limits(CHECKS[id])


def test_the_shipped_ones_load_by_name() -> None:
    assert shipped() == ("default", "imported", "production", "tenant")
    for name in shipped():
        assert load(name).name == name
        assert load(name).description


def test_default_requires_what_the_design_says() -> None:
    policy = load("default")
    assert policy.required(Level.LOOK) == LOOK
    assert all(limits(policy, id) == check.limits() for id, check in CHECKS.items())


def test_production_is_stricter_than_default_everywhere() -> None:
    policy = load("production")
    assert set(policy.required(Level.LOOK)) > set(LOOK)
    assert policy.limits_of
    driver = CHECKS["driver-version"]
    assert driver.check(load("default").limits(driver), driver_version="570.1").status is WARN
    assert driver.check(policy.limits(driver), driver_version="570.1").status is FAIL
    persistence = CHECKS["persistence-mode"]
    assert persistence.check(policy.limits(persistence), persistence_mode=False).status is FAIL
    disk = CHECKS["disk-space"]
    assert disk.check(policy.limits(disk), used_percent=91.0).status is FAIL
    ecc = CHECKS["ecc-uncorrectable"]
    one = {"ecc_uncorrectable_volatile": 0, "ecc_uncorrectable_aggregate_sram": 1}
    assert ecc.check(policy.limits(ecc), **one).status is FAIL


def test_a_tenant_owes_nothing_that_only_the_host_can_see() -> None:
    policy = load("tenant")
    assert policy.required(Level.LOOK) == ("gpu-count", "gpu-query-errors", "driver-responds")
    assert policy.limits_of == {}


def test_an_own_policy_extends_default_unless_it_names_another(tmp_path: Path) -> None:
    policy = load(write(tmp_path, "limits: {pcie-link-width: {fail_at: 8}}\n"))
    assert policy.name == "ours"
    assert policy.required(Level.LOOK) == LOOK
    assert limits(policy, "pcie-link-width") == CHECKS["pcie-link-width"].limits(fail_at=8)
    strict = load(write(tmp_path, "{name: strict, extends: production}\n"))
    assert strict.name == "strict"
    assert strict.required_at == load("production").required_at
    assert strict.limits_of == load("production").limits_of


def test_limits_are_merged_field_by_field_and_lists_are_replaced(tmp_path: Path) -> None:
    write(
        tmp_path,
        """
        extends: production
        required: {look: [xid]}
        limits: {driver-version: {blocked: ["590"]}}
        waive: [{id: xid, until: 2027-01-31, reason: known}]
        """,
        "base.yaml",
    )
    policy = load(
        write(
            tmp_path,
            """
            extends: base.yaml
            description: ours
            limits: {driver-version: {minimum: 590.10}, xid: {fail: [13, 31]}}
            waive: [{id: nouveau, subject: host, until: 2027-02-28, reason: a test bench}]
            """,
        )
    )
    driver = CHECKS["driver-version"].limits
    expected = driver(warn_below="580.65.06", minimum="590.10", blocked=("590",))
    assert limits(policy, "driver-version") == expected
    assert limits(policy, "xid") == CHECKS["xid"].limits(fail=(13, 31))
    assert policy.required(Level.LOOK) == ("xid",)
    assert policy.description == "ours"
    assert policy.waivers == (
        Waiver("xid", None, date(2027, 1, 31), "known"),
        Waiver("nouveau", "host", date(2027, 2, 28), "a test bench"),
    )


def test_levels_above_look_are_data(tmp_path: Path) -> None:
    def later(id: str, level: Level) -> Check:
        known = CHECKS["xid"]
        return Check(
            id, known.subject, level, known.remedy_class, known.limits, known.check, known.doc
        )

    checks = [
        *registry(),
        later("cuda-usable", Level.MEASURE),
        later("vram-pattern", Level.SOAK),
    ]
    path = write(tmp_path, "required: {measure: [cuda-usable], soak: [vram-pattern]}")
    policy = load(path, checks)
    assert policy.required(Level.LOOK) == LOOK
    assert policy.required(Level.MEASURE) == (*LOOK, "cuda-usable")
    assert policy.required(Level.SOAK) == (*LOOK, "cuda-usable", "vram-pattern")
    path = write(tmp_path, "required: {look: [vram-pattern]}")
    with pytest.raises(UsageError, match="vram-pattern runs at level soak, look cannot require"):
        load(path, checks)


@pytest.mark.parametrize(
    "subject, moment, finding, holds",
    [
        (None, "2027-01-31T23:59:59Z", ("xid", "gpu3", FAIL), True),
        (None, "2027-02-01T00:00:00Z", ("xid", "gpu3", FAIL), False),
        ("gpu3", "2026-05-01T00:00:00Z", ("xid", "gpu3", WARN), True),
        ("gpu3", "2026-05-01T00:00:00Z", ("xid", "gpu1", WARN), False),
        (None, "2026-05-01T00:00:00Z", ("nouveau", "host", FAIL), False),
        (None, "2026-05-01T00:00:00Z", ("xid", "gpu3", UNKNOWN), True),
        (None, "2026-05-01T00:00:00Z", ("xid", "gpu3", PASS), False),
        (None, "2026-05-01T00:00:00Z", ("xid", "gpu3", NOT_APPLICABLE), False),
        (None, "yesterday", ("xid", "gpu3", FAIL), False),
        (None, "", ("xid", "gpu3", FAIL), False),
    ],
)
def test_waivers(
    subject: str | None, moment: str, finding: tuple[str, str, Status], holds: bool
) -> None:
    waiver = Waiver("xid", subject, date(2027, 1, 31), "known")
    policy = Policy("test", waivers=(waiver,)).at(moment)
    id, place, status = finding
    judged = policy.waive(Finding(status, id=id, subject=place))
    assert judged.status is status
    assert (judged.waived is not None) is holds
    if judged.waived is not None:
        assert (judged.waived.until, judged.waived.reason) == ("2027-01-31", "known")


def test_without_a_date_no_waiver_holds() -> None:
    waiver = Waiver("xid", None, date(2027, 1, 31), "known")
    finding = Finding(FAIL, id="xid", subject="gpu0")
    assert Policy("test", waivers=(waiver,)).waive(finding).waived is None
    lapsed = Policy("test", waivers=(waiver,)).at("2026-01-01T00:00:00Z").at("no date")
    assert lapsed.waive(finding).waived is None


def test_the_second_waiver_counts_where_the_first_has_lapsed() -> None:
    waivers = (
        Waiver("xid", None, date(2026, 1, 1), "old"),
        Waiver("xid", None, date(2027, 1, 31), "renewed"),
    )
    policy = Policy("test", waivers=waivers).at("2026-06-01T00:00:00Z")
    judged = policy.waive(Finding(FAIL, id="xid", subject="gpu0"))
    assert judged.waived is not None
    assert judged.waived.reason == "renewed"
