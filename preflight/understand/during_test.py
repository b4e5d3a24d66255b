"""What grew while the host was measured: counters and log lines, read before and afterwards."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from preflight.capture import Capture, plain
from preflight.errors import NotThisKind
from preflight.facts import NOT_COLLECTED, Fact, Missing, XidEvent
from preflight.parsers import kernel
from preflight.understand import nvml, pci_tree
from preflight.understand.nvml import Nvml
from preflight.understand.pci_tree import PciDevice, Tree
from preflight.understand.picking import Picked, Picks, first, whole
from preflight.understand.sources import Json, failure, refusal

_COUNTERS = {
    "corrected": ("aer_dev_correctable", re.compile(r"TOTAL_ERR_COR (\d{1,12})")),
    "nonfatal": ("aer_dev_nonfatal", re.compile(r"TOTAL_ERR_NONFATAL (\d{1,12})")),
    "fatal": ("aer_dev_fatal", re.compile(r"TOTAL_ERR_FATAL (\d{1,12})")),
}
_AFTER = "-after"


@dataclass(frozen=True)
class Before:
    """One capture's sources that were read twice."""

    capture: Capture

    @cached_property
    def nvml(self) -> tuple[Nvml, Nvml]:
        return nvml.nvml(self.capture), nvml.nvml(self.capture, f"nvml{_AFTER}")

    @cached_property
    def trees(self) -> tuple[Tree | Missing, Tree | Missing]:
        return self._tree("sysfs-pci"), self._tree(f"sysfs-pci{_AFTER}")

    @cached_property
    def new_xids(self) -> list[Json] | Missing:
        """Xids of the later log that the earlier one does not hold, repeats counted."""
        old, new = self._log("dmesg"), self._log(f"dmesg{_AFTER}")
        for log in (new, old):
            if isinstance(log, Missing):
                return log
        assert not isinstance(old, Missing)
        assert not isinstance(new, Missing)
        left = Counter(map(_identity, old))
        found = []
        for event in new:
            left[_identity(event)] -= 1
            if left[_identity(event)] < 0:
                found.append(event)
        return found

    def _tree(self, name: str) -> Tree | Missing:
        """A bus that was read again and shows no card at all has lost them."""
        source = self.capture.sources.get(name)
        why = failure(source)
        if why is not None and why.reason == "not-present" and name.endswith(_AFTER):
            return {}
        if source is None or why is not None:
            return why or _NONE
        return pci_tree.devices(source) or Missing("not-parsed", "it shows no device")

    def _log(self, name: str) -> list[Json] | Missing:
        source = self.capture.sources.get(name)
        why = failure(source)
        if source is None or why is not None:
            return why or _NONE
        if not source.stdout.strip():
            return refusal(source) or Missing("not-present", "the log is empty")
        try:
            return list(kernel.parse(source.stdout)["xid"])
        except NotThisKind as error:
            return Missing("not-parsed", str(error))


_NONE = NOT_COLLECTED


def during_test(before: Before, pci: str, is_only_card: bool) -> Picks:
    return {
        "pcie_replays_under_load": first((f"nvml, nvml{_AFTER}", _replays(before, pci))),
        "pcie_errors_under_load": first((f"sysfs-pci, sysfs-pci{_AFTER}", _errors(before, pci))),
        "xids_during_test": _xids(before, pci, is_only_card),
    }


def _replays(before: Before, pci: str) -> Fact[int]:
    counts = [_replay_count(answers, pci) for answers in before.nvml]
    for count in reversed(counts):
        if not isinstance(count, int):
            return count
    earlier, later = counts
    assert isinstance(earlier, int)
    assert isinstance(later, int)
    if later < earlier:
        return Missing("not-parsed", "the replay counter was reset meanwhile")
    return later - earlier


def _replay_count(answers: Nvml, pci: str) -> Fact[int]:
    device = answers.by_address().get(pci)
    return nvml.card(device, answers.why or _NONE).get("PcieReplayCounter", whole)


def _errors(before: Before, pci: str) -> Fact[Mapping[str, int]]:
    """Of the card and the ports above it, by severity; a port without counters counts nothing."""
    old, new = before.trees
    for tree in (new, old):
        if isinstance(tree, Missing):
            return tree
    assert not isinstance(old, Missing)
    assert not isinstance(new, Missing)
    card = new.get(pci)
    if card is None:
        return Missing("gpu-lost", "the card is no longer on the bus")
    grown: dict[str, int] = {}
    for address in (pci, *card.above):
        for severity in _COUNTERS:
            counts = [_total(tree.get(address), severity) for tree in (old, new)]
            if counts[0] is not None and counts[1] is not None:
                more = max(counts[1] - counts[0], 0)
                grown[severity] = grown.get(severity, 0) + more
    return grown or Missing("not-present", "the kernel counts no errors on this path")


def _total(device: PciDevice | None, severity: str) -> int | None:
    name, total = _COUNTERS[severity]
    match = total.search(device.files.get(name, "")[:4096]) if device else None
    return int(match[1]) if match else None


def _xids(before: Before, pci: str, is_only_card: bool) -> Picked:
    if isinstance(before.new_xids, Missing):
        return Picked(before.new_xids)
    mine = [e for e in before.new_xids if e["pci"] == pci or (e["pci"] is None and is_only_card)]
    events = {code: [e for e in mine if e["code"] == code] for code in {e["code"] for e in mine}}
    found = tuple(_event(code, listed) for code, listed in sorted(events.items()))
    return Picked(found, f"dmesg, dmesg{_AFTER}")


def _event(code: int, events: list[Json]) -> XidEvent:
    first, last = (plain(str(event.get("stamp") or ""))[:64] for event in (events[0], events[-1]))
    message = plain(str(events[0].get("message") or ""))[:400]
    return XidEvent(code, message, len(events), 0, first, last)


def _identity(event: Json) -> tuple[object, ...]:
    return event["pci"], event["code"], event.get("stamp"), event.get("message")
