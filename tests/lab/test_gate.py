"""The gate, enforced in every run, on evidence given by a variable."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from .host import Host
from .laboratory import Laboratory
from .play import Controller
from .told import evidence, told


@pytest.fixture(scope="module")
def bare(lab: Laboratory) -> Iterator[Host]:
    with lab.host("bare") as host:
        yield host


@pytest.mark.parametrize(
    "machine, layout, says",
    [
        ("rtx4090-rtx3090", "deploy-tp2", "split"),
        ("lost-card", "deploy-tp2", "rejected"),
        ("lost-card", "deploy-pp2", "rejected"),
        ("lost-card", "deploy-replicas", "rejected"),
    ],
)
def test_it_refuses_what_the_evidence_forbids(
    bare: Host, controller: Controller, tmp_path: Path, machine: str, layout: str, says: str
) -> None:
    played = controller.play(layout, bare, told=told(evidence(machine, tmp_path)))
    assert played.status == 2
    assert played.changed == {"bare": 0}
    assert says in played.output
    assert bare.run("test", "-e", "/opt/vllm", check=False).returncode == 1


def test_it_wants_evidence_of_today(bare: Host, controller: Controller) -> None:
    old = Path(__file__).parents[1] / "hosts/rtx4090x2/capture.json"
    played = controller.play("deploy-tp2", bare, told=told(old))
    assert played.status == 2
    assert "younger than" in played.output


def test_it_reads_the_host_itself_where_no_evidence_is_given(
    bare: Host, controller: Controller
) -> None:
    """There is no card: the fresh probe says so through Ansible's own connection."""
    variables = told(Path("none")) | {"preflight_evidence": ""}
    played = controller.play("deploy-tp2", bare, told=variables)
    assert played.status == 2
    assert played.changed == {"bare": 0}
    assert "rejected" in played.output
