"""Memory, power and heat: what a card does not have, and what could only not be read."""

from __future__ import annotations

from typing import Any

import pytest

from preflight.facts import (
    Gpu,
    Missing,
    NotApplicable,
    RemappedRows,
    RemapperBanks,
    RetiredPages,
)
from preflight.understand import understand
from tests.understand.build import CARDS, RTX4090, bare, bridge, command, files, pci_device

A6000 = files(bridge(CARDS[0].rpartition("/")[0]) | pci_device(CARDS[0], device="0x2230"))
A100 = files(pci_device(CARDS[0], device="0x20b2"))
T4 = files(pci_device(CARDS[0], device="0x1eb8"))
UNKNOWN = files(pci_device(CARDS[0], device="0x9999"))
GEFORCE = files(pci_device(CARDS[0], **RTX4090))
OFF = "!NOT_SUPPORTED"


def card(tree: Any = GEFORCE, **calls: Any) -> Gpu:
    return understand(bare(**calls).capture(sysfs_pci=tree)).gpus[0]  # type: ignore[index]


VOLATILE = "TotalEccErrors(UNCORRECTED,VOLATILE)"
DRAM = "MemoryErrorCounter(UNCORRECTED,AGGREGATE,DRAM)"
SRAM = "MemoryErrorCounter(UNCORRECTED,AGGREGATE,SRAM)"


def test_counters_of_a_card_with_ecc() -> None:
    status = {"aggregateUncParity": 3, "aggregateUncSecDed": 2, "bThresholdExceeded": 1}
    calls = {VOLATILE: 1, DRAM: 2, SRAM: 9, "EccMode": [1, 1], "SramEccErrorStatus": status}
    gpu = card(A100, **calls)
    assert gpu.ecc_enabled is True
    assert gpu.ecc_uncorrectable_volatile == 1
    assert gpu.ecc_uncorrectable_aggregate_dram == 2
    assert gpu.ecc_uncorrectable_aggregate_sram == 5
    assert gpu.ecc_sram_threshold_exceeded is True
    assert card(A100, **{SRAM: 9, "EccMode": [1, 1]}).ecc_uncorrectable_aggregate_sram == 9


NO_ECC = NotApplicable("the card has no ECC")
NONE = {"EccMode": OFF, VOLATILE: OFF, DRAM: OFF, SRAM: OFF, "SramEccErrorStatus": OFF}
COUNTERS = (
    "ecc_uncorrectable_volatile",
    "ecc_uncorrectable_aggregate_dram",
    "ecc_uncorrectable_aggregate_sram",
    "ecc_sram_threshold_exceeded",
)


@pytest.mark.parametrize("tree", [GEFORCE, UNKNOWN])
def test_a_card_without_ecc_owes_no_counter(tree: Any) -> None:
    gpu = card(tree, **NONE)
    assert {name: getattr(gpu, name) for name in COUNTERS} == dict.fromkeys(COUNTERS, NO_ECC)
    assert gpu.ecc_enabled == NO_ECC


def test_a_product_with_ecc_that_says_it_has_none_is_not_believed() -> None:
    gpu = card(A100, **NONE)
    assert gpu.ecc_enabled == Missing("not-supported", "NOT_SUPPORTED")
    assert isinstance(gpu.ecc_uncorrectable_volatile, Missing)


def test_ecc_that_is_switched_off_counts_nothing() -> None:
    gpu = card(A6000, **NONE | {"EccMode": [0, 0]})
    assert gpu.ecc_enabled is False
    assert gpu.ecc_uncorrectable_volatile == NotApplicable("ECC is switched off")


@pytest.mark.parametrize("error", ["UNKNOWN", "FUNCTION_NOT_FOUND", "GPU_IS_LOST", "NO_PERMISSION"])
def test_an_error_is_not_the_absence_of_ecc(error: str) -> None:
    gpu = card(**dict.fromkeys(NONE, f"!{error}"))
    assert isinstance(gpu.ecc_enabled, Missing)
    assert all(isinstance(getattr(gpu, name), Missing) for name in COUNTERS)


@pytest.mark.parametrize(
    "tree, rows, found",
    [
        (GEFORCE, [0, 0, 0, 0], RemappedRows(0, 0, False, False)),  # a 4090 tells it too
        (A100, [3, 2, 1, 1], RemappedRows(3, 2, True, True)),
        (GEFORCE, OFF, NotApplicable("the card has no row remapper")),
        (UNKNOWN, OFF, NotApplicable("the card has no row remapper")),
        (T4, OFF, NotApplicable("the card has no row remapper")),  # Turing retires pages
        (A100, OFF, Missing("not-supported", "NOT_SUPPORTED")),
        (A6000, OFF, Missing("not-supported", "NOT_SUPPORTED")),
        (GEFORCE, "!UNKNOWN", Missing("tool-failed", "UNKNOWN")),
        (GEFORCE, [0, 0, 0], Missing("not-parsed", "[0, 0, 0]")),
        (GEFORCE, [0, None, 0, 0], Missing("not-parsed", "[0, None, 0, 0]")),
        (GEFORCE, [0, 0, 2, 0], Missing("not-parsed", "[0, 0, 2, 0]")),
    ],
)
def test_remapped_rows(tree: Any, rows: Any, found: object) -> None:
    assert card(tree, RemappedRows=rows).remapped_rows == found


def test_a_divided_card_may_hide_its_rows() -> None:
    gpu = card(GEFORCE, RemappedRows=OFF, MigMode=[1, 1])
    assert gpu.remapped_rows == Missing("not-supported", "NOT_SUPPORTED")
    assert gpu.mig_enabled is True


@pytest.mark.parametrize(
    "guest, window_mib, found",
    [
        (False, 256, 256),
        (True, 32768, 32768),
        (True, 256, Missing("guest-view", "a guest's window says nothing of the host's")),
    ],
)
def test_the_window_on_the_memory(guest: bool, window_mib: int, found: object) -> None:
    calls = {
        "BAR1MemoryInfo": {"bar1Total": window_mib << 20},
        "MemoryInfo": {"total": 24564 << 20},
    }
    virt = {"detect_virt": command("kvm\n")} if guest else {}
    gpu = understand(bare(**calls).capture(**virt)).gpus[0]  # type: ignore[index]
    assert gpu.memory_total_mib == 24564
    assert gpu.bar1_total_mib == found


@pytest.mark.parametrize("total", ["24564", None, {"total": "much"}, {"total": -1 << 70}, [1]])
def test_a_structure_that_is_none_is_no_number(total: Any) -> None:
    assert card(MemoryInfo=total).memory_total_mib.reason == "not-parsed"  # type: ignore[union-attr]


def test_power_in_watts() -> None:
    gpu = card(
        EnforcedPowerLimit=350000,
        PowerManagementDefaultLimit=450000,
        PowerManagementLimitConstraints=[150000, 530000],
        PowerUsage=33412,
    )
    limits = gpu.power_limit_w, gpu.power_limit_default_w, gpu.power_limit_min_w
    assert (*limits, gpu.power_limit_max_w) == (350.0, 450.0, 150.0, 530.0)
    assert gpu.power_draw_w == 33.412
    assert card(EnforcedPowerLimit=OFF).power_limit_w == Missing("not-supported", "NOT_SUPPORTED")


@pytest.mark.parametrize(
    "mask, reasons",
    [
        (0x0, ()),
        (0x1, ()),  # idle
        (0x4, ("sw_power_cap",)),
        (0x48, ("hw_slowdown", "hw_thermal")),
        (0xA0, ("sw_thermal", "hw_power_brake")),
        (0x112, ("applications_clocks", "sync_boost", "display_clocks")),
        (0x201, ("0x200",)),  # a bit that has no name yet
    ],
)
def test_what_holds_the_clocks_back(mask: int, reasons: tuple[str, ...]) -> None:
    assert card(CurrentClocksEventReasons=mask).throttle_reasons == reasons
    older = {
        "CurrentClocksEventReasons": "!FUNCTION_NOT_FOUND",
        "CurrentClocksThrottleReasons": mask,
    }
    assert card(**older).throttle_reasons == reasons


@pytest.mark.parametrize(
    "calls, margin, slowdown",
    [
        ({"MarginTemperature": 49}, 49, Missing("not-collected")),
        ({"TemperatureThreshold(SLOWDOWN)": 93}, Missing("not-collected"), 93),
        (
            {"MarginTemperature": OFF, "TemperatureThreshold(SLOWDOWN)": 93},
            NotApplicable("the card tells no margin to its limit"),
            93,
        ),
        (
            {"MarginTemperature": 49, "TemperatureThreshold(SLOWDOWN)": OFF},
            49,
            NotApplicable("the card tells the margin to its limit instead"),
        ),
        (
            {"MarginTemperature": OFF, "TemperatureThreshold(SLOWDOWN)": OFF},
            NotApplicable("the card tells no margin to its limit"),
            Missing("not-supported", "NOT_SUPPORTED"),
        ),
        (
            {"MarginTemperature": "!FUNCTION_NOT_FOUND"},
            Missing("not-supported", "FUNCTION_NOT_FOUND"),
            Missing("not-collected"),
        ),
    ],
)
def test_limits_of_heat(calls: dict[str, Any], margin: object, slowdown: object) -> None:
    gpu = card(**calls)
    assert (gpu.temperature_margin_c, gpu.temperature_slowdown_c) == (margin, slowdown)


@pytest.mark.parametrize(
    "call, value, field, found",
    [
        ("FanSpeed", 30, "fan_speed_percent", 30),
        ("FanSpeed", OFF, "fan_speed_percent", NotApplicable("the card has no fan of its own")),
        ("FanSpeed", "!UNKNOWN", "fan_speed_percent", Missing("tool-failed", "UNKNOWN")),
        ("PerformanceState", 8, "performance_state", "P8"),
        ("PerformanceState", 32, "performance_state", Missing("not-parsed", "32")),
        ("Temperature(GPU)", 35, "temperature_c", 35),
        ("ComputeMode", 3, "compute_mode", "Exclusive Process"),
        ("ComputeMode", 0, "compute_mode", "Default"),
        ("ComputeMode", 9, "compute_mode", Missing("not-parsed", "9")),
        ("ComputeMode", "x", "compute_mode", Missing("not-parsed", "x")),
        ("MigMode", OFF, "mig_enabled", False),
        ("MigMode", "!UNKNOWN", "mig_enabled", Missing("tool-failed", "UNKNOWN")),
        ("PersistenceMode", 0, "persistence_mode", False),
    ],
)
def test_one_call_one_fact(call: str, value: Any, field: str, found: object) -> None:
    assert getattr(card(**{call: value}), field) == found


@pytest.mark.parametrize("own", [0, "!UNKNOWN"])
def test_the_daemon_keeps_the_driver_loaded_in_the_cards_stead(own: Any) -> None:
    shown = (
        "Id=nvidia-persistenced.service\nLoadState=loaded\nActiveState={}\n\n"
        "Id=nvidia-fabricmanager.service\nLoadState=not-found\nActiveState={}\n"
    )
    builder = bare(PersistenceMode=own)
    runs, fails = (command(shown.format(*pair)) for pair in
                   (("active", "inactive"), ("failed", "active")))  # fmt: skip
    assert understand(builder.capture(systemd_nvidia=runs)).gpus[0].persistence_mode is True  # type: ignore[index]
    gpu = understand(builder.capture(systemd_nvidia=fails)).gpus[0]  # type: ignore[index]
    assert gpu.persistence_mode is not True


V100 = files(pci_device(CARDS[0], device="0x1db1"))
PAGES = "RetiredPages_v2(MULTIPLE_SINGLE_BIT_ECC_ERRORS)", "RetiredPages_v2(DOUBLE_BIT_ECC_ERROR)"
PENDING = "RetiredPagesPendingStatus"


def test_retired_pages_are_counted_by_cause() -> None:
    page = {"address": 4096, "timestamp": 0}
    gpu = card(V100, **{PAGES[0]: [page, page], PAGES[1]: [page], PENDING: 1})
    assert gpu.retired_pages == RetiredPages(2, 1, pending=True)
    assert card(V100, **{PAGES[0]: [], PAGES[1]: [], PENDING: 0}).retired_pages == RetiredPages(
        0, 0, pending=False
    )


@pytest.mark.parametrize(
    "tree, is_owed", [(V100, True), (T4, True), (A100, False), (GEFORCE, False)]
)
def test_only_cards_that_retire_pages_owe_them(tree: Any, is_owed: bool) -> None:
    gpu = card(tree, **dict.fromkeys((*PAGES, PENDING), OFF))
    assert isinstance(gpu.retired_pages, Missing if is_owed else NotApplicable)


def test_half_of_the_retired_pages_is_none() -> None:
    gpu = card(V100, **{PAGES[0]: [], PAGES[1]: "!UNKNOWN", PENDING: 0})
    assert gpu.retired_pages == Missing("tool-failed", "UNKNOWN")


def test_spare_rows_by_bank() -> None:
    histogram = {"max": 640, "high": 1, "partial": 2, "low": 3, "none": 4}
    gpu = card(A100, RowRemapperHistogram=histogram)
    assert gpu.remapper_banks == RemapperBanks(none=4, low=3, partial=2, high=1, full=640)
    assert card(RowRemapperHistogram={"max": 192}).remapper_banks == Missing(
        "not-parsed", "{'max': 192}"
    )
    assert isinstance(card(T4, RowRemapperHistogram=OFF).remapper_banks, NotApplicable)
    assert isinstance(card(A100, RowRemapperHistogram=OFF).remapper_banks, Missing)


def test_the_mode_after_the_next_reboot() -> None:
    gpu = card(A100, EccMode=[1, 0])
    assert (gpu.ecc_enabled, gpu.ecc_enabled_after_reboot) == (True, False)


@pytest.mark.parametrize(
    "reading, found",
    [(37, 37), (0, Missing("not-parsed", "0")), (OFF, Missing("not-supported", "NOT_SUPPORTED"))],
)
def test_memory_temperature(reading: object, found: object) -> None:
    gpu = card(**{"FieldValues(MEMORY_TEMP)": reading, "TemperatureThreshold(MEM_MAX)": 95})
    assert (gpu.memory_temperature_c, gpu.memory_temperature_max_c) == (found, 95)
