from __future__ import annotations

import pytest

from preflight.checks.cpu_governor import Limits, check
from preflight.findings import PASS, WARN, Status


@pytest.mark.parametrize(
    "governor, driver, preference, status",
    [
        ("performance", "acpi-cpufreq", "", PASS),
        ("schedutil", "amd-pstate", "", PASS),
        ("ondemand", "acpi-cpufreq", "", PASS),
        ("powersave", "acpi-cpufreq", "", WARN),
        ("powersave", "amd-pstate", "", WARN),  # its passive mode
        ("powersave", "", "", WARN),
        ("powersave", "intel_pstate", "balance_performance", PASS),
        ("powersave", "intel_pstate", "", PASS),
        ("powersave", "amd-pstate-epp", "power", WARN),
        ("powersave", "intel_pstate", "balance_power", WARN),
        ("performance", "intel_pstate", "power", PASS),
        ("powersave", "amd-pstate-epp", "balance_performance", PASS),
        ("powersave", "amd_pstate_epp", "balance_performance", PASS),
    ],
)
def test_governor(governor: str, driver: str, preference: str, status: Status) -> None:
    told = {"cpu_frequency_driver": driver, "cpu_energy_preference": preference}
    assert check(Limits(), cpu_governor=governor, **told).status is status


@pytest.mark.parametrize(
    "governor, driver, preference, words",
    [
        ("powersave", "", "", "governor powersave, required performance"),
        ("ondemand", "acpi-cpufreq", "power", "governor ondemand, driver acpi-cpufreq"),
        ("powersave", "intel_pstate", "", "governor powersave, driver intel_pstate"),
        (
            "powersave",
            "intel_pstate",
            "power",
            "governor powersave, driver intel_pstate, preference power, required performance",
        ),
    ],
)
def test_all_that_decides_the_clock_is_told(
    governor: str, driver: str, preference: str, words: str
) -> None:
    told = {"cpu_frequency_driver": driver, "cpu_energy_preference": preference}
    finding = check(Limits(), cpu_governor=governor, **told)
    assert finding.message == f"processor clock: {words}"
    assert finding.expected == "performance"
