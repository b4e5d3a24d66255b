"""The binding: which calls there are, and under which environment the driver runs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from preflight.probe import cuda
from preflight.probe.cuda import CALLS, TYPES
from tests.probe.machine import REPOSITORY
from tests.probe.test_measure import environment

# Managed memory can hang a card, multicast a whole host; the others change what others see.
FORBIDDEN = ("Managed", "Multicast", "SetLimit", "MemAdvise", "Profiler", "Reset", "SetFlags")


def test_no_call_that_changes_a_setting_is_bound() -> None:
    assert [name for name in CALLS if any(word in name for word in FORBIDDEN)] == []
    assert all(letter in TYPES for letters in CALLS.values() for letter in letters)


def test_no_setting_of_the_user_changes_what_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("CUDA_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.setenv("CUDA_LAUNCH_BLOCKING", "1")
    monkeypatch.setenv("CUDA_MPS_PIPE_DIRECTORY", "/tmp/mps")
    cuda.clear_environment()
    found = {name: value for name, value in os.environ.items() if name.startswith("CUDA_")}
    assert found == {
        "CUDA_CACHE_DISABLE": "1",  # nothing is left in the user's home
        "CUDA_DEVICE_ORDER": "PCI_BUS_ID",
        "CUDA_MPS_PIPE_DIRECTORY": "/tmp/mps",
    }
    for name in ("CUDA_CACHE_DISABLE", "CUDA_DEVICE_ORDER"):
        del os.environ[name]


ASK = """
from preflight.probe.card import Card
from preflight.probe.cuda import CALLS, Cuda, CudaError
cuda = Cuda()
card = Card(cuda, "0000:01:00.0")
CALLS["cuNewInSomeLaterDriver"] = "i"
for ask in (lambda: cuda.call("cuNewInSomeLaterDriver", 1), lambda: card.allocate(1 << 50)):
    try:
        ask()
    except CudaError as error:
        print(error.code, error)
print(card.free_bytes() >> 20)
"""


def test_a_call_that_the_driver_lacks_and_memory_that_is_not_free(cuda_folder: Path) -> None:
    told = environment(cuda_folder, mib="600")
    done = subprocess.run(
        [sys.executable, "-c", ASK],
        env=told,
        capture_output=True,
        text=True,
        check=True,
        cwd=REPOSITORY,
    )
    assert done.stdout.splitlines() == [
        "500 cuNewInSomeLaterDriver: not in this driver (500)",
        "2 cuMemAlloc_v2: less is free than is needed (2)",
        "88",  # of 600 MiB the margin of 512 is nobody's
    ]
