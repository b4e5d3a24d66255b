"""A plan as JSON values: the contract's keys, and what may stand beside them."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from preflight.capture import plain
from preflight.plan.answer import Candidate, Plan
from preflight.plan.comparison import Comparison
from preflight.plan.ranking import Choice, nearest
from preflight.plan.shapes import Device, Model, RankMemory
from preflight.plan.throughput import Speed

SCHEMA = "gpu-preflight/plan/1"


def to_json(document: Mapping[str, Any]) -> bytes:
    text = json.dumps(_plain(document), ensure_ascii=False, indent=1, allow_nan=False)
    return text.encode() + b"\n"


def document(plan: Plan, choice: Choice) -> dict[str, Any]:
    """One set of cards; a layout that does not fit has its reason, and figures where some are."""
    price = plan.price_per_hour
    return {
        "schema": SCHEMA,
        "model": _model(plan.model),
        "gpus": [_device(device) for device in plan.devices],
        "vllm_version": plan.wish.vllm_version,
        "aim": plan.wish.aim,
        "concurrency": plan.wish.concurrency,
        "input_tokens": plan.wish.input_tokens,
        "output_tokens": plan.wish.output_tokens,
        "price_per_hour": _figure(price.amount, 4) if price else None,
        "currency": price.currency if price else None,
        "layouts": layouts(plan),
        "recommended": choice.recommended.layout.name if choice.recommended else None,
        "why": choice.why,
        "notes": list(plan.notes),
    }


def compared(comparison: Comparison) -> dict[str, Any]:
    """Several sets of cards: each one's document, and which to take."""
    options = [
        {
            "name": one.name,
            "is_enough": one.is_enough,
            "power_w": one.power_w,
            **document(one.plan, one.choice),
        }
        for one in comparison.options
    ]
    return {
        "schema": SCHEMA,
        "model": options[0]["model"],
        "options": options,
        "min_decode_tok_s": comparison.need.decode_tok_s,
        "min_concurrency": comparison.need.concurrency,
        "recommended": comparison.recommended.name if comparison.recommended else None,
        "why": comparison.why,
    }


def layouts(plan: Plan) -> list[dict[str, Any]]:
    return [_layout(one, plan) for one in plan.candidates]


def _layout(one: Candidate, plan: Plan) -> dict[str, Any]:
    refusal, held = one.refusal, one.memory
    other = nearest(one, plan) if refusal else None
    return {
        "layout": one.layout.name,
        "fits": one.fits,
        "reason": refusal.reason if refusal else None,
        "instead": (other.layout.name if other else None) if refusal else None,
        "servers": [[card.subject for card in cards] for cards in one.servers],
        "per_gpu": _rank(one.fullest) if one.fullest else None,
        "ranks": [_rank(rank) for rank in held.ranks] if held else [],
        "kv_cache_tokens": held.kv_cache_tokens if held and one.fits else None,
        "max_model_len": held.max_model_len if held and one.fits else None,
        "max_num_seqs": one.setup.max_num_seqs if one.setup and one.fits else None,
        "max_concurrency": _figure(held.max_concurrency, 2) if held and one.fits else None,
        "decode_tok_s": _speeds(one, lambda speed: _figure(speed.tok_s)),
        "decode_range": _speeds(one, lambda s: [_figure(s.low), _figure(s.high)]),
        "running": _speeds(one, lambda speed: speed.batch),
        "bound_by": _speeds(one, lambda speed: speed.bound_by),
        "time_shares": _speeds(one, lambda s: {k: _figure(v, 3) for k, v in s.shares.items()}),
        "prefill_tok_s": _figure(one.prefill.tok_s) if one.prefill else None,
        "prefill_range": _range(one.prefill),
        "served_tok_s": _figure(one.served_tok_s(plan.wish)) if one.fits else None,
        "scaling": asdict(one.scaling) if one.scaling else None,
        "cost_per_mtok": _figure(one.cost_per_mtok.amount, 4) if one.cost_per_mtok else None,
        "served_cost_per_mtok": _figure(one.served_cost_per_mtok.amount, 4)
        if one.served_cost_per_mtok
        else None,
        "currency": one.cost_per_mtok.currency if one.cost_per_mtok else None,
        "link": {"kind": one.link.kind, "reason": one.link.reason, "basis": one.link.basis}
        if one.link and one.setup and one.setup.ranks > 1
        else None,
        "vllm": dict(one.advice.vllm),
        "env": dict(one.advice.env),
        "reasons": dict(one.advice.reasons),
        "gains_kv_cache_tokens": dict(one.gains),
        "notes": list(one.notes),
    }


def _speeds(one: Candidate, told: Any) -> dict[str, Any] | None:
    return {str(batch): told(speed) for batch, speed in one.decode.items()} if one.fits else None


def _range(speed: Speed | None) -> list[float] | None:
    return [_figure(speed.low), _figure(speed.high)] if speed else None


def _rank(rank: RankMemory) -> dict[str, Any]:
    return {
        "gpu": rank.subject,
        "layers": rank.layers,
        "weights_gib": _figure(rank.weights_gib, 3),
        "kv_cache_gib": _figure(max(rank.kv_cache_gib, 0.0), 3),  # the reason tells what is short
        "activation_gib": _figure(rank.activation_gib, 3),
        "overhead_gib": _figure(rank.context_gib + rank.graphs_gib, 3),
        "graphs_gib": _figure(rank.graphs_gib, 3),
        "total_gib": _figure(rank.total_gib, 3),
        "requested_gib": _figure(rank.requested_gib, 3),
    }


def _model(model: Model) -> dict[str, Any]:
    return {
        "name": model.name,
        "architecture": model.architecture,
        "is_known": model.is_known,
        "parameters": model.parameters,
        "parameters_used": round(model.parameters_used),
        "format": model.format.name,
        "layers": len(model.layers),
        "max_model_len": model.max_model_len,
        "revision": model.revision,
        "notes": list(model.notes),
    }


def _device(device: Device) -> dict[str, Any]:
    return {
        "gpu": device.subject,
        "name": device.name,
        "memory_gib": _figure(device.memory_gib, 2),
        "memory_used_gib": None
        if device.memory_used_gib is None
        else _figure(device.memory_used_gib, 2),
        "memory_gb_s": device.memory_gb_s,
        "compute_capability": ".".join(map(str, device.compute_capability)),
        "power_w": device.power_w,
        "basis": dict(device.basis),
    }


def _figure(value: float, digits: int = 1) -> float:
    return round(value, digits) if math.isfinite(value) else 0.0


def _plain(value: Any) -> Any:
    """Without what a terminal would obey: names come from files of others."""
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, Mapping):
        return {plain(str(key)): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value
