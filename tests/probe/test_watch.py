"""A card that grows too hot is relieved, and nothing more is done with it."""

from __future__ import annotations

import json
import subprocess
import sys

from tests.probe.machine import PATIENCE_S, REPOSITORY

COOL, HOT = "0000:01:00.0", "0000:02:00.0"
WORDS = "stopped: 88 °C, at most 87 °C while measuring"
# The watching child's word is given here; all else is real.
DRIVE = f"""
import json, os, time
from preflight.probe import watch
from preflight.probe.loop import Loop
from preflight.probe.main import Request
from preflight.probe.measured_cards import Cards
from preflight.probe.plan import ALONE, Plan, Step
from preflight.probe.sudo import Sudo
from preflight.probe.tree import Tree

under_load, say = os.pipe()

def watching(cards, record):
    os.read(under_load, 1)
    record.emit("cards", "{HOT}", {{"limit_c": 87}})
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
loop.run([watcher.step, *plan.fit(steps)])
print(json.dumps([*plan.entries(loop.results), *watcher.entries()]))
"""


def test_a_hot_card_is_relieved_and_the_others_go_on() -> None:
    command = [sys.executable, "-c", DRIVE]
    done = subprocess.run(
        command, capture_output=True, check=True, cwd=REPOSITORY, timeout=PATIENCE_S
    )
    found = {(one["name"], one["pci"]): one for one in json.loads(done.stdout)}
    assert found["device-write", HOT]["status"] == "ok"  # it had been made
    for name in ("device-copy", "fma-fp32"):
        assert found[name, HOT]["status"] == "skipped"
        assert found[name, HOT]["detail"] == WORDS
    assert found["device-copy", COOL]["status"] == "ok"
    assert found["under-load", HOT]["values"] == {"limit_c": 87}
