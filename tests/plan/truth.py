"""Observations of real servers, each as the model, cards and settings that a plan would be given.

The measured files (planner-truth-h100.csv, -h200.csv) are clean: alone on the card, all settings
known. The public one is uneven; what a row does not tell is left at vLLM's defaults.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from preflight.plan import cards, reading
from preflight.plan.memory import estimate
from preflight.plan.shapes import Device, Memory, Model, Setup

MEASURED = ("planner-truth-h100.csv", "planner-truth-h200.csv")
PUBLIC = "planner-truth.csv"


@dataclass(frozen=True)
class Measured:
    """One row that was measured for this purpose; figures are for each GPU."""

    name: str
    model: Model
    device: Device
    setup: Setup
    weights_gib: float
    kv_cache_gib: float
    kv_cache_tokens: int

    def planned(self) -> Memory:
        return estimate(self.model, [self.device], self.setup)


def measured(corpus: Path) -> list[Measured]:
    """All rows of the measured files."""
    rows: list[Measured] = []
    for name in MEASURED:
        with (corpus / name).open(newline="") as file:
            rows += [_measured(corpus, row) for row in csv.DictReader(file)]
    return rows


def public(corpus: Path) -> list[dict[str, str]]:
    """The public rows as they stand."""
    with (corpus / PUBLIC).open(newline="") as file:
        return list(csv.DictReader(file))


def model(corpus: Path, name: str) -> Model:
    return reading.read((corpus / "models" / name / "config.json").read_bytes(), name)


def _measured(corpus: Path, row: dict[str, str]) -> Measured:
    (device,) = cards.parse(row["gpu"])
    setup = Setup(
        row["vllm"],
        gpu_memory_utilization=float(row["gpu_memory_utilization"]),
        max_model_len=int(row["max_model_len"]),
        max_num_seqs=int(row["max_num_seqs"]),
        max_num_batched_tokens=int(row["max_num_batched_tokens"]),
        kv_cache_dtype=row["kv_cache_dtype"],
        enforce_eager=row["enforce_eager"] == "True",
    )
    return Measured(
        f"{row['gpu']} {row['model']}",
        model(corpus, row["model"]),
        device,
        setup,
        float(row["weights_gib"]),
        float(row["kv_cache_gib"]),
        int(row["kv_cache_tokens"]),
    )
