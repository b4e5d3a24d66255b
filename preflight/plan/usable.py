"""Which of a host's cards a server can use at all, by what was read of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from preflight.facts import DriverLibraries, Facts, Gpu, Missing
from preflight.findings import FAIL
from preflight.plan import cards
from preflight.xids import UNKNOWN, table

# Queries that the driver refused as a whole: they say nothing of the card that they name.
_OF_THE_DRIVER = ("nvmlInit", "Failed to initialize NVML", "communicate with the NVIDIA driver")
# Fields that sound cards answer with an error, and answers that are no failures; as the check
# gpu-query-errors has them.
_HARMLESS: tuple[str, ...] = ("addressing_mode", "Addressing Mode")
_HARMLESS += ("NOT_SUPPORTED", "NO_PERMISSION", "FUNCTION_NOT_FOUND")
_DEAD = {"rm-init-failed": "the driver could not start it", "gpu-lost": "it fell off the bus"}


def usable(facts: Facts) -> tuple[Facts, tuple[str, ...]]:
    """The facts without cards that no server can use, and a sentence on each that was left out."""
    if not isinstance(facts.gpus, tuple):
        return facts, ()
    dead = _dead(facts)
    obstacles = {gpu.subject: dead.get(gpu.subject) or _setting(gpu) for gpu in facts.gpus}
    left = tuple(gpu for gpu in facts.gpus if not obstacles[gpu.subject])
    notes = [f"{gpu.label} is left out: {obstacles[gpu.subject]}" for gpu in facts.gpus]
    said = [note for note, gpu in zip(notes, facts.gpus, strict=True) if gpu not in left]
    return replace(facts, gpus=left), (*said, *_unread(facts, left))


def plannable(facts: Facts) -> tuple[Facts, tuple[str, ...]]:
    """As `usable`, and without cards that are too little known, where better known ones are left.

    A card for the screen is seldom catalogued, and no reason against a plan for the others.
    """
    facts, said = usable(facts)
    if not isinstance(facts.gpus, tuple):
        return facts, said
    lacking = {gpu.subject: cards.lacking(gpu) for gpu in facts.gpus}
    known = tuple(gpu for gpu in facts.gpus if not lacking[gpu.subject])
    if not known:
        return facts, said
    notes = [
        f"{gpu.label} is left out: its {lacking[gpu.subject]} is not known"
        for gpu in facts.gpus
        if lacking[gpu.subject]
    ]
    return replace(facts, gpus=known), (*said, *notes)


def listed(facts: Facts) -> tuple[str, ...]:
    """The cards as CUDA counts them in the order of the bus: those that the driver started."""
    if not isinstance(facts.gpus, tuple):
        return ()
    dead = _dead(facts)
    return tuple(gpu.subject for gpu in facts.gpus if gpu.subject not in dead)


def _dead(facts: Facts) -> Mapping[str, str]:
    """Cards that no longer answer or were never started, each with the reason."""
    assert isinstance(facts.gpus, tuple)
    faults = facts.host.kernel_faults if isinstance(facts.host.kernel_faults, tuple) else ()
    found = {f.subject: _DEAD[f.kind] for f in faults if f.boot == 0 and f.kind in _DEAD}
    dead: dict[str, str] = {}
    for gpu in facts.gpus:
        errors = _errors(gpu)
        if isinstance(gpu.lost_signs, tuple) and gpu.lost_signs:
            dead[gpu.subject] = f"it does not answer ({gpu.lost_signs[0]})"
        elif errors:
            dead[gpu.subject] = f"the driver cannot read it ({errors[0]})"
        elif gpu.subject in found:
            dead[gpu.subject] = found[gpu.subject]
    return dead


def _errors(gpu: Gpu) -> list[str]:
    """Failed queries that speak against this card."""
    told = gpu.query_errors if isinstance(gpu.query_errors, tuple) else ()
    return [error for error in told if not any(w in error for w in (*_OF_THE_DRIVER, *_HARMLESS))]


def _setting(gpu: Gpu) -> str:
    if gpu.mig_enabled is True:
        return "MIG is on, and a plan is made for whole cards"
    return "its compute mode is Prohibited" if gpu.compute_mode == "Prohibited" else ""


def _unread(facts: Facts, left: Sequence[Gpu]) -> list[str]:
    """What the plan takes for granted and nobody read."""
    said = []
    unread = [gpu.subject for gpu in left if isinstance(gpu.lost_signs, Missing)]
    if unread:
        said.append(f"whether {', '.join(unread)} can be used was not read: no driver answered")
    said += filter(None, map(_xids, left))
    broken = trouble(facts)
    if broken:
        said.append(f"no card can be used until the host's driver is mended: {broken}")
    unseen = [gpu.subject for gpu in left if cards.used_gib(gpu) is None]
    if unseen:
        said.append(f"what others hold of {', '.join(unseen)} was not read: counted as nothing")
    return said


def _xids(gpu: Gpu) -> str:
    """What the kernel log holds against a card that answers; the check judges it, not a plan."""
    events = gpu.xids if isinstance(gpu.xids, tuple) else ()
    by_code = {code: [e for e in events if e.code == code] for code in {e.code for e in events}}
    bad = [code for code, seen in by_code.items() if table().get(code, UNKNOWN).judge(seen) == FAIL]
    told = ", ".join(map(str, sorted(bad)))
    return f"Xid {told} in the kernel log speaks against {gpu.label}" if bad else ""


def trouble(facts: Facts) -> str:
    """Why no card of the host works at present, "" where nothing says so."""
    libraries = facts.host.driver_libraries
    if isinstance(libraries, DriverLibraries):
        others = [v for v in libraries.libraries.values() if v != libraries.module]
        if others or libraries.refusal:
            return libraries.refusal or f"module {libraries.module}, libraries {others[0]}"
    if facts.host.nouveau_loaded is True:
        return "nouveau holds the cards"
    left = facts.gpus if isinstance(facts.gpus, tuple) else ()
    told = (e for gpu in left if isinstance(gpu.query_errors, tuple) for e in gpu.query_errors)
    return next((error for error in told if any(w in error for w in _OF_THE_DRIVER)), "")
