"""Which of a host's cards a server can use at all, by what was read of them."""

from __future__ import annotations

from dataclasses import replace

from preflight.facts import Facts, Gpu, Missing


def usable(facts: Facts) -> tuple[Facts, tuple[str, ...]]:
    """The facts without cards that no server can use, and a sentence on each that was left out."""
    if not isinstance(facts.gpus, tuple):
        return facts, ()
    obstacles = {gpu.subject: _obstacle(gpu) for gpu in facts.gpus}
    left = tuple(gpu for gpu in facts.gpus if not obstacles[gpu.subject])
    notes = [f"{gpu.label} is left out: {obstacles[gpu.subject]}" for gpu in facts.gpus]
    said = [note for note, gpu in zip(notes, facts.gpus, strict=True) if gpu not in left]
    unread = [gpu.subject for gpu in left if isinstance(gpu.lost_signs, Missing)]
    if unread:
        said.append(f"whether {', '.join(unread)} can be used was not read: no driver answered")
    return replace(facts, gpus=left), tuple(said)


def _obstacle(gpu: Gpu) -> str:
    if isinstance(gpu.lost_signs, tuple) and gpu.lost_signs:
        return f"it does not answer ({gpu.lost_signs[0]})"
    if gpu.mig_enabled is True:
        return "MIG is on, and a plan is made for whole cards"
    return "its compute mode is Prohibited" if gpu.compute_mode == "Prohibited" else ""
