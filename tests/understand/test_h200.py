"""A recorded machine: two H200 passed through to a guest, idle. Expectations are read by hand."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from preflight.facts import (
    DriverLibraries,
    DriverResponse,
    Facts,
    GpuModel,
    GpuUse,
    Missing,
    NotApplicable,
    RemappedRows,
)
from preflight.understand import understand
from tests.understand.build import Builder, with_status
from tests.understand.h200 import recorded

GPU0 = {
    "pci": "0000:00:06.0",
    "nvml_index": 0,
    "name": "NVIDIA H200",
    "uuid": "GPU-02222222-0000-4000-8000-000000000002",
    "serial": "1650000000004",
    "vbios": "96.00.A5.00.1A",
    "board_part_number": "692-2G520-0282-001",
    "pci_device_id": "2335",
    "pci_subsystem_id": "10de:18bf",
    "catalog_names": ("H200",),
    "has_peers": True,
    "lost_signs": (),
    "query_errors": (),
    "pcie_link_width": 16,
    "pcie_link_width_max": 16,
    "pcie_link_gen": 5,
    "pcie_link_gen_max": 5,
    "pcie_device_gen_max": 5,
    "memory_total_mib": 143771,
    "bar1_total_mib": 262144,
    "ecc_enabled": True,
    "ecc_uncorrectable_volatile": 0,
    "ecc_uncorrectable_aggregate_dram": 0,
    "ecc_uncorrectable_aggregate_sram": 0,
    "ecc_sram_threshold_exceeded": False,
    "remapped_rows": RemappedRows(0, 0, False, False),
    "power_limit_w": 700.0,
    "power_limit_default_w": 700.0,
    "power_limit_min_w": 200.0,
    "power_limit_max_w": 700.0,
    "power_draw_w": 79.487,
    "temperature_c": 35,
    "temperature_margin_c": 52,
    "is_idle": True,
    "performance_state": "P0",
    "throttle_reasons": (),
    "use": GpuUse((), 0, 0),
    "persistence_mode": True,
    "mig_enabled": False,
    "compute_mode": "Default",
    "is_open_driver": True,
    "xids": (),
}
GUESTS_VIEW = {"pcie_device_width_max", "slot", "upstream_limits", "aer", "numa_node"}
NOT_THERE = {
    "upstream": "a guest cannot see the ports above its cards",
    "acs_redirecting": "a guest cannot see ACS",
    "fan_speed_percent": "the card has no fan of its own",
    "temperature_slowdown_c": "the card tells the margin to its limit instead",
}
HOST = {
    "gpu_counts": {"nvml": 2, "proc": 2, "sysfs": 2},
    "gpu_models": (
        GpuModel("gpu0", "NVIDIA H200", "2335", 143771),
        GpuModel("gpu1", "NVIDIA H200", "2335", 143771),
    ),
    "gpu_memory_total_mib": 2 * 143771,
    "driver_response": DriverResponse(0.41, "answered", ""),
    "driver_version": "580.159.04",
    "cuda_version": "13.0",
    "driver_libraries": DriverLibraries("580.159.04", {"libnvidia-ml": "580.159.04"}, ""),
    "kernel_faults": (),
    "memory_total_mib": 257811,
    "cpu_model": "Intel(R) Xeon(R) Processor",
    "cpu_count": 32,
    "os_name": "Ubuntu 24.04.3 LTS",
    "virtualization": "kvm",
    "is_guest": True,
}


@pytest.fixture(scope="module")
def machine(corpus: Path) -> Builder:
    return recorded(corpus / "captures/h200x2/idle")


def test_the_first_card(machine: Builder) -> None:
    gpu = understand(machine.capture()).gpus[0]  # type: ignore[index]
    assert {name: getattr(gpu, name) for name in GPU0} == GPU0
    assert gpu.catalog.name == "H200"
    for name in GUESTS_VIEW:
        assert getattr(gpu, name).reason == "guest-view", name
    assert {name: str(getattr(gpu, name)) for name in NOT_THERE} == NOT_THERE
    assert all(isinstance(getattr(gpu, name), NotApplicable) for name in NOT_THERE)


def test_the_host_and_the_way_between_the_cards(machine: Builder) -> None:
    facts = understand(machine.capture())
    assert {name: getattr(facts.host, name) for name in HOST} == HOST
    assert [(pair.subject, pair.topology) for pair in facts.pairs] == [("gpu0-gpu1", "NV18")]
    assert [path.subject for path in facts.peer_paths] == ["gpu0>gpu1", "gpu1>gpu0"]
    for path in facts.peer_paths:
        statuses = path.peer_read, path.peer_write, path.peer_read_back, path.peer_write_back
        assert statuses == ("OK", "OK", "OK", "OK")
        assert path.peer_expected is True
        assert path.is_geforce is False


def test_a_warm_card_after_a_load(corpus: Path) -> None:
    facts = understand(recorded(corpus / "captures/h200x2/loaded").capture())
    one, two = facts.gpus  # type: ignore[misc]
    assert (one.temperature_c, one.temperature_margin_c) == (42, 49)
    assert (two.temperature_c, two.temperature_margin_c) == (39, 51)


# What each source alone gives here: without it these are Missing, and nothing else is.
# query_errors and driver_response hold a refusal instead, where the tool is there and fails.
ALONE: dict[str, set[str]] = {
    "nvml": {"driver_libraries", "smi_disagreements", "unassigned_bars"},
    "smi-q": {
        "ecc_uncorrectable_volatile",
        "ecc_uncorrectable_aggregate_dram",
        "ecc_uncorrectable_aggregate_sram",
        "ecc_sram_threshold_exceeded",
        "temperature_c",
        "temperature_slowdown_c",
        "use",
        "ecc_correctable_volatile_dram",
        "inforom_corrupted",
        "memory_temperature_c",
        "recovery_action",
        "smi_disagreements",
    },
    "smi-topo": {"topology", "peer_expected", "peer_nvlink_gb_s"},
    "smi-p2p-r": {"peer_access_granted"},
    "smi-p2p-w": set(),
    "dmesg": {"xids", "kernel_faults", "sxids"},
    "lscpu": {"cpu_model", "cpu_count", "cpu_cores", "cpu_sockets", "numa_node_count"},
    "proc-nvidia": {"is_open_driver", "driver_libraries"},
    "sysfs-pci": {"iommu_group"},
    "os": {
        "os_name",
        "nouveau_loaded",
        "nvidia_module_loaded",
        "reboot_required",
        "toolkit_engines",
        "upgrades_itself",
    },
    "proc": {"memory_total_mib@host", "memory_available_mib", "huge_pages_mib"},
}
STATUSES = "tool-absent", "tool-failed", "timed-out", "not-permitted"


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("source", ALONE)
def test_a_source_that_fails_takes_its_own_facts_and_no_others(
    machine: Builder, source: str, status: str
) -> None:
    before = flat(understand(machine.capture()))
    failed = with_status(machine.sources[source], status, "in its own words")
    after = flat(understand(machine.capture(**{source: failed})))
    turned = {
        name
        for name, value in before.items()
        if not isinstance(value, Missing) and isinstance(after[name], Missing)
    }
    assert {plain(name) for name in turned} == ALONE[source]
    # unassigned_bars keeps the reason of its first source: this recording lacks sysfs's resource.
    reasons = {after[name].reason for name in turned if plain(name) != "unassigned_bars"}
    assert reasons <= {status, "not-collected", "guest-view"}
    assert status in reasons or not turned or source == "smi-topo"


def flat(facts: Facts) -> dict[str, Any]:
    """Every fact by subject and name."""
    subjects = [facts.host, *facts.gpus, *facts.pairs, *facts.peer_paths]  # type: ignore[misc]
    return {
        f"{subject.subject} {field.name}": getattr(subject, field.name)
        for subject in subjects
        for field in fields(subject)
        if field.name not in ("subject", "label", "sources", "pci")
    }


def plain(name: str) -> str:
    subject, _, field = name.partition(" ")
    return f"{field}@host" if (subject, field) == ("host", "memory_total_mib") else field
