from __future__ import annotations

import pytest

from preflight.checks.gpu_known_bad import Limits, check
from preflight.findings import FAIL, PASS, Status

UUID, SERIAL = "GPU-00000003-0000-4000-8000-000000000003", "1650923004567"


@pytest.mark.parametrize(
    "listed, status",
    [
        ((), Status.NOT_APPLICABLE),
        (("GPU-of-another",), PASS),
        ((UUID,), FAIL),
        (("GPU-of-another", SERIAL), FAIL),
    ],
)
def test_list(listed: tuple[str, ...], status: Status) -> None:
    assert check(Limits(listed), uuid=UUID, serial=SERIAL).status is status


def test_a_geforce_has_no_serial() -> None:
    assert check(Limits((SERIAL,)), uuid=UUID).status is PASS
    assert check(Limits((UUID,)), uuid=UUID).status is FAIL
