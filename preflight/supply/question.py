"""Cards and supply as a person writes them: "2x RTX 4090 + RTX 3090", "1200W ATX2.4"."""

from __future__ import annotations

import re
from dataclasses import dataclass

from preflight.catalog import cards
from preflight.errors import UsageError
from preflight.facts import Card

MOST_CARDS = 16
_ITEM = re.compile(r"(?:(\d{1,3})\s{0,4}[x×*]\s{0,4})?(\S.{0,79})", re.IGNORECASE)
_PSU = re.compile(
    r"(?:([1-9])\s{0,4}[x×*]\s{0,4})?(\d{1,5})\s{0,4}W"
    r"(?:\s{0,4}ATX\s{0,4}(?:12V)?\s{0,4}v?([23])(?:\.(\d{1,2}|x))?)?(\s{1,4}redundant)?",
    re.IGNORECASE,
)
_GPUS_HINT = 'such as --gpus "2x RTX 4090" or --gpus "RTX 5090 + 2x RTX 3090"'
_PSU_HINT = (
    'such as --psu "1200W ATX3.1" or --psu "2x 2000W redundant"; without a standard it is judged '
    "as ATX 2.x"
)
_LEAST_W, _MOST_W = 100, 20_000


@dataclass(frozen=True)
class Wanted:
    count: int
    card: Card


@dataclass(frozen=True)
class Psu:
    """One supply, or several alike; of redundant ones half must do, as the others are spare."""

    each_w: int
    standard: str  # "ATX 2.4"; "" where none was named
    major: int  # of the standard that it is judged by
    count: int = 1
    is_redundant: bool = False

    @property
    def rating_w(self) -> int:
        """Of those that must carry the load."""
        return self.each_w * ((self.count + 1) // 2 if self.is_redundant else self.count)


def gpus(text: str) -> tuple[Wanted, ...]:
    """Cards by their catalogue name; UsageError for what is none, or too many."""
    items = [item.strip() for item in re.split(r"[,+;]", text[:1000])]
    wanted = tuple(_wanted(item) for item in items)
    count = sum(one.count for one in wanted)
    if count > MOST_CARDS:
        raise UsageError(f"--gpus: {count} cards, more than {MOST_CARDS}", _GPUS_HINT)
    return wanted


def psu(text: str) -> Psu:
    """How many, a rating and, where named, the ATX standard; UsageError for anything else."""
    match = _PSU.fullmatch(text.strip())
    if match is None:
        raise UsageError(f"--psu: {text!r:.80} is no supply", _PSU_HINT)
    count, rating, major, minor, redundant = match.groups()
    if not _LEAST_W <= int(rating) <= _MOST_W:
        raise UsageError(f"--psu: {rating} W is no rating of a supply", _PSU_HINT)
    if redundant and int(count or 1) < 2:
        raise UsageError("--psu: one supply alone is not redundant", _PSU_HINT)
    standard = f"ATX {major}.{minor or 'x'}" if major else ""
    return Psu(int(rating), standard, int(major or 2), int(count or 1), bool(redundant))


def _wanted(item: str) -> Wanted:
    match = _ITEM.fullmatch(item)
    if match is None:
        raise UsageError(f"--gpus: {item!r:.80} is no card", _GPUS_HINT)
    count, name = int(match[1] or 1), match[2]
    if count < 1:
        raise UsageError(f"--gpus: {item!r:.80} asks for no card", _GPUS_HINT)
    return Wanted(count, _card(name))


def _card(name: str) -> Card:
    """By its whole name, else by its last words, else by any, where they are one card's."""
    asked = _words(name)
    known = {_words(told): card for card in cards() for told in (card.name, *card.names)}
    if asked in known:
        return known[asked]
    held = {told: card for told, card in known.items() if f" {asked} " in f" {told} "}
    last = {told: card for told, card in held.items() if told.endswith(f" {asked}")}
    found = {card.name: card for card in (last or held).values()}
    if len(found) == 1:
        return next(iter(found.values()))
    if not found:
        raise UsageError(f"--gpus: {name!r:.80} is in no catalogue", _near(asked))
    raise UsageError(f"--gpus: {name!r:.80} may be {' or '.join(found)}", "give the whole name")


def _words(name: str) -> str:
    """The name as it is compared: without maker and brand, small, single blanks."""
    words = re.sub(r"[^a-z0-9]+", " ", name.lower()).split()
    return " ".join(word for word in words if word not in ("nvidia", "geforce", "tesla"))


def _near(asked: str) -> str:
    names = [card.name for card in cards()]
    digits = re.findall(r"\d{2,}", asked)
    near = [name for name in names if any(number in name for number in digits)]
    return f"the catalogue holds {', '.join((near or names)[:12])}"
