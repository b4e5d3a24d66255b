"""Whether the host is a guest or a container: what then only others can see.

A sign counts wherever it stands, and none alone can say no: systemd-detect-virt names only the
innermost layer ("docker" inside a guest), lenders hide the hypervisor's name, and a container
need not carry its engine's marker file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from preflight.capture import Capture
from preflight.facts import Missing
from preflight.understand.nvml import Nvml, NvmlCard
from preflight.understand.picking import Picked, first, whole, words
from preflight.understand.sources import by_name, exists, file, files, text

_CONTAINERS = frozenset({
    "docker", "podman", "lxc", "lxc-libvirt", "systemd-nspawn", "openvz", "rkt", "proot", "pouch",
    "container-other",
})  # fmt: skip
_DMI_OF_GUESTS = re.compile(
    r"\b(?:QEMU|KVM|VirtualBox|VMware|Bochs|Xen|HVM domU|Virtual Machine|OpenStack|Parallels"
    r"|bhyve|BHYVE|Standard PC|RHEV|Cloud Hypervisor|Firecracker)\b"
)
_CGROUP_OF_CONTAINERS = re.compile(r"docker|kubepods|containerd|libpod|/lxc|garden|ecs/")
_ROOT_OF_CONTAINERS = re.compile(r"/docker/|/containerd/|/containers/storage/|/kubelet/")
_MARKERS = "/.dockerenv", "/run/.containerenv", "/run/systemd/container"
_WORD = re.compile(r"[a-z][a-z0-9-]{1,30}")  # as systemd names what it is inside of
_NVML_GUESTS = frozenset({1, 2})  # NVML_GPU_VIRTUALIZATION_MODE_PASSTHROUGH, _VGPU
_DMI_BLOCKS = re.compile(
    r"^(?:BIOS|System|Base Board|Chassis) Information\n((?:\s[^\n]{0,200}\n){0,40})", re.MULTILINE
)
_NAMED = re.compile(r"^\s{1,8}(?:Vendor|Manufacturer|Product Name): ([^\n]{1,120})$", re.MULTILINE)


@dataclass(frozen=True)
class Surroundings:
    virtualization: Picked
    is_guest: Picked
    is_container: Picked


def surroundings(capture: Capture, nvml: Nvml) -> Surroundings:
    detected = _detected(capture)
    guest, container = _guest(capture, nvml, detected), _container(capture, detected)
    named = first(("detect-virt", detected), ("lscpu", _hypervisor(capture)))
    if named.value in ("none", "") or isinstance(named.value, Missing):
        if container.value is True:
            named = Picked("container", container.source)
        elif guest.value is True:
            named = Picked("guest", guest.source)
    return Surroundings(named, guest, container)


def _detected(capture: Capture) -> str | Missing:
    """The word of systemd-detect-virt, which ends with 1 where it says "none"."""
    source = capture.sources.get("detect-virt")
    said = words(source.stdout) if source is not None and source.stdout else None
    if said is not None and _WORD.fullmatch(said) is None:
        return Missing("not-parsed", said[:60])
    return said or text(capture, "detect-virt")


def _guest(capture: Capture, nvml: Nvml, detected: str | Missing) -> Picked:
    flags = _flag(capture)
    signs = (
        ("detect-virt", _names_a_guest(detected)),
        ("lscpu", flags),
        ("dmi", _dmi(capture)),
        ("nvml", _passed_through(nvml)),
        ("bug-report", _flag_by_cpuinfo(capture)),
        ("dmidecode", _dmi_by_dmidecode(capture)),
    )
    for source, sign in signs:
        if sign is True:
            return Picked(True, source)
    return first(*((source, sign) for source, sign in signs if source != "nvml"))


def _names_a_guest(detected: str | Missing) -> bool | Missing:
    if isinstance(detected, Missing):
        return detected
    if detected in _CONTAINERS:
        return Missing("guest-view", f"inside {detected}")
    return detected != "none"


def _flag(capture: Capture) -> bool | Missing:
    """The CPU's own hypervisor flag; the vendor line stands where the flag is hidden."""
    listing = text(capture, "lscpu")
    if isinstance(listing, Missing):
        return listing
    if re.search(r"^Hypervisor vendor:", listing, re.MULTILINE):
        return True
    flags = re.search(r"^Flags:([^\n]{0,8192})", listing, re.MULTILINE)
    if flags is None:
        return Missing("not-parsed", "lscpu shows no flags")
    return "hypervisor" in flags.group(1).split()


def _flag_by_cpuinfo(capture: Capture) -> bool | Missing:
    listing = file(capture, "bug-report", "/proc/cpuinfo")
    if isinstance(listing, Missing):
        return listing
    flags = re.search(r"^flags\s{0,8}:([^\n]{0,8192})", listing, re.MULTILINE)
    if flags is None:
        return Missing("not-parsed", "/proc/cpuinfo shows no flags")
    return "hypervisor" in flags.group(1).split()


def _dmi_by_dmidecode(capture: Capture) -> bool | Missing:
    """The makers and products that the firmware names; DIMMs and slots are not looked at."""
    listing = text(capture, "dmidecode")
    if isinstance(listing, Missing):
        return listing
    named = _DMI_BLOCKS.findall(listing[: 1 << 20])
    if not named:
        return Missing("not-present", "dmidecode names no system")
    return any(_DMI_OF_GUESTS.search(line) for block in named for line in _NAMED.findall(block))


def _hypervisor(capture: Capture) -> str | Missing:
    listing = text(capture, "lscpu")
    if isinstance(listing, Missing):
        return listing
    vendor = re.search(r"^Hypervisor vendor:[ \t]{0,40}([^\n]{1,80})", listing, re.MULTILINE)
    return (words(vendor.group(1)) or "").lower() if vendor else Missing("not-present")


def _dmi(capture: Capture) -> bool | Missing:
    dmi = by_name(files(capture, "dmi"))
    if isinstance(dmi, Missing):
        return dmi
    return any(_DMI_OF_GUESTS.search(dmi.get(name, "")[:200]) for name in _DMI_NAMES)


_DMI_NAMES = "sys_vendor", "product_name", "board_vendor", "bios_vendor", "chassis_vendor"


def _passed_through(nvml: Nvml) -> bool:
    """The driver itself says that its card was handed to a guest."""
    modes = (NvmlCard(d.calls).get("VirtualizationMode", whole) for d in nvml.devices)
    return any(mode in _NVML_GUESTS for mode in modes)


def _container(capture: Capture, detected: str | Missing) -> Picked:
    if detected in _CONTAINERS:
        return Picked(True, "detect-virt")
    if any(exists(capture, "os", marker) for marker in _MARKERS):
        return Picked(True, "os")
    group, mounts = (file(capture, "proc", f"/proc/{name}") for name in ("1/cgroup", "mounts"))
    if _runs_in_engine(group, mounts):
        return Picked(True, "proc")
    readings = ("detect-virt", detected), ("proc", group)
    answered = first(*readings)
    if isinstance(answered.value, Missing):
        return answered
    return Picked(False, answered.source)


def _runs_in_engine(group: str | Missing, mounts: str | Missing) -> bool:
    """An engine's name in PID 1's control group, or its store (or a bare group) under the root.

    An overlay as root alone is no sign: live systems and diskless nodes have one too, but their
    init has a control group of its own.
    """
    if not isinstance(group, Missing) and _CGROUP_OF_CONTAINERS.search(group[:16384]):
        return True
    root = _root_mount(mounts)
    if not root.startswith("overlay "):
        return False
    bare = not isinstance(group, Missing) and group.strip() == "0::/"
    return bare or _ROOT_OF_CONTAINERS.search(root) is not None


def _root_mount(mounts: str | Missing) -> str:
    lines = [] if isinstance(mounts, Missing) else mounts[: 1 << 20].splitlines()
    roots = (line for line in lines if line.split(" ", 3)[1:2] == ["/"])
    return next(roots, "")[:65536]
