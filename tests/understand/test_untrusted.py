"""A capture comes from a machine that nobody trusts: whatever stands in it, understanding ends."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import msgspec
import pytest

from preflight.capture import Capture, decode
from preflight.understand import understand
from tests.understand.h200 import recorded

JUNK: tuple[Any, ...] = (
    None, True, -1, 1 << 62, 1.5e308, "", "x", "\x1b[31m", "0x", "[N/A]", "9" * 400, "\u202e",
    [], [[]], [None] * 40, {}, {"pid": {}}, {"busId": 5}, {"busId": "zz:zz"}, "ff" * 128, ":" * 300,
)  # fmt: skip


@pytest.fixture(scope="module")
def whole(corpus: Path) -> Any:
    return msgspec.to_builtins(recorded(corpus / "captures/h200x2/idle").capture())


@pytest.mark.parametrize("seed", range(40))
def test_junk_in_place_of_any_value(whole: Any, seed: int) -> None:
    chance = random.Random(seed)
    broken = spoilt(whole, chance)
    facts = understand(msgspec.convert(broken, Capture))
    assert facts.host.subject == "host"


def spoilt(value: Any, chance: random.Random, depth: int = 0) -> Any:
    """A copy with one value in twenty replaced; types that a capture fixes stay as they are."""
    if isinstance(value, dict):
        return {key: spoilt_member(key, v, chance, depth) for key, v in value.items()}
    if isinstance(value, list):
        return [spoilt(v, chance, depth + 1) for v in value]
    return value


def spoilt_member(key: str, value: Any, chance: random.Random, depth: int) -> Any:
    if chance.random() < 0.05:
        if key == "value":
            return chance.choice(JUNK)
        if isinstance(value, str) and key not in ("schema", "status"):
            text = str(chance.choice(JUNK))
            return chance.choice([text, value[: len(value) // 2], value + text])
    return spoilt(value, chance, depth + 1)


@pytest.mark.parametrize(
    "name, text",
    [
        ("lscpu", "Flags:" + "a" * (4 << 20)),
        ("df", "/dev/x " + " " * (4 << 20) + "\n"),
        ("df", "a " * (1 << 20) + "1 1 1 1% /x\n"),
        ("dmidecode", "System Slot Information\n" * (1 << 16)),
        ("dmidecode", "System Slot Information\n\tDesignation: " + "x" * (1 << 20)),
        ("dmesg", "NVRM: Xid (PCI:" * (1 << 17)),
        ("smi-q", "Failed " * (1 << 19)),
        ("detect-virt", "docker" * (1 << 19)),
        ("systemd-nvidia", "\n\n" * (1 << 20)),
    ],
)
def test_megabytes_of_nothing_are_passed_over(whole: Any, name: str, text: str) -> None:
    """Each ends within seconds, or the run's own limit ends the test."""
    source = {"status": "ok", "stdout": text, "exit_code": 0}
    capture = whole | {"sources": whole["sources"] | {name: source}}
    again = decode(msgspec.json.encode(capture))
    assert understand(again).host.subject == "host"
