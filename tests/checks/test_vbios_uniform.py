from __future__ import annotations

import pytest

from preflight.checks.vbios_uniform import Limits, check
from preflight.facts import GpuVbios
from preflight.findings import FAIL, PASS, WARN, Status

MSI, ASUS = "10de:2684 1462:5104", "10de:2684 1043:8889"
OLD, NEW = "95.02.18.80.8E", "95.02.3C.00.40"


@pytest.mark.parametrize(
    "cards, status",
    [
        ([(MSI, NEW)], PASS),
        ([(MSI, NEW), (MSI, NEW)], PASS),
        ([(MSI, NEW), (ASUS, OLD)], PASS),  # another board has its own
        ([(MSI, NEW), (MSI, OLD)], WARN),
        ([(MSI, NEW), (ASUS, OLD), (MSI, OLD)], WARN),
    ],
)
def test_versions(cards: list[tuple[str, str]], status: Status) -> None:
    found = tuple(GpuVbios(f"gpu{n}", *told) for n, told in enumerate(cards))
    assert check(Limits(), gpu_vbios=found).status is status


def test_a_version_that_is_not_on_the_list_fails() -> None:
    cards = GpuVbios("gpu0", MSI, NEW), GpuVbios("gpu1", MSI, OLD)
    finding = check(Limits(allowed=(NEW,)), gpu_vbios=cards)
    assert (finding.status, finding.message) == (FAIL, f"VBIOS not on the list: gpu1 {OLD}")
    assert check(Limits(allowed=(NEW, OLD)), gpu_vbios=cards).status is WARN
