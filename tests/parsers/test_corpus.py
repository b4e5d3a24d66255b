"""The recordings that people published, each read to its facts and refused by every other kind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from preflight import parsers
from preflight.errors import NotThisKind
from tests.parsers.expectation import misses
from tests.parsers.recordings import Recording, all_recordings

MAIN = {
    "topo": "gpus",
    "p2p": "gpus",
    "smi": "gpus",
    "lspci": "devices",
    "ipmi-sdr": "sensors",
    "ipmi-sensor": "sensors",
    "ipmi-dcmi": "sensors",
    "nccl-tests": "rows",
}
FEW = {"ipmi-sensor": 2, "ipmi-dcmi": 1}  # kinds of which hardly any recording was published
NO_EXPECTATION = {"ipmi-sensor", "ipmi-dcmi", "vllm-log", "nccl-debug"}
# Recordings of a kind's folder that are none of the kind, as the index says.
REFUSED = {
    "smi/driver-mismatch.txt",
    "a5000-dell-5820.log.gz",  # nouveau holds the card
    "a6000-2x-3090-2x-vm.log.gz",  # the module was refused
    "a6000-3x-x299.log.gz",  # one dead card takes the whole query with it
    "rtx4090-1x-z790.log.gz",  # driver and library differ
}
FAULTY = {
    "a6000-2x-3090-2x-vm.log.gz": {"module-refused"},
    "a6000-3x-x299.log.gz": {"rm-init-failed"},
    "rtx3060ti-z390.log.gz": {"gpu-lost"},
    "rtx4090-1x-z790.log.gz": {"rm-init-failed", "oom-kill", "api-mismatch"},
    "rtx4090-2x-gt1030-wrx80.log.gz": {"api-mismatch"},
}


@pytest.fixture(scope="module")
def recordings(corpus: Path) -> list[Recording]:
    return list(all_recordings(corpus))


def _of(recordings: list[Recording], kind: str) -> list[Recording]:
    found = [one for one in recordings if one.kind == kind]
    assert len(found) >= FEW.get(kind, 5), f"the corpus holds hardly any {kind}"
    return found


def _read(one: Recording) -> dict[str, Any] | None:
    try:
        return parsers.parse(one.kind, one.data)
    except NotThisKind:
        return None


@pytest.mark.parametrize("kind", parsers.KINDS)
def test_expectations_are_met(recordings: list[Recording], kind: str) -> None:
    wanting = [one for one in _of(recordings, kind) if one.expected is not None]
    assert bool(wanting) is (kind not in NO_EXPECTATION)
    for one in wanting:
        facts, expected = _read(one), one.expected or {}
        exits = expected.get("exit_any_of", [expected.get("exit", 0)])
        assert (2 if facts is None else 0) in exits, one.name
        if facts is not None:
            assert not misses(facts, expected), one.name


@pytest.mark.parametrize("kind", sorted(MAIN))
def test_recordings_give_their_main_list(recordings: list[Recording], kind: str) -> None:
    for one in _of(recordings, kind):
        is_refused = one.name.split("#")[0] in REFUSED and kind == "smi"
        if one.expected is None and not is_refused and one.data.strip(b"\n").count(b"\n") > 1:
            facts = _read(one)
            assert facts is not None, one.name
            assert facts[MAIN[kind]], one.name
        elif is_refused:
            assert _read(one) is None, one.name


def test_kernel_logs_tell_the_faults_that_the_index_names(recordings: list[Recording]) -> None:
    told: dict[str, set[str]] = {}
    for one in _of(recordings, "kernel"):
        facts = _read(one)
        if facts is None:
            assert b"NVRM" not in one.data, one.name
            continue
        kinds = {fault["kind"] for fault in facts["faults"]} - {"limited-link"}
        told.setdefault(one.name.split("#")[0], set()).update(kinds)
    for name, kinds in told.items():
        if name.endswith(".gz") or name.startswith("h200x2"):
            assert kinds == FAULTY.get(name, set()), name
    assert set(FAULTY) <= set(told)


def test_kernel_logs_give_every_xid(recordings: list[Recording]) -> None:
    """As many as lines that begin an Xid, counted by plain search."""
    count = 0
    for one in _of(recordings, "kernel"):
        facts = _read(one)
        lines = one.data.decode(errors="replace").split("\n")
        xids = [line for line in lines if "NVRM: Xid (" in line]
        assert len(facts["xid"] if facts else []) == len(xids), one.name
        count += len(xids)
    assert count > 9000


def test_no_parser_takes_another_kind(recordings: list[Recording]) -> None:
    for one in recordings:
        for kind in parsers.KINDS:
            if kind == one.kind or (kind.startswith("nccl-") and "nccl" in one.name):
                continue  # NCCL writes its log between the rows of the table
            with pytest.raises(NotThisKind):
                pytest.fail(f"{kind} took {one.name}: {parsers.parse(kind, one.data)!r:.300}")


def test_text_and_xml_of_one_machine_agree(corpus: Path) -> None:
    """Two calls a second apart: all but draw and heat, which never stand still."""
    for state in ("idle", "loaded"):
        folder = corpus / "captures" / "h200x2" / state
        text, xml = (
            parsers.parse("smi", (folder / name).read_bytes()) for name in ("q.txt", "q.xml")
        )
        assert len(text["gpus"]) == 2
        for one in (*text["gpus"], *xml["gpus"]):
            assert one.pop("power_w") > 50
            assert one.pop("memory_temperature_c") > 20
        assert text == xml
