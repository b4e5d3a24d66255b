from __future__ import annotations

import pytest

from preflight.checks.gpu_count import Limits, check
from preflight.findings import FAIL, PASS, WARN, Status

UNKNOWN = Status.UNKNOWN


@pytest.mark.parametrize(
    "counts, status",
    [
        ({"lspci": 3, "nvml": 3, "proc-nvidia": 3}, PASS),
        ({"lspci": 3, "proc-nvidia": 3}, PASS),
        ({"sysfs-pci": 1}, PASS),  # nouveau holds it; other checks say so
        ({"sysfs-pci": 2, "nvml": 1}, FAIL),
        ({"sysfs-pci": 2, "nvml": 1, "lspci": 2}, FAIL),
        ({"lspci": 2, "nvml": 2, "proc-nvidia": 1}, FAIL),
        ({"lspci": 1, "sysfs-pci": 2}, FAIL),
        ({"lspci": 4, "nvml": 8}, FAIL),  # more cards than the bus has
        ({"lspci": 0}, FAIL),
        ({"lspci": 0, "nvml": 2}, FAIL),
        ({"sysfs-pci": 2, "nvml": 0}, FAIL),
        ({"nvml": 2}, UNKNOWN),
        ({}, UNKNOWN),
    ],
)
def test_on_a_host(counts: dict[str, int], status: Status) -> None:
    finding = check(Limits(), gpu_counts=counts)
    assert finding.status is status
    if status is not UNKNOWN:
        assert finding.measured == min(counts.values())


@pytest.mark.parametrize(
    "counts, status",
    [
        ({"nvml": 2}, PASS),
        ({"nvml": 2, "proc-nvidia": 2, "sysfs-pci": 2}, PASS),
        ({"nvml": 2, "proc-nvidia": 2, "sysfs-pci": 8}, WARN),
        ({"nvml": 1, "proc-nvidia": 2}, FAIL),
        ({"nvml": 0}, FAIL),
        ({"sysfs-pci": 0}, FAIL),
        ({"sysfs-pci": 0, "nvml": 1}, FAIL),
        ({"sysfs-pci": 8}, UNKNOWN),
        ({}, UNKNOWN),
    ],
)
def test_in_a_container(counts: dict[str, int], status: Status) -> None:
    assert check(Limits(), gpu_counts=counts, is_container=True).status is status


def test_the_message_names_each_source() -> None:
    finding = check(Limits(), gpu_counts={"lspci": 2, "nvml": 1})
    assert finding.message == ("GPU count 1, required 2: the sources disagree (lspci 2, nvml 1)")
    assert (finding.measured, finding.expected) == (1, 2)
    alone = check(Limits(), gpu_counts={"lspci": 1})
    assert alone.message == "GPU count 1 (lspci 1; the driver was not heard)"
    given = check(Limits(), gpu_counts={"sysfs-pci": 8, "nvml": 2}, is_container=True)
    assert given.message.startswith("this container was given 2 of the host's 8 cards")
    hidden = check(Limits(), gpu_counts={"nvml": 2}, is_container=True)
    assert hidden.message == "GPU count 2 (nvml 2; the container hides the bus)"


def test_no_note_where_driver_and_bus_were_heard() -> None:
    host = check(Limits(), gpu_counts={"lspci": 1, "nvml": 1})
    assert host.message == "GPU count 1 (lspci 1, nvml 1)"
    inside = check(Limits(), gpu_counts={"sysfs-pci": 2, "nvml": 2}, is_container=True)
    assert inside.message == "GPU count 2 (nvml 2, sysfs-pci 2)"
