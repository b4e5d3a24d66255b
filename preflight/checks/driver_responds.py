"""The driver answers a full query within seconds.

Why: a driver that needs long, hangs or refuses is stuck on a card that no longer answers, or does
  not fit its libraries; every job that touches a card will hang or fail the same way.
Fix: Read what nvidia-smi says; load or repair the driver, and reboot the host where it hangs.
Source: duration and outcome of `nvidia-smi -q`; 5 s and 30 s are a guess: eight sound cards need
  about 2 s without persistence mode.
"""

from __future__ import annotations

from dataclasses import dataclass

from preflight.facts import DriverResponse, Host
from preflight.findings import FAIL, PASS, WARN, Finding

ID = "driver-responds"
SUBJECT = Host
REMEDY_CLASS = "reboot"
_NOUVEAU = (
    "nouveau holds the cards: blacklist it first (see nouveau), rebuild the initramfs, reboot."
)


@dataclass(frozen=True)
class Limits:
    """What a policy may set under `driver-responds`."""

    warn_above_s: float = 5.0  # nvidia-smi -q took longer
    fail_above_s: float = 30.0  # as long as this it hangs, whether it ended or not


def check(
    limits: Limits,
    *,
    driver_response: DriverResponse,
    nouveau_loaded: bool = False,
    driver_after_test: DriverResponse | None = None,
) -> Finding:
    took, said = driver_response.seconds, driver_response.detail
    who = "NVML" if said.lower().startswith("nvml") else "nvidia-smi"  # its library says so itself
    if driver_response.outcome == "failed":
        words = f"{who} refused: {said or 'it gave no reason'}"
        if nouveau_loaded:
            return Finding(FAIL, message=words, remedy=_NOUVEAU, remedy_class="reconfigure")
        return Finding(FAIL, message=words)
    if driver_response.outcome == "timed-out":
        words = f"{who} was stopped after {took:g} s, required at most {limits.fail_above_s:g} s"
        return Finding(FAIL, took, limits.fail_above_s, "s", words)
    if driver_after_test is not None and not driver_after_test.answered:
        return Finding(FAIL, message=f"after the test: {driver_after_test.detail}")
    required = limits.fail_above_s if took > limits.fail_above_s else limits.warn_above_s
    status = PASS if took <= limits.warn_above_s else FAIL if took > limits.fail_above_s else WARN
    words = f"{who} answered in {took:.1f} s, required at most {required:g} s"
    return Finding(status, took, required, "s", words)
