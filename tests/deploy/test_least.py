"""The real playbooks, told the least that they need: whether they come as far as the gate."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from preflight.deploy import project
from preflight.deploy.events import Event, read
from preflight.deploy.runner import Play, run

ONE = {"layout_model": "/models/one"}
SEVERAL = {"layout_services": [{"name": "one", "model": "/models/one", "gpus": [0]}]}
OTHER = "Refuse servers that are not of the layout that is judged"
EXTRA = {"preflight_layout"}  # the playbook sets it: only -e overrides that
BOTH = ONE | {"layout_settings": {"port": 8002}}


@pytest.mark.parametrize(
    ("playbook", "told", "ends"),
    [
        ("tp2", ONE, "preflight : Check that it is a file"),
        ("pp2", ONE, "preflight : Check that it is a file"),
        ("replicas", ONE, "preflight : Check that it is a file"),
        ("split", SEVERAL, "preflight : Check that it is a file"),
        ("tp2", BOTH, "Refuse settings that are the layout's to decide"),
        ("tp2", {}, "Refuse a deployment that names no server"),
        ("tp2", ONE | {"layout_tensor_parallel_size": 4}, "preflight : Check that it is a file"),
        ("tp2", ONE | {"preflight_layout": "split"}, OTHER),
        ("tp2", ONE | {"preflight_layout": "pp2"}, OTHER),
        ("replicas", ONE | {"preflight_layout": "tp2"}, OTHER),
    ],
)
def test_the_least_that_must_be_told_is_enough(
    playbook: str, told: Mapping[str, Any], ends: str, tmp_path: Path
) -> None:
    """Evidence that is not there ends each at the gate: nothing is done to any host."""
    found = project.find()
    variables = {"ansible_connection": "local", "preflight_evidence": "/no/such/evidence.json"}
    extra = [f"-epreflight_layout={value}" for name, value in told.items() if name in EXTRA]
    variables["preflight_report_folder"] = str(tmp_path / "evidence")
    hosts = {"all": {"hosts": {"bare": variables | dict(told)}}}
    failures: list[Event] = []

    def take(raw: Mapping[str, Any]) -> None:
        event = read(raw)
        if event is not None and event.kind == "failed":
            failures.append(event)

    book = found.folder / "playbooks" / f"deploy-{playbook}.yml"
    trouble = run(Play(found, book, hosts, [], extra), tmp_path / "run", take, lambda: None)
    assert not trouble
    assert [failure.task for failure in failures] == [ends], failures
