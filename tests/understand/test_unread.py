"""Evidence that could not be read stays unknown: it neither says no, nor that there is nothing."""

from __future__ import annotations

import msgspec
import pytest

from preflight.capture import Source
from preflight.facts import DriverResponse, Missing, NotApplicable
from preflight.understand import understand
from tests.understand.build import ADDRESSES, Builder, command, device, files, nvml, with_status

GOVERNOR = "/sys/devices/system/cpu/cpufreq/policy0/scaling_governor"
STATE = "/sys/devices/pci0000:00/0000:00:03.0/net/eth0/operstate"
CARDS = [f"/proc/driver/nvidia/gpus/{pci}/information" for pci in ADDRESSES]


@pytest.mark.parametrize("said", ["%PDF-1.4 nothing", "Segmentation fault", "\x1b[31m!!", "-"])
def test_what_is_no_name_of_a_hypervisor_makes_no_guest(said: str) -> None:
    host = understand(Builder().capture(detect_virt=command(said))).host
    assert host.is_guest is not True
    named = understand(Builder().capture(detect_virt=command("kvm\n"))).host
    assert named.is_guest is True


@pytest.mark.parametrize("error", ["not-permitted", "tool-failed: EIO"])
def test_a_governor_that_cannot_be_read_is_no_absent_one(error: str) -> None:
    unread = Source(status="ok", files={"/sys/x": "1"}, errors={GOVERNOR: error})
    bare = understand(Builder().capture(cpu=files({"/sys/x": "1"}), detect_virt=command("none")))
    assert isinstance(bare.host.cpu_governor, NotApplicable)
    seen = understand(Builder().capture(cpu=unread, detect_virt=command("none")))
    assert isinstance(seen.host.cpu_governor, Missing)
    assert seen.host.cpu_governor.reason == error.partition(":")[0]


def test_a_network_card_whose_state_cannot_be_read_is_no_absent_one() -> None:
    down = understand(Builder().capture(net=files({STATE: "down"}))).host
    assert isinstance(down.nics, NotApplicable)
    unread = Source(status="ok", errors={STATE: "not-permitted"})
    assert understand(Builder().capture(net=unread)).host.nics == Missing("not-permitted", STATE)
    silent = files({STATE.replace("operstate", "speed"): "1000"})
    assert isinstance(understand(Builder().capture(net=silent)).host.nics, Missing)


def test_a_card_that_the_driver_lists_counts_though_its_file_cannot_be_read() -> None:
    version = {"/proc/driver/nvidia/version": "NVRM version: NVIDIA UNIX x86_64 Kernel Module  5"}
    listed = Source(
        status="ok",
        files=version | {CARDS[0]: "Model: \t\t NVIDIA H200"},
        errors={CARDS[1]: "not-permitted"},
    )
    counts = understand(Builder().capture(proc_nvidia=listed)).host.gpu_counts
    assert isinstance(counts, dict)
    assert counts["proc"] == 2
    gone = msgspec.structs.replace(listed, errors={CARDS[1]: "not-present"})
    counts = understand(Builder().capture(proc_nvidia=gone)).host.gpu_counts
    assert isinstance(counts, dict)
    assert counts["proc"] == 1


def test_a_library_that_was_asked_nothing_has_not_counted_the_cards() -> None:
    asked = understand(Builder().capture(nvml=nvml())).host.gpu_counts
    assert isinstance(asked, dict)
    assert asked["nvml"] == 0
    silent = understand(Builder().capture(nvml=Source(status="ok"))).host.gpu_counts
    assert not isinstance(silent, dict) or "nvml" not in silent


def test_an_answer_of_the_library_does_not_hide_that_the_tool_hung() -> None:
    hung = with_status(command(), "timed-out")
    seen = understand(Builder().capture(smi_q=hung, nvml=nvml(device(0, ADDRESSES[0])))).host
    assert isinstance(seen.driver_response, DriverResponse)
    assert not seen.driver_response.answered
