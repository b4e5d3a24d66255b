"""`--for` and `--own` as their user meets them: golden machines, a real process each time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from preflight.capture import Capture, ProcessRecord, decode, encode
from preflight.errors import UsageError
from preflight.findings import Report, Verdict
from preflight.judging import judge_capture
from preflight.policy import Policy, load
from preflight.purpose import purpose
from tests.render.schema_check import assert_valid_report
from tests.test_cli import HOSTS, preflight

SERVER = "0::/system.slice/system-vllm.slice/vllm@main.service"


def judged(machine: str, use: str, *more: str) -> tuple[int, dict[str, Any], str]:
    capture = HOSTS / machine / "capture.json"
    done = preflight("check", "--capture", capture, "--for", use, "--json", "-", *more)
    report: dict[str, Any] = json.loads(done.stdout)
    assert_valid_report(report)
    return done.returncode, report, done.stderr


def statuses(report: dict[str, Any]) -> dict[str, str]:
    return {f["id"]: f["status"] for f in report["findings"] if f["subject"] == "host"}


@pytest.mark.parametrize(
    "machine, use, status",
    [
        ("rtx4090x2", "tp2", 0),
        ("rtx4090x2", "pp2", 0),
        ("rtx4090x2", "replicas", 0),
        ("rtx4090x2", "split", 0),
        ("rtx4090x2", "tp4", 1),
        ("h200x2", "tp2", 0),
        ("rtx4090-rtx3090", "tp2", 1),
        ("rtx4090-rtx3090", "split", 0),
        ("rtx4090-rtx3090", "pp2", 0),
        ("lost-card", "tp2", 1),
        ("lost-card", "pp2", 1),
        ("lost-card", "replicas", 1),
        ("lost-card", "split", 1),
        ("no-driver", "tp2", 3),
    ],
)
def test_machines_for_a_use(machine: str, use: str, status: int) -> None:
    assert judged(machine, use)[0] == status


def test_mixed_cards_are_refused_with_the_reason_and_what_works_instead() -> None:
    _, report, told = judged("rtx4090-rtx3090", "tp2")
    assert statuses(report)["layout-possible"] == "fail"
    assert statuses(report)["gpu-model-uniform"] == "fail"
    words = " ".join(told.split())
    assert "1x NVIDIA GeForce RTX 4090 (24564 MiB) and 1x NVIDIA GeForce RTX 3090" in words
    assert "nearest that works: split or replicas" in words


def test_cards_without_peer_access_may_work_together() -> None:
    _, report, _ = judged("rtx4090x2", "tp2")
    [finding] = [f for f in report["findings"] if f["id"] == "layout-possible"]
    assert "NCCL goes through host memory" in finding["message"]
    assert report["facts"]["host"]["layout"]["name"] == "tp2"


@pytest.mark.parametrize(
    "machine, use, status, words",
    [
        ("rtx4090x2", "tp2:llama-3.1-70b-awq", 0, "tp2 on gpu0 and gpu1 for llama-3.1-70b-awq"),
        ("rtx4090x2", "tp1:llama-3.1-70b-awq", 1, "llama-3.1-70b-awq does not fit tp1: gpu0 needs"),
        ("rtx4090x2", "tp2:llama-3.1-70b-fp8", 1, "llama-3.1-70b-fp8 does not fit tp2: gpu0 needs"),
        ("h200x2", "tp2:llama-3.1-70b-fp8", 0, "for llama-3.1-70b-fp8"),
        ("no-driver", "tp2:llama-3.1-8b", 3, ""),
    ],
)
def test_a_model_is_judged_with_its_layout(machine: str, use: str, status: int, words: str) -> None:
    exit_status, report, _ = judged(machine, use)
    [finding] = [f for f in report["findings"] if f["id"] == "layout-possible"]
    assert exit_status == status
    assert words in (finding["message"] or "")
    layout, _, model = use.partition(":")
    assert f"for {layout} of {model}" in report["notes"]
    if status < 3:
        planned = {one["layout"]: one for one in report["layouts"]}
        assert planned[layout]["fits"] is (status == 0)


def test_a_model_that_does_not_fit_has_what_works_instead() -> None:
    _, report, _ = judged("rtx4090x2", "tp1:llama-3.1-70b-awq")
    [finding] = [f for f in report["findings"] if f["id"] == "layout-possible"]
    assert finding["remedy"] == "Deploy tp2 instead; preflight plan has its settings."
    _, report, _ = judged("rtx4090x2", "tp2:llama-3.1-70b-fp8")
    [finding] = [f for f in report["findings"] if f["id"] == "layout-possible"]
    assert "smaller model" in finding["remedy"]


def test_a_model_that_is_none_is_usage() -> None:
    capture = HOSTS / "rtx4090x2" / "capture.json"
    done = preflight("check", "--capture", capture, "--for", "tp2:llama-3.1-70bb-awq")
    assert (done.returncode, done.stdout) == (2, "")
    assert "no model" in done.stderr


def test_without_a_use_nothing_is_asked() -> None:
    done = preflight(
        "check", "--capture", HOSTS / "rtx4090-rtx3090" / "capture.json", "--json", "-"
    )
    report = json.loads(done.stdout)
    assert statuses(report)["layout-possible"] == "not-applicable"
    assert report["facts"]["host"]["layout"] == {"not_applicable": "no layout was asked for"}


@pytest.mark.parametrize(
    "argv, words",
    [
        (["--for", "tp"], "tpNppM"),
        (["--for", "tp2:"], "no model after the colon"),
        (["--own", "vllm"], "vllm@.service is each instance"),
    ],
)
def test_nonsense_is_usage(argv: list[str], words: str) -> None:
    done = preflight("check", "--capture", HOSTS / "rtx4090x2" / "capture.json", *argv)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr


def changed(machine: str, old: bytes, new: bytes) -> Capture:
    data = (HOSTS / machine / "capture.json").read_bytes()
    assert old in data
    return decode(data.replace(old, new))


def report_on(capture: Capture, policy: Policy, use: str, *own: str) -> Report:
    return judge_capture(capture, encode(capture), policy, purpose(use, own))


def test_a_driver_too_old_for_the_layout_fails() -> None:
    version = b"580.126.09"
    old = changed("rtx4090x2", version, b"570.86.10")
    assert report_on(old, load("default"), "tp2").verdict is Verdict.REJECT
    failing = [f.id for f in report_on(old, load("default"), "tp2").findings if f.status == "fail"]
    assert failing == ["driver-version"]


def test_a_policy_of_ones_own_does_not_forget_the_layout(tmp_path: Path) -> None:
    policy = tmp_path / "mine.yaml"
    policy.write_text("required:\n  look: [gpu-count]\n")
    capture = decode((HOSTS / "no-driver" / "capture.json").read_bytes())
    lacking = report_on(capture, load(str(policy)), "tp2").judgement.missing_required
    assert {"layout-possible", "driver-version"} <= set(lacking)


def serving(cgroup: str, probe_version: str = "1") -> Capture:
    """Two RTX 4090 on each of which a server holds 20 GB."""
    tree = json.loads((HOSTS / "rtx4090x2" / "capture.json").read_text())
    nvml = tree["sources"]["nvml"]
    nvml["processes"] = {"4711": {"comm": "VLLM::Worker", "cgroup": cgroup, "stat": ""}}
    size = 20_000 << 20
    for device in nvml["devices"]:
        calls = device["calls"]
        calls["nvmlDeviceGetComputeRunningProcesses_v3"] = {
            "value": [{"pid": 4711, "usedGpuMemory": size}]
        }
        memory = calls["nvmlDeviceGetMemoryInfo_v2"]["value"]
        memory["used"] += size
    tree["probe"]["version"] = probe_version
    capture = decode(json.dumps(tree).encode())
    assert capture.sources["nvml"].processes["4711"] == ProcessRecord("VLLM::Worker", cgroup, "")
    return capture


@pytest.mark.parametrize(
    "capture, own, verdict",
    [
        (serving(SERVER), (), Verdict.REJECT),
        (serving(SERVER), ("vllm@.service",), Verdict.ACCEPT),
        (serving(SERVER), ("vllm@main.service",), Verdict.ACCEPT),
        (serving(SERVER), ("vllm@other.service",), Verdict.REJECT),
        (serving("0::/user.slice/vllm@main.service"), ("vllm@.service",), Verdict.REJECT),
        (serving(SERVER, probe_version=""), ("vllm@.service",), Verdict.REJECT),  # not the probe's
    ],
    ids=["nobody's", "template", "unit", "another unit", "a person's unit", "imported"],
)
def test_a_host_that_serves_is_judged_again(
    capture: Capture, own: tuple[str, ...], verdict: Verdict
) -> None:
    report = report_on(capture, load("production"), "tp2", *own)
    in_use = {f.status for f in report.findings if f.id == "gpu-in-use"}
    assert in_use == ({"pass"} if verdict is Verdict.ACCEPT else {"fail"})
    assert report_on(capture, load("default"), "tp2", *own).verdict is verdict


def test_cards_that_were_chosen_are_the_ones_that_are_judged() -> None:
    status, report, told = judged("rtx4090-rtx3090", "split", "--server", "tp2:0,1")
    assert status == 1
    assert "not of one model" in " ".join(told.split())
    assert statuses(report)["layout-possible"] == "fail"
    status, report, _ = judged("rtx4090-rtx3090", "split", "--server=tp1:1", "--server=tp1:0")
    assert status == 0
    assert report["facts"]["host"]["placement"]["groups"] == [["gpu1"], ["gpu0"]]


@pytest.mark.parametrize(
    "use, servers, words",
    [
        ("tp2", ["pp2:0,1"], "--for tp2 is one server tp2, and --server pp2"),
        ("tp1", ["tp1:0", "tp1:1"], "one server tp1"),
        ("replicas", ["tp1:0", "tp2:1,2"], "servers of one kind"),
        ("split", ["tp2:0"], "takes 2 different cards"),
        ("split", ["tp2:0,0"], "takes 2 different cards"),
        ("split", ["split:0,1"], "is no server"),
        ("split", ["tp1"], "is no server"),
        ("split", ["tp0:0"], "no layout"),
        (None, ["tp1:0"], "without --for"),
    ],
)
def test_servers_that_are_not_those_of_the_layout_are_usage(
    use: str | None, servers: list[str], words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        purpose(use, servers=tuple(servers))
