"""NUMA nodes: which one a card hangs on, which is the far one, and allocating there."""

from __future__ import annotations

import ctypes
import os

from preflight.probe.tree import Tree

NODES = "/sys/devices/system/node"
SET_MEMPOLICY = {"x86_64": 238, "aarch64": 237}
BIND = 2  # MPOL_BIND


class Place:
    """A node's memory and processors; `node` is None where the host does not tell."""

    def __init__(self, node: int | None, cpus: frozenset[int]) -> None:
        self.node = node
        self.cpus = cpus
        self.words = "NUMA node unknown" if node is None else f"NUMA node {node}"


def places(tree: Tree, pci: str) -> tuple[Place, Place | None]:
    """The card's own node, and the one farthest from it where there is another with memory."""
    found = all_places(tree)
    if not found:
        return Place(None, frozenset(os.sched_getaffinity(0))), None
    number = read_number(tree, f"/sys/bus/pci/devices/{pci}/numa_node")
    if len(found) == 1:
        return found[0], None
    near = next((place for place in found if place.node == number), None)
    if near is None:  # firmware does not say (-1): nothing is near, nothing far
        return Place(None, frozenset(os.sched_getaffinity(0))), None
    distances = tree.read(f"{NODES}/node{near.node}/distance").split()
    others = [place for place in found if place is not near]
    numbers = node_numbers(tree)

    def distance(place: Place) -> int:
        at = numbers.index(place.node) if place.node in numbers else -1
        return int(distances[at]) if 0 <= at < len(distances) else 0

    return near, max(others, key=distance)


def all_places(tree: Tree) -> list[Place]:
    """Nodes with processors that this process may use."""
    allowed = os.sched_getaffinity(0)
    found = []
    for number in node_numbers(tree):
        text = tree.read(f"{NODES}/node{number}/cpulist").decode()
        cpus = frozenset(cpu_list(text)) & allowed
        if cpus:
            found.append(Place(number, cpus))
    return found


def node_numbers(tree: Tree) -> list[int]:
    paths = tree.expand(NODES + "/node*")
    names = [path.rpartition("/node")[2] for path in paths]
    return sorted(int(name) for name in names if name.isdigit())


def cpu_list(text: str) -> list[int]:
    """`0-3,8` as numbers."""
    found: list[int] = []
    for part in text.strip().split(","):
        first, _, last = part.partition("-")
        if first:
            found += range(int(first), int(last or first) + 1)
    return found


def read_number(tree: Tree, path: str) -> int:
    try:
        return int(tree.read(path))
    except (OSError, ValueError):  # no such file, or no number in it
        return -1


def stay_at(place: Place) -> None:
    """Run on the node's processors, and take memory from there alone where that is allowed.

    Containers may forbid the policy; then the kernel still prefers the node it runs on.
    """
    os.sched_setaffinity(0, place.cpus)
    number = SET_MEMPOLICY.get(os.uname().machine)
    if place.node is None or number is None or place.node >= 64:
        return
    mask = ctypes.c_ulong(1 << place.node)
    ctypes.pythonapi.syscall(number, BIND, ctypes.byref(mask), ctypes.c_ulong(64 + 1))
