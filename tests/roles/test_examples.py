"""Examples are ones that Ansible takes, and a play that is told too little says so at once."""

from __future__ import annotations

import configparser
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.roles.conftest import ROLES, ROOT, play

NAMES = sorted(path.name for path in ROLES.iterdir())
INVENTORIES = sorted(path.name for path in (ROOT / "inventory").iterdir())
PAGE = (ROOT / "docs/provisioning.md").read_text()


def _examples(text: str) -> list[Any]:
    return [yaml.safe_load(part) for part in re.findall(r"```yaml\n(.*?)```", text, re.S)]


def _options(role: str) -> set[str]:
    specs = yaml.safe_load((ROLES / role / "meta/argument_specs.yml").read_text())
    return set(specs["argument_specs"]["main"]["options"])


@pytest.mark.parametrize("role", NAMES)
def test_a_role_s_example_is_a_play(role: str, tmp_path: Path) -> None:
    (example,) = _examples((ROLES / role / "README.md").read_text())
    path = tmp_path / "example.yml"
    path.write_text(yaml.safe_dump(example))
    done = play(tmp_path, path, "--syntax-check")
    assert done.returncode == 0, done.stdout
    told = next(part for part in example[0]["roles"] if part["role"] == role)["vars"]
    assert set(told) <= _options(role)


@pytest.mark.parametrize("role", NAMES)
def test_a_readme_names_only_variables_that_are_there(role: str) -> None:
    named = set(
        re.findall(rf"`({role}_[a-z_]+)(?::[^`]*)?`", (ROLES / role / "README.md").read_text())
    )
    told = {"preflight_verdict", "preflight_report", "preflight_gpus", "preflight_peer_access"}
    assert named - told - set(NAMES) <= {name for other in NAMES for name in _options(other)}


def test_the_page_s_examples_are_variables_of_roles_and_playbooks() -> None:
    known = {name for role in NAMES for name in _options(role)}
    playbooks = "".join(path.read_text() for path in (ROOT / "playbooks").glob("*.yml"))
    for example in _examples(PAGE):
        for name in example:
            assert name in known or re.search(rf"\b{name}\b", playbooks), name


def test_the_page_lists_every_playbook() -> None:
    listed = set(re.findall(r"^\| `([\w-]+\.yml)` \|", PAGE, re.M))
    assert listed == {path.name for path in (ROOT / "playbooks").glob("*.yml")}


@pytest.mark.parametrize("layout", ["tp2", "pp2", "replicas", "split"])
def test_a_layout_without_a_model_is_refused_before_anything_is_asked(
    layout: str, tmp_path: Path
) -> None:
    done = play(tmp_path, ROOT / f"playbooks/deploy-{layout}.yml", "-c", "local")
    assert done.returncode == 2
    assert "No server is named, and there must be one" in " ".join(done.stdout.split())
    assert "ok=0" in done.stdout


@pytest.mark.parametrize("folder", [".", "playbooks"])
@pytest.mark.parametrize("name", INVENTORIES)
def test_an_inventory_names_a_play_that_works_from_both_folders(
    folder: str, name: str, tmp_path: Path
) -> None:
    inventory = ROOT / "inventory" / name
    command = re.search(rf"-i inventory/{name} playbooks/([\w-]+[.]yml)", inventory.read_text())
    assert command, "its head says how it is played"
    book = ROOT / "playbooks" / command[1]
    options = ("-i", str(inventory), "--syntax-check")
    done = play(tmp_path, book, *options, started_in=ROOT / folder)
    assert done.returncode == 0, done.stdout


def test_both_folders_have_the_same_settings() -> None:
    def settings(path: Path) -> dict[str, dict[str, str]]:
        parser = configparser.ConfigParser()
        parser.read(path)
        return {name: dict(parser[name]) for name in parser.sections()}

    root, books = settings(ROOT / "ansible.cfg"), settings(ROOT / "playbooks/ansible.cfg")
    assert books["defaults"].pop("roles_path") == "../" + root["defaults"].pop("roles_path")
    assert books == root
