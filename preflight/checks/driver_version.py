"""The NVIDIA driver is one that a current vLLM can run on.

Why: each CUDA release needs a least driver, and a newer program on an older driver does not start;
  the wheels of vLLM since 0.20 are built for CUDA 13 and need 580.65.06. On some
  drivers vLLM is known to fail, which counts where a layout is asked for.
Fix: Install a driver of a current branch from the distribution or from NVIDIA, and reboot.
Source: CUDA 13.0 release notes, table of minimum driver versions; NVIDIA's open kernel modules,
  README: Blackwell and later have no other; the catalogue for the vLLM
  that is installed where a layout is asked for, and for drivers it is known to fail on.
"""

from __future__ import annotations

from dataclasses import dataclass

from preflight.facts import Host, VllmPin
from preflight.findings import FAIL, PASS, WARN, Finding, Status
from preflight.versions import is_of, parse, require

ID = "driver-version"
SUBJECT = Host
REMEDY_CLASS = "reconfigure"
_OPEN_MODULE = "Install the driver with its open kernel module (nvidia-open), and reboot."


@dataclass(frozen=True)
class Limits:
    """What a policy may set under `driver-version`."""

    warn_below: str = "580.65.06"  # CUDA 13.0's least driver; older is merely old
    minimum: str = ""  # older fails; "" sets none
    blocked: tuple[str, ...] = ()  # versions or branches ("565") that fail

    def __post_init__(self) -> None:
        for text in filter(None, (self.warn_below, self.minimum, *self.blocked)):
            require(text, "driver version")


def check(
    limits: Limits,
    *,
    driver_version: str,
    vllm_pin: VllmPin | None = None,
    closed_module_cards: tuple[str, ...] = (),
) -> Finding:
    version = parse(driver_version)
    if version is None:
        return Finding(Status.UNKNOWN, reason=f"not parsed: {driver_version[:40]!r}")
    for text in limits.blocked:
        if is_of(version, require(text, "blocked")):
            words = f"driver {driver_version} is on the policy's list of blocked ones ({text})"
            return Finding(FAIL, driver_version, message=words)
    if closed_module_cards:
        words = f"driver {driver_version} with the closed kernel module, required the open one by "
        words += ", ".join(closed_module_cards[:16])
        return Finding(FAIL, driver_version, message=words, remedy=_OPEN_MODULE)
    if vllm_pin and vllm_pin.known_trouble:
        words = f"vLLM is known to fail on driver {driver_version}: {vllm_pin.known_trouble}"
        return Finding(FAIL, driver_version, message=words)
    if vllm_pin and version < require(vllm_pin.least_driver, "least driver"):
        least = vllm_pin.least_driver
        words = f"driver {driver_version}, required {least} by vLLM {vllm_pin.version}"
        return Finding(FAIL, driver_version, least, message=words)
    if limits.minimum and version < require(limits.minimum, "minimum"):
        return Finding(FAIL, driver_version, limits.minimum)
    if limits.warn_below and version < require(limits.warn_below, "warn_below"):
        return Finding(WARN, driver_version, limits.warn_below)
    return Finding(PASS, driver_version, limits.minimum or limits.warn_below or None)
