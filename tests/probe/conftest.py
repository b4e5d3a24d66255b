"""The built probe, interpreters to run it with, and an NVML written in C."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.probe.machine import REPOSITORY, VERSIONS, python

sys.path.insert(0, str(REPOSITORY))


@pytest.fixture(scope="session")
def probe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The zip, built from the sources as they are now."""
    from hatch_build import build

    return build(tmp_path_factory.mktemp("built") / "probe.pyz")


@pytest.fixture(params=VERSIONS)
def interpreter(request: pytest.FixtureRequest) -> str:
    """Every Python that the probe is made for; an absent one is skipped aloud."""
    found = python(request.param)
    if found is None:
        pytest.skip(f"Python {request.param} is not installed")
    return found


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that other users can reach; pytest's own they cannot."""
    with tempfile.TemporaryDirectory(prefix="preflight-test-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture(scope="session")
def nvml_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a libnvidia-ml.so.1 built from nvml_stand_in.c, for LD_LIBRARY_PATH."""
    return built("nvml_stand_in.c", "libnvidia-ml.so.1", tmp_path_factory.mktemp("nvml"))


@pytest.fixture(scope="session")
def cuda_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a libcuda.so.1 built from cuda_stand_in.c, for LD_LIBRARY_PATH."""
    return built("cuda_stand_in.c", "libcuda.so.1", tmp_path_factory.mktemp("cuda"))


def built(source: str, library: str, folder: Path) -> Path:
    compiler = shutil.which("gcc")
    if compiler is None:
        pytest.skip(f"gcc is not installed, so there is no stand-in for {library}")
    command = [compiler, "-O2", "-Wall", "-Werror", "-shared", "-fPIC", "-o", folder / library]
    subprocess.run([*command, Path(__file__).with_name(source)], check=True)
    return folder
