"""A card by the name that a person gives it: "4090", "RTX 4090 48GB", "h100 sxm", "6000 Pro"."""

from __future__ import annotations

import re
from difflib import get_close_matches

from preflight.catalog import cards as catalogue
from preflight.errors import UsageError
from preflight.facts import Card

_WORD = re.compile(r"[a-z]+|\d+")
_SIZE = re.compile(r"\b(\d{1,3})\s*gi?b\b", re.IGNORECASE)
_NOISE = frozenset({"nvidia", "geforce", "tesla", "rtx", "generation", "edition", "gpu"})
# Where a name fits several products, the one that people mean by it, in most offers.
_WORKSTATION = "RTX PRO 6000 Blackwell Workstation Edition"
_MEANT = {
    "h 100": ("H100 80GB HBM3",),
    "h 100 sxm": ("H100 80GB HBM3",),
    "h 100 sxm 5": ("H100 80GB HBM3",),
    "h 200": ("H200",),
    "h 200 sxm": ("H200",),
    "a 100": ("A100-SXM4-80GB", "A100-SXM4-40GB"),
    "a 100 sxm": ("A100-SXM4-80GB", "A100-SXM4-40GB"),
    "v 100": ("Tesla V100-SXM2-32GB", "Tesla V100-SXM2-16GB"),
    "pro 6000": (_WORKSTATION,),
    "pro 6000 blackwell": (_WORKSTATION,),
    "6000 pro": (_WORKSTATION,),
    "3050": ("GeForce RTX 3050",),
}
_NEAR = 0.06  # a card's nominal GB against the MiB that its driver prints


def named(text: str) -> tuple[Card, int]:
    """The card of that name and its memory in MiB; UsageError, with what is near, for no card.

    A size in the name tells apart products, and boards that carry more memory than the product.
    """
    size = _SIZE.search(text)
    size_gb = int(size[1]) if size else None
    words = _listed(_SIZE.sub(" ", text))
    meant = _MEANT.get(" ".join(words), ())
    fitting = [
        (card, memory)
        for card in catalogue()
        for memory in _memories(card)
        if words and _is_size(memory, size_gb) and (card.name in meant or _has(card, words))
    ]
    chosen = _choose(fitting, words, meant)
    if chosen is None:
        raise _unknown(text, [card for card, _ in fitting])
    return chosen


def _has(card: Card, words: list[str]) -> bool:
    return set(words) <= set(_listed(_SIZE.sub(" ", card.name)))


def _choose(
    fitting: list[tuple[Card, int]], words: list[str], meant: tuple[str, ...]
) -> tuple[Card, int] | None:
    """The one that fits; of several the one with exactly these words, or that people mean."""
    names = list(dict.fromkeys(card.name for card, _ in fitting))
    exact = [name for name in names if set(_listed(_SIZE.sub(" ", name))) == set(words)]
    wanted = names if len(names) == 1 else exact if len(exact) == 1 else meant
    return next((pair for name in wanted for pair in fitting if pair[0].name == name), None)


def _memories(card: Card) -> list[int]:
    """Sizes with which the product is met, its own first."""
    others = ("other_memory_mib", "modified_memory_mib")
    return [
        card.memory_mib,
        *(int(card.figures[key].value) for key in others if key in card.figures),
    ]


def _is_size(memory_mib: int, size_gb: int | None) -> bool:
    return size_gb is None or abs(memory_mib / 1024 - size_gb) <= size_gb * _NEAR


def _unknown(text: str, several: list[Card]) -> UsageError:
    names = [card.name for card in several]
    if not names:
        plain = {card.name.lower().replace("geforce ", ""): card.name for card in catalogue()}
        near = get_close_matches(text.lower(), plain, n=3, cutoff=0.5)
        names = [plain[name] for name in near]
        what = "no card of the catalogue is called so"
    else:
        what = "several cards are called so"
    hint = f"did you mean {', '.join(dict.fromkeys(names))}?" if names else ""
    return UsageError(f"{text[:60]!r}: {what}", hint)


def _listed(text: str) -> list[str]:
    return [word for word in _WORD.findall(text.lower()) if word not in _NOISE]
