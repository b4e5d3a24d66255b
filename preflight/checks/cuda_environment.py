"""No variable changes what every program of CUDA sees or does.

Why: CUDA_VISIBLE_DEVICES hides cards, and a plan that counts them meets others; an injected library
  or a profile slows each program or ends it. Set for all, they are found last.
Fix: Take the variable out of /etc/environment or the login's files; set it for the one program that
  wants it.
Source: the environment of the login and /etc/environment, of CUDA_AUTO_BOOST, COMPUTE_PROFILE,
  CUDA_INJECTION… and CUDA_VISIBLE_DEVICES alone; DCGM's software test warns of the same. A
  service's own environment is not read: it may hold secrets.
"""

from __future__ import annotations

from dataclasses import dataclass

from preflight.facts import Host
from preflight.findings import PASS, WARN, Finding

ID = "cuda-environment"
SUBJECT = Host
REMEDY_CLASS = "reconfigure"


@dataclass(frozen=True)
class Limits:
    """Nothing to set: none is set, or some are."""


def check(limits: Limits, *, cuda_settings: tuple[str, ...]) -> Finding:
    if not cuda_settings:
        return Finding(PASS, (), message="no variable changes what programs of CUDA see")
    words = f"set for every program: {'; '.join(cuda_settings[:4])}"
    return Finding(WARN, cuda_settings, (), message=words)
