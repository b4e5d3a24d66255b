"""A card that grows too hot is relieved, and nothing more is done with it."""

from __future__ import annotations

import json
import marshal
import subprocess
import sys
import time
from types import SimpleNamespace
from typing import Any

import pytest

from preflight.probe import watch
from preflight.probe.record import Record
from preflight.probe.watch import Watch
from tests.probe.machine import PATIENCE_S, REPOSITORY

COOL, HOT = "0000:01:00.0", "0000:02:00.0"
WORDS = "stopped: 88 °C, at most 87 °C while measuring"
TWELVE = {
    "temperature_c": [*range(60, 72)],
    "power_w": [300.5] * 12,
    "sm_clock_mhz": [1980] * 12,
    "throttle": [None] * 12,
}
# The watching child's word is given here; all else is real.
DRIVE = f"""
import json, os, sys, time
from preflight.probe import watch
from preflight.probe.loop import Loop
from preflight.probe.request import Request
from preflight.probe.measured_cards import Cards
from preflight.probe.plan import ALONE, Plan, Step
from preflight.probe.sudo import Sudo
from preflight.probe.tree import Tree

under_load, say = os.pipe()

def watching(cards, record):
    os.read(under_load, 1)
    if sys.argv[1] == "dies":
        os._exit(3)
    record.emit("cards", "{HOT}", "limit_c", 87)
    for second in range(12):
        record.emit("cards", "{HOT}", "samples", str(second), (60 + second, 300.5, 1980, None))
    record.announce("watching")
    if sys.argv[1] == "hangs":
        time.sleep(1000)
    record.emit("hot", "{HOT}", "{WORDS}")
    record.announce("watching")
    time.sleep(1000)

def quick(record):
    with record("device-copy", pci="{COOL}"):
        pass

def endless(record):
    with record("device-write", pci="{HOT}"):
        pass
    with record("device-copy", pci="{HOT}"):
        os.write(say, b"x")
        time.sleep(1000)

if sys.argv[1] == "hangs":
    watch.STALL_S = 0.1

def end_with_it(now):
    if "watch" in loop.results:
        watcher.relieve("{HOT}", "the test is over")
    return now + 0.1

watch.watch = watching
tree = Tree("/")
loop = Loop(tree, Sudo(tree, False, False), 600.0, lambda event, **values: None)
plan = Plan(Cards({{}}), Request())
loop.order = plan
names = ("device-write", "device-copy")
steps = [
    Step("hot", endless, names, phase=ALONE, pci="{HOT}", estimate_s=1, stall_s=500),
    Step("later", endless, ("fma-fp32",), phase=ALONE, pci="{HOT}", estimate_s=1),
    Step("cool", quick, ("device-copy",), phase=ALONE, pci="{COOL}", estimate_s=1),
]
watcher = watch.Watch(["{COOL}", "{HOT}"], loop)
loop.watchers.append(end_with_it)
loop.run([watcher.step, *plan.fit(steps)])
print(json.dumps([*plan.entries(loop.results), *watcher.entries()]))
"""


def entries(watching: str) -> dict[tuple[str, str], dict[str, Any]]:
    """By name and card; `watching`: "well", or the watching child "dies" or "hangs"."""
    command = [sys.executable, "-c", DRIVE, watching]
    done = subprocess.run(
        command, capture_output=True, check=True, cwd=REPOSITORY, timeout=PATIENCE_S
    )
    return {(one["name"], one["pci"]): one for one in json.loads(done.stdout)}


def test_a_hot_card_is_relieved_and_the_others_go_on() -> None:
    found = entries("well")
    assert found["device-write", HOT]["status"] == "ok"  # it had been made
    for name in ("device-copy", "fma-fp32"):
        assert found[name, HOT]["status"] == "skipped"
        assert found[name, HOT]["detail"] == WORDS
    assert found["device-copy", COOL]["status"] == "ok"
    assert found["under-load", HOT]["status"] == "ok"
    assert found["under-load", HOT]["values"] == {**TWELVE, "limit_c": 87}
    assert ("under-load", COOL) not in found


@pytest.mark.parametrize(
    ("watching", "status", "words", "values"),
    [
        ("dies", "skipped", "exit status 3", {}),
        ("hangs", "timed-out", "watching", {**TWELVE, "limit_c": 87}),
    ],
)
def test_a_watch_that_ends_before_the_load_is_told(
    watching: str, status: str, words: str, values: dict[str, Any]
) -> None:
    found = entries(watching)
    for card in (COOL, HOT):
        assert found["under-load", card]["status"] == status
        assert found["under-load", card]["detail"].startswith("not watched to the end: ")
        assert found["under-load", card]["detail"].endswith(words)
    assert found["under-load", HOT]["values"] == values


def test_an_hour_of_eight_cards_is_sent_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """Samples go out one by one; together they stay below what a child may give."""
    cards = [f"0000:0{n}:00.0" for n in range(8)]
    step = Watch(cards, SimpleNamespace(watchers=[])).step  # type: ignore[arg-type]
    seconds, sent = iter(range(200)), list[Any]()
    monkeypatch.setattr(watch, "open_card", lambda pci: pci)
    monkeypatch.setattr(watch, "limit_c", lambda handle: 87)
    monkeypatch.setattr(watch, "sampled", lambda *_: dict.fromkeys(watch.SAMPLED, 300.125))
    monkeypatch.setattr(time, "sleep", lambda s: next(seconds))
    record = Record(sent.append, lambda *emitted: sent.append(emitted))
    with pytest.raises(StopIteration):
        watch.watch(cards, record)
    last = sent[-(2 * len(cards) + 1) :]  # of one second
    assert sum(4 + len(marshal.dumps(one)) for one in last) * watch.FOREVER_S < step.max_bytes
