"""The lab's own hosts: what the scenarios rely on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from .cache import CACHE
from .host import Host, until
from .laboratory import Laboratory

Boot = Callable[..., Host]


def test_a_host_has_systemd_sshd_and_a_package_source(boot: Boot) -> None:
    host = boot("bare")
    assert host.run("cat", "/proc/1/comm").stdout == "systemd\n"
    assert host.run("systemctl", "--failed", "--no-legend").stdout == ""
    host.run("apt-get", "update")
    host.run("apt-get", "install", "--yes", "--no-install-recommends", "libc6-dev")
    assert host.run("test", "-e", "/usr/bin/nvidia-smi", check=False).returncode == 1


def test_a_power_cut_keeps_the_disk_and_a_reboot_starts_anew(boot: Boot) -> None:
    host = boot("power")
    host.run("sh", "-c", "echo kept > /kept; mkdir /run/lost; sync")
    host.power_cut()
    host.start()
    assert host.text("/kept") == "kept\n"
    assert host.run("test", "-e", "/run/lost", check=False).returncode == 1
    host.run("mkdir", "/run/lost")  # the boot id is the controller's: /run tells boots apart
    host.reboot()
    assert host.run("test", "-e", "/run/lost", check=False).returncode == 1
    host.stop()


def test_a_cut_network_is_silent_until_it_is_back(boot: Boot) -> None:
    host = boot("cut")
    host.network_cut()
    assert not host.answers(22)
    host.network_back()
    until(lambda: host.answers(22), "sshd answers again")


def test_hosts_reach_each_other_and_nobody_else(boot: Boot) -> None:
    one, two = boot("one"), boot("two")
    assert two.reaches(one.address, 22)
    assert not two.reaches(one.address, 23)
    assert not two.reaches("192.0.2.1", 80)


def test_a_unit_gets_only_the_devices_that_it_names(boot: Boot) -> None:
    """Without the BPF rights of the host, DevicePolicy= would be ignored in silence."""
    host = boot("device")
    run = ["systemd-run", "--wait", "--pipe", "--quiet", "-p", "DevicePolicy=closed"]
    try_it = ["sh", "-c", "exec 3< /dev/nvidia0"]
    assert host.run(*run, "-p", "DeviceAllow=/dev/nvidia0", *try_it).returncode == 0
    refused = host.run(*run, *try_it, check=False)
    assert "Operation not permitted" in refused.stderr


def test_a_frozen_disk_starts_other_hosts(boot: Boot, lab: Laboratory) -> None:
    host = boot("frozen")
    host.run("touch", "/installed")
    image = lab.freeze(host)
    again = boot("again", image)
    assert again.run("hostname").stdout == "again\n"
    again.run("test", "-e", "/installed")


LIVES = """
import sys
from tests.lab.laboratory import Laboratory
with Laboratory() as lab, lab.host("orphan") as host:
    print(lab.network.bridge, host.machine, flush=True)
    sys.stdin.read()
"""


@pytest.mark.usefixtures("lab")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_stays_when_the_run_is_ended(how: signal.Signals) -> None:
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        [sys.executable, "-c", LIVES],
        cwd=root,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as run:
        assert run.stdout is not None
        bridge, machine = run.stdout.readline().split()
        assert _traces(bridge, machine)
        os.kill(run.pid, how)
        run.communicate()
    until(lambda: not _traces(bridge, machine), f"all of {machine} is gone")


def _traces(bridge: str, machine: str) -> list[str]:
    """Everything that a lab makes outside of its own process."""
    links = [
        p.name for p in Path("/sys/class/net").iterdir() if p.name in (bridge, f"vb-{machine}")
    ]
    folders = [p.name for p in (CACHE / "hosts").glob(f"{machine}-*")]
    cgroups = [str(p) for p in Path("/sys/fs/cgroup").glob(f"**/{machine}")]
    mounts = [line for line in Path("/proc/mounts").read_text().splitlines() if machine in line]
    return [*links, *folders, *cgroups, *mounts, *_processes(machine)]


def _processes(machine: str) -> list[str]:
    found = []
    for command in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = command.read_bytes().decode(errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            continue  # ended meanwhile
        if machine in words:
            found.append(words)
    return found
