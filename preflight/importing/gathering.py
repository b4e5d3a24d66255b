"""The sources of an imported capture: what was found, and for all others why there is nothing."""

from __future__ import annotations

from preflight.capture import Source

NOT_IN_IT = "not-in-a-bug-report"
# Sources of the probe that no bug report holds, or holds too little of to stand for them.
_NEVER_IN_IT = (
    "nvml", "smi-topo", "smi-p2p-r", "smi-p2p-w", "smi-p2p-n", "smi-p2p-a", "smi-p2p-p",
    "sysfs-pci", "journal-kernel", "journal-kernel-previous", "ipmi-sdr", "ipmi-sensor",
    "ipmi-dcmi", "ipmi-sel", "os", "dmi", "cpu", "net", "libraries", "lscpu", "df", "df-inodes",
    "systemd-failed", "systemd-nvidia", "detect-virt", "timedatectl", "chronyc", "ldconfig",
    "container-toolkit", "dkms", "modinfo", "dpkg-nvidia",
)  # fmt: skip
_MAY_BE_IN_IT = (
    "smi-q", "smi-nvlink-s", "smi-nvlink-e", "lspci", "lspci-list", "lspci-tree", "dmidecode",
    "dmesg", "kernel-scan", "systemctl-nvidia", "proc", "proc-nvidia",
)  # fmt: skip
# What the probe reads of /proc beyond what the script does.
_NO_PROC = (
    "1/cgroup", "loadavg", "mounts", "self/cgroup", "self/limits", "self/status", "stat", "swaps",
    "sys/kernel/hostname", "sys/kernel/pid_max", "sys/vm/overcommit_memory", "sys/vm/swappiness",
    "uptime",
)  # fmt: skip
_WITH_NVIDIA_SMI = ("smi-q", "smi-nvlink-s", "smi-nvlink-e")
_LOGS = ("dmesg", "kernel-scan")  # whose lines stand for themselves
_SAFE_MODE = "--safe-mode"
_MOST_OF_A_FILE = 1 << 20
_SMI_ANSWER = "NVSMI LOG"


class Gathered:
    """Collects texts and files by source; `sources` gives every source that a capture may have."""

    def __init__(self, is_complete: bool, flags: str) -> None:
        self._is_complete = is_complete
        self._is_safe_mode = _SAFE_MODE in flags.split()
        self._texts: dict[str, list[tuple[str, str]]] = {}
        self._cut: set[str] = set()
        self._files: dict[str, dict[str, str]] = {}
        self._errors = {"proc": {f"/proc/{name}": NOT_IN_IT for name in _NO_PROC}}
        self._skipped: dict[str, str] = {}
        self._prologue = ""

    def prologue(self, text: str) -> None:
        self._prologue = text

    def text(self, source: str, body: str, command: str, is_cut: bool) -> None:
        """What a command printed; a further one of the same source is added to it."""
        self._texts.setdefault(source, []).append((command, body))
        if is_cut:
            self._cut.add(source)

    def file(self, source: str, path: str, content: str) -> None:
        self._files.setdefault(source, {})[path] = content[:_MOST_OF_A_FILE]

    def no_file(self, source: str, path: str, why: str) -> None:
        """A file that the script looked for: absent, or not readable."""
        reason = "not-permitted" if "readable" in why else "not-present"
        self._errors.setdefault(source, {})[path] = reason

    def skipped(self, source: str, why: str) -> None:
        self._skipped[source] = why.strip()

    def sources(self) -> dict[str, Source]:
        return {
            **{name: Source(NOT_IN_IT) for name in _NEVER_IN_IT},
            **{name: self._absent(name) for name in _MAY_BE_IN_IT},
            **{name: self._text(name) for name in self._texts},
            **{name: self._of_files(name) for name in {**self._files, **self._errors}},
            "bug-report": Source(
                "ok", stdout=self._prologue, files=self._files.get("bug-report", {})
            ),
        }

    def _text(self, name: str) -> Source:
        parts = self._texts[name]
        body = "".join(text.strip("\n") + "\n" for _, text in parts)
        if name in self._cut and name not in _LOGS:  # half a list would say that the rest is absent
            return Source(NOT_IN_IT, detail="the file ends inside it", stdout=body, truncated=True)
        is_refused = name in _WITH_NVIDIA_SMI and not self._smi_answered
        return Source(
            "tool-failed" if is_refused else "ok",
            argv=[command for command, _ in parts],
            stdout=body,
            truncated=name in self._cut,
        )

    @property
    def _smi_answered(self) -> bool:
        """By the first of its commands: with one dead card, or none, it prints a line instead."""
        return any(_SMI_ANSWER in text for _, text in self._texts.get("smi-q", ()))

    def _of_files(self, name: str) -> Source:
        files, errors = self._files.get(name, {}), self._errors.get(name, {})
        return Source("ok" if files else "not-present", files=files, errors=errors)

    def _absent(self, name: str) -> Source:
        if name in self._skipped:
            return Source("tool-absent", detail=self._skipped[name])
        if name in _WITH_NVIDIA_SMI and self._is_safe_mode:
            return Source(NOT_IN_IT, detail=f"{_SAFE_MODE} leaves it out")
        if not self._is_complete:
            return Source(NOT_IN_IT, detail="the file ends before it")
        return Source(NOT_IN_IT, detail="this one has no such section")
