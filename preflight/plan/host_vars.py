"""A layout as the variables of the Ansible roles: their public names, and nothing else."""

from __future__ import annotations

import re
from typing import Any

from preflight.layout import REPLICAS
from preflight.plan.answer import Candidate, Plan
from preflight.plan.arrangements import Cards

NAME = "main"
_FIRST_PORT, _PUBLIC_PORT = 8001, 8443
# Settings that the role has fields for, by vLLM's flag; the rest goes into `config`.
_FIELDS = {
    "max-model-len": "max_model_len",
    "gpu-memory-utilization": "gpu_memory_utilization",
    "max-num-seqs": "max_num_seqs",
    "tensor-parallel-size": "tensor_parallel_size",
    "pipeline-parallel-size": "pipeline_parallel_size",
}
# What the role decides itself, by what the gate measured between the cards.
_DECIDED = frozenset({"disable-custom-all-reduce", "NCCL_P2P_DISABLE"})


def host_vars(plan: Plan, chosen: Candidate) -> dict[str, Any]:
    """For playbooks/deploy.yml, as host_vars of the host that the plan was made for."""
    instances = [
        _instance(plan, chosen, cards, number) for number, cards in enumerate(chosen.servers)
    ]
    told: dict[str, Any] = {
        "vllm_version": plan.wish.vllm_version,
        "preflight_layout": chosen.layout.name,
        "vllm_service_behind_load_balancer": True,
        "vllm_service_instances": instances,
        "load_balancer_services": [
            {
                "name": NAME,
                "port": _PUBLIC_PORT,
                "servers": [f"127.0.0.1:{one['port']}" for one in instances],
            }
        ],
    }
    if plan.model.revision:
        told["vllm_models"] = [
            {
                "name": folder(plan.model.name),
                "repo": plan.model.name,
                "revision": plan.model.revision,
            }
        ]
    return told


def folder(name: str) -> str:
    """A model's name as that of its folder on the host."""
    words = re.sub(r"[^a-z0-9.]+", "-", name.rpartition("/")[2].lower()).strip("-.")
    return words[:100] or "model"


def _instance(plan: Plan, chosen: Candidate, cards: Cards, number: int) -> dict[str, Any]:
    is_replica = chosen.layout.name == REPLICAS
    told: dict[str, Any] = {
        "name": f"{NAME}-{number + 1}" if is_replica else NAME,
        "model": folder(plan.model.name),
        "port": _FIRST_PORT + number,
        "gpus": [card.cuda_index for card in cards],
    }
    if is_replica:
        told["served_model_name"] = NAME
    config = {}
    for flag, value in chosen.advice.vllm.items():
        if flag in _FIELDS:
            told[_FIELDS[flag]] = value
        elif flag not in _DECIDED:
            config[flag] = value
    env = {name: value for name, value in chosen.advice.env.items() if name not in _DECIDED}
    return told | ({"config": config} if config else {}) | ({"env": env} if env else {})
