"""Whatever comes in, a parser gives facts or NotThisKind, within seconds."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from preflight import parsers
from preflight.errors import NotThisKind, UsageError
from tests.parsers.recordings import all_recordings
from tests.parsers.test_fixtures import RECORDINGS

LIMIT_S = 10  # for 5 MB
STEP = 97
HUGE = 5 << 20

# What a line of each kind begins with, so that a long one gets past the first glance.
SEEDS = (
    "GPU0\t X \tPHB\t", " GPU0\tX\tOK\t", "GPU0 GPU1 ", "[4m", "\x1b]", "\x1b[", "[1;", "^[[0",
    "<nvidia_smi_log><gpu>", "<nvidia_smi_log>" + "<a>" * 40, "==============NVSMI LOG=====\n",
    "GPU 0000:01:00.0\n  a", "Attached GPUs : 1\n", "a : b\n", " : ", "    ",
    "[  1.000001] NVRM: Xid (PCI:", "NVRM: Xid (", "NVRM: Xid (PCI:0000:01:00): 79, pid=",
    "name=a ",
    "kernel: ", "message repeated 999999 times: [ NVRM: Xid (PCI:0000:01:00): 13", "4,1,1,",
    "pcieport 0000:00:01.0: PCIe Bus Error: severity=", "[Hardware Error]: ", "NVRM: a",
    "0000:01:00.0 VGA: NVIDIA (rev a1) ", "01:00.0 ", "LnkSta: Speed ", "Region 0: Memory at ",
    "A+ ", "(rev ff)", "00: 00 ", "[size=", "\x00", "\ufffd", "1" * 40, "a[1]: ", "2026-01-01T",
    "Fan | 1 RPM | ok\n", "Fan | 01h | ok | 7.1 | 1 RPM\n", "a | ", "a | 1 degrees C, ", "|",
    "a | 1.000 | Volts | ok" + " | na" * 6 + "\n", "Average power reading: 1 Watts\n",
    "(EngineCore pid=", "INFO 11-24 02:40:07 [", "Free memory on device (", "█ version 1",
    "non-default args: {'model': 'a', ", "LLM engine (v0.22.1) with config: {",
    "GPU KV cache size: 1,",
)  # fmt: skip


def _outcome(kind: str, data: bytes) -> str:
    try:
        facts = parsers.parse(kind, data)
    except NotThisKind:
        return "refused"
    json.dumps(facts)
    return "read"


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_cut_anywhere(path: Path) -> None:
    data = path.read_bytes()
    for end in range(0, len(data), max(STEP, len(data) // 200)):
        for kind in parsers.KINDS:
            _outcome(kind, data[:end])


def test_cut_recordings_of_the_corpus(corpus: Path) -> None:
    count = 0
    for one in all_recordings(corpus):
        if one.kind in parsers.KINDS and len(one.data) < 70_000 and ".gz" not in one.name:
            for end in range(0, len(one.data), STEP * (1 + len(one.data) // 10_000)):
                _outcome(one.kind, one.data[:end])
                count += 1
    assert count > 1000


def _seconds(kind: str, text: str) -> float:
    """Of the processor, so that a busy machine changes nothing."""
    data = text.encode(errors="replace")
    begun = time.process_time()
    _outcome(kind, data)
    return time.process_time() - begun


@pytest.mark.parametrize("kind", parsers.KINDS)
def test_no_pattern_is_quadratic(kind: str) -> None:
    """A tenth of the size in a tenth of the time; what is quadratic takes minutes."""
    for seed in SEEDS:
        for text in (seed * (HUGE // 10 // len(seed)), seed + "x" * (HUGE // 10)):
            assert _seconds(kind, text) < LIMIT_S / 5, seed


@pytest.mark.parametrize("kind", parsers.KINDS)
@pytest.mark.parametrize("text", ["x" * HUGE, "NVRM: a\n" * (HUGE // 8)], ids=["line", "lines"])
def test_five_megabytes(kind: str, text: str) -> None:
    assert _seconds(kind, text) < LIMIT_S


@pytest.mark.parametrize("kind", ["topo", "p2p"])
def test_five_megabytes_of_what_looks_like_rows(kind: str) -> None:
    assert _seconds(kind, ("GPU0 X " * 2000 + "\n") * (HUGE // 14_000)) < LIMIT_S


@pytest.mark.parametrize("kind", parsers.KINDS)
def test_a_long_line_in_a_recording_hides_nothing(kind: str) -> None:
    path = next(p for p in RECORDINGS if p.parent.name == kind and p.with_suffix(".json").exists())
    data = path.read_bytes()
    noise = b"y" * HUGE + b"\n"
    before = parsers.parse(kind, data)
    assert parsers.parse(kind, noise + data) == before


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(kind=st.sampled_from(parsers.KINDS), data=st.binary(max_size=2000))
def test_random_bytes(kind: str, data: bytes) -> None:
    _outcome(kind, data)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    path=st.sampled_from(RECORDINGS),
    at=st.integers(0, 4000),
    length=st.integers(0, 80),
    put=st.one_of(st.binary(max_size=30), st.sampled_from([s.encode("utf-8") for s in SEEDS])),
)
def test_damaged_recordings(path: Path, at: int, length: int, put: bytes) -> None:
    data = path.read_bytes()
    at %= len(data) + 1
    damaged = data[:at] + put + data[at + length :]
    for kind in parsers.KINDS:
        _outcome(kind, damaged)


def test_kinds_that_are_not_there() -> None:
    for kind in parsers.RESERVED:
        with pytest.raises(UsageError, match="not there yet"):
            parsers.parse(kind, b"")
    with pytest.raises(UsageError, match="no such kind"):
        parsers.parse("smii", b"")
