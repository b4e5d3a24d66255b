"""What is installed around the driver."""

from __future__ import annotations

import pytest

from preflight.facts import Host, Missing, NotApplicable
from preflight.understand import understand
from tests.understand.build import bare, command, files, with_status

RUNNING, NEXT = "6.8.0-45-generic", "6.8.0-110-generic"
DEP = "/lib/modules/{}/modules.dep"
MODULE = "/lib/modules/{}/updates/dkms/nvidia.ko.zst"
APT = "/etc/apt/apt.conf.d/20auto-upgrades"
VERSION = files({"/proc/version": f"Linux version {RUNNING} (buildd)", "/proc/1/cgroup": "0::/i"})
ABSENT = with_status(command(), "tool-absent")


def host(*paths: str, **sources: object) -> Host:
    listed = files(dict.fromkeys(paths, ""))
    return understand(bare().capture(**({"os": listed, "proc": VERSION} | sources))).host  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "paths, kernel, has_module",
    [
        ((DEP, MODULE), RUNNING, True),
        ((), Missing("not-present", "/lib/modules"), None),
        ((DEP,), RUNNING, None),  # it lies where the probe does not look
    ],
)
def test_one_kernel(paths: tuple[str, ...], kernel: object, has_module: bool | None) -> None:
    found = host(*(path.format(RUNNING) for path in paths))
    assert found.newest_kernel == kernel
    if has_module is None:
        assert isinstance(found.newest_kernel_has_module, Missing)
    else:
        assert found.newest_kernel_has_module is has_module


@pytest.mark.parametrize("has_module", [True, False])
def test_a_newer_kernel_is_installed(has_module: bool) -> None:
    more = (MODULE.format(NEXT),) if has_module else ()
    found = host(DEP.format(RUNNING), MODULE.format(RUNNING), DEP.format(NEXT), *more)
    assert (found.newest_kernel, found.newest_kernel_has_module) == (NEXT, has_module)


@pytest.mark.parametrize(
    "said, version",
    [
        ("NVIDIA Container Toolkit CLI version 1.17.4\ncommit: 9b69590c7428\n", "1.17.4"),
        ("nonsense", Missing("not-parsed", "nonsense")),
    ],
)
def test_toolkit(said: str, version: object) -> None:
    assert host(container_toolkit=command(said)).container_toolkit == version


def test_no_toolkit_matters_only_beside_an_engine() -> None:
    assert host("/usr/bin/dockerd", container_toolkit=ABSENT).container_toolkit == ""
    assert isinstance(host(container_toolkit=ABSENT).container_toolkit, NotApplicable)


@pytest.mark.parametrize(
    "setting, is_on",
    [
        ('APT::Periodic::Unattended-Upgrade "1";', True),
        ('APT::Periodic::Unattended-Upgrade "0";', False),
        ('APT::Periodic::Update-Package-Lists "1";', False),
        ('// APT::Periodic::Unattended-Upgrade "1";', False),
    ],
)
def test_unattended_upgrades(setting: str, is_on: bool) -> None:
    packages = "ii nvidia-driver-580 580.1\nhi nvidia-dkms-580 580.1\nii nvidia-settings 510\n"
    found = host(os=files({APT: setting}), dpkg_nvidia=command(packages))
    assert found.upgrades_itself is is_on
    assert found.driver_packages_unheld == ("nvidia-driver-580",)


def test_a_host_without_dpkg() -> None:
    found = host(dpkg_nvidia=ABSENT)
    assert isinstance(found.upgrades_itself, NotApplicable)
    assert isinstance(found.driver_packages_unheld, NotApplicable)
