"""Every setting and variable that a plan prints is taken by a real vLLM's own parser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from preflight.catalog import vllm_settings
from preflight.plan.architectures import architecture
from preflight.plan.quantisation import NAMES
from preflight.planning import Answer, Question, answer
from tests.plan.real_vllm import ask, interpreter

QUESTIONS = (
    Question("llama-3.1-70b-awq", "0.32.0", gpus=("2x RTX 4090",)),
    Question("llama-3.1-8b", "0.32.0", gpus=("RTX 4090 + RTX 3090",)),
    Question("llama-3.1-8b", "0.32.0", gpus=("4x RTX A6000",), aim="latency"),
    Question(
        "llama-3.1-8b",
        "0.32.0",
        gpus=("RTX 4090",),
        settings=("enforce-eager=false", "kv-cache-dtype=auto", "gpu-memory-utilization=0.85"),
    ),
    Question("gpt-oss-20b", "0.32.0", gpus=("8x H100 80GB HBM3",)),
    Question(
        "llama-3.1-8b",
        "0.32.0",
        gpus=("2x RTX 5090",),
        settings=("seed=7", "max-num-seqs=16", "VLLM_PP_LAYER_PARTITION=14,18"),
        flags={
            "quantization": "fp8",
            "kv_cache_dtype": "fp8",
            "enforce_eager": True,
            "max_model_len": "16K",
        },
    ),
)
# NCCL's own variables, by its documentation (Environment Variables, NCCL 2.29).
NCCL = frozenset({"NCCL_P2P_DISABLE", "NCCL_CUMEM_HOST_ENABLE"})


@pytest.fixture(scope="module")
def python() -> Path:
    found = interpreter()
    if found is None:
        pytest.skip("no vLLM here: the lab's wheels are not in its cache (tests/lab/README.md)")
    return found


@pytest.fixture(scope="module")
def answers() -> list[Answer]:
    return [answer(question) for question in QUESTIONS]


def test_a_real_vllm_takes_every_setting(
    python: Path, answers: list[Answer], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("configs")
    planned: list[dict[str, Any]] = [
        {"model": "/srv/models/m", **one.advice.vllm}
        for made in answers
        for one in made.plan.candidates
        if one.fits
    ]
    assert len(planned) > 12
    refused = {"model": "/srv/models/m", "no-such-setting-of-vllm": 1}
    paths = []
    for number, settings in enumerate([*planned, refused]):
        paths.append(folder / f"{number}.yaml")
        paths[-1].write_text(yaml.safe_dump(settings))
    told = ask(python, paths)
    assert told["settings"].pop() is None, "the parser takes anything"
    for settings, taken in zip(planned, told["settings"], strict=True):
        assert taken is not None, settings
        for name, value in settings.items():
            if isinstance(value, (bool, int, float)):
                assert taken[name.replace("-", "_")] == repr(value), name
    names = {name for made in answers for one in made.plan.candidates for name in one.advice.env}
    assert names
    assert names <= NCCL | set(told["variables"])


def test_a_real_vllm_has_the_settings_that_set_takes(python: Path) -> None:
    told = ask(python, [])["names"]
    ours = {"help", "config"}  # of the command line alone
    flags = {name.removeprefix("--") for name in told if name.startswith("--")} - ours
    assert len(flags) > 200
    assert all(vllm_settings.has(name) for name in flags)
    assert set(vllm_settings.names()) <= flags


# Other words for a method that a config may have; vLLM's config classes take them for their own.
ALSO = {"auto-round", "intel/auto-round", "bitsandbytes", ""}


def test_a_real_vllm_has_the_quantisations_that_are_read(python: Path) -> None:
    told = set(ask(python, [])["quantisations"])
    assert len(told) > 20
    assert told == NAMES - ALSO


def test_a_real_vllm_refuses_float16_to_the_same_architectures(python: Path) -> None:
    told = ask(python, [])["without_float16"]
    assert told
    assert not any(architecture(name).takes_float16 for name in told)
    assert architecture("llama").takes_float16
