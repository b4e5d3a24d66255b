"""The measured rows of speed as observations: what a planner is told, and what came out.

Each decode figure is of requests with 512 tokens in and 128 out, prefill of 8 prompts of 2048
tokens; every shape was warmed up. Eager rows are bound by the host and are shown, not scored.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from preflight.plan import cards, reading, throughput
from preflight.plan.links import link
from preflight.plan.rates import Rates
from preflight.plan.shapes import Device, Model, Setup
from preflight.plan.throughput import Server, Speed

TABLES = ("planner-truth-h100.csv", "planner-truth-h200.csv")
CONTEXT_TOKENS = 512 + 128 // 2
PROMPT_TOKENS = 2048
_CARDS = {"H100 SXM 80GB": "H100 80GB HBM3", "H200 SXM 141GB": "H200"}
PREFILL = "prefill"
# Of the same method on an H200, published beside the tables: 8B in 16 bit.
_H200_8B = {
    "gpu": "H200 SXM 141GB",
    "gpus": "1",
    "model": "llama-8b",
    "vllm": "0.22.1",
    "tp": "1",
    "pp": "1",
    "kv_cache_dtype": "auto",
    "gpu_memory_utilization": "0.92",
    "max_model_len": "8192",
    "max_num_seqs": "64",
    "max_num_batched_tokens": "16384",
    "enforce_eager": "False",
    "decode_tok_s_1": "203",
    "decode_tok_s_8": "1572",
    "decode_tok_s_32": "5336",
    "prefill_tok_s": "44169",
}


@dataclass(frozen=True)
class Observation:
    """One figure that was measured; `batch` 0 is prefill."""

    row: str  # "H100 SXM 80GB llama-8b"
    model: Model
    devices: tuple[Device, ...]
    setup: Setup
    batch: int
    tok_s: float

    @property
    def what(self) -> str:
        return f"decode {self.batch}" if self.batch else PREFILL

    @property
    def is_eager(self) -> bool:
        return self.setup.enforce_eager

    def estimate(self, rates: Rates) -> Speed:
        server = Server(self.model, self.devices, self.setup, link(self.devices, rates), rates)
        if self.batch == 0:
            return throughput.prefill(server, PROMPT_TOKENS)
        return throughput.decode(server, self.batch, CONTEXT_TOKENS)


def observations(corpus: Path) -> list[Observation]:
    """Of every row that has a figure of speed, the tables' own order."""
    rows: list[dict[str, str]] = [_H200_8B]
    for name in TABLES:
        with (corpus / name).open(encoding="utf-8") as table:
            rows += csv.DictReader(table)
    return [one for row in rows for one in _of_row(row, corpus)]


def _of_row(row: dict[str, str], corpus: Path) -> Iterator[Observation]:
    config = corpus / "models" / row["model"] / "config.json"
    model = reading.read(config.read_text(encoding="utf-8"), row["model"])
    device = cards.parse(_CARDS[row["gpu"]])[0]
    tensor, stages = int(row["tp"]), int(row["pp"])
    devices = tuple(replace(device, subject=f"gpu{n}") for n in range(tensor * stages))
    for column, value in row.items():
        if value and column.startswith(("decode_tok_s_", "prefill_tok_s")):
            batch = 0 if column.startswith(PREFILL) else int(column.rsplit("_", 1)[1])
            name = f"{row['gpu']} {row['model']}"
            yield Observation(name, model, devices, _setup(row), batch, float(value))


def _setup(row: dict[str, str]) -> Setup:
    return Setup(
        vllm_version=row["vllm"],
        tensor_parallel_size=int(row["tp"]),
        pipeline_parallel_size=int(row["pp"]),
        gpu_memory_utilization=float(row["gpu_memory_utilization"]),
        max_model_len=int(row["max_model_len"]),
        max_num_seqs=int(row["max_num_seqs"]),
        max_num_batched_tokens=int(row["max_num_batched_tokens"]),
        kv_cache_dtype=row["kv_cache_dtype"],
        enforce_eager=row["enforce_eager"] == "True",
    )
