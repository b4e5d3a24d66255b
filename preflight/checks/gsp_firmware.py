"""The firmware that runs on each card is of the loaded driver's version.

Why: since Turing much of the driver runs on the card itself. Firmware of another version comes from
  a half upgraded host, and shows as time-outs between driver and card (Xid 119, 120).
Fix: Install driver and firmware of one version, then reboot the host.
Source: NVIDIA driver README, GSP firmware: it is part of each driver and loaded with it.
"""

from __future__ import annotations

from dataclasses import dataclass

from preflight.facts import Gpu
from preflight.findings import PASS, WARN, Finding

ID = "gsp-firmware"
SUBJECT = Gpu
REMEDY_CLASS = "reconfigure"


@dataclass(frozen=True)
class Limits:
    """Nothing to set: the versions are equal or are not."""


def check(limits: Limits, *, gsp_firmware: str, loaded_driver: str) -> Finding:
    words = f"firmware {gsp_firmware}, driver {loaded_driver}"
    status = PASS if gsp_firmware == loaded_driver else WARN
    suffix = "" if status is PASS else ": required the same"
    return Finding(status, gsp_firmware, loaded_driver, message=words + suffix)
