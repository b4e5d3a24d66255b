"""What the host has for programs: cores, memory and its modules, and the limits of a login."""

from __future__ import annotations

import math
import re

from preflight.capture import Capture
from preflight.facts import Fact, MemoryModules, Missing, NotApplicable, Swap
from preflight.understand import reported
from preflight.understand.disks import mount_size_mib
from preflight.understand.evidence import Evidence
from preflight.understand.memory_modules import memory_modules
from preflight.understand.picking import Picked, Picks, converted, first, whole, words
from preflight.understand.sources import by_name, file, file_error, files, text

_NO_CONTROL = NotApplicable("the kernel is given no control of the processor's clock")


def resources(evidence: Evidence) -> Picks:
    capture = evidence.capture
    return {
        **_frequency(evidence),
        "cpu_cores": first(
            ("lscpu", _product(capture, "Core(s) per socket", "Socket(s)")),
            ("bug-report", reported.cpu_cores(capture)),
        ),
        "cpu_sockets": first(
            ("lscpu", _product(capture, "Socket(s)")),
            ("bug-report", reported.cpu_sockets(capture)),
        ),
        "memory_available_mib": first(("proc", _meminfo(capture, "MemAvailable"))),
        "memory_modules": _modules(evidence),
        "huge_pages_mib": first(("proc", _huge_pages(capture))),
        "swap": first(("proc", _swap(capture))),
        "shared_memory_mib": first(("df", mount_size_mib(capture, "/dev/shm"))),
        "locked_memory_limit_mib": first(("proc", _limit(capture, "Max locked memory", 1 << 20))),
        "open_files_limit": first(("proc", _limit(capture, "Max open files", 1))),
        "pid_max": first(("proc", _number(capture, "/proc/sys/kernel/pid_max"))),
        "overcommit_memory": first(("proc", _number(capture, "/proc/sys/vm/overcommit_memory"))),
    }


def _frequency(evidence: Evidence) -> Picks:
    names = {
        "cpu_governor": "scaling_governor",
        "cpu_frequency_driver": "scaling_driver",
        "cpu_energy_preference": "energy_performance_preference",
    }
    listed = by_name(files(evidence.capture, "cpu"))
    if evidence.is_guest:
        return dict.fromkeys(names, Picked(NotApplicable("the hypervisor sets the clock")))
    if isinstance(listed, Missing):
        return dict.fromkeys(names, Picked(listed))
    source = evidence.capture.sources["cpu"]
    unread = {path.rpartition("/")[2]: file_error(e, path) for path, e in source.errors.items()}
    return {fact: _setting(listed.get(name) or unread.get(name)) for fact, name in names.items()}


def _setting(told: str | Missing | None) -> Picked:
    return Picked(_NO_CONTROL) if told is None else first(("cpu", converted(told, words)))


def _product(capture: Capture, *headings: str) -> Fact[int]:
    listing = text(capture, "lscpu")
    if isinstance(listing, Missing):
        return listing
    product = 1
    for heading in headings:
        found = re.search(rf"^{re.escape(heading)}:\s{{1,60}}(\d{{1,5}})$", listing, re.MULTILINE)
        if found is None:
            return Missing("not-present", f"lscpu: {heading}")
        product *= int(found[1])
    return product or Missing("not-parsed", f"lscpu: no {headings[0]}")


def _modules(evidence: Evidence) -> Picked:
    if evidence.is_guest:
        return Picked(Missing("guest-view", "the memory modules are the hypervisor's making"))
    listing = text(evidence.capture, "dmidecode")
    found: Fact[MemoryModules] = (
        listing if isinstance(listing, Missing) else memory_modules(listing)
    )
    return first(("dmidecode", found))


def _meminfo(capture: Capture, name: str, shift: int = 10) -> Fact[int]:
    """A line of /proc/meminfo, in MiB."""
    content = file(capture, "proc", "/proc/meminfo")
    if isinstance(content, Missing):
        return content
    found = re.search(rf"^{name}:\s{{1,20}}(\d{{1,15}})(?: kB)?$", content, re.MULTILINE)
    return int(found[1]) >> shift if found else Missing("not-present", f"/proc/meminfo: {name}")


def _huge_pages(capture: Capture) -> Fact[int]:
    count, size = (_meminfo(capture, name, shift=0) for name in ("HugePages_Total", "Hugepagesize"))
    if isinstance(count, int) and isinstance(size, int):
        return count * size >> 10
    return count if isinstance(count, Missing) else size


def _swap(capture: Capture) -> Fact[Swap]:
    total, swappiness = (
        _meminfo(capture, "SwapTotal"),
        _number(capture, "/proc/sys/vm/swappiness"),
    )
    if isinstance(total, int) and isinstance(swappiness, int):
        return Swap(round(total / 1024, 1), swappiness)
    return total if isinstance(total, Missing) else swappiness  # type: ignore[return-value]


def _limit(capture: Capture, name: str, unit: int) -> Fact[float]:
    """The soft limit of the login; inf where there is none."""
    content = file(capture, "proc", "/proc/self/limits")
    if isinstance(content, Missing):
        return content
    found = re.search(rf"^{name}\s{{1,30}}(unlimited|\d{{1,20}})\s", content, re.MULTILINE)
    if found is None:
        return Missing("not-parsed", f"/proc/self/limits: {name}")
    return math.inf if found[1] == "unlimited" else int(found[1]) / unit


def _number(capture: Capture, path: str) -> Fact[int]:
    return converted(file(capture, "proc", path), whole)
