from __future__ import annotations

from preflight.checks.pcie_slot_attachment import Limits, check
from preflight.findings import PASS, WARN


def test_processor_lanes_pass() -> None:
    assert check(Limits(), chipset_port="").status is PASS


def test_a_chipset_on_the_way_warns_and_is_named() -> None:
    finding = check(Limits(), chipset_port="AMD X570 port 0000:03:01.0")
    assert finding.status is WARN
    assert finding.message == "behind the chipset: AMD X570 port 0000:03:01.0"
