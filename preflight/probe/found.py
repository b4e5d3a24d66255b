"""Sources of which a host has as many as it has devices: one a disk, one a network card."""

from __future__ import annotations

from preflight.probe.sources import Source

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from preflight.probe.tree import Tree

MOST = 16  # of each kind (a guess: a host has fewer disks that hold anything of a server's)
MAX_BYTES = 64 << 10
_DISKS = ("nvme", "sd")
# A disk that sleeps is left asleep.
_SMART = ("smartctl", "-j", "-n", "standby", "-H", "-A")


def found(tree: Tree) -> Iterator[Source]:
    disks = [name for name in _names(tree, "/sys/block") if name.startswith(_DISKS)]
    for name in disks[:MOST]:
        device = "/dev/" + name
        argv = (*_SMART, device)
        yield Source("smart-" + name, argv, privileged=True, devices=(device,), max_bytes=MAX_BYTES)
    cards = [name for name in _names(tree, "/sys/class/net") if _is_card(tree, name)]
    for name in cards[:MOST]:
        yield Source("ethtool-" + name, ("ethtool", name), max_bytes=MAX_BYTES)


def _names(tree: Tree, folder: str) -> list[str]:
    """Names of the kernel's own making; one that a tool could take for an option is left out."""
    try:
        names = tree.listdir(folder)
    except OSError:  # not shown here
        return []
    return [name for name in names if name.isascii() and not name.startswith("-")]


def _is_card(tree: Tree, name: str) -> bool:
    """It has a device, which bridges and tunnels have not, and a link."""
    folder = "/sys/class/net/" + name
    try:
        return tree.exists(folder + "/device") and tree.read(folder + "/operstate") == b"up\n"
    except OSError:  # it is just going away
        return False
