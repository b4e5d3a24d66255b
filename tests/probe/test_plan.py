"""What is measured, in which order, and what is said of what is not."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest

from preflight.probe import measure_nccl
from preflight.probe.measured_cards import Cards
from preflight.probe.plan import ALONE, TOGETHER, Plan, Step
from preflight.probe.request import Request
from preflight.probe.steps import steps_of
from preflight.probe.tree import Tree
from tests.probe.machine import REPOSITORY

A, B, C, D = (f"0000:0{n}:00.0" for n in range(1, 5))


def nvml(*cards: str, busy: Iterable[str] = (), mig: Iterable[str] = ()) -> dict[str, Any]:
    """Results that hold these cards."""
    users = {"value": [{"pid": 7}]}
    devices = [
        {
            "index": index,
            "calls": {
                "nvmlDeviceGetPciInfo_v3": {"value": {"busId": "0000" + card.upper()}},
                "nvmlDeviceGetComputeRunningProcesses_v3": users if card in busy else {"value": []},
                "nvmlDeviceGetMigMode": {"value": [int(card in mig), 0]},
            },
        }
        for index, card in enumerate(cards)
    ]
    return {"nvml": {"devices": devices, "processes": {"7": {"comm": "python3"}}, "system": {}}}


def plan(results: dict[str, Any], **asked: Any) -> Plan:
    request = Request()
    for name, value in asked.items():
        setattr(request, name, value)
    return Plan(Cards(results), request)


def step(name: str, *names: str, pci: str = A, rank: int = 0, estimate_s: float = 10) -> Step:
    return Step(
        name, lambda record: None, names, phase=ALONE, pci=pci, rank=rank, estimate_s=estimate_s
    )


def told(made: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    return [(entry["name"], entry["status"], entry["detail"]) for entry in made]


def test_cards_and_who_is_on_them_are_read_from_a_real_host() -> None:
    capture = json.loads((REPOSITORY / "tests/hosts/h100x1-in-use/capture.json").read_text())
    seen = Cards(capture["sources"])
    assert seen.pcis == ["0000:00:06.0"]
    assert seen.in_use == {"0000:00:06.0": "python3 (pid 976)"}


def test_a_card_in_use_is_left_alone() -> None:
    tried = plan(nvml(A, B, busy=[A]))
    assert (
        tried.fit([step("one", "device-copy"), step("two", "device-copy", pci=B)])[0].name == "two"
    )
    assert told(tried.entries({"two": {"status": "ok"}})) == [
        ("device-copy", "in-use", "python3 (pid 7)")
    ]


def test_a_card_in_use_is_measured_where_that_is_asked_for() -> None:
    asked = plan(nvml(A, busy=[A]), while_in_use=True)
    assert len(asked.fit([step("one", "device-copy")])) == 1


def test_a_card_cut_into_instances_is_not_supported() -> None:
    tried = plan(nvml(A, mig=[A]))
    assert tried.fit([step("one", "device-copy")]) == []
    assert told(tried.entries({})) == [("device-copy", "not-supported", "MIG is on")]


def test_the_least_important_is_dropped_where_time_is_short() -> None:
    tried = plan(nvml(A), within=25.0)
    steps = [
        step("disk", "disk-read", rank=4),
        step("link", "host-to-device"),
        step("two", "x", rank=1),
    ]
    assert [chosen.name for chosen in tried.fit(steps)] == ["link", "two"]
    made = tried.entries({name: {"status": "ok"} for name in ("link", "two")})
    assert told(made) == [("disk-read", "skipped", "left out to end within 25 s")]


def test_nothing_begins_when_the_time_is_up() -> None:
    tried = plan(nvml(A), within=25.0)
    tried.started -= 26
    assert tried.refusal(step("link", "host-to-device")) == "left out to end within 25 s"


def test_a_hanging_card_is_left_alone_and_the_others_are_not() -> None:
    tried = plan(nvml(A, B))
    first, second = step("copies", "host-to-device", "copy-latency"), step("memory", "device-copy")
    other = step("other", "device-copy", pci=B)
    tried.fit([first, second, other])
    hung = {"status": "timed-out", "detail": "copy-latency", "at": "copy-latency"}
    tried.done.add("copies")
    tried.note_end(first, hung)
    assert tried.refusal(second) == f"not made: {A} hung in copy-latency"
    assert tried.refusal(other) == ""
    results = {"copies": hung, "memory": {"status": "skipped", "detail": tried.refusal(second)}}
    assert told(tried.entries({**results, "other": {"status": "ok"}})) == [
        ("copy-latency", "timed-out", "no answer in copy-latency"),
        ("host-to-device", "skipped", "not made: copy-latency hung"),
        ("device-copy", "skipped", f"not made: {A} hung in copy-latency"),
    ]


def test_a_card_that_cannot_be_opened_is_tried_once() -> None:
    tried = plan(nvml(A))
    (opening,) = (step for step in made_of(A) if step.name == f"cuda {A}")
    tried.note_end(opening, {"status": "ok", "measurements": {"0": {"status": "failed"}}})
    assert tried.refusal(step("copies", "host-to-device")) == f"not made: {A} cannot be used"


@pytest.mark.parametrize("code", [70, -9])
def test_what_is_our_own_fault_or_the_hosts_fails_no_card(code: int) -> None:
    tried = plan(nvml(A))
    tried.fit([step("copies", "host-to-device", "copy-latency")])
    died = {"status": "tool-failed", "detail": "host-to-device: KeyError(1)", "code": code}
    assert [entry["status"] for entry in tried.entries({"copies": died})] == ["skipped"] * 2


def test_memory_taken_by_nobody_is_somebody_else() -> None:
    results = nvml(A)
    calls = results["nvml"]["devices"][0]["calls"]
    calls["nvmlDeviceGetMemoryInfo_v2"] = {"value": {"used": 500 << 20}}
    assert Cards(results).in_use == {}
    calls["nvmlDeviceGetMemoryInfo_v2"] = {"value": {"used": 501 << 20}}
    assert Cards(results).in_use == {A: "501 MiB taken by processes that are not shown"}
    calls["nvmlDeviceGetGraphicsRunningProcesses_v3"] = {"value": [{"pid": 3}]}  # a screen
    assert Cards(results).in_use == {}


def test_a_child_that_dies_is_a_failure_once() -> None:
    tried = plan(nvml(A))
    tried.fit([step("copies", "host-to-device", "copy-latency")])
    died = {"status": "tool-failed", "detail": "host-to-device: killed by SIGSEGV", "at": "x"}
    assert told(tried.entries({"copies": died})) == [
        ("host-to-device", "failed", "host-to-device: killed by SIGSEGV"),
        ("copy-latency", "skipped", "host-to-device: killed by SIGSEGV"),
    ]


@pytest.mark.parametrize(
    ("refused", "statuses"),
    [
        ("skipped", ["skipped", "skipped"]),
        ("failed", ["failed", "skipped"]),
    ],
)
def test_a_card_that_cannot_be_opened(refused: str, statuses: list[str]) -> None:
    tried = plan(nvml(A))
    tried.fit([step("copies", "host-to-device", "copy-latency")])
    result = {"status": "ok", "refused": {"status": refused, "detail": "cuMemAlloc_v2: no (2)"}}
    assert [entry["status"] for entry in tried.entries({"copies": result})] == statuses


def made_of(*cards: str) -> list[Step]:
    seen = Cards(nvml(*cards))
    return list(steps_of(list(cards), list(cards), seen, Tree("/"), Request()))


def test_one_card_has_no_pairs() -> None:
    names = [step.name for step in made_of(A)]
    assert not [name for name in names if name.startswith(("peers", "together", "nccl", "own"))]
    assert f"host-copies {A}" in names


def test_every_pair_is_measured_once_and_in_both_directions() -> None:
    pairs = [step.subjects for step in made_of(A, B, C, D) if step.name.startswith("peers ")]
    directed = [(way["from"], way["to"]) for pair in pairs for way in pair]
    assert sorted(directed) == sorted((x, y) for x in (A, B, C, D) for y in (A, B, C, D) if x != y)


def test_the_whole_is_as_short_as_promised() -> None:
    """One card in 60 s, eight in 150 s, as estimated by what the steps took on an H100."""
    assert plan(nvml(A)).wall_s(made_of(A)) < 30
    eight = [f"0000:0{n}:00.0" for n in range(1, 9)]
    results = nvml(*eight)
    assert plan(results).wall_s(made_of_all(results, eight)) < 150
    calls = results["nvml"]["system"]
    for one in range(8):
        for two in range(8):
            calls[f"nvmlDeviceGetP2PStatus({one},{two},NVLINK)"] = {"value": 0}
    assert plan(results).wall_s(made_of_all(results, eight)) < 110


def made_of_all(results: dict[str, Any], cards: list[str]) -> list[Step]:
    return list(steps_of(cards, cards, Cards(results), Tree("/"), Request()))


def test_who_hangs_in_the_last_measurement_of_a_step_is_told() -> None:
    tried, steps = plan(nvml(A, B)), made_of(A, B)
    for name, hung in (("peers", "peer-copy-both"), ("nccl-allreduce", "nccl-allreduce-no-p2p")):
        (found,) = (step for step in steps if step.name.split()[0] == name)
        tried.steps = [found]
        every = {
            str(n): {"status": "ok", **entry}
            for n, entry in enumerate(found.makes())
            if entry["name"] != hung
        }
        result = {"status": "timed-out", "detail": hung, "at": hung, "measurements": every}
        (lost,) = (e for e in tried.entries({found.name: result}) if e["status"] != "ok")
        assert (lost["name"], lost["status"]) == (hung, "timed-out")
        assert [lost.get("from"), lost.get("to"), lost.get("cards")] in (
            [A, B, None],
            [None, None, [A, B]],
        )


def test_a_ring_that_was_not_made_names_its_pairs() -> None:
    tried = plan(nvml(A, B, C))
    tried.steps = [step for step in made_of(A, B, C) if step.name == "peers-together"]
    made = tried.entries({"peers-together": {"status": "skipped", "detail": "no"}})
    assert [(entry["from"], entry["to"]) for entry in made] == [(A, B), (B, C), (C, A)]


def test_cards_that_hung_together_are_kept_apart() -> None:
    tried, steps = plan(nvml(A, B, C)), {step.name: step for step in made_of(A, B, C)}
    hung = {"name": "peer-data", "from": A, "to": B, "status": "timed-out"}
    tried.note_end(steps[f"peers {A} {B}"], {"status": "ok", "measurements": {"0": hung}})
    for name in ("peers-together", "own-allreduce", "nccl-allreduce"):
        assert tried.refusal(steps[name]) == f"not made: {A} and {B} hung in peer-data"
    assert tried.refusal(steps[f"peers {A} {C}"]) == ""


def test_nccl_gives_up_before_its_step_does() -> None:
    (nccl,) = (step for step in made_of(A, B) if step.name == "nccl-allreduce")
    assert nccl.stall_s > measure_nccl.SILENT_S + 5
    assert nccl.timeout_s > 2 * measure_nccl.SILENT_S


LIST, MEMORY = "nvmlDeviceGetComputeRunningProcesses_v3", "nvmlDeviceGetMemoryInfo"
REFUSED, UNKNOWN_CALL = {"error": "UNKNOWN"}, {"error": "FUNCTION_NOT_FOUND"}


@pytest.mark.parametrize(
    ("calls", "words"),
    [
        ({LIST: REFUSED}, f"nobody can tell who uses it: {LIST}: UNKNOWN"),
        (
            {LIST: REFUSED, MEMORY: {"value": {"used": 1 << 20}}},
            f"nobody can tell who uses it: {LIST}: UNKNOWN",
        ),
        ({MEMORY + "_v2": REFUSED}, f"nobody can tell who uses it: {MEMORY}_v2: UNKNOWN"),
        ({LIST: UNKNOWN_CALL, MEMORY: UNKNOWN_CALL}, "nobody can tell who uses it"),
        ({LIST: UNKNOWN_CALL, MEMORY: {"value": {"used": 1 << 20}}}, ""),
        (
            {LIST: UNKNOWN_CALL, MEMORY: {"value": {"used": 40 << 30}}},
            "40960 MiB taken by processes that are not shown",
        ),
        ({MEMORY: {"error": "NOT_SUPPORTED"}}, ""),  # memory that a card shares with the host
    ],
)
def test_a_card_of_which_nvml_does_not_tell_is_not_free(calls: dict[str, Any], words: str) -> None:
    results = nvml(A)
    results["nvml"]["devices"][0]["calls"].update(calls)
    assert Cards(results).in_use == ({A: words} if words else {})


class StillLoop:
    """As much of a loop as the plan looks at."""

    def __init__(self, pending: list[Step], running: list[Step]) -> None:
        self.pending = pending
        jobs = [type("Job", (), {"source": step}) for step in running]
        self.running = dict(enumerate(jobs))


def test_phases_lanes_and_cards_keep_steps_apart() -> None:
    tried = plan(nvml(A, B))

    def lane_step(pci: str, lane: str, phase: int = ALONE) -> Step:
        return Step("s", lambda record: None, (), phase=phase, pci=pci, lane=lane, estimate_s=1)

    running = lane_step(A, "link")

    def is_ready(step: Step, pending: list[Step]) -> bool:
        return tried.is_ready(step, StillLoop(pending, [running]))  # type: ignore[arg-type]

    assert is_ready(lane_step(B, "inside"), [])
    assert not is_ready(lane_step(A, "inside"), [])
    assert not is_ready(lane_step(B, "link"), [])
    assert not is_ready(lane_step(B, "inside", TOGETHER), [])
