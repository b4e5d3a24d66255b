"""A capture with each tool's output understood once, before any fact is made of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from preflight.capture import Capture
from preflight.facts import Missing
from preflight.parsers import lspci, p2p, smi, topo
from preflight.understand import nvml, pci_tree
from preflight.understand.measurements import Measurements, measurements
from preflight.understand.nvml import Nvml
from preflight.understand.pci_tree import Tree
from preflight.understand.proc_nvidia import ProcNvidia, proc_nvidia
from preflight.understand.sources import Json, failure, parsed
from preflight.understand.surroundings import Surroundings, surroundings
from preflight.understand.way import Ways, ways


@dataclass(frozen=True)
class Evidence:
    """What each source says, or why it says nothing."""

    capture: Capture
    nvml: Nvml
    smi: Json | Missing
    topo: Json | Missing
    p2p_read: Json | Missing
    p2p_write: Json | Missing
    lspci: Mapping[str, Json] | Missing  # by address
    pci_ids: Mapping[str, Json] | Missing  # of every device, by a plain list
    ways: Ways | Missing  # by lspci
    sysfs: Tree | Missing
    proc: ProcNvidia
    surroundings: Surroundings
    measurements: Measurements

    @property
    def is_guest(self) -> bool:
        return self.surroundings.is_guest.value is True

    @property
    def is_container(self) -> bool:
        return self.surroundings.is_container.value is True


def evidence(capture: Capture) -> Evidence:
    answers = nvml.nvml(capture)
    listing = _lspci(capture, "lspci")
    around = surroundings(capture, answers)
    return Evidence(
        capture=capture,
        nvml=answers,
        smi=parsed(capture, "smi-q", smi.parse),
        topo=parsed(capture, "smi-topo", topo.parse),
        p2p_read=parsed(capture, "smi-p2p-r", p2p.parse),
        p2p_write=parsed(capture, "smi-p2p-w", p2p.parse),
        lspci=listing,
        pci_ids=_lspci(capture, "lspci-list"),
        ways=ways(capture, listing),
        sysfs=_tree(capture, around.is_container.value is True),
        proc=proc_nvidia(capture),
        surroundings=around,
        measurements=measurements(capture),
    )


def _lspci(capture: Capture, source: str) -> Mapping[str, Json] | Missing:
    listing = parsed(capture, source, lspci.parse)
    if isinstance(listing, Missing):
        return listing
    return {device["pci"]: device for device in listing["devices"]}


def _tree(capture: Capture, is_container: bool) -> Tree | Missing:
    """The tree that sysfs shows; it is empty where the bus has no NVIDIA device.

    A Linux without a PCI bus has no card either; a container may just not be shown the bus.
    """
    source = capture.sources.get("sysfs-pci")
    why = failure(source)
    if source is None or (why is not None and (why.reason != "not-present" or is_container)):
        return why or Missing("not-collected")
    return pci_tree.devices(source)
