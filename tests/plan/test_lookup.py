"""What a person may name a model by, and what a checkpoint's own files say against its config."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from preflight.errors import UsageError
from preflight.plan import lookup
from preflight.plan.online import quantised
from preflight.plan.safetensors import loaded_bytes
from preflight.plan.shapes import GIB, Setup
from preflight.plan.weights import rank_bytes, stored_bytes
from tests.plan.checkpoint import safetensors

CONFIG: dict[str, Any] = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "vocab_size": 256,
    "max_position_embeddings": 512,
    "tie_word_embeddings": False,
}


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("llama-3.1-8b", "llama-3.1-8b"),
        ("Llama 3.1 8B Instruct", "llama-3.1-8b"),
        ("LLAMA_3.1_70B-FP8", "llama-3.1-70b-fp8"),
        ("70b-awq", "llama-3.1-70b-awq"),
        ("meta-llama/Llama-3.1-8B-Instruct", "llama-3.1-8b"),
        ("qwen/qwen2.5-72b-instruct-awq", "qwen2.5-72b-awq"),
        ("openai/gpt-oss-120b", "gpt-oss-120b"),
    ],
)
def test_a_model_of_the_catalogue(name: str, found: str) -> None:
    assert lookup.find(name).name == found


@pytest.mark.parametrize(
    ("name", "near"), [("lama-3.1-8b", "llama-3.1-8b"), ("qwen3-23b", "qwen3-32b")]
)
def test_a_near_miss_names_what_is_near(name: str, near: str) -> None:
    with pytest.raises(UsageError) as caught:
        lookup.find(name)
    assert near in caught.value.hint


@pytest.mark.parametrize("name", ["", "nothing-like-it", "\x00", "a" * 9000, "./gone", "gone.json"])
def test_no_model(name: str) -> None:
    with pytest.raises(UsageError) as caught:
        lookup.find(name)
    assert caught.value.exit_status == 2
    assert len(str(caught.value)) < 300


def test_a_folder_and_its_file(folder: Path) -> None:
    by_folder, by_file = lookup.find(str(folder)), lookup.find(str(folder / "config.json"))
    assert by_folder == by_file
    assert by_folder.name == "tiny"


def test_a_byte_order_mark_is_no_fault(folder: Path) -> None:
    plain = lookup.find(str(folder))
    config = folder / "config.json"
    config.write_bytes(b"\xef\xbb\xbf" + config.read_bytes())
    assert lookup.find(str(folder)).parameters == plain.parameters


def test_weights_in_the_folder_are_measured(folder: Path) -> None:
    size = int(stored_bytes(lookup.find(str(folder))))
    (folder / "model.safetensors").write_bytes(safetensors({"model.embed_tokens.weight": size}))
    model = lookup.find(str(folder))
    assert model.measured_bytes == size
    assert model.notes == ()


def test_weights_that_the_config_does_not_make_are_told_and_counted(folder: Path) -> None:
    plain = lookup.find(str(folder))
    twice = 2 * int(stored_bytes(plain))
    (folder / "model.safetensors").write_bytes(safetensors({"model.x": twice}))
    model = lookup.find(str(folder))
    assert "the weights are counted" in model.notes[0]
    held, declared = (rank_bytes(m, Setup("0.32.0"), 0, (9, 0)) for m in (model, plain))
    assert held / declared == pytest.approx(2, rel=0.3)


def test_all_files_of_the_index_are_counted_and_no_second_copy(folder: Path) -> None:
    names = {"a": "model-1.safetensors", "b": "model-2.safetensors"}
    for tensor, name in names.items():
        (folder / name).write_bytes(safetensors({tensor: 1000}))
    (folder / "consolidated.safetensors").write_bytes(safetensors({"c": 9000}))
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": names}))
    assert lookup.find(str(folder)).measured_bytes == 2000
    (folder / "model.safetensors.index.json").unlink()
    assert lookup.find(str(folder)).measured_bytes == 2000


def test_what_vllm_does_not_load_is_not_counted() -> None:
    tensors = {
        "model.layers.1.mlp.up_proj.weight": 10,
        "model.layers.2.mlp.up_proj.weight": 100,
        "mtp.layers.0.mlp.up_proj.weight": 1000,
        "visual.layers.7.up.weight": 10_000,
        "model.layers.0.self_attn.rotary_emb.inv_freq": 100_000,
    }
    assert loaded_bytes(tensors.items(), 2) == 10_010


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n",
        safetensors({"a": 100})[:-1],
        safetensors({"a": 100})[:30],
        (1 << 62).to_bytes(8, "little") + b"{}",
        (2).to_bytes(8, "little") + b"[]",
        (31).to_bytes(8, "little") + b'{"a":{"data_offsets":[100,10]}}',
        (30).to_bytes(8, "little") + b'{"a":{"data_offsets":[-9,10]}}',
        (20).to_bytes(8, "little") + b'{"a":' * 4,
    ],
    ids=range(9),
)
def test_a_torn_file_is_one_line(folder: Path, content: bytes) -> None:
    (folder / "model.safetensors").write_bytes(content)
    with pytest.raises(UsageError, match="no whole safetensors file"):
        lookup.find(str(folder))


@pytest.mark.parametrize(
    ("index", "words"),
    [
        ({"weight_map": {"a": "gone.safetensors"}}, "1 of 1 weight files are not there"),
        ({"weight_map": {"a": "../../etc/passwd"}}, "outside its folder"),
        ({"weight_map": ["a"]}, "no index"),
        ([], "no index"),
    ],
)
def test_an_index_that_lies_is_one_line(folder: Path, index: object, words: str) -> None:
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(UsageError, match=words):
        lookup.find(str(folder))


def test_modelopt_beside_the_config(folder: Path) -> None:
    beside = {"quantization": {"quant_algo": "FP8", "kv_cache_quant_algo": "FP8"}}
    (folder / "hf_quant_config.json").write_text(json.dumps(beside))
    model = lookup.find(str(folder))
    assert (model.format.name, model.kv_cache_dtype) == ("fp8", "fp8")


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_may_not_be_read(folder: Path) -> None:
    (folder / "config.json").chmod(0)
    with pytest.raises(UsageError, match="cannot be read"):
        lookup.find(str(folder))


def test_an_endless_file_is_no_config() -> None:
    with pytest.raises(UsageError, match="larger than"):
        lookup.find("/dev/zero")


def test_quantised_while_it_loads() -> None:
    plain = lookup.find("llama-3.1-8b")
    made = quantised(plain, "fp8")
    declared = lookup.find("llama-3.1-8b-fp8")
    assert stored_bytes(made) == stored_bytes(declared)
    assert stored_bytes(made) / GIB == pytest.approx(8.46, abs=0.01)
    assert quantised(declared, "fp8") is declared
    for model, method in ((declared, "mxfp8"), (plain, "awq"), (plain, "")):
        with pytest.raises(UsageError):
            quantised(model, method)


def test_routers_stay_in_16_bits() -> None:
    made = quantised(lookup.find("mixtral-8x7b"), "fp8")
    formats = {m.name: m.format.name for m in made.layers[0].matrices}
    assert formats["mlp.gate"] == "bf16"
    assert formats["mlp.experts.0.up_proj"] == "fp8"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "tiny"
    made.mkdir()
    (made / "config.json").write_text(json.dumps(CONFIG))
    return made
