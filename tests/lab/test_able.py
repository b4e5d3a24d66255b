"""What a machine does not allow is said, and is no failure of the tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from . import able

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="only root gets so far as to be refused")


def test_a_tool_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert able.why_not().startswith("NO LAB: systemd-nspawn, debootstrap, nsenter")


@pytest.mark.parametrize("what", able.STEPS)
def test_a_step_that_is_refused(what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(able, "CACHE", tmp_path)
    monkeypatch.setattr(able, "NEEDED", ())
    refused = {
        one: "echo not permitted >&2; exit 1" if one == what else "true" for one in able.STEPS
    }
    monkeypatch.setattr(able, "STEPS", refused)
    assert able.why_not() == f"NO LAB: {what} is refused: not permitted"
    assert list(tmp_path.iterdir()) == []
