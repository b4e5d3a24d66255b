"""One capture to its report: understand, check, decide. Pure, and heavy to import."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from preflight import engine
from preflight.capture import Capture, Imported, plain, sha256
from preflight.catalog.vllm_versions import proven, release
from preflight.checks import Check, registry
from preflight.facts import Facts, VllmPin
from preflight.findings import Judgement, Level, Report, Verdict
from preflight.policy import Policy
from preflight.purpose import NOTHING_ASKED, Purpose
from preflight.understand import understand
from preflight.understand.asked import asked

# Who asks for a layout must be told whether the cards and their driver carry it.
REQUIRED_FOR_A_LAYOUT = ("layout-possible", "driver-version")


def judge_capture(
    capture: Capture,
    data: bytes,
    policy: Policy,
    purpose: Purpose = NOTHING_ASKED,
    checks: Iterable[Check] | None = None,
) -> Report:
    """Judge a capture at its own level; `data` are its bytes as saved (for `capture_sha256`)."""
    checks = registry() if checks is None else tuple(checks)
    purpose = _allowed(purpose, capture)
    if purpose.layout:
        policy = policy.requiring(*REQUIRED_FOR_A_LAYOUT)
    level = Level(capture.level)
    policy = policy.at(capture.started)
    pin = _pin()
    facts, layouts = _planned(asked(understand(capture), purpose, pin), purpose, pin)
    findings = engine.judge(facts, policy, level, checks)
    seen = capture.controller
    return Report(
        host=plain(seen.host or capture.simulated or _own_name(capture)),
        started=plain(seen.started or capture.started),
        finished=plain(seen.finished or capture.finished),
        level=level,
        policy=policy.name,
        simulated=capture.simulated,
        judgement=_judgement(capture, engine.verdict(findings, policy, level)),
        findings=findings,
        not_run=engine.not_run(level, checks),
        facts=facts,
        capture_sha256=sha256(data),
        notes=(*_notes(capture), *_notes_on(purpose)),
        imported=plain(capture.imported.tool) if capture.imported else None,
        layouts=layouts,
    )


def _planned(
    facts: Facts, purpose: Purpose, pin: VllmPin
) -> tuple[Facts, Sequence[Mapping[str, Any]] | None]:
    """With whether the model fits, and every layout of it; nothing where none was asked for."""
    if purpose.layout is None or purpose.model is None:
        return facts, None
    from preflight.fitted import fit  # planning takes as long to import as judging does

    fitted = fit(facts, purpose.layout, purpose.model, pin.version)
    return fitted.facts, fitted.layouts


def _judgement(capture: Capture, judged: Judgement) -> Judgement:
    """Evidence that was cut off is accepted for nothing that it still holds."""
    is_whole = capture.complete and not capture.probe.stopped
    if is_whole or judged.verdict is Verdict.REJECT:
        return judged
    return Judgement(Verdict.UNKNOWN, judged.missing_required, is_cut=True)


def _own_name(capture: Capture) -> str:
    """What a host calls itself, for evidence that no controller fetched."""
    proc = capture.sources.get("proc")
    told = capture.imported.host if capture.imported else ""
    return told or (proc and proc.files.get("/proc/sys/kernel/hostname")) or "capture"


def _notes(capture: Capture) -> tuple[str, ...]:
    """What a reader must know of how the evidence was taken."""
    run = capture.probe
    if capture.imported:
        return _notes_on_import(capture.imported, capture.complete)
    notes = []
    if not capture.complete or run.stopped:
        notes.append(f"the probe ended early: {plain(run.stopped) or 'incomplete'}")
    if run.uid and not run.sudo:
        notes.append(f"read as {plain(run.user) or 'an ordinary user'}, without root")
    return tuple(notes)


def _notes_on_import(told: Imported, is_complete: bool) -> tuple[str, ...]:
    number = f" {plain(told.version)}" if told.version else ""
    flags = f" with {plain(told.flags)}" if told.flags else ""
    notes = [f"imported from {plain(told.tool)}{number}{flags}"]
    if not is_complete:
        notes.append("the file ends early: what stands after that is missing")
    return tuple(notes)


def _allowed(purpose: Purpose, capture: Capture) -> Purpose:
    """Nobody else's evidence is spared: what another tool wrote was not read by the probe."""
    return purpose if capture.probe.version else replace(purpose, own_units=())


def _pin() -> VllmPin:
    """The vLLM that the roles install by default."""
    version = proven()
    needs = release(version)
    assert needs is not None, "vllm_versions.yaml holds no row for its own default"
    return VllmPin(version, needs.driver)


def _notes_on(purpose: Purpose) -> tuple[str, ...]:
    """What was asked."""
    notes = []
    if purpose.layout:
        model = f" of {plain(purpose.model)}" if purpose.model else ""
        notes.append(f"for {purpose.layout.name}{model}")
    if purpose.own_units:
        notes.append(f"without what {', '.join(purpose.own_units)} serves")
    return tuple(notes)
