"""A model of 2.7 MB that vLLM serves like any other: Llama's shape, random weights.

Written by the standard library alone, since a safetensors file is a JSON header and raw numbers
and a byte-level tokenizer is a list of 256 letters.
"""

from __future__ import annotations

import array
import inspect
import json
import random
import struct
import sys
from pathlib import Path

from .cache import made

LAYERS, HIDDEN, INNER, HEADS, KV_HEADS, HEAD = 4, 128, 256, 4, 2, 32
MAX_LEN = 2048
SPECIAL = ("<unk>", "<s>", "</s>")
SENTENCE = "the quick brown fox jumps over the lazy dog"
TEMPLATE = (
    "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}"
    "{% if add_generation_prompt %}assistant:{% endif %}"
)


def models() -> Path:
    """A folder that holds the folder `tiny`, readable by every user."""
    return made("models", inspect.getsource(sys.modules[__name__]), _write)


def _write(folder: Path) -> None:
    tiny = folder / "tiny"
    tiny.mkdir()
    vocabulary, merges = _vocabulary()
    tokenizer = _tokenizer(vocabulary, merges)
    for name, content in {
        "config.json": _config(len(vocabulary)),
        "generation_config.json": {"bos_token_id": 1, "eos_token_id": 2},
        "tokenizer.json": tokenizer,
        "tokenizer_config.json": _tokenizer_config(),
    }.items():
        (tiny / name).write_text(json.dumps(content, indent=1, ensure_ascii=False))
    _write_weights(tiny / "model.safetensors", _shapes(len(vocabulary)))


def _config(vocabulary: int) -> dict[str, object]:
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": vocabulary,
        "hidden_size": HIDDEN,
        "intermediate_size": INNER,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
        "num_key_value_heads": KV_HEADS,
        "head_dim": HEAD,
        "hidden_act": "silu",
        "max_position_embeddings": MAX_LEN,
        "rms_norm_eps": 1e-6,
        "rope_theta": 10000.0,
        "tie_word_embeddings": False,
        "torch_dtype": "float32",
        "bos_token_id": 1,
        "eos_token_id": 2,
    }


def _tokenizer_config() -> dict[str, object]:
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "unk_token": SPECIAL[0],
        "bos_token": SPECIAL[1],
        "eos_token": SPECIAL[2],
        "model_max_length": MAX_LEN,
        "chat_template": TEMPLATE,
    }


def _letters() -> dict[int, str]:
    """GPT-2's printable letter for each byte."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    shifted = {byte: chr(256 + place) for place, byte in enumerate(others)}
    return shifted | {byte: chr(byte) for byte in printable}


def _vocabulary() -> tuple[dict[str, int], list[list[str]]]:
    """Special tokens, 256 bytes, and the words of one sentence built up letter by letter."""
    letters = _letters()
    tokens = [*SPECIAL, *(letters[byte] for byte in range(256))]
    merges = []
    for word in SENTENCE.split():
        grown = letters[0x20]
        for letter in word:
            if grown + letter not in tokens:
                merges.append([grown, letter])
                tokens.append(grown + letter)
            grown += letter
    return {token: place for place, token in enumerate(tokens)}, merges


def _tokenizer(vocabulary: dict[str, int], merges: list[list[str]]) -> dict[str, object]:
    plain = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False}
    special = [
        {"id": place, "content": token, "special": True, **plain}
        for place, token in enumerate(SPECIAL)
    ]
    bytes_ = {
        "type": "ByteLevel",
        "add_prefix_space": False,
        "trim_offsets": True,
        "use_regex": True,
    }
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": special,
        "normalizer": None,
        "pre_tokenizer": bytes_,
        "post_processor": None,
        "decoder": bytes_,
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "vocab": vocabulary,
            "merges": merges,
        },
    }


def _shapes(vocabulary: int) -> dict[str, tuple[int, ...]]:
    kv = KV_HEADS * HEAD
    layer = {
        "input_layernorm": (HIDDEN,),
        "post_attention_layernorm": (HIDDEN,),
        "self_attn.q_proj": (HIDDEN, HIDDEN),
        "self_attn.k_proj": (kv, HIDDEN),
        "self_attn.v_proj": (kv, HIDDEN),
        "self_attn.o_proj": (HIDDEN, HIDDEN),
        "mlp.gate_proj": (INNER, HIDDEN),
        "mlp.up_proj": (INNER, HIDDEN),
        "mlp.down_proj": (HIDDEN, INNER),
    }
    layers = {f"layers.{n}.{name}": shape for n in range(LAYERS) for name, shape in layer.items()}
    inner = {"embed_tokens": (vocabulary, HIDDEN), **layers, "norm": (HIDDEN,)}
    named = {f"model.{name}.weight": shape for name, shape in inner.items()}
    return {**named, "lm_head.weight": (vocabulary, HIDDEN)}


def _write_weights(path: Path, shapes: dict[str, tuple[int, ...]]) -> None:
    """https://github.com/huggingface/safetensors: length, JSON, numbers; norms are ones."""
    chance = random.Random(7)
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    numbers = array.array("f")
    for name, shape in shapes.items():
        start, count = 4 * len(numbers), shape[0] * (shape[1] if len(shape) > 1 else 1)
        numbers.extend(chance.gauss(0, 0.02) if len(shape) > 1 else 1.0 for _ in range(count))
        ends = [start, 4 * len(numbers)]
        header[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": ends}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + numbers.tobytes())


if __name__ == "__main__":
    print(models())
