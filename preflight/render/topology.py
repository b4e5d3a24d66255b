"""How the cards reach each other: one line where all pairs are alike, else a matrix."""

from __future__ import annotations

from preflight.facts import Facts, GpuPair
from preflight.render.page import Page, Span

# The words of nvidia-smi topo -m, and the way between the two cards that each stands for.
MEANING = {
    "PIX": "one PCIe switch",
    "PXB": "several PCIe switches",
    "PHB": "a PCIe host bridge (the CPU)",
    "NODE": "host bridges of one NUMA node",
    "SYS": "the link between CPUs or NUMA nodes",
}


def topology(page: Page, facts: Facts) -> None:
    """The pairs' paths and what their words mean; nothing where there is no pair."""
    kinds = list(dict.fromkeys(_kind(pair) for pair in facts.pairs))
    if not kinds:
        return
    if len(kinds) == 1:
        pairs = "gpu0-gpu1" if len(facts.pairs) == 1 else f"all {len(facts.pairs)} pairs"
        page.paragraph(f"{pairs} {_explained(kinds[0])}", mark=Span("wiring", "bold"))
        return
    page.blank()
    cards = [g.subject for g in facts.gpus] if isinstance(facts.gpus, tuple) else []
    rows = _matrix(facts.pairs, cards)
    if page.fits(rows):
        page.table(rows)
    for kind in kinds:
        page.paragraph(Span(_explained(kind), "dim"))
        if not page.fits(rows):
            alike = [pair.subject.replace("gpu", "") for pair in facts.pairs if _kind(pair) == kind]
            page.paragraph(", ".join(alike), indent=4)


def _matrix(pairs: tuple[GpuPair, ...], cards: list[str]) -> list[list[str]]:
    known = {pair.subject: _kind(pair) for pair in pairs}
    both = known | {"-".join(reversed(s.split("-"))): kind for s, kind in known.items()}
    lines = [[a, *("·" if a == b else both.get(f"{a}-{b}", "?") for b in cards)] for a in cards]
    return [["", *cards], *lines]


def _kind(pair: GpuPair) -> str:
    return pair.topology if isinstance(pair.topology, str) else "?"


def _explained(kind: str) -> str:
    if kind.startswith("NV") and kind[2:].isdigit():
        return f"{kind}: NVLink, {kind[2:]} links"
    return f"{kind}: through {MEANING[kind]}" if kind in MEANING else f"{kind}: not known"
