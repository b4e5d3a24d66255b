from __future__ import annotations

import pytest

from preflight.checks.kernel_params import Limits, check
from preflight.findings import PASS, WARN, Status


@pytest.mark.parametrize(
    "line, status",
    [
        ("root=/dev/sda ro quiet", PASS),
        ("pci=noaer", WARN),
        ("pci=realloc,noaer", WARN),
        ("pci=realloc", PASS),
        ("pcie_aspm=off", PASS),
        ("mce=off", WARN),
        ("nomce", WARN),
        ("nvidia.NVreg_EnableGpuFirmware=0", PASS),
        ("", PASS),
    ],
)
def test_parameters(line: str, status: Status) -> None:
    assert check(Limits(), kernel_parameters=tuple(line.split())).status is status


def test_what_matters_to_the_cards_is_told() -> None:
    line = ("root=/dev/sda", "pcie_aspm=off", "nvidia.NVreg_EnableGpuFirmware=0")
    words = "kernel parameters: pcie_aspm=off, nvidia.NVreg_EnableGpuFirmware=0"
    assert check(Limits(), kernel_parameters=line).message == words


def test_what_is_set_for_the_bus_is_told() -> None:
    finding = check(Limits(), kernel_parameters=("quiet", "pci=realloc"))
    assert finding.message == "kernel parameters: pci=realloc"
    none = check(Limits(), kernel_parameters=("quiet",))
    assert none.message == "no parameter hides errors"
