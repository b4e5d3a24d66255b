"""`preflight deploy` does what `ansible-playbook` does."""

from __future__ import annotations

from pathlib import Path

import pytest

from .client import client
from .host import Host
from .play import PROGRAMS, Controller
from .told import evidence, told

pytestmark = pytest.mark.lab_all


def test_it_serves_and_says_where(ready: Host, controller: Controller, good: Path) -> None:
    inventory = controller.inventory(ready)
    variables = controller.variables(told(good))
    argv = [str(PROGRAMS / "preflight"), "deploy", "tp2", ready.name, "-i", str(inventory)]
    done = controller.run(*argv, "-e", f"@{variables}")
    assert done.returncode == 0, done.stdout
    assert f"https://{ready.address}:8443/v1" in done.stdout
    assert client(ready, controller.api_key).complete().status == 200
    for path in controller.folder.rglob("*"):
        if path.is_file() and path.name != "vllm-api-key":
            assert controller.api_key not in path.read_text(errors="replace"), path
    again = controller.run(*argv, "-e", f"@{variables}")
    assert again.returncode == 0, again.stdout
    assert "nothing changed" in again.stdout


def test_a_refused_host_is_told_and_kept(
    ready: Host, controller: Controller, tmp_path: Path
) -> None:
    inventory = controller.inventory(ready)
    variables = controller.variables(told(evidence("rtx4090-rtx3090", tmp_path)))
    argv = [str(PROGRAMS / "preflight"), "deploy", "tp2", ready.name, "-i", str(inventory)]
    done = controller.run(*argv, "-e", f"@{variables}")
    assert done.returncode == 1, done.stdout
    assert "refused by the gate" in done.stdout
    assert "split" in done.stdout
