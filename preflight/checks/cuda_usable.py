"""CUDA works on each card: a context, a kernel compiled by the driver, and every measurement.

Why: a card that the driver lists may still be of no use: without its fabric, with libraries of
  another version, or with an error that shows as soon as something runs on it.
Fix: Do what the error names: start the fabric manager for 802, reboot for 803 and 804, reset the
  card for errors of memory or of its bus, and look into the kernel log.
Source: CUDA Driver API, CUresult; cuInit, cuDevicePrimaryCtxRetain and cuModuleLoadData.
"""

from __future__ import annotations

from dataclasses import dataclass

from preflight.facts import Gpu
from preflight.findings import FAIL, PASS, Finding, Level

ID = "cuda-usable"
SUBJECT = Gpu
LEVEL = Level.MEASURE
REMEDY_CLASS = "reset-gpu"
_SHOWN = 3


@dataclass(frozen=True)
class Limits:
    """Nothing to set: what is started ends well, or it does not."""


def check(limits: Limits, *, cuda_errors: tuple[str, ...]) -> Finding:
    if not cuda_errors:
        words = "CUDA works: context, kernel and every measurement"
        return Finding(PASS, (), message=words, basis="measured")
    more = len(cuda_errors) - _SHOWN
    words = "; ".join(cuda_errors[:_SHOWN]) + (f"; and {more} more" if more > 0 else "")
    return Finding(FAIL, cuda_errors, message=f"CUDA: {words}", basis="measured")
