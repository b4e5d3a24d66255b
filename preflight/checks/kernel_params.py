"""The kernel was not told to hide errors.

Why: with pci=noaer a failing slot or riser leaves no line in the log, and the machine looks well.
Fix: Take the parameter from the boot loader's configuration, and reboot.
Source: the kernel's list of parameters; nvidia.NVreg_ ones are the driver's.
"""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import shorten

from preflight.facts import Host
from preflight.findings import PASS, WARN, Finding

ID = "kernel-params"
SUBJECT = Host
REMEDY_CLASS = "reconfigure"


@dataclass(frozen=True)
class Limits:
    """What a policy may set under `kernel-params`."""

    hiding: tuple[str, ...] = ("pci=noaer", "mce=off", "nomce")  # that hide evidence
    told: tuple[str, ...] = ("pcie_aspm=", "nvidia.NVreg_", "pci=")  # beginnings worth a word


def check(limits: Limits, *, kernel_parameters: tuple[str, ...]) -> Finding:
    hidden = [word for word in kernel_parameters if _hides(word, limits.hiding)]
    if hidden:
        words = f"kernel parameters {', '.join(hidden)} hide errors"
        return Finding(WARN, tuple(hidden), (), message=words)
    told = [shorten(word, 60) for word in kernel_parameters if word.startswith(limits.told)]
    words = f"kernel parameters: {', '.join(told[:8])}" if told else "no parameter hides errors"
    return Finding(PASS, tuple(told), message=words)


def _hides(word: str, hiding: tuple[str, ...]) -> bool:
    """Also in a list of one parameter's values: pci=realloc,noaer."""
    name, _, values = word.partition("=")
    return word in hiding or any(f"{name}={value}" in hiding for value in values.split(","))
