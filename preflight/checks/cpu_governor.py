"""The processor may run at its full clock.

Why: vLLM's scheduler runs on one processor core; at the lowest clock it leaves the cards waiting
  between two tokens.
Fix: Set the governor to performance: cpupower frequency-set -g performance.
Source: the kernel's cpufreq documentation: powersave is the lowest clock, but with intel_pstate
  and amd-pstate it is a default that follows the load.
"""

from __future__ import annotations

from dataclasses import dataclass

from preflight.facts import Host
from preflight.findings import PASS, WARN, Finding

ID = "cpu-governor"
SUBJECT = Host
REMEDY_CLASS = "reconfigure"


@dataclass(frozen=True)
class Limits:
    """What a policy may set under `cpu-governor`."""

    slow: tuple[str, ...] = ("powersave",)  # governors that hold the lowest clock
    pstate: tuple[str, ...] = ("intel_pstate", "amd-pstate-epp", "amd_pstate_epp")  # that do not
    slow_preferences: tuple[str, ...] = ("power", "balance_power")  # of a pstate driver


def check(
    limits: Limits,
    *,
    cpu_governor: str,
    cpu_frequency_driver: str = "",
    cpu_energy_preference: str = "",
) -> Finding:
    is_pstate = cpu_frequency_driver in limits.pstate
    is_slow = cpu_governor in limits.slow and (
        not is_pstate or cpu_energy_preference in limits.slow_preferences
    )
    told = [f"governor {cpu_governor}"]
    told += [f"driver {cpu_frequency_driver}"] if cpu_frequency_driver else []
    told += [f"preference {cpu_energy_preference}"] if is_pstate and cpu_energy_preference else []
    required = ", required performance" if is_slow else ""
    words = f"processor clock: {', '.join(told)}{required}"
    return Finding(WARN if is_slow else PASS, cpu_governor, "performance", message=words)
