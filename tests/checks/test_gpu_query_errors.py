from __future__ import annotations

import pytest

from preflight.checks.gpu_query_errors import Limits, check
from preflight.findings import FAIL, PASS, Status


@pytest.mark.parametrize(
    "errors, status",
    [
        ((), PASS),
        (("nvmlDeviceGetTemperature: UNKNOWN",), FAIL),
        (("nvidia-smi: temperature/gpu_temp",), FAIL),
        (("Unable to determine the device handle for GPU0000:68:00.0: Unknown Error",), FAIL),
        (("nvmlDeviceGetEccMode: NOT_SUPPORTED",), PASS),
        (("nvmlDeviceGetSerial: NO_PERMISSION",), PASS),
        (("nvmlDeviceGetX: FUNCTION_NOT_FOUND",), PASS),
        (("Addressing Mode: Unknown Error",), PASS),
        (("nvidia-smi: addressing_mode",), PASS),
        (("Addressing Mode: Unknown Error", "nvmlDeviceGetName: UNKNOWN"), FAIL),
    ],
)
def test_errors(errors: tuple[str, ...], status: Status) -> None:
    assert check(Limits(), query_errors=errors).status is status


def test_only_the_first_are_shown() -> None:
    finding = check(Limits(), query_errors=tuple(f"call{n}: UNKNOWN" for n in range(6)))
    assert finding.measured == 6
    assert "call3: UNKNOWN and 2 more" in finding.message
    assert "call4" not in finding.message
    four = check(Limits(), query_errors=tuple(f"call{n}: UNKNOWN" for n in range(4)))
    assert "more" not in four.message


@pytest.mark.parametrize(
    "error, mending",
    [
        ("nvmlInit: DRIVER_NOT_LOADED", "reconfigure"),
        ("nvmlInit: LIB_RM_VERSION_MISMATCH", "reboot"),
        ("NVML hung: nvmlInit_v2", "reboot"),
    ],
)
def test_a_driver_that_refuses_everything_is_no_reason_to_reset_a_card(
    error: str, mending: str
) -> None:
    finding = check(Limits(), query_errors=(error, "nvidia-smi: could not communicate"))
    assert finding.status is FAIL
    assert finding.remedy is not None
    assert finding.remedy.startswith("Mend the driver first")
    assert finding.remedy_class == mending
    assert check(Limits(), query_errors=("nvmlDeviceGetName: UNKNOWN",)).remedy is None
