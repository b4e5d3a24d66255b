"""The lab as fixtures. `make lab` runs the part for CI, `make lab-all` runs all of it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from .deployed import Deployed, deploy, serving, stand_down
from .host import Host
from .laboratory import Laboratory
from .play import Controller
from .told import evidence, told

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
def deployed(lab: Laboratory, controller: Controller, good: Path) -> Deployed:
    """A bare host that the tp2 playbook made serve, with what each of its runs did."""
    return deploy(lab, controller, told(good))


@pytest.fixture(scope="module")
def served(lab: Laboratory, deployed: Deployed) -> Iterator[Host]:
    """That host after a reboot, serving again by itself."""
    with lab.host(deployed.name, deployed.image, deployed.number) as host:
        serving(host)
        yield host


@pytest.fixture
def ready(lab: Laboratory, deployed: Deployed) -> Iterator[Host]:
    """A host of its own for one test: vLLM is installed, nothing serves."""
    with lab.host("ready", deployed.image) as host:
        stand_down(host)
        yield host
