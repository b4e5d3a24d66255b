from __future__ import annotations

import pytest

from preflight.checks.acs_redirect import Limits, check
from preflight.findings import FAIL, PASS, WARN, Status

BRIDGES = ("0000:40:01.1",)


@pytest.mark.parametrize(
    "bridges, has_peers, status",
    [
        ((), None, PASS),
        ((), True, PASS),
        (BRIDGES, None, WARN),
        (BRIDGES, True, WARN),
        (BRIDGES, False, Status.NOT_APPLICABLE),
    ],
)
def test_bridges(bridges: tuple[str, ...], has_peers: bool | None, status: Status) -> None:
    assert check(Limits(), acs_redirecting=bridges, has_peers=has_peers).status is status


def test_the_bridge_is_named() -> None:
    assert "0000:40:01.1" in check(Limits(), acs_redirecting=BRIDGES).message


def test_it_fails_where_copies_do() -> None:
    hung = ("gpu0>gpu1 peer-copy: timed out",)
    assert check(Limits(), acs_redirecting=BRIDGES, peer_faults=hung).status is FAIL
    assert check(Limits(), acs_redirecting=(), peer_faults=hung).status is PASS
