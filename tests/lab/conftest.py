"""The lab as fixtures. `make lab` runs the part for CI, `make lab-all` runs all of it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from .host import Host
from .laboratory import Laboratory

NEEDED = ("systemd-nspawn", "debootstrap", "nsenter", "unshare", "ip")
PART = os.environ.get("PREFLIGHT_LAB", "")  # `ci`, `all`, or empty where only other tests are meant


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "lab_all: takes too long for CI; `make lab-all` runs it")


def why_not() -> str:
    """Why no lab can run here, empty where it can."""
    if os.getuid() != 0:
        return "NO LAB: booting hosts needs root"
    lacking = [tool for tool in NEEDED if shutil.which(tool) is None]
    if lacking:
        return f"NO LAB: {', '.join(lacking)} not found (tests/lab/README.md names the packages)"
    return ""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here not in item.path.parents:
            continue
        if not PART:
            item.add_marker(pytest.mark.skip(reason="hosts of the lab boot by `make lab` only"))
        elif PART != "all" and item.get_closest_marker("lab_all"):
            item.add_marker(pytest.mark.skip(reason="only `make lab-all` runs it"))
        elif reason := why_not():
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def lab() -> Iterator[Laboratory]:
    """A network, an image, wheels and models."""
    with Laboratory() as laboratory:
        yield laboratory


@pytest.fixture
def boot(lab: Laboratory) -> Iterator[Callable[..., Host]]:
    """Start hosts that are taken away after the test."""
    with ExitStack() as hosts:
        yield lambda *told, **named: hosts.enter_context(lab.host(*told, **named))
