from __future__ import annotations

import pytest

from preflight.checks.default_route import Limits, check
from preflight.findings import PASS


@pytest.mark.parametrize(
    "routes, words",
    [
        ((), "no default route: models must come by another way than the internet"),
        (("eno1 by 10.0.0.1",), "default route: eno1 by 10.0.0.1"),
        (
            ("a by 1", "b by 2", "c by 3", "d by 4", "e by 5"),
            "default route: a by 1, b by 2, c by 3, d by 4",
        ),
    ],
)
def test_ways_out_are_told_and_not_judged(routes: tuple[str, ...], words: str) -> None:
    finding = check(Limits(), default_routes=routes)
    assert (finding.status, finding.measured, finding.message) == (PASS, routes, words)
