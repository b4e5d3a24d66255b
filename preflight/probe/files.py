"""File groups: which paths each one reads, and reading them one by one.

`texts` are read, of `names` only the presence (and a link's target) is kept. Paths below /sys are
kept under their real path; the links on the way are kept too, so that a tree can be built again.
"""

from __future__ import annotations

import errno
import os

from preflight.probe.tree import Tree, error_word, printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Emit = Callable[..., None]
    Step = Callable[[str], None]

_LIBRARY_FOLDERS = (
    "/usr/lib",
    "/usr/lib64",
    "/usr/lib/*-linux-gnu",
    "/usr/lib/nvidia*",
    "/usr/lib64/nvidia*",
    "/usr/lib/wsl/lib",
    "/usr/local/lib",
    "/usr/local/cuda*/lib64",
    "/usr/local/nvidia/lib64",
    "/run/opengl-driver/lib",
)
_PACKAGE_FOLDERS = (
    "/usr/lib/python3*/*-packages",
    "/usr/lib64/python3*/*-packages",
    "/usr/local/lib/python3*/*-packages",
    "/opt/*/lib/python3*/site-packages",
    "/opt/*/*/lib/python3*/site-packages",
    "/srv/*/lib/python3*/site-packages",
    "/root/*/lib/python3*/site-packages",
    "/home/*/*/lib/python3*/site-packages",
)
_MODULE_FOLDERS = (
    "updates/dkms",
    "updates",
    "extra",
    "extra/nvidia*",
    "weak-updates",
    "weak-updates/nvidia*",
    "kernel/drivers/video",
    "kernel/drivers/char",
    "kernel/nvidia*",
)


def below(folder: str, names: str) -> tuple[str, ...]:
    return tuple(f"{folder}/{name}" for name in names.split())


TEXTS = {
    "proc-nvidia": below(
        "/proc/driver/nvidia", "version params registry gpus/*/information gpus/*/power"
    ),
    "proc": below(
        "/proc",
        "version cmdline meminfo modules mounts loadavg uptime swaps stat self/limits self/status "
        "self/cgroup 1/cgroup sys/vm/swappiness sys/vm/overcommit_memory sys/kernel/pid_max "
        "sys/kernel/hostname self/environ net/route net/ipv6_route net/tcp net/tcp6",
    ),
    "os": (
        "/etc/os-release",
        "/run/systemd/container",
        "/etc/apt/apt.conf.d/*auto-upgrades",
        "/etc/environment",
        "/etc/ld.so.preload",
        "/etc/docker/daemon.json",
        "/etc/containerd/config.toml",
        "/sys/kernel/mm/transparent_hugepage/enabled",
        "/sys/module/nvidia/version",
        "/sys/module/nvidia/parameters/*",
        "/sys/hypervisor/type",
    ),
    "dmi": below(
        "/sys/class/dmi/id",
        "bios_vendor bios_version bios_date board_vendor board_name board_version board_serial "
        "chassis_type chassis_vendor product_family product_name product_serial product_version "
        "sys_vendor",
    ),
    "cpu": below(
        "/sys/devices/system",
        "cpu/online cpu/cpufreq/policy0/scaling_* cpu/cpufreq/policy0/cpuinfo_*_freq "
        "cpu/cpufreq/policy0/energy_performance_preference node/online node/node*/cpulist "
        "node/node*/meminfo node/node*/distance edac/mc/mc*/*_count edac/mc/mc*/mc_name",
    ),
    "net": below(
        "/sys/class/net/*",
        "operstate speed duplex mtu carrier_changes statistics/rx_packets statistics/tx_packets "
        "statistics/rx_errors statistics/tx_errors statistics/rx_dropped statistics/tx_dropped "
        "statistics/rx_crc_errors",
    ),
}
NAMES = {
    "os": (
        "/.dockerenv",
        "/run/.containerenv",
        "/var/run/reboot-required",
        "/sys/module/nouveau",
        "/etc/containerd/conf.d/*nvidia*.toml",
        "/etc/cdi/nvidia*",
        "/var/run/cdi/nvidia*",
        *below("/usr/bin", "dockerd containerd podman"),
        *below("/usr/local/bin", "dockerd containerd podman"),
        "/lib/modules/*/modules.dep",
        *(f"/lib/modules/*/{folder}/nvidia.ko*" for folder in _MODULE_FOLDERS),
    ),
    "libraries": (
        *(f"{folder}/{name}.so*" for folder in _LIBRARY_FOLDERS for name in ("libcuda", "libnccl")),
        *(f"{folder}/libnvidia-ml.so*" for folder in _LIBRARY_FOLDERS),
        *(f"{folder}/vllm-*.dist-info" for folder in _PACKAGE_FOLDERS),
        *(f"{folder}/torch-*.dist-info" for folder in _PACKAGE_FOLDERS),
        *(f"{folder}/nvidia_nccl_*.dist-info" for folder in _PACKAGE_FOLDERS),
        *(f"{folder}/nvidia/nccl/lib/libnccl.so*" for folder in _PACKAGE_FOLDERS),
    ),
}
_SETTINGS = (
    "CUDA_AUTO_BOOST=",
    "COMPUTE_PROFILE=",
    "CUDA_INJECTION",
    "CUDA_VISIBLE_DEVICES=",
    "LD_PRELOAD=",
)


def _begins(*names: str) -> Callable[[str], bool]:
    return lambda line: line.lstrip().startswith(names)


def _column(place: int, value: str) -> Callable[[str], bool]:
    return lambda line: line.split()[place : place + 1] == [value]


# Of files that are long and mostly of no use, or may hold what is nobody's business, only these
# lines: those that a listening socket or a default route has, and settings by their names.
_LINES = {
    "/proc/stat": _begins("btime "),
    "/proc/self/environ": _begins(*_SETTINGS),
    "/etc/environment": _begins(*_SETTINGS),
    "/proc/net/tcp": _column(3, "0A"),
    "/proc/net/tcp6": _column(3, "0A"),
    "/proc/net/route": _column(1, "00000000"),
    "/proc/net/ipv6_route": _column(1, "00"),
}
# Of files that may hold passwords, only whether this word stands there.
_WORDS = dict.fromkeys(
    ("/etc/docker/daemon.json", "/etc/containerd/config.toml"), "nvidia-container-runtime"
)


def collect(group: str, tree: Tree, step: Step, emit: Emit) -> None:
    """Read one group; each path is announced by `step` before it is touched."""
    for pattern in TEXTS.get(group, ()):
        step(pattern)
        for path in tree.expand(pattern):
            read_text(tree, path, step, emit)
    for pattern in NAMES.get(group, ()):
        step(pattern)
        for path in tree.expand(pattern):
            note_name(tree, path, step, emit)


def real_path(tree: Tree, path: str, emit: Emit) -> str:
    """The key of a path in the capture."""
    if not path.startswith("/sys/"):
        return path
    return tree.resolve(path, lambda link, to: emit("links", printable(link), printable(to)))


def read_text(tree: Tree, path: str, step: Step, emit: Emit) -> None:
    step(path)
    with reporting(path, emit):
        key = real_path(tree, path, emit)
        text = kept(path, tree.read(path).decode("utf-8", "replace"))
        emit("files", printable(key), text.rstrip("\n"))


def kept(path: str, text: str) -> str:
    """What of a file goes into the capture."""
    if path in _WORDS:
        return _WORDS[path] if _WORDS[path] in text else ""
    if path in _LINES:
        lines = text.replace("\0", "\n").split("\n")
        return "\n".join(filter(_LINES[path], lines))
    return text


def note_name(tree: Tree, path: str, step: Step, emit: Emit) -> None:
    """That a path is there: its target where it is a link, else an empty text."""
    step(path)
    folder, _, name = path.rpartition("/")
    where = tree.at(folder or "/") + "/" + name
    with reporting(path, emit):
        if os.path.islink(where):
            emit("links", printable(path), printable(os.readlink(where)))
        else:
            emit("files", printable(path), "")


class reporting:
    """Keeps the reason why a path could not be read; one that is not there is simply not there."""

    def __init__(self, path: str, emit: Emit) -> None:
        self.path = path
        self.emit = emit

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        if not isinstance(error, OSError):
            return False
        if error.errno not in (errno.ENOENT, errno.ENOTDIR):
            self.emit("errors", printable(self.path), error_word(error))
        return True
