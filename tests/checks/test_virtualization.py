from __future__ import annotations

import pytest

from preflight.checks.virtualization import Limits, check
from preflight.findings import FAIL, PASS, Status


@pytest.mark.parametrize(
    "mode, status",
    [
        ("None", PASS),
        ("Pass-Through", PASS),
        ("VGPU", FAIL),
        ("Host VGPU", FAIL),
        ("Host VSGA", FAIL),
        ("a word of a later driver", FAIL),
    ],
)
def test_mode(mode: str, status: Status) -> None:
    assert check(Limits(), virtualization_mode=mode).status is status


def test_a_share_that_was_offered_is_accepted() -> None:
    assert check(Limits(accepted=("VGPU",)), virtualization_mode="VGPU").status is PASS
