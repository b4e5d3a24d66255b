"""Does the driver answer: refusals, failed calls, lost cards."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from preflight.capture import NvmlCall, NvmlDevice, Source
from preflight.facts import DriverResponse, Missing
from preflight.understand import understand
from tests.understand.build import (
    ADDRESSES,
    CARDS,
    Builder,
    bare,
    command,
    device,
    files,
    nvml,
    pci_device,
    with_status,
)

COMMUNICATE = (
    "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure that "
    "the latest NVIDIA driver is installed and running.\n"
)
MISMATCH = (
    "Failed to initialize NVML: Driver/library version mismatch\nNVML library version: 530.30\n"
)
HANDLE = f"Unable to determine the device handle for GPU{ADDRESSES[1]}: Unknown Error\n"
NO_LIBRARY = with_status(files({}), "tool-absent", "libnvidia-ml.so.1: no such file")


def errors(builder: Builder, **changed: Source | None) -> list[Any]:
    gpus = understand(builder.capture(**changed)).gpus
    return [gpu.query_errors for gpu in gpus]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "said, exit_code, line",
    [
        (COMMUNICATE, 9, COMMUNICATE.strip()),
        (MISMATCH, 18, "Failed to initialize NVML: Driver/library version mismatch"),
        ("", 139, "exit status 139"),
        (COMMUNICATE, 0, COMMUNICATE.strip()),
        ("Unable to reach the driver", 0, "Unable to reach the driver"),
    ],
)
def test_a_tool_that_refuses_as_a_whole_fails_every_card(
    said: str, exit_code: int, line: str
) -> None:
    refused = command(said, exit_code=exit_code)
    facts = understand(bare().capture(smi_q=refused, nvml=NO_LIBRARY))
    assert facts.host.driver_response == DriverResponse(0.5, "failed", line)
    assert [gpu.query_errors for gpu in facts.gpus] == [(f"nvidia-smi: {line}",)] * 2  # type: ignore[union-attr]


@pytest.mark.parametrize("said", ["", "not XML at all", "<nvidia_smi_log><gpu><ecc_errors>"])
def test_an_answer_that_is_not_understood_is_no_refusal(said: str) -> None:
    facts = understand(bare().capture(smi_q=command(said), nvml=NO_LIBRARY))
    assert isinstance(facts.host.driver_response, Missing)
    assert facts.host.driver_response.reason == "not-parsed"
    assert [type(gpu.query_errors) for gpu in facts.gpus] == [Missing] * 2  # type: ignore[union-attr]


@pytest.mark.parametrize("status, outcome", [("timed-out", "timed-out"), ("tool-failed", "failed")])
def test_a_library_that_gives_no_answer_beside_a_tool_that_does(status: str, outcome: str) -> None:
    broken = nvml(device(0, ADDRESSES[0]), status=status, detail="nvmlInit")
    response = understand(bare().capture(nvml=broken)).host.driver_response
    assert isinstance(response, DriverResponse)
    assert response.outcome == outcome
    assert "NVML" in response.detail or "nvml" in response.detail


def test_a_refusal_that_names_a_card_is_that_cards() -> None:
    refused = command(HANDLE, exit_code=255)
    one, two = errors(bare(), smi_q=refused, nvml=NO_LIBRARY)
    assert one == Missing("tool-failed", HANDLE.strip())
    assert two == (f"nvidia-smi: {HANDLE.strip()}",)
    one, two = errors(bare(), smi_q=refused)  # NVML answers for the other, call by call
    assert one == ()
    assert two == (f"nvidia-smi: {HANDLE.strip()}",)


def test_a_time_in_a_refusal_is_no_address() -> None:
    refused = command("20:48:13 Unable to reach the driver\n", exit_code=1)
    one, two = errors(bare(), smi_q=refused)
    assert one == two == ("nvidia-smi: 20:48:13 Unable to reach the driver",)


def test_a_refusal_that_names_no_card_of_ours_fails_them_all() -> None:
    said = "Unable to determine the device handle for GPU0000:99:00.0: Unknown Error"
    refused = command(f"{said}\n", exit_code=255)
    assert errors(bare(), smi_q=refused) == [(f"nvidia-smi: {said}",)] * 2


def test_a_tool_that_hangs_fails_every_card() -> None:
    hung = with_status(msgspec.structs.replace(command(), duration_s=35.0), "timed-out")
    facts = understand(bare().capture(smi_q=hung, nvml=NO_LIBRARY))
    assert facts.host.driver_response == DriverResponse(35.0, "timed-out", "no answer within 35 s")
    assert facts.gpus[0].query_errors == ("nvidia-smi: no answer within 35 s",)  # type: ignore[index]
    assert facts.gpus[0].temperature_c == NO_LIBRARY_MISSING  # type: ignore[index]


NO_LIBRARY_MISSING = Missing("timed-out", "")


def test_nvml_that_hangs_at_one_card_fails_that_card() -> None:
    hung = nvml(
        device(0, ADDRESSES[0]),
        device(1, ADDRESSES[1]),
        status="timed-out",
        detail="gpu 1: nvmlDeviceGetPowerUsage",
    )
    one, two = errors(bare(), nvml=hung)
    assert one == ()
    assert two == ("NVML hung: gpu 1: nvmlDeviceGetPowerUsage",)


def test_without_tool_and_library_nothing_is_known() -> None:
    absent = with_status(command(), "tool-absent", "nvidia-smi: not found")
    facts = understand(bare().capture(smi_q=absent, nvml=NO_LIBRARY))
    why = Missing("tool-absent", "libnvidia-ml.so.1: no such file")
    assert [gpu.query_errors for gpu in facts.gpus] == [why, why]  # type: ignore[union-attr]
    assert facts.host.driver_response == Missing("tool-absent", "nvidia-smi: not found")


@pytest.mark.parametrize(
    "source, response",
    [
        (nvml(duration_s=0.2), DriverResponse(0.2, "answered", "NVML")),
        (
            nvml(status="tool-failed", detail="DRIVER_NOT_LOADED", duration_s=0.1),
            DriverResponse(0.1, "failed", "nvmlInit: DRIVER_NOT_LOADED"),
        ),
        (
            nvml(status="timed-out", detail="nvmlInit", duration_s=45.0),
            DriverResponse(45.0, "timed-out", "NVML hung: nvmlInit"),
        ),
        (
            nvml(status="tool-failed", detail="NO_PERMISSION"),
            Missing("not-permitted", "NO_PERMISSION"),
        ),
    ],
)
def test_where_there_is_no_nvidia_smi_the_library_speaks(source: Source, response: object) -> None:
    absent = with_status(command(), "tool-absent")
    assert understand(bare().capture(smi_q=absent, nvml=source)).host.driver_response == response


def test_a_user_who_may_not_ask_is_refused_and_no_card_is_at_fault() -> None:
    said = command("Failed to initialize NVML: Insufficient Permissions\n", exit_code=4)
    facts = understand(bare().capture(smi_q=said, nvml=NO_LIBRARY))
    why = Missing("not-permitted", "Failed to initialize NVML: Insufficient Permissions")
    assert facts.host.driver_response == why
    assert facts.gpus[0].query_errors == why  # type: ignore[index]


@pytest.mark.parametrize(
    "error, counts",
    [
        ("UNKNOWN", True),
        ("GPU_IS_LOST", True),
        ("IRQ_ISSUE", True),
        ("RESET_REQUIRED", True),
        ("NOT_READY", True),
        ("TIMEOUT", True),
        ("CODE_999", True),
        ("NOT_SUPPORTED", False),
        ("NO_PERMISSION", False),
        ("FUNCTION_NOT_FOUND", False),
        ("ARGUMENT_VERSION_MISMATCH", False),
        ("INVALID_ARGUMENT", False),
    ],
)
def test_which_errors_of_nvml_count(error: str, counts: bool) -> None:
    found = errors(bare(PowerUsage=f"!{error}"))[0]
    assert found == ((f"nvmlDeviceGetPowerUsage: {error}",) if counts else ())


def test_what_560_drivers_say_of_working_cards_does_not_count() -> None:
    assert errors(bare(AddressingMode="!UNKNOWN"))[0] == ()
    assert errors(bare(AddressingMode="!GPU_IS_LOST"))[0] != ()


def test_calls_that_fail_on_healthy_cards_do_not_count(corpus: Path) -> None:
    """Every error that two idle H200 gave to every getter of the library."""
    words = {"Unknown Error": "UNKNOWN", "System is not in ready state": "NOT_READY"}
    told = json.loads((corpus / "captures/h200x2/idle/nvml.json").read_text())["gpus"][0]
    failed = {
        f"nvmlDeviceGet{name}": NvmlCall(error=words.get(text[1:], "INVALID_ARGUMENT"))
        for name, text in told.items()
        if isinstance(text, str) and text.startswith("!") and text != "!Not Supported"
    }
    assert len(failed) == 8
    assert {call.error for call in failed.values()} == {*words.values(), "INVALID_ARGUMENT"}
    place = NvmlCall({"busId": ADDRESSES[0]})
    source = nvml(NvmlDevice(0, calls=failed | {"nvmlDeviceGetPciInfo_v3": place}))
    assert errors(Builder({"nvml": source})) == [()]


@pytest.mark.parametrize(
    "changed, sign",
    [
        ({"nvml": nvml(device(0, ADDRESSES[0], Name="!GPU_IS_LOST"))}, "NVML: GPU_IS_LOST"),
        (
            {"lspci": command("0000:41:00.0 VGA compatible controller [0300]: NVIDIA Corporation "
                              "AD102 [10de:2684] (rev ff)\n\t!!! Unknown header type 7f\n\n")},
            "lspci: the card does not answer (rev ff)",
        ),
        (
            {"sysfs_pci": files(pci_device(CARDS[0]), binary={f"{CARDS[0]}/config": "ff" * 64})},
            "its configuration space reads as all ones",
        ),
        (
            {"smi_q": command(f"GPU {ADDRESSES[0]}: GPU is lost.  Reboot it\n", exit_code=15)},
            f"nvidia-smi: GPU {ADDRESSES[0]}: GPU is lost.  Reboot it",
        ),
        (
            {
                "nvml": NO_LIBRARY,
                "dmesg": command(f"[9.0] NVRM: GPU {ADDRESSES[0]}: GPU has fallen off the bus.\n"),
            },
            "kernel: fallen off the bus",
        ),
    ],
)  # fmt: skip
def test_each_sign_of_a_lost_card(changed: dict[str, Source], sign: str) -> None:
    gpu = understand(bare().capture(**changed)).gpus[0]  # type: ignore[index]
    assert gpu.lost_signs == (sign,)


def test_a_log_of_a_loss_is_no_sign_while_the_card_answers() -> None:
    line = f"[9.0] NVRM: GPU {ADDRESSES[0]}: GPU has fallen off the bus.\n"
    assert understand(bare().capture(dmesg=command(line))).gpus[0].lost_signs == ()  # type: ignore[index]


def test_nothing_read_from_a_card_is_no_sign_of_life() -> None:
    facts = understand(bare().capture(nvml=NO_LIBRARY))
    assert facts.gpus[0].lost_signs == Missing("tool-absent", NO_LIBRARY.detail)  # type: ignore[index]
