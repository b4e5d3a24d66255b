"""No large part of memory is set aside in huge pages.

Why: memory that is set aside at boot is lost to everything that does not ask for it, and vLLM
  does not.
Fix: Take hugepages= from the kernel's parameters, or set vm.nr_hugepages to 0.
Source: the kernel's HugePages_Total; a quarter is a guess. The mode of transparent huge pages is
  told and not judged.
"""

from __future__ import annotations

from dataclasses import dataclass

from preflight.facts import Host
from preflight.findings import PASS, WARN, Finding

ID = "hugepages"
SUBJECT = Host
REMEDY_CLASS = "reconfigure"


@dataclass(frozen=True)
class Limits:
    """What a policy may set under `hugepages`."""

    warn_above_percent: float = 25.0  # of the host's memory


def check(
    limits: Limits,
    *,
    huge_pages_mib: int,
    memory_total_mib: int,
    transparent_huge_pages: str = "",
) -> Finding:
    share = round(100 * huge_pages_mib / memory_total_mib, 1) if memory_total_mib else 0.0
    status = WARN if share > limits.warn_above_percent else PASS
    words = f"{huge_pages_mib} MiB ({share:g} %) set aside in huge pages, required at most "
    words += f"{limits.warn_above_percent:g} %"
    if transparent_huge_pages:
        words += f"; transparent ones: {transparent_huge_pages}"
    return Finding(status, share, limits.warn_above_percent, "%", words)
