"""Pipeline parallel, and two models on two cards."""

from __future__ import annotations

from pathlib import Path

import pytest

from .client import client
from .deployed import serving
from .host import Host
from .play import Controller
from .told import EAGER, MODEL, WARMED_UP, told

pytestmark = pytest.mark.lab_all


def test_pp2_serves(ready: Host, controller: Controller, good: Path) -> None:
    settings = {"max_model_len": 256, "config": WARMED_UP}
    variables = told(good, layout_settings=settings)
    played = controller.play("deploy-pp2", ready, told=variables)
    assert played.status == 0, played.output
    answer = client(ready, controller.api_key).complete()
    assert answer.status == 200, answer.text
    workers = ready.run("ps", "axww", "-o", "args=").stdout
    assert "Worker_PP0" in workers
    assert "Worker_PP1" in workers
    again = controller.play("deploy-pp2", ready, told=variables)
    assert (again.status, again.changed) == (0, {"ready": 0}), again.output


def test_split_serves_two_models(ready: Host, controller: Controller, good: Path) -> None:
    common = {"model": MODEL, "max_model_len": 256, "config": EAGER}
    services = [
        {"name": "chat", "gpus": [0], "public_port": 8443, **common},
        {"name": "embed", "gpus": [1], "public_port": 8444, "runner": "pooling", **common},
    ]
    played = controller.play("deploy-split", ready, told=told(good, layout_services=services))
    assert played.status == 0, played.output
    serving(ready, "vllm@chat")
    serving(ready, "vllm@embed")
    assert client(ready, controller.api_key).complete("chat").status == 200
    question = {"model": "embed", "input": "the quick brown"}
    answer = client(ready, controller.api_key, 8444).post("/v1/embeddings", question)
    assert answer.status == 200, answer.text
    assert len(answer.json["data"][0]["embedding"]) == 128
