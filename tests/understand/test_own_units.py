"""What one's own units do on a card is left out, and nothing else."""

from __future__ import annotations

import pytest

from preflight.capture import ProcessRecord
from preflight.facts import Gpu, GpuProcess, GpuUse, Missing
from preflight.understand import understand
from preflight.understand.own_units import is_of, without_own
from tests.understand.build import ADDRESSES, Builder, device, nvml

MAIN = "/system.slice/system-vllm.slice/vllm@main.service"
UNITS = ("vllm@.service",)


@pytest.mark.parametrize(
    "cgroup, units, own",
    [
        (MAIN, ("vllm@main.service",), True),
        (MAIN, ("vllm@.service",), True),
        (f"{MAIN}/worker", ("vllm@main.service",), True),
        ("/system.slice/vllm.service", ("vllm.service",), True),
        ("/serving.slice/vllm@main.service", UNITS, True),
        (MAIN, ("vllm@other.service",), False),
        (MAIN, ("vllm.service",), False),
        (MAIN, (), False),
        ("/system.slice/system-vllm.slice/vllm@main.scope", UNITS, False),
        ("/system.slice/xvllm@main.service", UNITS, False),
        ("/user.slice/user-1000.slice/user@1000.service/app.slice/vllm@main.service", UNITS, False),
        ("/user.slice/vllm@main.service", UNITS, False),
        ("/machine.slice/vllm@main.service", UNITS, False),
        ("/system.slice/docker-5f.scope/system.slice/vllm@main.service", UNITS, False),
        ("/vllm@main.service", UNITS, False),
        ("/system.slice", UNITS, False),
        ("/", UNITS, False),
        ("", UNITS, False),
        ("system.slice/vllm@main.service", UNITS, False),
    ],
)
def test_control_groups(cgroup: str, units: tuple[str, ...], own: bool) -> None:
    assert is_of(cgroup, units) is own


def card(*processes: GpuProcess, used: int = 20_000, load: int | None = 90) -> Gpu:
    return Gpu("gpu0", ADDRESSES[0], use=GpuUse(processes, used, load))


SERVER = GpuProcess(1, "VLLM::Worker", 19_500, "compute", MAIN)
STRANGER = GpuProcess(2, "python", 400, "compute", "/user.slice/user-1000.slice/session-1.scope")
UNTOLD = GpuProcess(3, "VLLM::Worker", None, "compute", MAIN)
SCREEN = GpuProcess(4, "Xorg", 4, "graphics", "/system.slice/lightdm.service")


def test_a_serving_card_is_free_for_its_owner() -> None:
    assert without_own(card(SERVER), UNITS).use == GpuUse((), 500, None)
    assert without_own(card(SERVER, used=19_000), UNITS).use == GpuUse((), 0, None)


def test_a_stranger_beside_it_stays() -> None:
    assert without_own(card(SERVER, STRANGER), UNITS).use == GpuUse((STRANGER,), 500, None)


def test_nothing_of_ones_own_leaves_all_as_it_is() -> None:
    assert without_own(card(STRANGER), UNITS) == card(STRANGER)
    assert without_own(card(SERVER), ()) == card(SERVER)
    unread = Gpu("gpu0", ADDRESSES[0], use=Missing("tool-failed"))
    assert without_own(unread, UNITS) == unread


def test_memory_that_cannot_be_told_apart_is_not_claimed_free() -> None:
    assert without_own(card(UNTOLD, SCREEN), UNITS).use == Missing(
        "not-supported", "the driver does not tell how much memory one's own units use"
    )
    assert without_own(card(UNTOLD, STRANGER), UNITS).use == GpuUse((STRANGER,), 20_000, None)


@pytest.mark.parametrize(
    "listing, path",
    [
        (f"0::{MAIN}", MAIN),
        (f"12:devices:/docker\n1:name=systemd:{MAIN}\n0::/", MAIN),
        (f"0::/\n1:name=systemd:{MAIN}", MAIN),
        (f"8:pids:/\n1:name=systemd:/\n0::{MAIN}", MAIN),
        ("1:name=systemd:/docker/5f\n0::/user.slice", "/docker/5f"),
        ("12:devices:/docker", ""),
        ("", ""),
        ("0::/a:b.slice/x", "/a:b.slice/x"),
        ("garbage", ""),
    ],
)
def test_the_path_that_systemd_gave(listing: str, path: str) -> None:
    calls = {
        "ComputeRunningProcesses_v3": [{"pid": 77, "usedGpuMemory": 1 << 30}],
        "MemoryInfo_v2": {"total": 24564 << 20, "reserved": 0, "used": 1 << 30},
    }
    records = {"77": ProcessRecord(comm="python3", cgroup=listing)}
    source = nvml(device(0, ADDRESSES[0], **calls), processes=records)
    [gpu] = understand(Builder({"nvml": source}).capture()).gpus  # type: ignore[misc]
    assert gpu.use.processes == (GpuProcess(77, "python3", 1024, "compute", path),)
