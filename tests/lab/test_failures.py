"""What goes wrong ends the play by itself, in seconds, with what to do."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from .host import Host
from .laboratory import Laboratory
from .play import Controller
from .told import EAGER, told

pytestmark = pytest.mark.lab_all

NOT_BY_TIME_OUT = 600  # s: seconds where nobody else computes; vllm_service_start_timeout_s is 1800


@pytest.mark.parametrize(
    "more, says, does",
    [
        ({"layout_model": "/srv/models/none"}, r"no model at\s+/srv/models/none", "vllm_models"),
        (
            {"layout_model": "/etc/ssl"},
            r"did not start\s+\((model-not-found|other)\)",
            "Name a folder",
        ),
        (
            {
                "layout_settings": {
                    "max_model_len": 2048,
                    "config": {**EAGER, "kv_cache_memory_bytes": "256K"},
                }
            },
            r"did not start\s+\(kv-too-small\)",
            "Lower max_model_len",
        ),
    ],
    ids=["no-model", "not-a-model", "kv-too-small"],
)
def test_a_server_that_cannot_start_says_why(
    ready: Host, controller: Controller, good: Path, more: dict[str, Any], says: str, does: str
) -> None:
    played = controller.play("deploy-tp2", ready, told=told(good, **more))
    assert played.status == 2
    message = fatal(played.output)
    assert re.search(says, message), played.output
    assert does in message
    assert max(seconds for _, seconds in played.tasks) < NOT_BY_TIME_OUT
    assert ready.run("pgrep", "-f", "bin/vllm", check=False).stdout == "", "nothing is left running"


def test_a_port_that_is_taken_is_named(ready: Host, controller: Controller, good: Path) -> None:
    listener = ["python3", "-m", "http.server", "--bind", "127.0.0.1", "8001"]
    ready.run("systemd-run", "--unit=squatter", *listener)
    played = controller.play("deploy-tp2", ready, told=told(good))
    assert played.status == 2
    message = fatal(played.output)
    assert "port-in-use" in message
    assert "8001" in message
    assert "Give the instance another port" in message


def test_an_index_that_is_not_reached_is_named(
    lab: Laboratory, controller: Controller, good: Path
) -> None:
    variables = told(good) | {"vllm_wheel_dir": "", "vllm_index_url": "https://192.0.2.1/simple"}
    with lab.host("offline") as host:
        played = controller.play("deploy-tp2", host, told=variables)
    assert played.status == 2
    message = fatal(played.output)
    assert "192.0.2.1" in message
    assert "vllm_index_url" in message
    assert max(seconds for _, seconds in played.tasks) < NOT_BY_TIME_OUT


def fatal(output: str) -> str:
    """The message of the last task that failed, as one line."""
    return " ".join(output.rpartition("FAILED! =>")[2].partition("PLAY RECAP")[0].split())
