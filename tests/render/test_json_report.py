from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

import pytest

from preflight import __version__
from preflight.errors import PreflightError, Unreachable
from preflight.findings import FAIL, Report, Waived
from preflight.render.json_report import to_json, to_json_array

from . import hosts
from .schema_check import assert_valid_report

TOP_LEVEL = [
    "schema",
    "tool",
    "host",
    "started",
    "finished",
    "level",
    "policy",
    "simulated",
    "verdict",
    "missing_required",  # beyond the design's keys
    "findings",
    "not_run",
    "layouts",
    "facts",
    "capture_sha256",
    "notes",  # beyond the design's keys
]
EVERY = pytest.mark.parametrize("name", hosts.ALL)


@dataclass
class Judged:
    host: str
    report: Report | None = None
    error: PreflightError | None = None


def read(one: Report | Judged) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(to_json(one))
    return document


@EVERY
def test_every_report_keeps_the_contract(name: str) -> None:
    assert_valid_report(read(hosts.ALL[name]()))


@EVERY
def test_the_same_report_gives_the_same_bytes(name: str) -> None:
    assert to_json(hosts.ALL[name]()) == to_json(hosts.ALL[name]())


def test_the_top_level_is_that_of_the_design() -> None:
    document = read(hosts.rejected())
    assert list(document) == TOP_LEVEL
    assert document["schema"] == "gpu-preflight/report/1"
    assert document["tool"] == {"name": "gpu-preflight", "version": __version__}
    assert document["simulated"] is False
    assert document["layouts"] is None
    assert read(hosts.eight())["simulated"] is True
    assert read(hosts.eight())["not_run"]["soak"] == ["vram-pattern"]


def test_a_finding_has_every_key_of_the_design() -> None:
    finding = next(f for f in read(hosts.rejected())["findings"] if f["status"] == "fail")
    assert finding == {
        "id": "pcie-link-width",
        "status": "fail",
        "subject": "gpu1",
        "measured": 4,
        "expected": 16,
        "unit": "lanes",
        "message": "gpu1 (NVIDIA GeForce RTX 4090, 0000:21:00.0, slot PCIEX16_2): "
        "PCIe link width 4 lanes, required 16 lanes",
        "remedy": hosts.RESEAT,
        "basis": "reported",
        "evidence": ["sysfs-pci"],
        "remedy_class": "service",
        "reason": None,
        "waived": None,
    }


def test_a_waived_finding_keeps_its_status_and_says_until_when() -> None:
    waived = next(f for f in read(hosts.rejected())["findings"] if f["waived"])
    assert waived["status"] == "fail"
    assert waived["waived"] == {
        "until": "2026-06-30",
        "reason": "the image is frozen until the summer",
    }


def test_a_missing_fact_is_never_null() -> None:
    facts = read(hosts.undecided())["facts"]
    assert facts["host"]["driver_version"] == {"missing": "tool-absent", "detail": "nvidia-smi"}
    assert facts["gpus"][0]["ecc_enabled"] == {"not_applicable": "no ECC on this card"}
    assert facts["gpus"][0]["pcie_link_width"] == 16
    assert read(hosts.no_sources())["facts"]["gpus"] == {"missing": "not-collected", "detail": ""}


def test_the_order_in_which_sources_answered_does_not_matter() -> None:
    counts = {"nvml": 2, "lspci": 2}
    for answered in (counts, dict(reversed(counts.items()))):
        facts = replace(hosts.accepted().facts, host=hosts.host(gpu_counts=answered))
        document = read(replace(hosts.accepted(), facts=facts))
        assert list(document["facts"]["host"]["gpu_counts"]) == ["lspci", "nvml"]


def test_text_of_a_host_brings_no_escapes() -> None:
    raw = to_json(hosts.hostile()).decode()
    assert not any(c in raw for c in "\x1b\x07\x9b\u202e")
    assert "\\u001b" not in raw
    assert "[red]x[/red]" in raw


def test_a_number_that_is_none_is_null() -> None:
    found = replace(hosts.rejected().findings[0], measured=float("nan"), expected=float("inf"))
    document = read(replace(hosts.accepted(), findings=[found]))
    assert document["findings"][0]["measured"] is None
    assert document["findings"][0]["expected"] is None


def test_a_value_without_a_form_in_json_is_a_defect_and_no_text() -> None:
    found = replace(hosts.accepted().findings[0], measured=object())
    with pytest.raises(TypeError, match="object has no form"):
        to_json(replace(hosts.accepted(), findings=[found]))


def test_several_hosts_are_one_array_in_the_order_given() -> None:
    unreachable = Judged("gpu02", error=Unreachable("connection refused", "is it on?"))
    judged = Judged("gpu01", hosts.accepted())
    array = json.loads(to_json_array([to_json(unreachable), to_json(judged)]))
    assert [one["host"] for one in array] == ["gpu02", hosts.accepted().host]
    for one in array:
        assert_valid_report(one)
    assert array[0]["verdict"] == "unknown"
    assert array[0]["error"] == {
        "kind": "Unreachable",
        "message": "connection refused",
        "hint": "is it on?",
    }


def change(**keys: Any) -> dict[str, Any]:
    return read(hosts.rejected()) | keys


@pytest.mark.parametrize(
    "document",
    [
        change(verdict="ok"),
        change(verdict="accept"),
        change(schema="gpu-preflight/report/2"),
        change(level=None),
        change(capture_sha256="no"),
        change(facts={}),
        change(not_run={"deep": []}),
        {key: value for key, value in change().items() if key != "layouts"},
        change(facts=None),
    ],
)
def test_the_check_refuses_what_breaks_the_contract(document: dict[str, Any]) -> None:
    with pytest.raises(AssertionError):
        assert_valid_report(document)


@pytest.mark.parametrize(
    "broken",
    [
        {"status": "bad"},
        {"status": "unknown", "reason": None},
        {"status": "fail", "remedy": None},
        {"status": "fail", "remedy_class": None},
        {"remedy_class": "pray"},
        {"basis": "guessed"},
        {"message": ""},
        {"evidence": "nvml"},
        {"waived": {"until": "2026-01-01"}},
    ],
)
def test_the_check_refuses_a_broken_finding(broken: dict[str, Any]) -> None:
    document = read(hosts.rejected())
    failing = next(f for f in document["findings"] if f["status"] == "fail")
    assert_valid_report(document)
    failing.update(broken)
    with pytest.raises(AssertionError):
        assert_valid_report(document)


def test_a_fact_of_the_wrong_type_is_refused() -> None:
    document = read(hosts.accepted())
    document["facts"]["gpus"][0]["pcie_link_width"] = None
    with pytest.raises(AssertionError, match="pcie_link_width"):
        assert_valid_report(document)


def test_further_keys_are_allowed() -> None:
    assert_valid_report(change(signature="x"))
    assert hosts.finding(FAIL, "x", "host", waived=Waived("2026-01-01", "y")).waived
