"""What the driver itself says is wrong with a card."""

from __future__ import annotations

import pytest

from preflight.capture import Capture
from preflight.facts import Gpu, Missing, NotApplicable
from preflight.understand import understand
from tests.understand.build import ADDRESSES, QUIET, bare, command, device, nvml

RECOVERY = "FieldValues(GET_GPU_RECOVERY_ACTION)"


def gpus(capture: Capture) -> tuple[Gpu, ...]:
    found = understand(capture).gpus
    assert isinstance(found, tuple)
    return found


@pytest.mark.parametrize(
    "value, action",
    [
        (0, "none"),
        (1, "reset"),
        (2, "reboot"),
        (3, "drain peer traffic"),
        (4, "drain and reset"),
        (9, Missing("not-parsed", "9")),
        ("!NOT_SUPPORTED", Missing("not-supported", "NOT_SUPPORTED")),
    ],
)
def test_recovery_action(value: object, action: object) -> None:
    gpu, _ = gpus(bare(**{RECOVERY: value}).capture())
    assert gpu.recovery_action == action


@pytest.mark.parametrize(
    "said, exit_code, corrupted",
    [
        ("", 0, (False, False)),
        ("WARNING: infoROM is corrupted at gpu 0000:61:00.0\n", 14, (False, True)),
        ("WARNING: infoROM is corrupted at gpu 00000000:41:00.0\n", 0, (True, False)),
        ("", 14, (True, True)),  # it does not say which
    ],
)
def test_inforom(said: str, exit_code: int, corrupted: tuple[bool, bool]) -> None:
    listing = SMI + said
    capture = bare().capture(smi_q=command(listing, exit_code=exit_code))
    assert tuple(gpu.inforom_corrupted for gpu in gpus(capture)) == corrupted


def test_inforom_is_unknown_where_nvidia_smi_gave_nothing() -> None:
    gpu, _ = gpus(bare().capture())
    assert gpu.inforom_corrupted == Missing("not-collected")


def test_nvml_tells_of_a_corrupted_inforom() -> None:
    gpu, _ = gpus(bare(InforomImageVersion="!CORRUPTED_INFOROM").capture())
    assert gpu.inforom_corrupted is True


def test_a_card_that_answers_has_its_power() -> None:
    gpu, _ = gpus(bare().capture())
    assert gpu.power_cable_signs == ()


def test_signs_of_a_missing_cable() -> None:
    refused = nvml(device(0, ADDRESSES[0]), device(1, ADDRESSES[1], Name="!INSUFFICIENT_POWER"))
    good, bad = gpus(bare().capture(nvml=refused))
    assert (good.power_cable_signs, bad.power_cable_signs) == ((), ("NVML: INSUFFICIENT_POWER",))


def test_xid_54_names_the_card_whose_cable_is_missing() -> None:
    line = "[   90.000000] NVRM: Xid (PCI:0000:61:00): 54, GPU power cables are not connected\n"
    good, bad = gpus(bare().capture(dmesg=command(QUIET + line)))
    assert good.power_cable_signs == ()
    assert isinstance(bad.power_cable_signs, tuple)
    assert bad.power_cable_signs[0].startswith("Xid 54: ")
    assert bad.sources["power_cable_signs"] == "dmesg"


@pytest.mark.parametrize(
    "value, mode",
    [(0, "None"), (1, "Pass-Through"), (2, "VGPU"), (3, "Host VGPU"), (4, "Host VSGA")],
)
def test_virtualization_mode(value: int, mode: str) -> None:
    gpu, _ = gpus(bare(VirtualizationMode=value).capture())
    assert gpu.virtualization_mode == mode


def test_firmware_of_a_card_that_runs_none() -> None:
    with_it, _ = gpus(bare(GspFirmwareVersion="580.126.09").capture())
    without, _ = gpus(bare(GspFirmwareVersion="!NOT_SUPPORTED").capture())
    assert with_it.gsp_firmware == "580.126.09"
    assert isinstance(without.gsp_firmware, NotApplicable)


SMI = """<?xml version="1.0" ?>
<!DOCTYPE nvidia_smi_log SYSTEM "nvsmi_device_v12.dtd">
<nvidia_smi_log>
\t<driver_version>580.126.09</driver_version>
\t<attached_gpus>2</attached_gpus>
\t<gpu id="00000000:41:00.0">
\t\t<product_name>NVIDIA GeForce RTX 4090</product_name>
\t</gpu>
\t<gpu id="00000000:61:00.0">
\t\t<product_name>NVIDIA GeForce RTX 4090</product_name>
\t</gpu>
</nvidia_smi_log>
"""
