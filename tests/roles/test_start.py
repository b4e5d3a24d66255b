"""Why a server did not start, and when it may not."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import socket
import subprocess
from pathlib import Path
from types import ModuleType

import pytest

from tests.roles.conftest import ROLES

SERVICE = ROLES / "vllm_service"
REMEDIES = SERVICE / "vars/main.yml"


def _load(path: Path) -> ModuleType:
    loader = importlib.machinery.SourceFileLoader(path.stem.replace("-", "_"), str(path))
    spec = importlib.util.spec_from_loader(loader.name, loader)
    assert spec
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


@pytest.fixture
def guard(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.setattr("sys.dont_write_bytecode", True)
    return _load(SERVICE / "files/vllm-guard")


@pytest.fixture
def filters(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.setattr("sys.dont_write_bytecode", True)
    return _load(SERVICE / "filter_plugins/vllm_service.py")


def _process(proc: Path, pid: str, group: str) -> None:
    (proc / pid).mkdir()
    (proc / pid / "cgroup").write_text(f"0::{group}\n")


def test_a_foreign_process_on_a_wanted_card_is_named(guard: ModuleType, tmp_path: Path) -> None:
    _process(tmp_path, "11", "/user.slice/user-1000.slice/session-3.scope")
    _process(tmp_path, "12", "/system.slice/system-vllm.slice/vllm@other.service")
    apps = (
        "GPU-a, 11, 20000 MiB, python, with a comma\n"
        "GPU-a, 12, 300 MiB, VLLM::Worker\n"
        "GPU-b, 11, 10 MiB, python\n"
        "GPU-a, 13, 5 MiB, gone\n"
    )
    lines = guard.held({"GPU-a"}, apps, proc=tmp_path)
    assert [line.split(" holds")[0] for line in lines] == [
        "GPU-a: process 11 (python, with a comma) of session-3.scope",
        "GPU-a: process 13 (gone) of unknown",
    ]


def test_only_the_cards_that_the_server_takes_are_looked_at(guard: ModuleType) -> None:
    cards = "0, GPU-a1\n1, GPU-b\n10, GPU-c\n2, GPU-d\n"
    assert guard.chosen("1,2", cards) == ({"GPU-b", "GPU-d"}, [])
    assert guard.chosen("GPU-b,GPU-a", cards) == ({"GPU-b", "GPU-a1"}, [])  # CUDA takes beginnings
    assert guard.chosen("3,GPU-e,1", cards) == ({"GPU-b"}, ["3", "GPU-e"])
    assert guard.chosen("", "0, GPU-a\n") == (set(), [])


def test_a_card_that_is_not_there_is_not_taken_for_free(
    guard: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _smi(tmp_path, monkeypatch, 'case "$1" in *=index,uuid) echo "0, GPU-a" ;; esac')
    assert guard.on_cards("GPU-b") == ["not-ready: nvidia-smi lists no card GPU-b"]
    assert guard.on_cards("GPU-a") == []


def test_a_port_in_use_is_refused_and_a_free_one_is_not(guard: ModuleType) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert guard.on_port(port) == [f"port-in-use: port {port}: Address already in use"]
    assert guard.on_port(port) == []


def _smi(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """An nvidia-smi that says what it is told: the one part that no machine without cards has."""
    program = folder / "nvidia-smi"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


def test_a_real_process_is_told_with_its_control_group(
    guard: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with subprocess.Popen(["sleep", "60"]) as held:
        group = Path(f"/proc/{held.pid}/cgroup").read_text().strip().rsplit(":", 1)[-1]
        script = f"""case "$1" in
            *=index,uuid) echo "0, GPU-a"; echo "1, GPU-b" ;;
            *) echo "GPU-b, {held.pid}, 300 MiB, sleep" ;;
        esac"""
        _smi(tmp_path, monkeypatch, script)
        lines = guard.on_cards("1")
        assert guard.on_cards("0") == []
        held.kill()
    name = group.rsplit("/", 1)[-1] or "unknown"
    told = f"foreign-process: GPU-b: process {held.pid} (sleep) of {name} holds 300 MiB"
    assert lines == [told]


@pytest.mark.parametrize("script", ["exec sleep 60", "exit 9"])
def test_a_driver_that_does_not_answer_is_no_free_card(
    guard: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    _smi(tmp_path, monkeypatch, script)
    monkeypatch.setattr(guard, "TIMEOUT_S", 1)
    (line,) = guard.on_cards("0")
    assert line.startswith("not-ready: nvidia-smi does not answer")


LOAD = "(EngineCore pid=9) INFO 11-24 15:10:00 [gpu_model_runner.py:1] Starting to load model\n"
LOADED = "(Worker_TP0 pid=9) INFO 11-24 15:10:05 [gpu_model_runner.py:2] Model loading took 8 GiB\n"
GRAPHS = "Capturing CUDA graphs (mixed prefill-decode, PIECEWISE):   0%\n"
OOM = "(EngineCore pid=9) ERROR 11-24 15:10:08 [c.py:3] torch.OutOfMemoryError: CUDA out of memory."
KV = (
    "(EngineCore pid=9) ERROR 11-24 15:10:08 [core.py:3] ValueError: To serve at least one request"
    " with the model's max seq len (2048), (1 GiB KV cache is needed"
)
LAST = (
    "\n(APIServer pid=8) RuntimeError: Engine core initialization failed. See root cause above.\n"
)


@pytest.mark.parametrize(
    ("journal", "name", "begins"),
    [
        (LOAD + OOM + LAST, "oom-load", "torch.OutOfMemoryError"),
        (LOAD + LOADED + OOM + LAST, "oom-profile", "torch.OutOfMemoryError"),
        (LOAD + LOADED + GRAPHS + OOM + LAST, "oom-graph", "torch.OutOfMemoryError"),
        (LOAD + LOADED + KV + LAST, "kv-too-small", "ValueError: To serve"),
        ("OSError: [Errno 98] Address already in use", "port-in-use", "OSError"),
        (
            "(Worker_TP1 pid=3) ERROR 11-24 15:10:08 [x.py:3] RuntimeError: NCCL error: unhandled",
            "nccl",
            "RuntimeError: NCCL error",
        ),
        (
            "ValueError: Free memory on device cuda:0 (9.9/24.0 GiB) on startup is less than"
            " desired GPU memory utilization (0.9, 21.6 GiB).",
            "memory-taken",
            "ValueError",
        ),
        (
            "RuntimeError: The NVIDIA driver on your system is too old (found version 12080).",
            "driver-too-old",
            "RuntimeError",
        ),
        (
            "OSError: /srv/nothing is not a local folder and is not a valid model identifier",
            "model-not-found",
            "OSError",
        ),
        ("vllm serve: error: unrecognized arguments: --fast", "other", "vllm serve: error"),
        (
            "pydantic_core._pydantic_core.ValidationError: 1 validation error for ModelConfig\n"
            "  Value error, User-specified max_model_len (4096) is greater than the derived",
            "other",
            "Value error, User-specified",
        ),
        ("vllm-guard: port-in-use: port 8001: Address already in use", "port-in-use", "port 8001"),
        ("vllm-guard: foreign-process: GPU-a: process 1 (x)", "foreign-process", "GPU-a: process"),
        ("vllm-ready: vLLM ended before it was ready", "not-ready", "vLLM ended"),
        ("", "not-ready", "the journal is empty"),
    ],
)
def test_the_root_cause_is_told(filters: ModuleType, journal: str, name: str, begins: str) -> None:
    error = filters.vllm_start_error(journal)
    assert error["class"] == name
    assert error["message"].startswith(begins)
    assert f"\n  {name}: " in REMEDIES.read_text()


def test_a_good_start_has_no_error(corpus: Path) -> None:
    from preflight.parsers import decode_bytes, vllm_log

    log = corpus / "captures/public/vllm-log/v0-24-engine-facts.txt"
    text = decode_bytes(log.read_bytes())
    assert vllm_log.startup_error(text) is None
    assert vllm_log.kv_cache_tokens(text) == 223152


def test_the_smallest_cache_counts(filters: ModuleType) -> None:
    log = "GPU KV cache size: 2,048 tokens\nGPU KV cache size: 1,024 tokens\n"
    assert filters.vllm_kv_cache_tokens(log) == 1024
    assert filters.vllm_kv_cache_tokens("nothing") is None


def test_a_log_of_megabytes_is_read_in_time(filters: ModuleType) -> None:
    hostile = "(EngineCore pid=" * 200_000 + "\n" + "| " * 500_000 + "\n" + "Error" * 600_000
    assert filters.vllm_start_error(hostile)["class"] == "not-ready"


def test_later_layers_go_before_earlier_ones(filters: ModuleType) -> None:
    layers = [{"max_num_seqs": 8, "dtype": "auto"}, {"max-num-seqs": 4}, {"dtype": None}]
    assert filters.vllm_flags(layers) == {"max-num-seqs": 4}
