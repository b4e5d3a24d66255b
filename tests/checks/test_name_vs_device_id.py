from __future__ import annotations

import pytest

from preflight.checks.name_vs_device_id import Limits, check
from preflight.findings import FAIL, PASS, WARN, Status

NAMES = ("GeForce RTX 3080", "GeForce RTX 3080 LHR")


@pytest.mark.parametrize(
    "name, names, status",
    [
        ("NVIDIA GeForce RTX 3080", NAMES, PASS),
        ("GeForce RTX 3080", NAMES, PASS),  # drivers before 470
        ("NVIDIA GeForce RTX 3080 LHR", NAMES, PASS),
        ("NVIDIA GeForce RTX 4090", NAMES, FAIL),
        ("NVIDIA GeForce RTX 3080 Ti", NAMES, FAIL),
        ("NVIDIA Graphics Device", NAMES, WARN),
        ("Graphics Device", NAMES, WARN),
        ("NVIDIA GeForce RTX 9090", (), WARN),  # not in the catalogue
    ],
)
def test_names(name: str, names: tuple[str, ...], status: Status) -> None:
    assert check(Limits(), name=name, catalog_names=names).status is status


def test_an_unknown_id_is_told() -> None:
    finding = check(Limits(), name="RTX 9090", catalog_names=(), pci_device_id="9999")
    assert finding.message == "the catalogue does not know PCI id 10de:9999, called RTX 9090"
    assert finding.remedy_class == "watch"
