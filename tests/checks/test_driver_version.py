from __future__ import annotations

import pytest

from preflight.catalog.vllm_versions import known_trouble
from preflight.checks.driver_version import Limits, check
from preflight.facts import VllmPin
from preflight.findings import FAIL, PASS, WARN, Status


@pytest.mark.parametrize(
    "version, status",
    [
        ("580.65.06", PASS),
        ("580.65.05", WARN),
        ("580.126.09", PASS),
        ("535.113.01", WARN),
        ("1000.1", PASS),
        ("595.84", PASS),
        ("unknown", Status.UNKNOWN),
    ],
)
def test_old_warns(version: str, status: Status) -> None:
    assert check(Limits(), driver_version=version).status is status


@pytest.mark.parametrize(
    "limits, version, status",
    [
        (Limits(minimum="570.26"), "570.26", WARN),
        (Limits(minimum="570.26"), "570.25", FAIL),
        (Limits(minimum="570.26"), "570.9", FAIL),
        (Limits(warn_below=""), "390.1", PASS),
        (Limits(blocked=("580.95.05",)), "580.95.05", FAIL),
        (Limits(blocked=("580.95.05",)), "580.95.06", PASS),
        (Limits(blocked=("590",)), "590.48.01", FAIL),
        (Limits(blocked=("590.4",)), "590.48.01", PASS),
    ],
)
def test_a_policy_may_fail_one(limits: Limits, version: str, status: Status) -> None:
    assert check(limits, driver_version=version).status is status


@pytest.mark.parametrize(
    "version, status",
    [("580.65.05", FAIL), ("580.65.06", PASS), ("570.195.03", FAIL), ("595.10", PASS)],
)
def test_a_layout_needs_what_its_vllm_needs(version: str, status: Status) -> None:
    finding = check(Limits(), driver_version=version, vllm_pin=VllmPin("0.32.0", "580.65.06"))
    assert finding.status is status
    assert (status is FAIL) == ("by vLLM 0.32.0" in finding.message)


@pytest.mark.parametrize(
    "version, status",
    [("545.29.02", FAIL), ("545.29.03", WARN), ("545.29", WARN), ("580.65.06", PASS)],
)
def test_a_driver_on_which_vllm_is_known_to_fail(version: str, status: Status) -> None:
    pin = VllmPin("0.10.0", "525.60.13", known_trouble(version))
    finding = check(Limits(), driver_version=version, vllm_pin=pin)
    assert finding.status is status
    assert ("known to fail" in finding.message) == (status is FAIL)


@pytest.mark.parametrize("limits", [{"minimum": "new"}, {"blocked": ("1", "a")}])
def test_limits_are_versions(limits: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="no version number"):
        Limits(**limits)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "limits, version, expected",
    [
        (Limits(), "580.65.06", "580.65.06"),
        (Limits(), "535.113.01", "580.65.06"),
        (Limits(minimum="570.26"), "580.126.09", "570.26"),
        (Limits(minimum="570.26"), "570.26", "580.65.06"),
        (Limits(minimum="570.26"), "570.25", "570.26"),
        (Limits(minimum="570.26", warn_below=""), "570.26", "570.26"),
        (Limits(warn_below=""), "390.1", None),
        (Limits(blocked=("580",)), "580.95.05", None),
    ],
)
def test_the_version_that_is_required_is_told(
    limits: Limits, version: str, expected: str | None
) -> None:
    finding = check(limits, driver_version=version)
    assert (finding.measured, finding.expected) == (version, expected)


def test_where_a_layout_is_asked_for_it_is_that_of_its_vllm() -> None:
    pin = VllmPin("0.32.0", "575.51.03")
    assert check(Limits(), driver_version="570.26", vllm_pin=pin).expected == "575.51.03"


@pytest.mark.parametrize("cards, status", [((), PASS), (("gpu0", "gpu1"), FAIL)])
def test_cards_that_only_the_open_module_drives(cards: tuple[str, ...], status: Status) -> None:
    finding = check(Limits(), driver_version="580.95.05", closed_module_cards=cards)
    assert finding.status is status
    if cards:
        told = "driver 580.95.05 with the closed kernel module, required the open one by gpu0, gpu1"
        assert finding.message == told
        assert "nvidia-open" in str(finding.remedy)
