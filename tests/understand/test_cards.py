"""Which cards there are: numbers, counts, and cards that some sources no longer know."""

from __future__ import annotations

import pytest

from preflight.capture import NvmlDevice
from preflight.facts import Missing
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

PROC = {
    f"/proc/driver/nvidia/gpus/{pci}/information": f"Model: \t NVIDIA H200\nBus Location: {pci}"
    for pci in ADDRESSES
} | {
    "/proc/driver/nvidia/version": "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.1"
}
LSPCI = """0000:00:00.0 Host bridge [0600]: AMD Starship [1022:1480]
0000:41:00.0 VGA compatible controller [0300]: NVIDIA Corporation AD102 [10de:2684] (rev a1)
0000:41:00.1 Audio device [0403]: NVIDIA Corporation AD102 Audio [10de:22ba] (rev a1)
0000:61:00.0 VGA compatible controller [0300]: NVIDIA Corporation AD102 [10de:2684] (rev a1)
0000:81:00.0 VGA compatible controller [0300]: ASPEED Graphics Family [1a03:2000] (rev 41)
0000:82:00.0 3D controller [0302]: Virtio 3D [1af4:1050] (rev 01)
"""


def places(builder: Builder, **changed: object) -> dict[str, str] | Missing:
    gpus = understand(builder.capture(**changed)).gpus  # type: ignore[arg-type]
    assert not isinstance(gpus, Missing) or isinstance(gpus, Missing)
    return gpus if isinstance(gpus, Missing) else {gpu.subject: gpu.pci for gpu in gpus}  # type: ignore[return-value, union-attr]


def test_every_source_that_answered_counts_the_cards() -> None:
    capture = bare().capture(proc_nvidia=files(PROC), lspci=command(LSPCI))
    host = understand(capture).host
    assert host.gpu_counts == {"nvml": 2, "proc": 2, "sysfs": 2, "lspci": 2}
    assert host.sources["gpu_counts"] == "lspci, nvml, proc-nvidia, sysfs-pci"


def test_numbers_follow_the_bus_and_not_nvml() -> None:
    backwards = nvml(device(0, ADDRESSES[1]), device(1, ADDRESSES[0]))
    gpus = understand(bare().capture(nvml=backwards)).gpus
    assert [(gpu.subject, gpu.pci, gpu.nvml_index) for gpu in gpus] == [  # type: ignore[union-attr]
        ("gpu0", ADDRESSES[0], 1),
        ("gpu1", ADDRESSES[1], 0),
    ]


def test_domains_sort_before_buses() -> None:
    tree = files(pci_device("/sys/devices/pci10000:00/10000:01:00.0") | pci_device(CARDS[0]))
    assert places(Builder({"sysfs-pci": tree})) == {"gpu0": ADDRESSES[0], "gpu1": "10000:01:00.0"}


def test_a_card_that_the_driver_lost_keeps_its_number() -> None:
    one = nvml(device(0, ADDRESSES[1]))
    capture = bare().capture(nvml=one)
    facts = understand(capture)
    assert places(bare(), nvml=one) == {"gpu0": ADDRESSES[0], "gpu1": ADDRESSES[1]}
    assert facts.host.gpu_counts == {"nvml": 1, "sysfs": 2}
    assert facts.gpus[0].name == Missing("not-collected", "NVML does not list this card")  # type: ignore[index]


def test_a_refused_handle_is_the_card_that_no_other_device_names() -> None:
    source = nvml(device(0, ADDRESSES[0]), NvmlDevice(1, handle_error="UNKNOWN"))
    gpu = understand(bare().capture(nvml=source)).gpus[1]  # type: ignore[index]
    assert gpu.query_errors == ("nvmlDeviceGetHandleByIndex(1): UNKNOWN",)
    assert gpu.pcie_link_gen == 1  # sysfs still answers for it


def test_a_counted_card_of_unknown_place_does_not_vanish() -> None:
    source = nvml(device(0, ADDRESSES[0]), NvmlDevice(1, handle_error="GPU_IS_LOST"))
    facts = understand(Builder({"nvml": source}).capture())
    assert [gpu.pci for gpu in facts.gpus] == [ADDRESSES[0], "NVML index 1"]  # type: ignore[union-attr]
    assert facts.gpus[1].lost_signs == ("NVML: GPU_IS_LOST",)  # type: ignore[index]
    assert facts.gpus[0].lost_signs == ()  # type: ignore[index]


def test_other_makers_controllers_and_audio_functions_are_no_cards() -> None:
    builder = Builder({"lspci": command(LSPCI)})
    assert places(builder) == {"gpu0": ADDRESSES[0], "gpu1": ADDRESSES[1]}


@pytest.mark.parametrize(
    "head, is_card",
    [
        ("0000:41:00.0 VGA compatible controller: NVIDIA Corporation AD102 (rev a1)", True),
        ("0000:41:00.0 3D controller: NVIDIA Corporation Device 2330 (rev a1)", True),
        ("0000:41:00.0 Audio device: NVIDIA Corporation AD102 Audio (rev a1)", False),
        ("0000:41:00.0 VGA compatible controller: ASPEED Technology AST2500", False),
    ],
)
def test_a_listing_without_numbers_names_cards_in_words(head: str, is_card: bool) -> None:
    listing = f"{head}\n\tFlags: bus master, fast devsel, latency 0\n"
    assert understand(Builder({"lspci": command(listing)}).capture()).host.gpu_counts == {
        "lspci": int(is_card)
    }


def test_a_bus_without_cards_where_the_driver_answers_for_some_is_not_theirs() -> None:
    """WSL shows a bus of the hypervisor's own devices, and NVML names the real card."""
    other = "0000:00:01.0 3D controller [0302]: Microsoft Corporation Device [1414:008e]\n"
    capture = bare().capture(sysfs_pci=with_status(files({}), "not-present"), lspci=command(other))
    assert understand(capture).host.gpu_counts == {"nvml": 2}


def test_no_card_on_a_bus_that_was_read_is_a_fact() -> None:
    facts = understand(Builder({"sysfs-pci": with_status(files({}), "not-present")}).capture())
    assert facts.gpus == ()
    assert facts.host.gpu_counts == {"sysfs": 0}


def test_nothing_answered_is_no_fact() -> None:
    refused = with_status(files({}), "not-permitted", "/sys is masked")
    facts = understand(Builder({"sysfs-pci": refused}).capture())
    assert facts.gpus == facts.host.gpu_counts == Missing("not-permitted", "/sys is masked")


def test_no_devices_were_found_is_an_answer() -> None:
    said = command("No devices were found\n", exit_code=6)
    facts = understand(Builder({"smi-q": said}).capture())
    assert facts.gpus == ()
    assert facts.host.gpu_counts == {"smi": 0}


# A container: the host's bus is visible, and NVML tells which cards were handed in.
INSIDE = {"os": files({"/.dockerenv": ""})}
MASKED = files({"/proc/mounts": "tmpfs /proc/driver/nvidia tmpfs ro 0 0", "/proc/1/cgroup": "0::/"})
ONE = nvml(device(0, ADDRESSES[1]))


def test_in_a_container_only_the_cards_handed_in_count() -> None:
    facts = understand(bare().capture(**INSIDE, nvml=ONE, lspci=command(LSPCI)))
    assert [(gpu.subject, gpu.pci) for gpu in facts.gpus] == [("gpu0", ADDRESSES[1])]  # type: ignore[union-attr]
    assert facts.host.gpu_counts == {"nvml": 1}
    assert facts.gpus[0].pcie_link_width == 16  # type: ignore[index]


def test_a_folder_that_the_engine_covered_shows_a_card_that_nvml_lost() -> None:
    capture = bare().capture(**INSIDE, nvml=ONE, proc_nvidia=files(PROC), proc=MASKED)
    assert understand(capture).host.gpu_counts == {"nvml": 1, "proc": 2}


def test_the_hosts_own_folder_says_nothing_of_what_was_handed_in() -> None:
    capture = bare().capture(**INSIDE, nvml=ONE, proc_nvidia=files(PROC))
    assert understand(capture).host.gpu_counts == {"nvml": 1}


def test_a_container_whose_bus_is_hidden_has_the_cards_that_its_driver_names() -> None:
    empty = with_status(files({}), "not-present")
    capture = Builder(INSIDE | {"sysfs-pci": empty, "nvml": ONE}).capture()
    assert understand(capture).host.gpu_counts == {"nvml": 1}


@pytest.mark.parametrize("tree, gpus", [({}, ()), (pci_device(CARDS[0]), None)])
def test_in_a_container_without_a_driver(tree: dict[str, str], gpus: object) -> None:
    """The host has none at all: then there is none in here. The host has some: not known."""
    absent = with_status(files({}), "tool-absent", "libnvidia-ml.so.1")
    facts = understand(Builder(INSIDE | {"sysfs-pci": files(tree), "nvml": absent}).capture())
    assert facts.gpus == (Missing("tool-absent", "libnvidia-ml.so.1") if gpus is None else gpus)


def test_evidence_of_more_cards_than_any_host_has_is_no_evidence() -> None:
    many = nvml(*(NvmlDevice(index, handle_error="UNKNOWN") for index in range(200)))
    facts = understand(Builder({"nvml": many}).capture())
    assert facts.gpus == Missing("not-parsed", "more than 64 cards")
    assert facts.pairs == ()
