"""The lab as fixtures. `make lab` runs the part for CI, `make lab-all` runs all of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from .able import why_not
from .cache import NotBuiltError
from .deployed import Deployed, deploy, serving
from .host import Host
from .laboratory import Laboratory
from .play import Controller
from .told import evidence

PART = os.environ.get("PREFLIGHT_LAB", "")  # `ci`, `all`, or empty where only other tests are meant


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "lab_all: takes too long for CI; `make lab-all` runs it")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    booting = [one for one in items if here in one.path.parents and "lab" in _fixtures(one)]
    reason = why_not() if PART and booting else ""
    for item in booting:
        if not PART:
            item.add_marker(pytest.mark.skip(reason="hosts of the lab boot by `make lab` only"))
        elif PART != "all" and item.get_closest_marker("lab_all"):
            item.add_marker(pytest.mark.skip(reason="only `make lab-all` runs it"))
        elif reason:
            item.add_marker(pytest.mark.skip(reason=reason))


def _fixtures(item: pytest.Item) -> list[str]:
    return item.fixturenames if isinstance(item, pytest.Function) else []


@pytest.fixture(scope="session")
def lab() -> Iterator[Laboratory]:
    """A network, an image, wheels and models. Where they cannot be had, no test is judged."""
    try:
        laboratory = Laboratory()
    except NotBuiltError as error:
        pytest.skip(f"NO LAB: {error}")
    with laboratory:
        yield laboratory


@pytest.fixture
def boot(lab: Laboratory) -> Iterator[Callable[..., Host]]:
    """Start hosts that are taken away after the test."""
    with ExitStack() as hosts:
        yield lambda *told, **named: hosts.enter_context(lab.host(*told, **named))


@pytest.fixture(scope="session")
def controller(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Controller]:
    """A person at the controller, with a home of their own."""
    person = Controller(tmp_path_factory.mktemp("controller"))
    yield person
    person.close()


@pytest.fixture(scope="session")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Evidence of two good RTX 4090."""
    return evidence("rtx4090x2", tmp_path_factory.mktemp("evidence"))


@pytest.fixture(scope="session")
def deployed(
    lab: Laboratory, controller: Controller, tmp_path_factory: pytest.TempPathFactory
) -> Deployed:
    """A bare host that the tp2 playbook made serve, with what each of its runs did."""
    return deploy(lab, controller, tmp_path_factory.mktemp("deployed"))


@pytest.fixture(scope="module")
def served(lab: Laboratory, deployed: Deployed) -> Iterator[Host]:
    """That host after a reboot, serving again by itself."""
    with lab.host(deployed.name, deployed.image, deployed.number) as host:
        serving(host)
        yield host


@pytest.fixture
def ready(lab: Laboratory, deployed: Deployed) -> Iterator[Host]:
    """A host of its own for one test: vLLM is installed, nothing serves."""
    with lab.host("ready", deployed.ready) as host:
        yield host
