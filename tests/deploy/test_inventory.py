from __future__ import annotations

from typing import Any

import pytest

from preflight.deploy.inventory import inventory
from preflight.errors import UsageError


@pytest.mark.parametrize(
    "typed, name, variables",
    [
        ("gpu01", "gpu01", {"ansible_host": "gpu01"}),
        (
            "root@gpu01:2222",
            "gpu01",
            {"ansible_host": "gpu01", "ansible_user": "root", "ansible_port": 2222},
        ),
        ("[fe80::1]:22", "fe80::1", {"ansible_host": "fe80::1", "ansible_port": 22}),
        ("localhost", "localhost", {"ansible_connection": "local"}),
        # Ansible would take these for the controller.
        ("127.0.0.1:2222", "127.0.0.1-2222", {"ansible_host": "127.0.0.1", "ansible_port": 2222}),
        ("root@localhost", "localhost-22", {"ansible_host": "localhost", "ansible_user": "root"}),
    ],
)
def test_hosts_as_they_are_typed(typed: str, name: str, variables: dict[str, Any]) -> None:
    assert inventory([typed]) == {"all": {"hosts": {name: variables}}}


def test_two_of_one_name_are_told_apart_and_one_typed_twice_is_one() -> None:
    hosts = inventory(["gpu01:22", "gpu01:23", "gpu02", "gpu02", "a@gpu01:23"])["all"]["hosts"]
    assert list(hosts) == ["gpu01-22", "gpu01-23", "gpu02", "a@gpu01-23"]
    assert list(inventory(["[::1]:22"])["all"]["hosts"]) == ["..1-22"]


def test_what_is_no_host_is_refused() -> None:
    with pytest.raises(UsageError, match="no host"):
        inventory(["gpu 01"])
