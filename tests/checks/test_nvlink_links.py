from __future__ import annotations

import pytest

from preflight.checks.nvlink_links import Limits, check
from preflight.facts import Card, NvLink
from preflight.findings import FAIL, PASS, WARN, Status
from tests.checks.cards import card

NONE = Status.NOT_APPLICABLE
H100 = card(name="H100 80GB HBM3", form="data-center", nvlink_links=18)
A100_PCIE = card(name="A100 80GB PCIe", form="data-center", nvlink_links=12)
RTX3090 = card(name="GeForce RTX 3090", nvlink_links=4)


@pytest.mark.parametrize(
    "model, up, down, status",
    [
        (H100, 18, 0, PASS),
        (H100, 17, 1, FAIL),
        (H100, 17, 0, FAIL),  # one is not even offered
        (H100, 12, 0, FAIL),
        (H100, 0, 18, FAIL),
        (H100, 0, 0, FAIL),
        (A100_PCIE, 12, 0, PASS),
        (A100_PCIE, 8, 4, WARN),  # two bridges of three
        (A100_PCIE, 11, 1, FAIL),
        (A100_PCIE, 4, 8, WARN),  # one bridge of three
        (H100, 16, 2, FAIL),  # soldered, not plugged
        (A100_PCIE, 0, 12, NONE),
        (RTX3090, 4, 0, PASS),
        (RTX3090, 2, 2, FAIL),
        (RTX3090, 0, 4, NONE),  # nobody must plug a bridge
        (card(name="GeForce GTX 1080", nvlink_links=2), 0, 2, NONE),
        (card(name="RTX A6000", form="workstation", nvlink_links=4), 0, 4, NONE),
        (card(name="A100-PCIE-40GB", form="data-center", nvlink_links=12), 0, 12, NONE),
        (card(name="H100 NVL", form="data-center", nvlink_links=12), 0, 12, NONE),
        (None, 6, 0, PASS),
        (None, 5, 1, FAIL),
        (None, 0, 6, NONE),
    ],
)
def test_links(model: Card | None, up: int, down: int, status: Status) -> None:
    links = NvLink(tuple(range(up)), tuple(range(up, up + down)))
    assert check(Limits(), nvlink=links, catalog=model, has_peers=True).status is status


@pytest.mark.parametrize(
    "has_peers, is_divided, status",
    [(True, False, FAIL), (None, None, FAIL), (False, False, NONE), (True, True, NONE)],
)
def test_when_no_link_need_be_up(
    has_peers: bool | None, is_divided: bool | None, status: Status
) -> None:
    finding = check(
        Limits(),
        nvlink=NvLink((), tuple(range(18))),
        catalog=H100,
        has_peers=has_peers,
        mig_enabled=is_divided,
    )
    assert finding.status is status


def test_links_that_are_down_are_named() -> None:
    finding = check(Limits(), nvlink=NvLink((0, 1), (2, 3)), catalog=RTX3090)
    assert finding.message == "NVLinks up: 2, required 4; down: 2, 3"
