"""Every kernel is assembled for every card that it names, and declares no more than it needs."""

from __future__ import annotations

import importlib.util
import re
import subprocess
from pathlib import Path

import pytest

from preflight.probe.measure_compute import TENSOR, tensor_kernel
from tests.probe.machine import REPOSITORY

FILES = sorted((REPOSITORY / "preflight/probe/ptx").glob("*.ptx"))
NEEDED = ["6.0", "6.5", "7.0", "8.0", "8.4", "8.7"]  # each the first to have what a file needs
BEFORE = dict(zip(NEEDED, ["5.0", "6.4", "6.5", "7.8", "8.3", "8.6"], strict=True))
CAPABILITIES = [(7, 0), (7, 5), (8, 0), (8, 6), (8, 9), (9, 0), (10, 0), (12, 0), (12, 1)]


def ptxas() -> str:
    """NVIDIA's assembler, of the development extra."""
    spec = importlib.util.find_spec("nvidia")
    folders = spec.submodule_search_locations if spec else None
    found = [Path(folder) / "cuda_nvcc/bin/ptxas" for folder in folders or ()]
    return next(str(path) for path in found if path.is_file())


def assemble(text: str, target: str, tmp_path: Path) -> str:
    """What ptxas complains of; empty where it is content."""
    source = tmp_path / "kernel.ptx"
    source.write_text(text)
    command = [ptxas(), f"-arch={target}", str(source), "-o", str(tmp_path / "kernel.cubin")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr if done.returncode else ""


def targets(text: str) -> list[str]:
    return re.findall(r"sm_\w+", text.partition("// Assembled for:")[2].partition("\n")[0])


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_it_is_assembled_for_all_its_targets(file: Path, tmp_path: Path) -> None:
    text = file.read_text()
    named = targets(text)
    assert named[0] == re.findall(r"^\.target (\w+)", text, re.MULTILINE)[0]
    for target in named:
        assert assemble(text, target, tmp_path) == ""


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_it_asks_for_no_newer_driver_than_it_needs(file: Path, tmp_path: Path) -> None:
    text = file.read_text()
    version = re.findall(r"^\.version (\S+)", text, re.MULTILINE)[0]
    older = text.replace(f".version {version}", f".version {BEFORE[version]}")
    assert assemble(older, targets(text)[0], tmp_path) != ""


@pytest.mark.parametrize("capability", CAPABILITIES, ids=lambda c: "sm_{}{}".format(*c))
def test_each_family_gets_a_kernel_that_is_assembled_for_it(
    capability: tuple[int, int], tmp_path: Path
) -> None:
    name = "sm_{}{}".format(*capability)
    for kind in TENSOR:
        kernel = tensor_kernel(kind, capability)
        if kernel:
            text = (REPOSITORY / f"preflight/probe/ptx/{kernel.file}.ptx").read_text()
            assert "" in (assemble(text, name, tmp_path), assemble(text, name + "a", tmp_path))
    has = [kind for kind in TENSOR if tensor_kernel(kind, capability)]
    assert has == {
        (7, 0): [],
        (7, 5): ["fp16"],
        (8, 0): ["bf16", "fp16", "int8"],
        (8, 6): ["bf16", "fp16", "int8"],
    }.get(capability, list(TENSOR))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_no_instruction_is_forbidden(file: Path) -> None:
    """Multicast can put NVLink's switches out of service; nothing here may use it."""
    assert "multimem" not in file.read_text()
