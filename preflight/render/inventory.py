"""What is in the host: board and system, one row a card, and how the cards are wired."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from preflight.facts import Card, Fact, Facts, Gpu, Host, Missing, NotApplicable
from preflight.render.page import Page, Span
from preflight.render.topology import topology

T = TypeVar("T")
LABEL = 6  # columns of "system", "driver"
# Heading of the cards' table -> the facts that fill its cell.
COLUMNS = {
    "pci": ("pci",),
    "slot": ("slot",),
    "memory": ("memory_total_mib",),
    "PCIe": ("pcie_link_gen_max", "pcie_link_width", "pcie_link_width_max"),
    "limit": ("power_limit_w",),
    "temp": ("temperature_c",),
}
HOST_FIELDS = (
    "board",
    "cpu_model",
    "cpu_count",
    "memory_total_mib",
    "os_name",
    "kernel_release",
    "virtualization",
    "driver_version",
    "cuda_version",
)


def inventory(page: Page, facts: Facts, *, verbose: bool) -> None:
    """Host, cards and topology; `verbose` adds why a value is missing."""
    page.blank()
    _host(page, facts.host)
    _cards(page, facts)
    topology(page, facts)
    if verbose:
        _gaps(page, facts)


def places(facts: Facts) -> dict[str, str]:
    """How a message names each subject ("gpu0" -> "gpu0 (name, address, slot)")."""
    cards = facts.gpus if isinstance(facts.gpus, tuple) else ()
    disks = facts.file_systems if isinstance(facts.file_systems, tuple) else ()
    subjects: list[Any] = [facts.host, *cards, *facts.pairs, *facts.peer_paths, *disks]
    return {s.subject: s.label for s in subjects}


def card_subjects(facts: Facts) -> list[str]:
    return [gpu.subject for gpu in facts.gpus] if isinstance(facts.gpus, tuple) else []


def _host(page: Page, host: Host) -> None:
    machine = (
        _told(host.board),
        f"{_told(host.cpu_model)} ({_told(host.cpu_count)} threads)",
        f"{_told(host.memory_total_mib, _gib)} RAM",
    )
    system = [_told(host.os_name), f"kernel {_told(host.kernel_release)}"]
    if host.virtualization != "none":
        system.append(f"virtualization {_told(host.virtualization)}")
    driver = (f"NVIDIA {_told(host.driver_version)}", f"CUDA {_told(host.cuda_version)}")
    for name, parts in (("host", machine), ("system", system), ("driver", driver)):
        page.parts(parts, mark=Span(name, "bold"), mark_width=LABEL)


def _cards(page: Page, facts: Facts) -> None:
    if not isinstance(facts.gpus, tuple) or not facts.gpus:
        why = str(facts.gpus) if facts.gpus else "none in any source that answered"
        page.paragraph(why, mark=Span("cards", "bold"), mark_width=LABEL)
        return
    names = {_name(card) for card in facts.gpus}
    page.paragraph(_summary(facts.gpus), mark=Span("cards", "bold"), mark_width=LABEL)
    heading = ["", *(["name"] if len(names) > 1 else []), *COLUMNS]
    rows = [heading, *(_row(card, named=len(names) > 1) for card in facts.gpus)]
    if page.fits(rows):
        page.table(rows)
    else:
        for row in rows[1:]:
            page.parts(row[1:], mark=Span(row[0], "bold"), mark_width=LABEL)


def _summary(cards: tuple[Gpu, ...]) -> str:
    names = [_name(card) for card in cards]
    return ", ".join(f"{names.count(n)} × {n}" for n in dict.fromkeys(names))


def _row(card: Gpu, *, named: bool) -> list[str]:
    width, could = card.pcie_link_width, card.pcie_link_width_max
    of = f" of x{could}" if isinstance(could, int) and could != width else ""
    return [
        card.subject,
        *([_name(card)] if named else []),
        card.pci,
        _told(card.slot),
        _told(card.memory_total_mib, _gib),
        f"{_told(card.pcie_link_gen_max, lambda gen: f'{gen}.0')} x{_told(width)}{of}",
        _told(card.power_limit_w, lambda watts: f"{watts:.0f} W"),
        _told(card.temperature_c, lambda degrees: f"{degrees} °C"),
    ]


def _name(card: Gpu) -> str:
    """Short for the table; "?" behind a name that the driver did not give."""
    if isinstance(card.catalog, Card) and not isinstance(card.name, str):
        return f"{card.catalog.name}?"
    return card.known_name.removeprefix("NVIDIA ").removeprefix("Corporation ")


def _gib(mib: int) -> str:
    return f"{mib / 1024:.0f} GiB"


def _told(fact: Fact[T], form: Callable[[T], str] = str) -> str:
    if isinstance(fact, Missing):
        return "?"
    return "-" if isinstance(fact, NotApplicable) else form(fact)


def _gaps(page: Page, facts: Facts) -> None:
    """Each "?" and "-" of the inventory with its reason, alike ones together."""
    why: dict[str, list[str]] = {}
    subjects: list[tuple[Any, Sequence[str]]] = [(facts.host, HOST_FIELDS)]
    cards = facts.gpus if isinstance(facts.gpus, tuple) else ()
    fields = [name for names in COLUMNS.values() for name in names]
    for subject, names in [*subjects, *((card, fields) for card in cards)]:
        for name in names:
            value = getattr(subject, name)
            if isinstance(value, (Missing, NotApplicable)):
                why.setdefault(f"{name}: {value}", []).append(subject.subject)
    if why:
        page.blank()
    for reason, where in why.items():
        page.paragraph(f"{reason} ({', '.join(where)})", mark=Span("?", "yellow"))
