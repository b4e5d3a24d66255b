"""What is installed around the driver: for containers, for the next kernel, what upgrades it."""

from __future__ import annotations

import re

from preflight.capture import Capture
from preflight.facts import Fact, Missing, NotApplicable
from preflight.understand.evidence import Evidence
from preflight.understand.picking import Picks, first
from preflight.understand.sources import failure, file, files, text

_TOOLKIT = re.compile(r"\bversion:? v?(\d{1,3}\.\d{1,3}\.\d{1,3})")
_ENGINE = re.compile(r"/usr/(?:local/)?bin/(?:dockerd|containerd|podman)")
_KERNEL = re.compile(r"(?:/usr)?/lib/modules/([^/]{1,100})/modules\.dep")
_MODULE = re.compile(r"(?:/usr)?/lib/modules/([^/]{1,100})/.{1,100}/nvidia\.ko(?:\.\w{1,4})?")
_RUNNING = re.compile(r"Linux version (\S{1,100})")
_NUMBERS = re.compile(r"\d{1,9}")
_UNATTENDED = re.compile(
    r'^\s{0,8}APT::Periodic::Unattended-Upgrade\s{1,8}"([^"]{0,20})"', re.MULTILINE
)
_PACKAGE = re.compile(r"^([a-z])([a-z]).? ?(\S{1,80}) ", re.MULTILINE)
_OF_DRIVER = re.compile(
    r"(?:nvidia-(?:driver|dkms|kernel)|libnvidia-compute|libcuda1|cuda-drivers)"
)
_IN_CONTAINER = NotApplicable("a container's host has the driver")


def packages(evidence: Evidence) -> Picks:
    capture = evidence.capture
    if evidence.is_container:
        names = "container_toolkit", "newest_kernel", "newest_kernel_has_module"
        return dict.fromkeys(
            (*names, "upgrades_itself", "driver_packages_unheld"), first(("", _IN_CONTAINER))
        )
    kernel = _newest(capture)
    return {
        "container_toolkit": first(("container-toolkit", _toolkit(capture))),
        "newest_kernel": first(("os", kernel)),
        "newest_kernel_has_module": first(("os", _has_module(capture, kernel))),
        "upgrades_itself": first(("os", _upgrades(capture))),
        "driver_packages_unheld": first(("dpkg-nvidia", _unheld(capture))),
    }


def _toolkit(capture: Capture) -> Fact[str]:
    said = text(capture, "container-toolkit")
    if not isinstance(said, Missing):
        match = _TOOLKIT.search(said[:4096])
        return match.group(1) if match else Missing("not-parsed", said[:60])
    if said.reason != "tool-absent":
        return said
    listed = _seen(capture)
    if isinstance(listed, Missing):
        return listed
    if any(_ENGINE.fullmatch(path) for path in listed):
        return ""
    return NotApplicable("no container engine is installed")


def _newest(capture: Capture) -> Fact[str]:
    listed = _seen(capture)
    if isinstance(listed, Missing):
        return listed
    kernels = [match.group(1) for path in listed if (match := _KERNEL.fullmatch(path))]
    return max(kernels, key=_order, default=None) or Missing("not-present", "/lib/modules")


def _has_module(capture: Capture, newest: Fact[str]) -> Fact[bool]:
    """Only where the running kernel's module lies in a known place can another's be missed."""
    listed = _seen(capture)
    if isinstance(listed, Missing) or not isinstance(newest, str):
        return newest if isinstance(newest, Missing) else Missing("not-present", "/lib/modules")
    with_module = {match.group(1) for path in listed if (match := _MODULE.fullmatch(path))}
    if newest in with_module:
        return True
    version = file(capture, "proc", "/proc/version")
    running = None if isinstance(version, Missing) else _RUNNING.search(version)
    if running is None or running.group(1) not in with_module:
        return Missing("not-present", "nvidia.ko of the running kernel lies in no known place")
    return False


def _order(kernel: str) -> tuple[list[int], str]:
    return [int(number) for number in _NUMBERS.findall(kernel)], kernel


def _upgrades(capture: Capture) -> Fact[bool]:
    listed = files(capture, "dpkg-nvidia")
    if isinstance(listed, Missing) and listed.reason == "tool-absent":
        return NotApplicable("the host has no dpkg")
    settings = files(capture, "os")
    if isinstance(settings, Missing):
        return settings
    told = [said for path, said in settings.items() if path.startswith("/etc/apt/apt.conf.d/")]
    values = [match.group(1) for said in told for match in _UNATTENDED.finditer(said[:65536])]
    return any(value not in ("", "0") for value in values)


def _unheld(capture: Capture) -> Fact[tuple[str, ...]]:
    """Packages of the driver that are installed ("ii"), not held ("hi")."""
    source = capture.sources.get("dpkg-nvidia")
    why = failure(source)
    if why is not None and why.reason == "tool-absent":
        return NotApplicable("the host has no dpkg")
    if source is None or (why is not None and source.status != "tool-failed"):
        return why or Missing("not-collected")
    found = _PACKAGE.findall(source.stdout[: 1 << 18])
    return tuple(
        name
        for wanted, state, name in found
        if wanted == "i" and state == "i" and _OF_DRIVER.match(name)
    )


def _seen(capture: Capture) -> set[str] | Missing:
    """Paths of which the probe noted that they are there, as files or as links."""
    source = capture.sources.get("os")
    why = failure(source)
    return why or (set(source.files) | set(source.links) if source else set())
