"""What vLLM is started with."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml


def _settings(rendered: Path, name: str) -> dict[str, Any]:
    settings: dict[str, Any] = yaml.safe_load((rendered / f"{name}.yaml").read_text())
    return settings


def _environment(rendered: Path, name: str) -> dict[str, str]:
    text = (rendered / f"{name}.env").read_text()
    words = shlex.split(text, comments=True)
    return dict(word.partition("=")[::2] for word in words)


def test_settings_are_flags_with_dashes_and_null_takes_one_out(rendered: Path) -> None:
    assert _settings(rendered, "pair") == {
        "host": "127.0.0.1",
        "disable-access-log-for-endpoints": "/health,/metrics",
        "port": 8001,
        "model": "/var/lib/vllm/models/tiny",
        "served-model-name": ["main"],
        "shutdown-timeout": 60,
        "tensor-parallel-size": 2,
        "max-model-len": 256,
        "enforce-eager": True,
        "disable-custom-all-reduce": True,
        "compilation-config": {"mode": 1},
    }


@pytest.mark.parametrize(
    ("name", "reduce_off", "p2p_off"),
    [
        ("pair", True, "1"),
        ("pair-with-peers", None, None),
        ("stages", None, "1"),
        ("single", None, None),
    ],
)
def test_cards_copy_directly_only_where_it_is_proven(
    rendered: Path, name: str, reduce_off: bool | None, p2p_off: str | None
) -> None:
    assert _settings(rendered, name).get("disable-custom-all-reduce") == reduce_off
    assert _environment(rendered, name).get("NCCL_P2P_DISABLE") == p2p_off


def test_the_environment_names_the_cards_and_keeps_to_the_host(rendered: Path) -> None:
    environment = _environment(rendered, "pair")
    assert environment["CUDA_VISIBLE_DEVICES"] == "0,1"
    assert environment["CUDA_DEVICE_ORDER"] == "PCI_BUS_ID"
    assert environment["VLLM_HOST_IP"] == "127.0.0.1"
    assert environment["NCCL_IB_DISABLE"] == "1"
    assert environment["VLLM_CACHE_ROOT"] == "/var/cache/vllm/main/vllm"
    assert environment["WORD"] == 'a "quoted" one'
    assert environment["VLLM_ENGINE_READY_TIMEOUT_S"] == "1800"
    assert "VLLM_API_KEY" not in environment
