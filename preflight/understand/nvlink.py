"""A card's NVLinks: which are up, and the errors that they have counted."""

from __future__ import annotations

import re
from collections.abc import Mapping

from preflight.facts import Card, Fact, Missing, NotApplicable, NvLink
from preflight.understand.cards import CardEvidence
from preflight.understand.picking import Picked, Picks, first, flag, whole
from preflight.understand.sources import text

_STATE = re.compile(r"nvmlDeviceGetNvLinkState\((\d{1,3})\)")
# A lane's own counters, DL_CRC_DATA and DL_ECC_DATA, are left out: they count what the link has
# corrected, and climb on healthy links (two H100s that passed every test: 1,056 and 1,938 after a
# minute of traffic, while nvidia-smi counted no error).
_COUNTER = re.compile(
    r"nvmlDeviceGetNvLinkErrorCounter\(\d{1,3},(?:DL_)?(REPLAY|RECOVERY|CRC_FLIT)\)"
)
_GPU = re.compile(r"^GPU (\d{1,3}):", re.MULTILINE)
_LINK = re.compile(r"^\s{1,8}Link (\d{1,3}): (?:(<inactive>)|[\d.]{1,12} GB/s)", re.MULTILINE)
_ERRORS = re.compile(
    r"^\s{1,8}Link \d{1,3}: (Replay|Recovery|CRC) Errors: (\d{1,18})$", re.MULTILINE
)
_NONE = "the card has no NVLink"
_NONE_UP = "no NVLink is up"
_UNOFFERED = "not-supported"


def nvlink(card: CardEvidence, product: Fact[Card]) -> Picks:
    if isinstance(product, Card) and product.nvlink_links == 0:
        none = Picked(NotApplicable(_NONE))
        return {"nvlink": none, "nvlink_errors": none}
    links = first(("nvml", _states(card, product)), ("smi-nvlink-s", _listed(card)))
    return {"nvlink": links, "nvlink_errors": _errors(card, links.value)}


def _states(card: CardEvidence, product: Fact[Card]) -> Fact[NvLink]:
    """Link by link. A driver that offers no link at all shows none of a product that has some."""
    states = {
        int(match.group(1)): call
        for name, call in card.nvml.calls.items()
        if (match := _STATE.fullmatch(name))
    }
    known = {link: flag(call.value) for link, call in states.items() if call.error is None}
    if any(state is None for state in known.values()):
        return Missing("not-parsed", "nvmlDeviceGetNvLinkState")
    if known:
        up = tuple(sorted(link for link, state in known.items() if state))
        return NvLink(up, tuple(sorted(link for link, state in known.items() if not state)))
    offered = card.nvml.get("NvLinkState(0)", whole)
    if not isinstance(offered, Missing) or offered.reason != _UNOFFERED:
        return offered if isinstance(offered, Missing) else Missing("not-present", "no link")
    has_some = isinstance(product, Card) and product.nvlink_links > 0
    return NvLink((), ()) if has_some else NotApplicable(_NONE)


def _listed(card: CardEvidence) -> Fact[NvLink]:
    section = _section(card, "smi-nvlink-s")
    if isinstance(section, Missing):
        return section
    links = [(int(number), not inactive) for number, inactive in _LINK.findall(section)]
    if not links:
        return Missing("not-present", "nvidia-smi nvlink lists no link of this card")
    up = tuple(link for link, is_up in links if is_up)
    return NvLink(up, tuple(link for link, is_up in links if not is_up))


def _errors(card: CardEvidence, links: Fact[NvLink]) -> Picked:
    if isinstance(links, NotApplicable):
        return Picked(links)
    if isinstance(links, NvLink) and not links.active:
        return Picked(NotApplicable(_NONE_UP))
    return first(("nvml", _counters(card)), ("smi-nvlink-e", _listed_errors(card)))


def _counters(card: CardEvidence) -> Fact[Mapping[str, int]]:
    sums: dict[str, int] = {}
    reason: Missing | None = None
    for name, call in card.nvml.calls.items():
        match = _COUNTER.fullmatch(name)
        if match is None:
            continue
        count = whole(call.value) if call.error is None else None
        if count is not None and count >= 0:
            kind = match.group(1).replace("_", " ").lower()
            sums[kind] = sums.get(kind, 0) + count
        else:
            reason = Missing("not-supported", f"{name}: {call.error or 'no count'}"[:80])
    return sums or reason or card.nvml.why


def _listed_errors(card: CardEvidence) -> Fact[Mapping[str, int]]:
    section = _section(card, "smi-nvlink-e")
    if isinstance(section, Missing):
        return section
    sums: dict[str, int] = {}
    for kind, count in _ERRORS.findall(section):
        sums[kind.lower()] = sums.get(kind.lower(), 0) + int(count)
    return sums or Missing("not-present", "nvidia-smi nvlink lists no counter of this card")


def _section(card: CardEvidence, source: str) -> str | Missing:
    """The card's part of the listing, which counts the cards as NVML does."""
    listing = text(card.host.capture, source)
    if isinstance(listing, Missing):
        return listing
    index = card.nvml.index
    if (
        index is None
        and not isinstance(card.smi, Missing)
        and not isinstance(card.host.smi, Missing)
    ):
        index = [gpu["pci"] for gpu in card.host.smi["gpus"]].index(card.pci)
    starts = list(_GPU.finditer(listing[: 1 << 20]))
    ends = [start.start() for start in starts[1:]] + [len(listing)]
    for start, end in zip(starts, ends, strict=False):  # an empty listing has an end alone
        if index is not None and int(start.group(1)) == index:
            return listing[start.end() : end]
    return Missing("not-present", f"{source} does not list this card")
