"""Every source of evidence, one row each. Collected and never judged; told in docs/capture.md.

Rows stand in the order in which they are started: what takes longest comes first.
"""

from __future__ import annotations

from copy import copy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from preflight.probe.record import Record

LEVELS = {"look": 60.0, "measure": 360.0}  # level -> deadline of the whole run, s
IPMI_DEVICES = ("/dev/ipmi0", "/dev/ipmi/0", "/dev/ipmidev/0")
JOURNAL = ("journalctl", "--no-pager", "-o", "short-iso", "-n", "20000", "-k", "-b")
DPKG_FIELDS = "${db:Status-Abbrev}${Package} ${Version}\\n"  # "hi" in front: held
DPKG_NAMES = ("*nvidia*", "libcuda*", "libnccl*", "cuda-drivers*")


class Source:
    """A command (`argv`), or a collector of this package that runs in a forked child (`reader`).

    `lane`: sources of one lane run one after another. `devices`: one of these files must exist.
    `stall_s`: longest silence of a collector before it is given up.
    """

    def __init__(
        self,
        name: str,
        argv: tuple[str, ...] = (),
        *,
        reader: str = "",
        level: str = "look",
        timeout_s: float = 10.0,
        max_bytes: int = 256 << 10,
        privileged: bool = False,
        lane: str = "",
        devices: tuple[str, ...] = (),
        stall_s: float = 0.0,
    ) -> None:
        self.name = name
        self.argv = argv
        self.reader = reader
        self.level = level
        self.timeout_s = timeout_s
        self.max_bytes = max_bytes
        self.privileged = privileged
        self.lane = lane
        self.devices = devices
        self.stall_s = stall_s

    def work(self, record: Record) -> None:
        """What a step of level measure does in its child."""
        raise NotImplementedError

    def after(self) -> Source:
        """The same, read again when the measuring is done."""
        again = copy(self)
        again.name = self.name + "-after"
        return again


def _ipmi(name: str, *arguments: str) -> Source:
    """One keyboard controller style interface serves them all, one after another."""
    argv = ("ipmitool", *arguments)
    return Source(name, argv, privileged=True, lane="ipmi", devices=IPMI_DEVICES)


SOURCES = (
    Source("smi-q", ("nvidia-smi", "-q", "-x"), timeout_s=35, max_bytes=4 << 20),
    Source("nvml", reader="nvml", timeout_s=45, max_bytes=4 << 20, stall_s=10),
    Source("dmesg", ("dmesg",), max_bytes=4 << 20, privileged=True),
    _ipmi("ipmi-sdr", "sdr", "elist"),
    Source("lspci", ("lspci", "-Dnnvvv"), max_bytes=4 << 20, privileged=True),
    Source("journal-kernel", (*JOURNAL, "0"), timeout_s=20, max_bytes=6 << 20, privileged=True),
    Source("sysfs-pci", reader="pci", max_bytes=4 << 20),
    Source("proc-nvidia", reader="files", max_bytes=1 << 20),
    Source("smi-topo", ("nvidia-smi", "topo", "-m"), timeout_s=20),
    Source("dmidecode", ("dmidecode", "-t", "0,1,2,3,4,9,16,17,39"), privileged=True),
    Source("dpkg-nvidia", ("dpkg-query", "-W", "-f", DPKG_FIELDS, *DPKG_NAMES)),
    Source("dkms", ("dkms", "status")),
    Source("smi-p2p-r", ("nvidia-smi", "topo", "-p2p", "r"), timeout_s=20),
    Source("smi-p2p-w", ("nvidia-smi", "topo", "-p2p", "w"), timeout_s=20),
    Source("smi-p2p-n", ("nvidia-smi", "topo", "-p2p", "n"), timeout_s=20),
    Source("smi-p2p-a", ("nvidia-smi", "topo", "-p2p", "a"), timeout_s=20),
    Source("smi-p2p-p", ("nvidia-smi", "topo", "-p2p", "p"), timeout_s=20),
    Source("smi-nvlink-s", ("nvidia-smi", "nvlink", "-s"), timeout_s=20),
    Source("smi-nvlink-e", ("nvidia-smi", "nvlink", "-e"), timeout_s=20),
    Source(
        "journal-kernel-previous",
        (*JOURNAL, "-1"),
        timeout_s=20,
        max_bytes=6 << 20,
        privileged=True,
    ),
    Source("timedatectl", ("timedatectl", "show")),
    Source("systemd-failed", ("systemctl", "--failed", "--plain", "--no-legend")),
    Source(
        "systemd-nvidia",
        (
            "systemctl",
            "show",
            "-p",
            "Id,LoadState,ActiveState,SubState,UnitFileState",
            "nvidia-persistenced.service",
            "nvidia-fabricmanager.service",
        ),
    ),
    Source("libraries", reader="files", max_bytes=1 << 20),
    Source("ldconfig", ("ldconfig", "-p"), max_bytes=1 << 20),
    Source("modinfo", ("modinfo", "nvidia")),
    Source("proc", reader="files", max_bytes=2 << 20),
    Source("net", reader="files", max_bytes=1 << 20),
    Source("cpu", reader="files", max_bytes=1 << 20),
    Source("os", reader="files", max_bytes=1 << 20),
    Source("dmi", reader="files"),
    Source("lscpu", ("lscpu",)),
    Source("df", ("df", "-PkT")),
    Source("df-inodes", ("df", "-PiT")),
    Source("detect-virt", ("systemd-detect-virt",)),
    Source("listening", ("ss", "-Hltn", "--cgroup")),
    Source("chronyc", ("chronyc", "-n", "tracking")),
    Source("container-toolkit", ("nvidia-ctk", "--version")),
    _ipmi("ipmi-dcmi", "dcmi", "power", "reading"),
    _ipmi("ipmi-sensor", "sensor"),
    _ipmi("ipmi-sel", "sel", "elist", "last", "200"),
)
