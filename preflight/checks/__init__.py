"""The folder is the registry: every module here is one check, in alphabetical order."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from preflight.findings import Finding, Level, RemedyClass


def _never_idle(limits: Any) -> str:
    return ""


@dataclass(frozen=True)
class Check:
    """One check as its module tells it: docstring (first line, Why, Fix, Source) and names."""

    id: str
    subject: type
    level: Level
    remedy_class: RemedyClass
    limits: type
    check: Callable[..., Finding]
    doc: str
    idle: Callable[[Any], str] = _never_idle  # why it judges nothing under such limits

    @property
    def title(self) -> str:
        """The property in words: "PCIe link width"."""
        words = self.id.replace("-", " ")
        for lower, proper in _PROPER.items():
            words = f" {words} ".replace(f" {lower} ", f" {proper} ").strip()
        return words[0].upper() + words[1:]

    @property
    def summary(self) -> str:
        return self.doc.split("\n", 1)[0]

    @property
    def fix(self) -> str:
        return self.section("Fix")

    def section(self, heading: str) -> str:
        """The text behind `Why:`, `Fix:` or `Source:`, its lines joined."""
        lines: list[str] = []
        for line in self.doc.splitlines():
            if line.startswith(f"{heading}: "):
                lines.append(line.removeprefix(f"{heading}: "))
            elif lines and line.startswith(" "):
                lines.append(line.strip())
            elif lines:
                break
        return " ".join(lines)


_PROPER = {
    "pcie": "PCIe",
    "gpu": "GPU",
    "nccl": "NCCL",
    "acs": "ACS",
    "aer": "AER",
    "bar1": "BAR1",
    "ecc": "ECC",
    "vram": "VRAM",
    "ram": "RAM",
    "xid": "Xid",
    "id": "ID",
    "nvlink": "NVLink",
    "numa": "NUMA",
    "vbios": "VBIOS",
    "mig": "MIG",
    "cpu": "CPU",
    "bmc": "BMC",
    "gsp": "GSP",
    "inforom": "InfoROM",
    "sxid": "SXid",
    "smi": "nvidia-smi",
    "bar": "BAR",
    "cuda": "CUDA",
    "fma": "FMA",
    "sm": "SM",
}


@cache
def registry() -> tuple[Check, ...]:
    """Every check, by file name."""
    names = sorted(m.name for m in pkgutil.iter_modules(__path__))
    return tuple(_load(importlib.import_module(f"{__name__}.{name}")) for name in names)


def _load(module: Any) -> Check:
    return Check(
        id=module.ID,
        subject=module.SUBJECT,
        level=Level(getattr(module, "LEVEL", Level.LOOK)),
        remedy_class=module.REMEDY_CLASS,
        limits=module.Limits,
        check=module.check,
        doc=(module.__doc__ or "").strip(),
        idle=getattr(module, "idle", _never_idle),
    )
