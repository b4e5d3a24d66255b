from __future__ import annotations

from preflight.checks.peer_completes import Limits, check
from preflight.findings import FAIL, PASS


def test_a_copy_that_does_not_end() -> None:
    assert check(Limits(), peer_completion="").status is PASS
    hung = check(Limits(), peer_completion="peer-copy: timed out: no end within 10 s")
    assert hung.status is FAIL
    assert "10 s" in hung.message
