from __future__ import annotations

from pathlib import Path

import pytest

from preflight.deploy import project
from preflight.deploy.project import Project, find
from preflight.errors import UsageError
from preflight.layout import parse


@pytest.mark.parametrize(
    "layout, name",
    [
        ("tp2", "deploy-tp2.yml"),
        ("tp1", "deploy-tp2.yml"),
        ("tp8", "deploy-tp2.yml"),
        ("pp2", "deploy-pp2.yml"),
        ("tp2pp2", "deploy-pp2.yml"),
        ("replicas", "deploy-replicas.yml"),
        ("split", "deploy-split.yml"),
    ],
)
def test_each_layout_has_its_playbook_in_the_checkout(layout: str, name: str) -> None:
    path = find().playbook(parse(layout))
    assert path == Path(__file__).resolve().parents[2] / "playbooks" / name


def test_where_there_is_no_checkout_the_wheels_own_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(project, "CHECKOUT", tmp_path / "site-packages")
    monkeypatch.setattr(project, "INSTALLED", tmp_path / "project")
    with pytest.raises(UsageError, match="no playbooks"):
        find()
    for name in ("playbooks", "roles"):
        (tmp_path / "project" / name).mkdir(parents=True)
    assert find() == Project(tmp_path / "project")


def test_a_playbook_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no playbook for tp2"):
        Project(tmp_path).playbook(parse("tp2"))
