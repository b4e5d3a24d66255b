from __future__ import annotations

import pytest

from preflight.checks.throughput_vs_name import Limits, check
from preflight.findings import FAIL, PASS, WARN, Status
from preflight.measured import NearestProduct
from tests.checks.cards import card


@pytest.mark.parametrize(
    "name, own, family, status",
    [
        ("GeForce RTX 4090", 0.15, "hopper", PASS),  # an RTX 3090's copy is 0.11 away
        ("GeForce RTX 4080", 0.10, "hopper", PASS),
        ("GeForce RTX 4080", 0.101, "hopper", FAIL),
        ("GeForce RTX 4080", 0.11, "ada", WARN),
    ],
)
def test_the_nearest_is_named(name: str, own: float, family: str, status: Status) -> None:
    near = NearestProduct(name, 0.02, own, 38912.0, 640.0)
    finding = check(Limits(), nearest_product=near, catalog=card(family=family))
    assert finding.status is status
    if status is not PASS:
        assert finding.measured == "GeForce RTX 4080"
        assert "is called GeForce RTX 4090" in finding.message


@pytest.mark.parametrize("family", ["hopper", "ada"])
def test_what_is_like_no_product_does_not_pass(family: str) -> None:
    near = NearestProduct("GeForce RTX 4090", 0.16, 0.16, 38912.0, 640.0)
    finding = check(Limits(), nearest_product=near, catalog=card(family=family))
    assert finding.status is WARN
    assert "like no product, 16% from a GeForce RTX 4090" in finding.message
    # Who allows more than that has said so.
    assert check(Limits(tolerance=0.2), nearest_product=near, catalog=card()).status is PASS


@pytest.mark.parametrize("own, status", [(0.15, PASS), (0.1501, WARN)])
def test_how_far_the_nearest_may_be(own: float, status: Status) -> None:
    near = NearestProduct("GeForce RTX 4090", own, own, 38912.0, 640.0)
    assert check(Limits(), nearest_product=near, catalog=card()).status is status
