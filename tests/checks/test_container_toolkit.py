from __future__ import annotations

import pytest

from preflight.checks.container_toolkit import Limits, check
from preflight.findings import PASS, WARN, Status


@pytest.mark.parametrize(
    "version, status",
    [("", WARN), ("1.13.5", WARN), ("1.14.0", PASS), ("1.14.6", PASS), ("1.9.0", WARN)],
)
def test_version(version: str, status: Status) -> None:
    finding = check(Limits(), container_toolkit=version)
    assert (finding.status, finding.expected) == (status, "1.14.0")


@pytest.mark.parametrize(
    "version, engines, status, words",
    [
        ("1.17.8", None, PASS, "container toolkit 1.17.8"),
        ("1.17.8", ("docker", "cdi"), PASS, "container toolkit 1.17.8, known to docker, cdi"),
        (
            "1.17.8",
            (),
            WARN,
            "container toolkit 1.17.8, which no engine knows: neither docker's nor containerd's "
            "configuration, nor CDI",
        ),
        ("1.13.5", ("docker",), WARN, "container toolkit 1.13.5, required 1.14.0"),
    ],
)
def test_registration(
    version: str, engines: tuple[str, ...] | None, status: Status, words: str
) -> None:
    finding = check(Limits(), container_toolkit=version, toolkit_engines=engines)
    assert (finding.status, finding.message) == (status, words)
