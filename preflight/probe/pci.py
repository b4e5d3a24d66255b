"""The PCI devices that matter: NVIDIA's display controllers and switches, and the bridges above."""

from __future__ import annotations

from preflight.probe.files import read_text, real_path, reporting
from preflight.probe.tree import Tree, printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from preflight.probe.files import Emit, Step

DEVICES = "/sys/bus/pci/devices"
NVIDIA = b"0x10de"
CLASSES = (b"0x03", b"0x0680")  # display controllers; other bridges, as NVSwitch names itself
CONFIG_BYTES = 4096  # the extended configuration space; 64 without root
TEXTS = (
    "vendor",
    "device",
    "subsystem_vendor",
    "subsystem_device",
    "revision",
    "class",
    "current_link_speed",
    "current_link_width",
    "max_link_speed",
    "max_link_width",
    "aer_dev_correctable",
    "aer_dev_nonfatal",
    "aer_dev_fatal",
    "numa_node",
    "local_cpulist",
    "resource",
    "power_state",
    "power/runtime_status",
    "enable",
)
LINKS = ("driver", "iommu_group")


def collect(tree: Tree, step: Step, emit: Emit) -> None:
    step(DEVICES)
    folders: dict[str, None] = {}
    for path in tree.expand(DEVICES + "/*"):
        step(path)
        with reporting(path, emit):
            if is_ours(tree, path):
                folders.update(dict.fromkeys(upwards(tree.resolve(path))))
    for folder in folders:
        read_device(tree, folder, step, emit)


def is_ours(tree: Tree, path: str) -> bool:
    if tree.read(path + "/vendor").strip() != NVIDIA:
        return False
    return tree.read(path + "/class").startswith(CLASSES)


def upwards(folder: str) -> list[str]:
    """The device's folder and those of the bridges above it, the root port last."""
    found = []
    while is_address(folder.rpartition("/")[2]):
        found.append(folder)
        folder = folder.rpartition("/")[0]
    return found


def is_address(name: str) -> bool:
    """dddd:bb:dd.f, as sysfs names a device."""
    parts = name.replace(".", ":").split(":")
    return [len(part) for part in parts][1:] == [2, 2, 1] and len(parts[0]) >= 4


def read_device(tree: Tree, folder: str, step: Step, emit: Emit) -> None:
    real_path(tree, DEVICES + "/" + folder.rpartition("/")[2], emit)
    for name in TEXTS:
        read_text(tree, folder + "/" + name, step, emit)
    for name in LINKS:
        step(folder + "/" + name)
        real_path(tree, folder + "/" + name, emit)
    path = folder + "/config"
    step(path)
    with reporting(path, emit):
        emit("binary", printable(path), tree.read(path, CONFIG_BYTES).hex())
