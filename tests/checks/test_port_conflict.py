from __future__ import annotations

import pytest

from preflight.checks.port_conflict import Limits, check, idle
from preflight.findings import FAIL, PASS, Status

SHOWN = {22: "/system.slice/ssh.service", 8001: "", 8443: "/system.slice/caddy.service"}


@pytest.mark.parametrize(
    "ports, status, words",
    [
        ((8000, 8002), PASS, "nothing listens on 8000, 8002"),
        ((8001,), FAIL, "taken already: port 8001, required free"),
        (
            (8002, 8443, 8001),
            FAIL,
            "taken already: port 8443 by /system.slice/caddy.service, 8001, required free",
        ),
    ],
)
def test_ports(ports: tuple[int, ...], status: Status, words: str) -> None:
    finding = check(Limits(ports), listening=SHOWN)
    assert (finding.status, finding.message) == (status, words)
    assert set(finding.measured) == set(ports) & set(SHOWN)


def test_without_ports_nothing_is_owed() -> None:
    assert idle(Limits()) == "the policy names no port"
    assert idle(Limits((8001,))) == ""
