"""What a verdict on another tool's file says and is worth."""

from __future__ import annotations

import msgspec
import pytest

from preflight.capture import Capture
from preflight.findings import Level, Report, Verdict
from preflight.importing.bug_report import read
from preflight.judging import judge_capture
from preflight.policy import Policy
from preflight.purpose import purpose
from preflight.render import terminal
from tests.importing.written import as_text, file, report

SOUND = report(file("/proc/version", "Linux version 6.2.0-34-generic (x)"))
NOTHING_REQUIRED = Policy("lax")


def judged(capture: Capture, *, use: str | None = None, own: tuple[str, ...] = ()) -> Report:
    return judge_capture(capture, b"", NOTHING_REQUIRED, purpose(use, own), checks=())


def shown(told: Report) -> str:
    text = terminal.render(told, width=1000, color=False, unicode=True)
    return " ".join(text.split())


def test_the_best_is_nothing_against_it_and_what_to_run_next() -> None:
    text = shown(judged(read(as_text(SOUND), "f")))
    assert text.startswith("somehost: accept: nothing against it, not measured level look")
    assert "imported from nvidia-bug-report.sh 33290498" in text
    assert "run preflight on the host itself" in text
    assert " 0 s" not in text


def test_no_policy_accepts_a_file_that_was_cut() -> None:
    cut = read(as_text(SOUND[:-1]), "f")
    told = judged(cut)
    assert told.verdict is Verdict.UNKNOWN
    assert "the file ends early, and nothing is accepted" in shown(told)
    assert judged(msgspec.structs.replace(cut, complete=True)).verdict is Verdict.ACCEPT


@pytest.mark.parametrize(
    "is_complete, stopped", [(False, ""), (False, "deadline"), (True, "signal")]
)
def test_no_policy_accepts_a_run_that_ended_early(is_complete: bool, stopped: str) -> None:
    whole = msgspec.structs.replace(read(as_text(SOUND), "f"), imported=None)
    assert judged(whole).verdict is Verdict.ACCEPT
    run = msgspec.structs.replace(whole.probe, stopped=stopped)
    told = judged(msgspec.structs.replace(whole, complete=is_complete, probe=run))
    assert told.verdict is Verdict.UNKNOWN
    assert "unknown: the run ended early, and nothing is accepted" in shown(told)
    assert "run it again to its end" in shown(told)


@pytest.mark.parametrize("flags", ["--safe-mode", "--extra-system-data"])
def test_the_flags_of_the_script_are_told(flags: str) -> None:
    sections = [SOUND[0].replace("command line flags: ", f"command line flags: {flags}")]
    assert f"with {flags}" in shown(judged(read(as_text(sections), "f")))


def test_nobody_elses_evidence_is_spared_for_units_of_ours() -> None:
    told = judged(read(as_text(SOUND), "f"), own=("vllm@main.service",))
    assert not [note for note in told.notes if "vllm@main" in note]
    assert told.level is Level.LOOK
