"""`preflight deploy` does what `ansible-playbook` does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from .client import client
from .deployed import disk
from .host import Host
from .laboratory import Laboratory
from .play import PROGRAMS, Controller
from .told import evidence, told

pytestmark = pytest.mark.lab_all


def test_a_bare_host_serves_and_its_user_is_told_where(
    lab: Laboratory, controller: Controller, good: Path
) -> None:
    with lab.host("commanded") as host:
        deploy = command(controller, host, good)
        before = disk(host)
        checked = deploy("--check", "--diff")
        assert checked.returncode == 0, checked.stdout
        assert "checked, nothing was done" in checked.stdout
        assert disk(host) == before

        done = deploy()
        assert done.returncode == 0, done.stdout
        assert f"https://{host.address}:8443/v1" in done.stdout
        assert client(host, controller.api_key).complete().status == 200

        again = deploy()
        assert again.returncode == 0, again.stdout
        assert "nothing changed" in again.stdout
    shown = [one.stdout for one in (checked, done, again)]
    kept = [p for p in (controller.folder / "preflight-deploy").rglob("*") if p.is_file()]
    assert {p.name for p in kept} >= {"stdout", "capture.json", "report.json"}
    shown += [path.read_text(errors="replace") for path in kept]
    assert [text for text in shown if controller.api_key in text] == []


def test_a_refused_host_is_told_and_kept(
    ready: Host, controller: Controller, tmp_path: Path
) -> None:
    done = command(controller, ready, evidence("rtx4090-rtx3090", tmp_path))()
    assert done.returncode == 1, done.stdout
    assert "refused by the gate" in done.stdout
    assert "split" in done.stdout


def command(
    controller: Controller, host: Host, given: Path
) -> Callable[..., CompletedProcess[str]]:
    """Type it in the controller's own folder, where it leaves its artifacts."""
    argv = [str(PROGRAMS / "preflight"), "deploy", "tp2", host.name]
    argv += ["-i", str(controller.inventory(host)), "-e", f"@{controller.variables(told(given))}"]
    return lambda *more: controller.run(*argv, *more, folder=controller.folder)
