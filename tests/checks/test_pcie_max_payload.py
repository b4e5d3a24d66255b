from __future__ import annotations

import pytest

from preflight.checks.pcie_max_payload import Limits, check
from preflight.findings import PASS, WARN, Status


@pytest.mark.parametrize(
    "least, used, status",
    [(0, 128, PASS), (0, 512, PASS), (256, 128, WARN), (256, 256, PASS)],
)
def test_payload(least: int, used: int, status: Status) -> None:
    finding = check(Limits(least), pcie_max_payload_bytes=used)
    assert (finding.status, finding.measured) == (status, used)


def test_it_is_only_told_unless_a_policy_asks_for_more() -> None:
    finding = check(Limits(), pcie_max_payload_bytes=128, pcie_max_payload_able_bytes=256)
    assert finding.status is PASS
    assert finding.message == "PCIe packets carry up to 128 bytes; the card could do 256"
    assert finding.expected is None
    most = check(Limits(256), pcie_max_payload_bytes=256, pcie_max_payload_able_bytes=256)
    assert (most.message, most.expected) == ("PCIe packets carry up to 256 bytes", 256)
