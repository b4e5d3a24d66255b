"""Is the host a guest, is it a container: every sign counts, none alone says no."""

from __future__ import annotations

from typing import Any

import pytest

from preflight.capture import Source
from preflight.facts import Missing
from preflight.understand import understand
from tests.understand.build import Builder, command, device, files, nvml

BARE_CPU = command("Model name:  AMD EPYC 7543\nFlags:  fpu vme avx2\nVirtualization:  AMD-V\n")
GUEST_CPU = command("Flags:  fpu vme hypervisor avx2\n")
NONE = command("none\n", exit_code=1)
DMI = "/sys/devices/virtual/dmi/id"
OVERLAY = "overlay / overlay rw,lowerdir={},upperdir=/u,workdir=/w 0 0\nproc /proc proc rw 0 0"


def proc(cgroup: str = "0::/init.scope", mounts: str = "/dev/sda2 / ext4 rw 0 0") -> Source:
    return files({"/proc/1/cgroup": cgroup, "/proc/mounts": mounts})


def seen(**sources: Source) -> tuple[Any, Any, Any]:
    named = {name.replace("_", "-"): source for name, source in sources.items()}
    host = understand(Builder(named).capture()).host
    return host.virtualization, host.is_guest, host.is_container


@pytest.mark.parametrize(
    "sources, virtualization, is_guest, is_container",
    [
        ({"detect_virt": NONE, "lscpu": BARE_CPU, "proc": proc()}, "none", False, False),
        ({"detect_virt": command("kvm\n"), "lscpu": GUEST_CPU}, "kvm", True, False),
        ({"detect_virt": command("docker\n"), "lscpu": BARE_CPU}, "docker", False, True),
        ({"detect_virt": command("docker\n"), "lscpu": GUEST_CPU}, "docker", True, True),
        ({"detect_virt": NONE, "lscpu": GUEST_CPU}, "guest", True, False),
        # a hidden hypervisor: the driver still knows that its card was passed through
        (
            {"detect_virt": NONE, "nvml": nvml(device(0, "0000:01:00.0", VirtualizationMode=1))},
            "guest",
            True,
            False,
        ),
        (
            {"detect_virt": NONE, "nvml": nvml(device(0, "0000:01:00.0", VirtualizationMode=0))},
            "none",
            False,
            False,
        ),
        ({"detect_virt": NONE, "dmi": files({f"{DMI}/sys_vendor": "QEMU"})}, "guest", True, False),
        (
            {"detect_virt": NONE, "dmi": files({f"{DMI}/sys_vendor": "XENON Systems GmbH"})},
            "none",
            False,
            False,
        ),
        # containers without systemd-detect-virt, as lenders rent them out
        (
            {"os": files({"/.dockerenv": ""}), "lscpu": BARE_CPU},
            "container",
            False,
            True,
        ),
        ({"lscpu": BARE_CPU, "proc": proc("12:pids:/docker/0a1b2c")}, "container", False, True),
        ({"lscpu": BARE_CPU, "proc": proc("0::/kubepods/burstable")}, "container", False, True),
        ({"lscpu": BARE_CPU, "proc": proc("0::/", OVERLAY.format("/l"))}, "container", False, True),
        (
            {"lscpu": BARE_CPU, "proc": proc("0::/x", OVERLAY.format("/var/lib/docker/l/A"))},
            "container",
            False,
            True,
        ),
        # a diskless node: its root is an overlay, its init has a control group of its own
        (
            {"detect_virt": NONE, "lscpu": BARE_CPU, "proc": proc(mounts=OVERLAY.format("/ro"))},
            "none",
            False,
            False,
        ),
    ],
)  # fmt: skip
def test_signs(
    sources: dict[str, Source], virtualization: str, is_guest: bool, is_container: bool
) -> None:
    assert seen(**sources) == (virtualization, is_guest, is_container)


def test_nothing_read_is_no_answer() -> None:
    assert seen() == (Missing("not-collected"),) * 3


def test_a_container_hides_whether_there_is_a_hypervisor() -> None:
    found = seen(detect_virt=command("lxc\n"))
    assert found == ("lxc", Missing("guest-view", "inside lxc"), True)
