"""What nvidia-smi tells of the cards is what the driver's library tells.

Why: a script in the place of nvidia-smi, or a library put before the real one, can name any card
  and any memory. The two ways of asking then differ.
Fix: Take the machine for what the library says, or leave it; have the driver installed anew.
Source: names, UUIDs, memory and number of cards by nvidia-smi -q and by NVML, called directly; at
  level measure by CUDA as well; /etc/ld.so.preload and LD_PRELOAD of the login.
"""

from __future__ import annotations

from dataclasses import dataclass

from preflight.facts import Host
from preflight.findings import FAIL, PASS, WARN, Finding

ID = "smi-genuine"
SUBJECT = Host
REMEDY_CLASS = "service"
_SHOWN = 4
_PRELOADED = (
    "See what that library is for: it can answer in the driver's place. Without a reason take it "
    "out of /etc/ld.so.preload and LD_PRELOAD, and check again."
)


@dataclass(frozen=True)
class Limits:
    """Nothing to set: the two agree or do not."""


def check(
    limits: Limits, *, smi_disagreements: tuple[str, ...], preloaded: tuple[str, ...] = ()
) -> Finding:
    if not smi_disagreements and preloaded:
        words = f"put before every program's own libraries: {', '.join(preloaded[:_SHOWN])}"
        return Finding(WARN, preloaded, (), message=words, remedy=_PRELOADED)
    if not smi_disagreements:
        return Finding(PASS, (), message="nvidia-smi and NVML tell the same of all cards")
    words = "; ".join(smi_disagreements[:_SHOWN])
    return Finding(FAIL, smi_disagreements, message=words)
