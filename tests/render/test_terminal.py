from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
from rich.cells import cell_len

from preflight.errors import PreflightError, Unreachable
from preflight.facts import Missing
from preflight.findings import FAIL, WARN, Finding, Level, Report, Status, Verdict, Waived
from preflight.render.terminal import render, render_summary
from preflight.render.wording import verdict_words

from . import hosts

ANSI = re.compile(r"\x1b\[[0-9;]*m")
EVERY = pytest.mark.parametrize("name", hosts.ALL)
Snapshot = Callable[[str, str], None]


def text(report: Report, width: int = 80, **more: bool) -> str:
    shown = {"color": False, "unicode": True, "verbose": False} | more
    return render(report, width=width, **shown)


@EVERY
def test_what_a_person_sees(name: str, snapshot: Snapshot) -> None:
    snapshot(f"{name}.txt", text(hosts.ALL[name]()))


@pytest.mark.parametrize("name", ["rejected", "undecided"])
def test_what_a_person_sees_who_wants_all(name: str, snapshot: Snapshot) -> None:
    snapshot(f"{name}-verbose.txt", text(hosts.ALL[name](), verbose=True))


def test_what_a_narrow_terminal_without_unicode_shows(snapshot: Snapshot) -> None:
    snapshot("eight-narrow-ascii.txt", text(hosts.eight(), width=40, unicode=False))


def test_what_a_terminal_with_colour_is_sent(snapshot: Snapshot) -> None:
    snapshot("rejected-color.txt", text(hosts.rejected(), color=True))


@EVERY
@pytest.mark.parametrize("width", [20, 40, 80, 200])
@pytest.mark.parametrize("verbose", [False, True])
@pytest.mark.parametrize("unicode", [False, True])
def test_no_line_is_wider_than_the_page(
    name: str, width: int, verbose: bool, unicode: bool
) -> None:
    shown = text(hosts.ALL[name](), width, verbose=verbose, unicode=unicode)
    assert max(map(cell_len, shown.splitlines())) <= width
    assert not re.search(r"[ \t]$|\n\n\n", shown, re.MULTILINE), "trailing blanks, empty lines"
    assert unicode or shown.isascii()


@EVERY
@pytest.mark.parametrize("width", [40, 80])
def test_colour_only_adds(name: str, width: int) -> None:
    report = hosts.ALL[name]()
    colored = text(report, width, color=True, verbose=True)
    assert ANSI.search(colored)
    assert ANSI.sub("", colored) == text(report, width, verbose=True)


@pytest.mark.parametrize("color", [False, True])
def test_text_of_a_host_stays_text(color: bool) -> None:
    shown = text(hosts.hostile(), 200, color=color, verbose=True)
    assert "[red]x[/red]" in shown
    assert "[blink]Reseat[/blink]" in shown
    assert ":smiley:" in shown
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", ANSI.sub("", shown))
    assert "owned" not in shown
    assert len(shown) < 12_000, "a long value is cut"


def test_a_megabyte_from_a_host_is_cut_at_once() -> None:
    report = hosts.rejected()
    loud = replace(report.findings[0], status=FAIL, message="\x1b]0;" * 500_000 + "x " * 500_000)
    assert len(text(replace(report, findings=[loud]))) < 3_000


def test_the_environment_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    before = text(hosts.rejected(), color=True), text(hosts.rejected())
    for name, value in {
        "NO_COLOR": "1",
        "FORCE_COLOR": "1",
        "COLUMNS": "30",
        "TERM": "dumb",
    }.items():
        monkeypatch.setenv(name, value)
    assert (text(hosts.rejected(), color=True), text(hosts.rejected())) == before


def test_an_accept_says_in_its_line_what_it_is_worth() -> None:
    words = "accept: nothing against it, read only, nothing measured"
    assert verdict_words(hosts.accepted()) == words
    assert words in text(hosts.accepted(), 200).splitlines()[0]
    assert verdict_words(hosts.accepted_with_warnings()).startswith(f"{words} (3 warnings")


def test_an_accept_does_not_hide_a_waived_failure_or_what_is_unknown() -> None:
    waived = hosts.finding(FAIL, "xid", "gpu0", waived=Waived("2026-06-30", "known"))
    unknown = hosts.finding(Status.UNKNOWN, "sxid", "host", reason=hosts.NO_DMESG)
    report = replace(hosts.accepted(), findings=[waived, unknown])
    words = "accept: 1 failure waived, read only, nothing measured (1 check unknown)"
    assert verdict_words(report) == words


@pytest.mark.parametrize(
    "level, worth",
    [
        (Level.LOOK, "read only, nothing measured"),
        (Level.MEASURE, "not under sustained load"),
        (Level.SOAK, "held under sustained load"),
    ],
)
def test_a_deeper_level_is_worth_more(level: Level, worth: str) -> None:
    assert worth in verdict_words(replace(hosts.accepted(), level=level))


def test_a_reject_counts_failures_and_names_the_worst_remedy() -> None:
    assert verdict_words(hosts.rejected()) == (
        "reject: 2 failures (pcie-link-width, xid), worst remedy: service"
    )
    lost_first = replace(hosts.rejected(), findings=list(hosts.rejected().findings)[::-1])
    assert "worst remedy: service" in verdict_words(lost_first)
    classes = ("watch", "replace", "reboot")
    mixed = [hosts.finding(FAIL, c, "gpu0", remedy_class=c) for c in classes]
    report = replace(lost_first, findings=mixed)
    assert "worst remedy: replace" in verdict_words(report)
    assert "Next: begin with replace (replace)" in text(report)


def lost(*more: Finding) -> Report:
    classes = {"gpu-reachable": "power-cycle", "gpu-query-errors": "reset-gpu"}
    found = [
        hosts.finding(FAIL, id, "gpu1", remedy=f"Mend {id}.", remedy_class=c)
        for id, c in classes.items()
    ]
    return replace(hosts.rejected(), findings=[*found, *more])


def test_what_follows_from_a_failure_is_no_failure_of_its_own() -> None:
    words = verdict_words(lost())
    assert words.startswith("reject: 1 failure (gpu-reachable) and 1 that follows from it, worst")
    hung = hosts.finding(FAIL, "driver-responds", "host", remedy_class="reboot")
    assert "(gpu-reachable) and 2 that follow from it" in verdict_words(lost(hung))
    full = hosts.finding(FAIL, "disk-space", "disk:/", remedy_class="reconfigure")
    words = verdict_words(lost(hung, full))
    assert "2 failures (gpu-reachable, disk-space) and 2 that follow from them" in words


def test_what_follows_stands_behind_its_cause_and_has_no_remedy_of_its_own() -> None:
    shown = text(lost())
    assert "FAIL gpu-query-errors (follows from gpu-reachable)" in shown
    assert shown.index("FAIL gpu-reachable (power-cycle)") < shown.index("FAIL gpu-query-errors")
    assert "Mend gpu-reachable." in shown
    assert "Mend gpu-query-errors." not in shown


def test_what_asks_most_stands_first() -> None:
    classes = ("watch", "replace", "reboot")
    found = [hosts.finding(WARN, f"asks-{c}", "gpu0", remedy_class=c) for c in classes]
    shown = text(replace(hosts.accepted(), findings=found))
    places = [shown.index(f"asks-{c}") for c in ("replace", "reboot", "watch")]
    assert places == sorted(places)


@pytest.mark.parametrize(
    "remedy_class, words",
    [
        ("replace", "at the seller's or lender's cost"),
        ("service", "at its owner's cost"),
        ("reboot", "No new part is needed"),
        ("power-cycle", "No new part is needed"),
    ],
)
def test_a_reject_says_whose_the_mending_is(remedy_class: str, words: str) -> None:
    found = [hosts.finding(FAIL, "xid", "gpu0", remedy_class=remedy_class)]
    last = text(replace(hosts.rejected(), findings=found), 300).splitlines()[-1]
    assert words in last
    assert last.endswith("a renter does not take the host before that.")


@pytest.mark.parametrize(
    "reason, shown",
    [
        ("tool absent: ipmitool: not found", "install ipmitool"),
        ("tool absent: df: not found", "install that tool"),
        ("tool absent: libnvidia-ml.so.1: cannot open", "install NVIDIA's driver"),
        ("not permitted: dmesg: read kernel buffer failed", "-K asks"),
        ("guest view: the BMC is the host's", "only the lender"),
        ("gen 1 while nothing is copied is power saving", "--level measure"),
        ("not supported: NOT_SUPPORTED", "the card does not tell it"),
    ],
)
def test_an_unknown_says_how_it_gets_known(reason: str, shown: str) -> None:
    found = [hosts.finding(Status.UNKNOWN, "psu-capacity", "host", reason=reason)]
    assert shown in text(replace(hosts.accepted(), findings=found))


def test_reasons_with_one_way_out_stand_together_and_name_it_once() -> None:
    reasons = ("guest view: the BMC", "not present", "guest view: the card")
    found = [
        hosts.finding(Status.UNKNOWN, f"check-{n}", "host", reason=reason)
        for n, reason in enumerate(reasons)
    ]
    shown = text(replace(hosts.accepted(), findings=found))
    assert shown.count("only the lender") == 1
    places = [shown.index(f"check-{n}") for n in (0, 2, 1)]
    assert places == sorted(places)
    assert shown.index("check-2") < shown.index("only the lender") < shown.index("check-1")


def test_an_unknown_names_the_required_checks_and_why() -> None:
    assert verdict_words(hosts.undecided()) == (
        "unknown: 3 required checks are unknown: gpu-query-errors, driver-responds, xid "
        "(tool absent: nvidia-smi; not permitted: dmesg)"
    )


def test_a_simulated_host_is_called_one() -> None:
    report = replace(hosts.accepted(), simulated="rtx4090-pair")
    first = text(report, 200).splitlines()[0]
    assert first.startswith("root@ssh4.example.net:20411 (simulated host rtx4090-pair): accept")
    assert "simulated" not in text(hosts.accepted())


def test_unknown_findings_of_one_reason_stand_together() -> None:
    lines = text(hosts.undecided(), 200).splitlines()
    assert sum("tool absent: nvidia-smi" in line for line in lines[1:]) == 1
    below = lines[lines.index("    tool absent: nvidia-smi") + 1]
    assert "driver-responds, gpu-query-errors" in below


def test_an_unknown_of_some_cards_names_them() -> None:
    findings = [
        hosts.finding(Status.UNKNOWN, "row-remap", "gpu0", reason="gpu lost"),
        hosts.finding(Status.PASS, "row-remap", "gpu1"),
        hosts.finding(Status.UNKNOWN, "row-remap", "gpu2", reason="timed out"),
    ]
    shown = text(replace(hosts.accepted(), findings=findings))
    assert "row-remap (gpu0)" in shown
    assert "row-remap (gpu2)" in shown


def test_a_missing_fact_is_a_question_mark_and_its_reason_shows_with_v() -> None:
    report = hosts.undecided()
    assert "NVIDIA ? · CUDA ?" in text(report)
    assert "Permission denied" not in text(report)
    shown = text(report, 200, verbose=True)
    assert "slot: not permitted: dmidecode: /dev/mem: Permission denied (gpu0, gpu1)" in shown


@pytest.mark.parametrize(
    "reason, advice",
    [
        ("not permitted: dmesg", "sudo"),
        ("tool absent: nvidia-smi", "NVIDIA driver"),
        ("timed out: nvmlInit", "hangs"),
        ("guest view", "--policy tenant"),
        ("not collected", "anew"),
        ("no word of it", "-v"),
    ],
)
def test_an_unknown_says_what_to_do(reason: str, advice: str) -> None:
    found = [hosts.finding(Status.UNKNOWN, "xid", "host", reason=reason)]
    report = hosts.report(found, hosts.accepted().facts, Verdict.UNKNOWN, ("xid",))
    assert advice in text(report, 200).splitlines()[-1]


def test_a_required_check_that_gave_no_finding_is_missed() -> None:
    report = hosts.report([], hosts.accepted().facts, Verdict.UNKNOWN, ("xid",))
    assert verdict_words(report) == "unknown: 1 required check is unknown: xid"
    assert "take the evidence anew" in text(report, 200).splitlines()[-1]


def test_an_accept_names_the_next_level_only_where_it_exists() -> None:
    assert "--level" not in text(hosts.accepted())
    deeper = replace(hosts.accepted(), not_run={"measure": ("cuda-usable",)})
    assert "--level measure" in text(deeper, 200).splitlines()[-1]


@pytest.mark.parametrize("stamp", ["", "yesterday", "2026-03-02T09:14:11"])
def test_a_clock_that_says_nonsense_is_shown_as_it_is(stamp: str) -> None:
    shown = text(replace(hosts.accepted(), started=stamp), 200)
    assert stamp in shown.splitlines()[1]


def test_cards_of_several_names_are_told_apart() -> None:
    one, other = hosts.cards(2)
    other = replace(other, name="NVIDIA GeForce GT 1030", memory_total_mib=2048)
    facts = replace(hosts.accepted().facts, gpus=(one, other))
    shown = text(replace(hosts.accepted(), facts=facts), 100)
    assert "1 × GeForce RTX 4090, 1 × GeForce GT 1030" in shown
    assert re.search(r"gpu1 +GeForce GT 1030 .* 2 GiB", shown)


def test_a_matrix_knows_each_pair_from_both_sides() -> None:
    rows = [line.split() for line in text(hosts.eight()).splitlines() if line.startswith("gpu")]
    matrix = rows[-8:]
    assert matrix[0][1:] == ["·", "PIX", *["SYS"] * 6]
    assert matrix[7][1:] == [*["SYS"] * 6, "PIX", "·"]


def test_an_unread_topology_is_no_topology() -> None:
    unread = replace(hosts.accepted().facts.pairs[0], topology=Missing("tool-failed"))
    facts = replace(hosts.accepted().facts, pairs=(unread,))
    assert "gpu0-gpu1 ?: not known" in text(replace(hosts.accepted(), facts=facts))


@dataclass
class Judged:
    host: str
    report: Report | None = None
    error: PreflightError | None = None


def test_several_hosts_have_a_line_each(snapshot: Snapshot) -> None:
    outcomes = [
        Judged(made().host, made()) for made in (hosts.accepted, hosts.eight, hosts.undecided)
    ]
    outcomes.append(Judged("gpu04", error=Unreachable("gpu04: connection refused\x1b[2J")))
    shown = render_summary(outcomes, width=80, color=False, unicode=True)
    snapshot("summary.txt", shown)
    narrow = render_summary(outcomes, width=40, color=False, unicode=False)
    assert max(map(len, narrow.splitlines())) <= 40
    colored = render_summary(outcomes, width=80, color=True, unicode=True)
    assert ANSI.sub("", colored) == shown
