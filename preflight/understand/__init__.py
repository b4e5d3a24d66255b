"""What a capture means: one pure function from raw evidence to facts.

One file a subject. Each gives its facts as `Picked`: the value and the source that it came from,
or why no source had it; picking.py chooses between sources, sources.py says why one gave nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from preflight.capture import Capture
from preflight.facts import NOT_IN_BUG_REPORT, Card, Fact, Facts, Gpu, GpuModel, Host, Missing
from preflight.understand import cards as roll
from preflight.understand import kernel
from preflight.understand.after_test import after_test
from preflight.understand.answers import answers
from preflight.understand.attachment import attachment
from preflight.understand.bmc import bmc
from preflight.understand.cards import CardEvidence
from preflight.understand.compared import compared
from preflight.understand.condition import condition, power_cable
from preflight.understand.connections import connections
from preflight.understand.disk_health import disk_health
from preflight.understand.disks import file_systems
from preflight.understand.driver import driver
from preflight.understand.during_test import Before, during_test
from preflight.understand.edac import with_counters
from preflight.understand.evidence import Evidence, evidence
from preflight.understand.fabric import fabric
from preflight.understand.host import machine
from preflight.understand.identity import identity
from preflight.understand.kernel import Logs
from preflight.understand.link import link
from preflight.understand.measured_card import measured_card, wrong_results
from preflight.understand.measured_host import measured_host, with_reads
from preflight.understand.measured_pairs import with_faults, with_measured
from preflight.understand.measurements import taken
from preflight.understand.memory import memory
from preflight.understand.modes import modes
from preflight.understand.nearest import DECIDING, nearest_product
from preflight.understand.network import network
from preflight.understand.nvlink import nvlink
from preflight.understand.open_module import closed_module_cards
from preflight.understand.packages import packages
from preflight.understand.pairs import pairs, peer_paths
from preflight.understand.picking import Picked, Picks
from preflight.understand.places import places
from preflight.understand.ports import ports
from preflight.understand.power import power
from preflight.understand.resources import resources
from preflight.understand.settings import settings
from preflight.understand.slots import labels, slot
from preflight.understand.system import system
from preflight.understand.under_load import under_load
from preflight.understand.use import use


def understand(capture: Capture) -> Facts:
    """Everything that the capture tells of its host."""
    seen = evidence(capture)
    logs = kernel.logs(capture)
    found = roll.cards(seen)
    known = labels(capture)
    gpus = () if isinstance(found, Missing) else _gpus(found, logs, known)
    between = pairs(seen, gpus)
    paths = peer_paths(seen, gpus, between)
    between, paths = with_measured(seen.measurements, gpus, between, paths)
    gpus = with_faults(gpus, paths)
    told = found if isinstance(found, Missing) else gpus
    together = measured_host(seen.measurements, told, between, paths)
    return Facts(
        host=_host(seen, logs, told, together),
        gpus=told,
        pairs=between,
        peer_paths=paths,
        file_systems=NOT_IN_BUG_REPORT
        if capture.imported
        else with_reads(seen.measurements, file_systems(capture)),
    )


def _gpus(
    found: tuple[CardEvidence, ...], logs: Logs, slots: Mapping[str, str] | Missing
) -> tuple[Gpu, ...]:
    if not found:
        return ()
    seen = found[0].host
    again = Before(seen.capture)
    wrong = wrong_results(seen.measurements, {card.pci: card.subject for card in found})
    return tuple(_gpu(card, logs, slots, again, wrong[card.pci]) for card in found)


def _gpu(
    card: CardEvidence,
    logs: Logs,
    slots: Mapping[str, str] | Missing,
    again: Before,
    wrong: Fact[tuple[str, ...]],
) -> Gpu:
    is_only_card = len(card.all_cards) == 1
    xids = kernel.xids(logs, card.pci, is_only_card)
    picks = {
        **identity(card),
        **slot(card, slots),
        **answers(card, logs),
        **condition(card),
        **link(card),
        **ports(card, logs),
        **attachment(card),
        **power(card),
        **use(card),
        "upstream_limits": _upstream_limits(card, logs),
        "xids": xids,
        "power_cable_signs": power_cable(card, xids),
        "has_peers": Picked(len(card.all_cards) > 1),
    }
    picks |= modes(card, picks["catalog"].value)
    picks |= memory(card, picks["catalog"].value)
    picks |= nvlink(card, picks["catalog"].value)
    picks |= measured_card(card, picks)
    picks |= during_test(again, card.pci, is_only_card)
    picks |= after_test(again, card.pci)
    picks |= under_load(card.host.measurements, card.pci)
    nearest = nearest_product(*(picks[name].value for name in DECIDING))
    picks |= {
        "wrong_results": taken(wrong),
        "nearest_product": taken(nearest),
    }
    return Gpu(card.subject, card.pci, _sources(picks), **_values(picks))


def _upstream_limits(card: CardEvidence, logs: Logs) -> Picked:
    if card.host.is_guest:
        return Picked(Missing("guest-view", "only the hypervisor knows the ports above"))
    return kernel.limits(logs, card.pci)


def _host(seen: Evidence, logs: Logs, gpus: tuple[Gpu, ...] | Missing, together: Picks) -> Host:
    joined = fabric(seen, gpus)
    subjects = {} if isinstance(gpus, Missing) else {gpu.pci: gpu.subject for gpu in gpus}
    picks = {
        **driver(seen),
        **machine(seen),
        **resources(seen),
        **system(seen),
        **settings(seen),
        **network(seen),
        **connections(seen),
        **disk_health(seen),
        **bmc(seen, gpus),
        "gpu_counts": roll.counts(seen),
        "gpu_models": Picked(_models(gpus)),
        "closed_module_cards": Picked(closed_module_cards(gpus), "proc-nvidia"),
        "gpu_memory_total_mib": Picked(_memory_of_all(gpus)),
        **places(seen, gpus),
        **packages(seen),
        **compared(seen, gpus),
        **together,
        "fabric": joined,
        "sxids": kernel.switch_errors(logs, joined.value),
        "kernel_faults": with_counters(
            kernel.faults(logs, subjects, seen.is_container), seen.capture
        ),
    }
    return Host(sources=_sources(picks), **_values(picks))


def _models(gpus: tuple[Gpu, ...] | Missing) -> Fact[tuple[GpuModel, ...]]:
    """A card that no longer tells its name has that of its twin, else the catalogue's."""
    if isinstance(gpus, Missing):
        return gpus
    names = {
        gpu.pci_device_id: gpu.name
        for gpu in gpus
        if isinstance(gpu.name, str) and isinstance(gpu.pci_device_id, str)
    }
    models = [_model(gpu, names) for gpu in gpus]
    lacking = next((model for model in models if isinstance(model, Missing)), None)
    return lacking or tuple(model for model in models if isinstance(model, GpuModel))


def _model(gpu: Gpu, twins: Mapping[str, str]) -> GpuModel | Missing:
    device = gpu.pci_device_id if isinstance(gpu.pci_device_id, str) else None
    named = gpu.catalog.name if isinstance(gpu.catalog, Card) else gpu.pci_name
    told = next((n for n in (gpu.name, twins.get(device or ""), named) if isinstance(n, str)), None)
    if told is None:
        return gpu.name if isinstance(gpu.name, Missing) else Missing("not-present")
    size = gpu.memory_total_mib
    return GpuModel(gpu.subject, told, device, size if isinstance(size, int) else None)


def _memory_of_all(gpus: tuple[Gpu, ...] | Missing) -> Fact[int]:
    if isinstance(gpus, Missing):
        return gpus
    sizes = [gpu.memory_total_mib for gpu in gpus]
    lacking = next((size for size in sizes if isinstance(size, Missing)), None)
    return lacking or sum(size for size in sizes if isinstance(size, int))


def _values(picks: Picks) -> dict[str, Any]:
    return {name: picked.value for name, picked in picks.items()}


def _sources(picks: Picks) -> dict[str, str]:
    return {name: picked.source for name, picked in picks.items() if picked.source}
