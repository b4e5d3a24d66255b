"""A bug report of NVIDIA's script as a capture: each section to the source that is its like.

Sections are known by their headings alone. What the probe has no source for and a fact is made of
goes to `bug-report` (files, and the prologue as its text), `kernel-scan`, `lspci-list` (-nn),
`lspci-tree` (-t) and `systemctl-nvidia`. X logs, debugger dumps and the like are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from preflight.capture import SCHEMA, Capture, Imported, ProbeRun, plain
from preflight.errors import UsageError
from preflight.importing.gathering import Gathered
from preflight.importing.sections import Section, sections

TOOL = "nvidia-bug-report.sh"
_BEGIN = b"Start of NVIDIA bug report log file"
_END = "End of NVIDIA bug report log file"
_LOOKED_AT = 64 << 10  # of a file that may begin with somebody's own words
_TITLES = {
    "dmesg:": "dmesg",
    "Scanning kernel log files for NVIDIA kernel messages:": "kernel-scan",
    "PCI devices configuration space dump using sysfs": "lspci",  # where there is no lspci
}
_COMMANDS = (
    ("lspci", re.compile(r"-n{0,2}"), "lspci-list"),
    ("lspci", re.compile(r"-n{0,2}tv{0,3}"), "lspci-tree"),
    ("lspci", re.compile(r"(?:-d \S{1,20} )?(?:-[A-Za-z]{0,12} ?){1,4}"), "lspci"),
    ("dmidecode", re.compile(""), "dmidecode"),
    ("systemctl", re.compile(r"status .{1,300}"), "systemctl-nvidia"),
)
_SMI_LINE = re.compile(r"^(?:/\S{0,200}/)?nvidia-smi (\S[^\n]{0,80})$", re.MULTILINE)
_SMI = {
    "--query": "smi-q", "-q": "smi-q",
    "nvlink --status": "smi-nvlink-s", "nvlink -s": "smi-nvlink-s",
    "nvlink --errorcounters": "smi-nvlink-e", "nvlink -e": "smi-nvlink-e",
}  # fmt: skip
_SKIPPED = re.compile(r"Skipping:? (\S{1,40}) output(?: \((.{1,80})\))?")
_SKIPS = {"lspci": "lspci", "dmidecode": "dmidecode", "nvidia-smi": "smi-q"}
_PROC = frozenset({"/proc/version", "/proc/cmdline", "/proc/meminfo", "/proc/modules"})
_KEPT = re.compile(
    r"/proc/cpuinfo|/etc/(?:issue|os-release|lsb-release|debian_version|redhat-release)"
    r"|/sys/devices/system/node/\w{1,40}|/sys/bus/pci/devices/[0-9a-f:.]{7,20}/\w{1,40}"
    r"|/sys/kernel/mm/transparent_hugepage/enabled|/proc/sys/kernel/numa_balancing"
)
_VERSION = re.compile(r"^nvidia-bug-report\.sh Version: {0,4}(\d{1,12})", re.MULTILINE)
_DATE = re.compile(r"^Date: {0,4}([^\n]{1,80})", re.MULTILINE)
_UNAME = re.compile(r"^uname: {0,4}\S{1,20} (\S{1,255})", re.MULTILINE)
_FLAGS = re.compile(r"^command line flags: {0,4}([^\n]{0,200})", re.MULTILINE)


def is_one(text: bytes) -> bool:
    return _BEGIN in text[:_LOOKED_AT]


def read(text: bytes, name: str) -> Capture:
    """The capture; its `complete` says whether the report ends as the script ends it."""
    if not is_one(text):
        raise UsageError(
            f"{name}: not a bug report of NVIDIA's script: it does not begin as one",
            "it takes nvidia-bug-report.log.gz, or the .log that is inside",
        )
    found = [*sections(text)]
    is_complete = found[-1].heading.startswith(_END) if found else False
    prologue = next((one for one in found if one.heading.startswith(_BEGIN.decode())), None)
    head = prologue.body if prologue else ""
    gathered = Gathered(is_complete, flags=_first(_FLAGS, head))
    gathered.prologue(head)
    for section in found:
        _gather(gathered, section)
    moment = _moment(found)
    return Capture(
        schema=SCHEMA,
        level="look",
        started=moment,
        finished=moment,
        probe=ProbeRun(),
        sources=gathered.sources(),
        complete=is_complete,
        imported=Imported(
            tool=TOOL,
            version=_first(_VERSION, head),
            date=_first(_DATE, head),
            host=_first(_UNAME, head),
            flags=_first(_FLAGS, head),
        ),
    )


def _gather(gathered: Gathered, section: Section) -> None:
    """Put a section where a fact is made of it; most are of no use to any."""
    if title := _TITLES.get(section.heading):
        gathered.text(title, section.body, section.heading, section.is_cut)
    elif section.heading.startswith("***"):
        _gather_file(gathered, section)
    elif skipped := _SKIPPED.match(section.heading):
        if source := _SKIPS.get(skipped[1]):
            gathered.skipped(source, skipped[2] or section.body.partition("\n")[0])
    elif section.command[0] == "nvidia-smi":
        _gather_smi(gathered, section)
    elif source := _source_of(*section.command):
        gathered.text(source, section.body, section.heading, section.is_cut)


def _source_of(tool: str, arguments: str) -> str | None:
    plain_arguments = arguments.replace('"', "")
    matching = (
        source
        for name, pattern, source in _COMMANDS
        if name == tool and pattern.fullmatch(plain_arguments)
    )
    return next(matching, None)


def _gather_file(gathered: Gathered, section: Section) -> None:
    """The last file of a report that was cut is half of one: an absent line would say too much."""
    if section.is_cut or not (absent := section.absent or section.file):
        return
    path, content = absent
    kind = "proc" if path in _PROC else "proc-nvidia" if _is_drivers(path) else "bug-report"
    if kind == "bug-report" and not _KEPT.fullmatch(path):
        return
    if section.absent:
        gathered.no_file(kind, path, content)
    else:
        gathered.file(kind, path, content)


def _is_drivers(path: str) -> bool:
    return path.startswith("/proc/driver/nvidia/")


def _gather_smi(gathered: Gathered, section: Section) -> None:
    """Up to six commands stand in one section, each as a line by itself."""
    whole = f"{section.heading}\n{section.body}"
    starts = [*_SMI_LINE.finditer(whole)]
    for place, start in enumerate(starts):
        is_last = place == len(starts) - 1
        end = len(whole) if is_last else starts[place + 1].start()
        if source := _SMI.get(start[1]):
            body = whole[start.end() : end].strip("\n")
            gathered.text(source, body, start[0], section.is_cut and is_last)


def _moment(found: Iterable[Section]) -> str:
    """When the report was made, RFC 3339 in UTC: the latest time of any file that it lists.

    The report's own date is in the words of the user's locale. "" where no file tells.
    """
    return max(_moments(found), default="")


def _moments(found: Iterable[Section]) -> Iterator[str]:
    for section in found:
        if seen := section.seen_at:
            try:
                local = datetime.strptime(" ".join(seen), "%Y-%m-%d %H:%M:%S %z")
                yield local.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            except (ValueError, OverflowError):  # a date of no calendar
                continue


def _first(pattern: re.Pattern[str], text: str) -> str:
    match = pattern.search(text)
    return plain(match[1]).strip() if match else ""
