from __future__ import annotations

from dataclasses import replace

import pytest

from preflight.checks.pcie_upstream_link import Limits, check
from preflight.facts import Bridge, NvLink
from preflight.findings import PASS, WARN, Status


def port(gen: int | None, width: int | None, now: int | None = None, root: bool = True) -> Bridge:
    return Bridge("0000:00:01.1", 1, gen, width if now is None else now, width, root)


def status_of(upstream: tuple[Bridge, ...], device_width: int, gen: int, width: int) -> Status:
    return check(
        Limits(),
        upstream=upstream,
        pcie_device_width_max=device_width,
        pcie_link_gen_max=gen,
        pcie_link_width_max=width,
    ).status


SWITCH = port(5, 16, root=False)


@pytest.mark.parametrize(
    "upstream, device_width, gen, width, status",
    [
        ((port(4, 16),), 16, 4, 16, PASS),
        ((port(3, 16),), 16, 3, 16, PASS),  # an older host: its generation, no narrow port
        ((port(4, 8),), 16, 4, 8, WARN),  # two RTX 3080 in x8 slots
        ((port(4, 8),), 8, 4, 8, PASS),  # a card that has eight lanes itself
        ((port(4, 16),), 4, 3, 4, PASS),  # a GT 1030
        ((port(4, 16, now=4),), 16, 4, 16, PASS),  # the card's own link: pcie-link-width
        ((SWITCH, SWITCH, port(5, 16)), 16, 5, 16, PASS),
        ((SWITCH, SWITCH, port(5, 8)), 16, 5, 16, WARN),
        ((SWITCH, SWITCH, port(5, 16, now=8)), 16, 5, 16, WARN),
        ((SWITCH, SWITCH, port(4, 16)), 16, 5, 16, WARN),  # a slower uplink
        ((SWITCH, SWITCH, port(4, 16)), 16, 4, 16, PASS),
        ((SWITCH, port(None, None), port(5, 16)), 16, 5, 16, PASS),
        ((port(None, None),), 16, 4, 16, Status.UNKNOWN),
        ((), 16, 4, 16, Status.UNKNOWN),
    ],
)
def test_ports(
    upstream: tuple[Bridge, ...], device_width: int, gen: int, width: int, status: Status
) -> None:
    assert status_of(upstream, device_width, gen, width) is status


@pytest.mark.parametrize(
    "sharing, nvlink, status",
    [
        ((), None, PASS),
        (("gpu0", "gpu1"), None, WARN),  # two A6000 behind one PEX 8747
        (("gpu0", "gpu1"), NvLink((), (0, 1)), WARN),
        (("gpu0", "gpu1"), NvLink((0, 1), ()), PASS),  # they need the uplink little
    ],
)
def test_an_uplink_that_cards_share(
    sharing: tuple[str, ...], nvlink: NvLink | None, status: Status
) -> None:
    finding = check(
        Limits(),
        upstream=(SWITCH, SWITCH, port(3, 16)),
        pcie_device_width_max=16,
        pcie_link_gen_max=3,
        pcie_link_width_max=16,
        uplink_shared_by=sharing,
        nvlink=nvlink,
    )
    assert finding.status is status
    assert ("gpu0, gpu1" in finding.message) is (status is WARN)


def test_a_shared_uplink_is_the_last_port() -> None:
    root = replace(port(3, 16), pci="0000:40:01.1")
    found = check(
        Limits(),
        upstream=(SWITCH, root),
        pcie_device_width_max=16,
        pcie_link_gen_max=3,
        pcie_link_width_max=16,
        uplink_shared_by=("gpu0", "gpu1"),
    )
    assert (
        found.message == "2 cards behind one switch share 16 lanes at port 0000:40:01.1: gpu0, gpu1"
    )
