from __future__ import annotations

import json
from pathlib import Path

import pytest

from preflight.deploy.variables import files
from preflight.errors import UsageError


def test_files_in_order_and_for_their_owner_alone(tmp_path: Path) -> None:
    theirs = tmp_path / "servers.yml"
    theirs.write_text("a: 1\n")
    given = [f"@{theirs}", "key=a=b", "{vllm_version: 0.32.0, ports: [1, 2]}"]
    own, first, second, third = files(tmp_path, {"layout": "tp2"}, given)
    assert first == theirs
    told = [json.loads(path.read_text()) for path in (own, second, third)]
    assert told == [
        {"layout": "tp2"},
        {"key": "a=b"},
        {"vllm_version": "0.32.0", "ports": [1, 2]},
    ]
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in (own, second, third))


@pytest.mark.parametrize("given", ["key", "=x", "a b=c", "{a: [", "@/nowhere.yml", "{a}x"])
def test_what_is_no_variable(given: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="-e"):
        files(tmp_path, {}, [given])
