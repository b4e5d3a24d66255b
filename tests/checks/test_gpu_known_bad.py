from __future__ import annotations

import pytest

from preflight import engine
from preflight.checks import gpu_known_bad, registry
from preflight.checks.gpu_known_bad import Limits, check
from preflight.facts import Facts, Gpu, Host, Missing
from preflight.findings import FAIL, PASS, Level, Status
from preflight.policy import Policy

UUID, SERIAL = "GPU-00000003-0000-4000-8000-000000000003", "1650923004567"


@pytest.mark.parametrize(
    "listed, status",
    [
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


@pytest.mark.parametrize("gpus", [(Gpu("gpu0", "0000:01:00.0"),), Missing("tool-absent")])
@pytest.mark.parametrize("listed, status", [((), Status.NOT_APPLICABLE), ((UUID,), Status.UNKNOWN)])
def test_without_a_list_no_number_is_owed(
    gpus: tuple[Gpu, ...] | Missing, listed: tuple[str, ...], status: Status
) -> None:
    [asked] = [one for one in registry() if one.id == gpu_known_bad.ID]
    policy = Policy("ours", limits_of={asked.id: Limits(listed)})
    [finding] = engine.judge(Facts(Host(), gpus), policy, Level.LOOK, [asked])
    assert finding.status is status
