from __future__ import annotations

import pytest

from preflight.checks.gpu_recovery_action import Limits, check
from preflight.findings import FAIL, PASS, WARN, Status


@pytest.mark.parametrize(
    "action, status, remedy_class",
    [
        ("none", PASS, None),
        ("drain peer traffic", WARN, "restart-app"),
        ("reset", FAIL, None),
        ("drain and reset", FAIL, None),
        ("reboot", FAIL, "reboot"),
        ("an action of a later driver", FAIL, None),
    ],
)
def test_action(action: str, status: Status, remedy_class: str | None) -> None:
    finding = check(Limits(), recovery_action=action)
    assert (finding.status, finding.measured, finding.remedy_class) == (
        status,
        action,
        remedy_class,
    )
