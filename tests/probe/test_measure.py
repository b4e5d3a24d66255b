"""The whole of level measure, and one card that fails, with a stand-in for the driver.

What the stand-in does when is told at the head of cuda_stand_in.c.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from preflight.capture import decode
from tests.probe.machine import PATIENCE_S, REPOSITORY

CARD, OTHER = "0000:01:00.0", "0000:02:00.0"
MIB = 1088  # of memory: the margin, twice 256 that are measured, and some more
DRIVE = """
import json, sys
from preflight.probe import measure_card, measure_compute, measure_copy, measure_memory
from preflight.probe.record import Record
from preflight.probe.tree import Tree

def emit(*keys_and_value):
    print(json.dumps(keys_and_value))

record, card = Record(lambda words: None, emit), sys.argv[2]
record.run({
    "card": lambda record: measure_card.card(card, record),
    "copies": lambda record: measure_copy.host_copies(Tree("/"), card, record),
    "memory": lambda record: measure_memory.device_memory(card, record),
    "compute": lambda record: measure_compute.compute(card, record),
}[sys.argv[1]])
"""


def environment(*folders: Path, cards: str = CARD, **told: str) -> dict[str, str]:
    return {
        **os.environ,
        "LD_LIBRARY_PATH": ":".join(map(str, folders)),
        "STAND_IN_CARDS": cards,
        "STAND_IN_MIB": str(MIB),
        **{f"STAND_IN_{name.upper()}": value for name, value in told.items()},
    }


def driven(folder: Path, what: str, **told: str) -> dict[str, dict[str, Any]]:
    """The entries that one step makes of the card, by name; `refused` where it was not opened."""
    done = subprocess.run(
        [sys.executable, "-c", DRIVE, what, CARD],
        env=environment(folder, **told),
        capture_output=True,
        text=True,
        check=True,
        cwd=REPOSITORY,
        timeout=PATIENCE_S,
    )
    found: dict[str, dict[str, Any]] = {}
    for line in done.stdout.splitlines():
        *keys, value = json.loads(line)
        found["refused" if keys == ["refused"] else value["name"]] = value
    return found


def measured(
    probe: Path,
    folder: Path,
    *arguments: str,
    more: tuple[Path, ...] = (),
    cards: str = CARD,
    **told: str,
) -> Any:
    """A whole run's capture, as the controller reads it."""
    done = subprocess.run(
        [sys.executable, str(probe), "--level", "measure", *arguments],
        env=environment(folder, *more, cards=cards, **told),
        capture_output=True,
        timeout=2 * PATIENCE_S,
        check=True,
    )
    return decode(done.stdout), [json.loads(line) for line in done.stderr.splitlines()]


def by_name(capture: Any, card: str = CARD) -> dict[str, Any]:
    return {one.name: one for one in capture.measurements if one.pci in (card, None, "")}


def test_a_sound_card_is_measured_whole(probe: Path, cuda_folder: Path) -> None:
    capture, events = measured(probe, cuda_folder)
    found = by_name(capture)
    statuses = {name: one.status for name, one in found.items()}
    assert statuses == {
        "rest": "tool-absent",  # no NVML here
        "cuda": "ok",
        "sm-ids": "ok",
        **dict.fromkeys(("host-to-device", "device-to-host"), "ok"),
        **dict.fromkeys(("host-to-device-kernel", "device-to-host-kernel"), "ok"),
        **dict.fromkeys(("copy-latency", "launch-latency"), "ok"),
        **dict.fromkeys(("device-write", "device-read"), "ok"),
        **dict.fromkeys(("device-copy", "device-copy-engine"), "ok"),
        "fma-fp32": "ok",
        **dict.fromkeys(("tensor-bf16", "tensor-fp16"), "not-supported"),
        **dict.fromkeys(("tensor-fp8", "tensor-int8"), "not-supported"),
        "compute-correct": "ok",
        "cpu-copy": "ok",
        "disk-read": found["disk-read"].status,  # as this machine has a large file or none
    }
    assert {name for name in capture.sources if name.endswith("-after")} == {
        "nvml-after",
        "sysfs-pci-after",
        "dmesg-after",
    }
    steps = [event for event in events if event["event"] == "step"]
    assert [step["card"] for step in steps if step["name"] == "host-copies"] == [CARD]
    assert steps[1]["left_s"] > steps[-1]["left_s"]


def test_cards_in_use_and_hot_cards_beside_a_sound_one(
    probe: Path, cuda_folder: Path, nvml_folder: Path
) -> None:
    """NVML's stand-in has three cards: somebody computes on the first, and the last is hot."""
    third = "0000:03:00.0"
    told = {"cards": f"{CARD},{OTHER},{third}", "heat": "2:89"}
    capture, events = measured(probe, cuda_folder, more=(nvml_folder,), **told)
    used, sound, hot = (by_name(capture, card) for card in (CARD, OTHER, third))
    assert used["host-to-device"].status == used["cuda"].status == "in-use"
    assert used["cuda"].detail == "pid 4242"
    (load,) = (event["words"] for event in events if event["event"] == "load")
    assert load.startswith("2 cards under load for about ")
    assert load.endswith(f"in use: {CARD}: pid 4242")
    assert hot["device-copy"].status == "skipped"
    assert hot["device-copy"].detail == "stopped: 89 °C, at most 89 °C while measuring"
    assert sound["host-to-device"].status == "ok"
    link = sound["host-to-device"].values["links"]
    assert len(link) > 0
    assert all(sample == {"gen": 4, "width": 8} for sample in link)
    assert sound["fma-fp32"].values["throttle"] == 4
    rest = sound["rest"].values
    assert set(rest["temperature_c"]) == {40}
    assert set(rest["power_w"]) == {61.5}
    assert set(rest["utilization_percent"]) == {3}
    assert set(rest["pstate"]) == {8}
    assert sound["under-load"].values["limit_c"] == 89


def test_a_host_whose_cards_are_all_in_use_says_so(
    probe: Path, cuda_folder: Path, nvml_folder: Path
) -> None:
    arguments = ("--within", "5")
    _, events = measured(probe, cuda_folder, *arguments, more=(nvml_folder,), in_use="all")
    (load,) = (event["words"] for event in events if event["event"] == "load")
    assert load.startswith("no card is free to be measured; in use: ")
    assert f"{CARD}: pid 4242" in load


def test_every_python_measures_also_by_a_relative_path(
    probe: Path, cuda_folder: Path, interpreter: str
) -> None:
    """The kernels' texts are read from the zip in children, whose folder is another."""
    done = subprocess.run(
        [interpreter, probe.name, "--level", "measure", "--within", "6"],
        env=environment(cuda_folder),
        cwd=probe.parent,
        capture_output=True,
        timeout=2 * PATIENCE_S,
        check=True,
    )
    found = by_name(decode(done.stdout))
    assert found["cuda"].status == "ok"
    assert found["sm-ids"].status == "ok"


def test_a_host_without_the_driver_says_so_once(probe: Path, tmp_path: Path) -> None:
    capture, _ = measured(probe, tmp_path)
    (only,) = capture.measurements
    assert (only.name, only.status) == ("cuda", "tool-absent")
    assert "libcuda.so.1" in only.detail


def test_a_driver_that_refuses_is_a_failure(probe: Path, cuda_folder: Path) -> None:
    capture, _ = measured(probe, cuda_folder, fault="error=cuInit:802")
    (only,) = capture.measurements
    assert (only.name, only.status) == ("cuda", "failed")
    assert only.detail.startswith("cuInit: ")
    assert only.detail.endswith("(802)")


def test_a_card_that_hangs_costs_its_own_measurements_alone(probe: Path, cuda_folder: Path) -> None:
    told = {"cards": f"{CARD},{OTHER}", "fault": "hang=cuMemcpyDtoHAsync_v2:0"}
    capture, _ = measured(probe, cuda_folder, **told)
    hung, sound = by_name(capture), by_name(capture, OTHER)
    assert hung["device-to-host"].status == "timed-out"
    assert hung["host-to-device"].status == "skipped"
    assert sound["host-to-device"].status == "ok"
    assert sound["device-copy"].status == "ok"
    assert capture.complete


def test_time_that_is_short_is_kept_and_what_is_dropped_is_said(
    probe: Path, cuda_folder: Path
) -> None:
    capture, _ = measured(probe, cuda_folder, "--within", "4")
    found = by_name(capture)
    assert found["cuda"].status == "ok"
    assert found["tensor-bf16"].status == "skipped"
    assert found["tensor-bf16"].detail == "left out to end within 4 s"


@pytest.mark.parametrize(
    ("what", "name", "fault", "status", "words"),
    [
        ("copies", "host-to-device", "error=cuMemcpyHtoDAsync_v2:214", "failed", "(214)"),
        ("copies", "device-to-host", "corrupt=from-device:0", "wrong-data", "1 words of 4 bytes"),
        ("copies", "host-to-device", "corrupt=to-device:0", "wrong-data", "1 words of 4 bytes"),
        ("copies", "device-to-host", "lose=0:100", "failed", "(999)"),
        ("memory", "device-copy", "corrupt=on-device:0", "wrong-data", "1 words of 4 bytes"),
        ("memory", "device-write", "error=cuMemAlloc_v2:2", "skipped", "(2)"),
        ("memory", "device-read", "error=cuMemAlloc_v2:2", "skipped", "after device-write"),
        ("memory", "device-write", "error=cuModuleLoadData:222", "not-supported", "(222)"),
        ("compute", "fma-fp32", "error=cuLaunchKernel:719", "failed", "(719)"),
        ("compute", "compute-correct", "corrupt=fma:0", "wrong-data", "fma-fp32: 1 of"),
        ("card", "cuda", "error=cuDevicePrimaryCtxRetain:46", "failed", "(46)"),
    ],
)
def test_what_fails_is_said(
    cuda_folder: Path, what: str, name: str, fault: str, status: str, words: str
) -> None:
    found = driven(cuda_folder, what, fault=fault)[name]
    assert found["status"] == status
    assert words in found["detail"]


def test_wrong_data_names_its_place(cuda_folder: Path) -> None:
    detail = driven(cuda_folder, "memory", fault="corrupt=on-device:0")["device-copy"]["detail"]
    assert "the first at byte " in detail


def test_a_card_that_cannot_be_opened_refuses_the_step(cuda_folder: Path) -> None:
    found = driven(cuda_folder, "copies", fault="error=cuDevicePrimaryCtxRetain:2")
    assert found["refused"]["status"] == "skipped"


def test_the_real_number_of_processors_is_counted(cuda_folder: Path) -> None:
    found = driven(cuda_folder, "card", sms="80", smids="72")
    assert found["cuda"]["values"]["sms"] == 80
    assert found["sm-ids"]["values"]["sms"] == 72


def test_fewer_processors_than_told_show_in_the_rate(cuda_folder: Path) -> None:
    """Blocks that share a processor halve it, whatever the card says of itself."""
    sound = driven(cuda_folder, "compute")["fma-fp32"]["samples"]
    found = driven(cuda_folder, "compute", sms="80", smids="40")["fma-fp32"]
    assert found["samples"] == pytest.approx([2 * rate for rate in sound], rel=0.01)


def test_no_more_is_taken_than_what_is_free(cuda_folder: Path) -> None:
    found = driven(cuda_folder, "memory")
    assert found["device-copy"]["values"]["bytes"] * 2 <= (MIB - 512) << 20
