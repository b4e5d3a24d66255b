"""What a role says of its variables is what it does."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
import yaml

from preflight.catalog import vllm_versions
from preflight.checks import driver_version
from tests.roles.conftest import ROLES, ROOT

NAMES = sorted(path.name for path in ROLES.iterdir())


def _read(role: str, file: str) -> Any:
    return yaml.safe_load((ROLES / role / file).read_text())


def _options(role: str) -> dict[str, dict[str, Any]]:
    options: dict[str, dict[str, Any]] = _read(role, "meta/argument_specs.yml")["argument_specs"][
        "main"
    ]["options"]
    return options


@pytest.mark.parametrize("role", NAMES)
def test_argument_specs_are_the_defaults_by_name_and_value(role: str) -> None:
    told = {name: o["default"] for name, o in _options(role).items() if not o.get("required")}
    assert told == _read(role, "defaults/main.yml")


@pytest.mark.parametrize("role", NAMES)
def test_variables_carry_the_role_s_name_and_say_what_they_are(role: str) -> None:
    for name, option in _options(role).items():
        assert name.startswith(f"{role}_"), name
        assert option["description"], name


@pytest.mark.parametrize("role", NAMES)
def test_a_secret_is_marked_as_one(role: str) -> None:
    for name, option in _options(role).items():
        secret = name.endswith(("_api_key", "_token"))
        assert bool(option.get("no_log")) == secret, name


def test_the_proven_version_is_the_same_everywhere() -> None:
    proven = vllm_versions.proven()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert _read("vllm", "defaults/main.yml")["vllm_version"] == proven
    assert project["optional-dependencies"]["vllm"] == [f"vllm=={proven}"]
    assert (
        f"'{proven}'" in _read("nvidia_driver", "defaults/main.yml")["nvidia_driver_vllm_version"]
    )


def test_the_driver_s_check_warns_below_what_the_proven_version_needs() -> None:
    release = vllm_versions.release(vllm_versions.proven())
    assert release is not None
    assert driver_version.Limits().warn_below == release.driver
    branch = _read("nvidia_driver", "defaults/main.yml")["nvidia_driver_branch"]
    assert release.driver.startswith(f"{branch}.")


@pytest.mark.parametrize(
    ("version", "torch", "driver"),
    [
        ("0.19.9", "2.10.0", "570.26"),
        ("0.20.0", "2.11.0", "580.65.06"),
        ("0.26.3", "2.11.0", "580.65.06"),
        ("0.32.0", "2.13.0", "580.65.06"),
        ("0.33.0", "2.14.0", "580.65.06"),
    ],
)
def test_a_release_is_that_of_the_last_row_that_is_not_newer(
    version: str, torch: str, driver: str
) -> None:
    release = vllm_versions.release(version)
    assert release is not None
    assert (release.torch, release.driver) == (torch, driver)


def test_nothing_is_known_of_what_is_older_than_the_table() -> None:
    assert vllm_versions.release("0.6.5") is None


def test_roles_read_the_same_table() -> None:
    table = (ROOT / "preflight/catalog/vllm_versions.yaml").read_text()
    for role in ("vllm", "nvidia_driver"):
        assert (ROLES / role / "vars/versions.yml").read_text() == table
