from __future__ import annotations

import pytest

from preflight.checks.driver_responds import Limits, check
from preflight.facts import DriverResponse
from preflight.findings import FAIL, PASS, WARN, Status


@pytest.mark.parametrize(
    "seconds, outcome, status",
    [
        (0.4, "answered", PASS),
        (5.0, "answered", PASS),
        (5.1, "answered", WARN),
        (30.0, "answered", WARN),
        (30.1, "answered", FAIL),
        (35.0, "timed-out", FAIL),
        (0.1, "failed", FAIL),
    ],
)
def test_answers(seconds: float, outcome: str, status: Status) -> None:
    response = DriverResponse(seconds, outcome, "")  # type: ignore[arg-type]
    assert check(Limits(), driver_response=response).status is status


def test_nouveau_is_what_to_mend_first() -> None:
    refused = DriverResponse(0.1, "failed", "couldn't communicate with the NVIDIA driver")
    held = check(Limits(), driver_response=refused, nouveau_loaded=True)
    assert (held.status, held.remedy_class) == (FAIL, "reconfigure")
    assert "nouveau" in (held.remedy or "")
    assert check(Limits(), driver_response=refused).remedy is None


def test_the_message_repeats_what_it_said() -> None:
    refused = DriverResponse(0.1, "failed", "couldn't communicate with the NVIDIA driver")
    assert "couldn't communicate" in check(Limits(), driver_response=refused).message
    slow = check(Limits(), driver_response=DriverResponse(6.0, "answered", ""))
    assert slow.message == "nvidia-smi answered in 6.0 s, required at most 5 s"
    library = check(Limits(), driver_response=DriverResponse(0.2, "answered", "NVML"))
    assert library.message == "NVML answered in 0.2 s, required at most 5 s"
    hung = check(Limits(), driver_response=DriverResponse(31.0, "answered", ""))
    assert hung.expected == 30
    edge = check(Limits(), driver_response=DriverResponse(30.0, "answered", ""))
    assert (edge.status, edge.expected) == (WARN, 5)


def test_the_library_is_named_where_it_gave_no_answer() -> None:
    hung = DriverResponse(10.0, "timed-out", "NVML hung: nvmlDeviceGetPowerUsage")
    found = check(Limits(), driver_response=hung)
    assert found.status is FAIL
    assert found.message.startswith("NVML was stopped after 10 s")
    refused = DriverResponse(0.1, "failed", "nvmlInit: DRIVER_NOT_LOADED")
    assert check(Limits(), driver_response=refused).message.startswith("NVML refused: ")


@pytest.mark.parametrize(
    "outcome, status", [("answered", PASS), ("failed", FAIL), ("timed-out", FAIL)]
)
def test_a_driver_that_no_longer_answers_after_the_test(outcome: str, status: Status) -> None:
    before = DriverResponse(0.4, "answered", "")
    after = DriverResponse(0.4, outcome, "GPU is lost")  # type: ignore[arg-type]
    found = check(Limits(), driver_response=before, driver_after_test=after)
    assert found.status is status
    assert ("after the test: GPU is lost" in found.message) is (status is FAIL)
