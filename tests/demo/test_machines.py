"""The machines' data: small, sourced, and nothing in it that tells of a person."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from preflight import demo
from preflight.capture import encode
from preflight.demo import machine
from preflight.policy import load as load_policy

DATA = Path(demo.__file__).parent
MAX_BYTES = 700_000  # 65 KB of the wheel, packed
PRIVATE = re.compile(r"/home/|[0-9a-f]{2}(:[0-9a-f]{2}){5}\b|SSH_|password", re.IGNORECASE)


def test_the_data_stays_small() -> None:
    kinds = ("json", "yaml", "txt", "xml")
    assert sum(p.stat().st_size for kind in kinds for p in DATA.rglob(f"*.{kind}")) < MAX_BYTES


@pytest.mark.parametrize("name", machine.names())
def test_a_machine_is_told_and_holds_nothing_private(name: str) -> None:
    told = machine.load(name)
    assert "\n" not in told.title
    assert len(told.title) < 80
    assert load_policy(told.policy).name == told.policy
    assert not PRIVATE.search(encode(told.capture).decode())
    uuids = re.findall(r"GPU-([0-9a-f-]{36})", encode(told.capture).decode())
    assert all(uuid[8:].startswith("-0000-4000-8000-00000000") for uuid in uuids), "replaced ones"
