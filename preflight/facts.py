"""What the evidence means: one value a fact, in the field's own words and units.

A fact is a plain value, or `Missing` with the reason why it could not be read, or
`NotApplicable` where the property does not exist there (no ECC on the card). Never None for
"unknown": a check's parameters are the names of these fields, and the engine turns a missing
one into `unknown`. Each subject keeps in `sources` which source of the capture gave a field.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, TypeVar

from preflight.layout import Layout
from preflight.measured import (
    AllReduce,
    ComputeRate,
    CopiesTogether,
    CudaDevice,
    Measured,
    NearestProduct,
    PeerData,
    Rest,
)

MissingReason = Literal[
    "tool-absent",  # the program or library is not on the host
    "tool-failed",  # it is there and returned an error
    "timed-out",  # its time limit ran out
    "not-permitted",  # the user who logged in may not read it
    "not-supported",  # the card or the driver does not offer it
    "not-present",  # the file or directory does not exist
    "not-parsed",  # it was read, and not understood
    "not-collected",  # this capture does not hold that source
    "not-in-a-bug-report",  # imported evidence cannot hold it, or this file does not
    "gpu-lost",  # the card no longer answers
    "guest-view",  # only the hypervisor knows; a guest's reading says nothing
    "skipped",  # a measurement for which there was no time, or no room
    "in-use",  # a measurement that somebody else's work on the card would have spoilt
]


@dataclass(frozen=True)
class Missing:
    """A fact that could not be read; `detail` is the tool's own word, one line."""

    reason: MissingReason
    detail: str = ""

    def __str__(self) -> str:
        words = self.reason.replace("-", " ")
        return f"{words}: {self.detail}" if self.detail else words


@dataclass(frozen=True)
class NotApplicable:
    """The property does not exist on this subject; `reason` is a phrase."""

    reason: str

    def __str__(self) -> str:
        return self.reason


T = TypeVar("T")
Fact: TypeAlias = T | Missing | NotApplicable
Sources = Mapping[str, str]  # field name -> source of the capture, "nvml" or "lspci, nvml"

NOT_COLLECTED = Missing("not-collected")
NOT_IN_BUG_REPORT = Missing("not-in-a-bug-report")
NO_LAYOUT = NotApplicable("no layout was asked for")


@dataclass(frozen=True)
class Figure:
    """A catalogue figure with its source, e.g. (24564, "nvidia-smi of a stock card")."""

    value: float
    source: str


@dataclass(frozen=True)
class Card:
    """What the catalogue says of one product (or of several that share a PCI id)."""

    name: str  # as NVML prints it, without "NVIDIA "
    pci_device_ids: tuple[str, ...]  # "2684", small letters
    family: str  # "ada", "hopper" …
    form: Literal["geforce", "workstation", "data-center"]
    memory_mib: int  # as nvidia-smi prints it
    memory_gb_s: float
    sm_count: int
    compute_capability: str  # "8.9"
    power_limit_w: int  # the reference board's default
    pcie_gen: int
    pcie_width: int
    nvlink_links: int  # 0 where the product has none
    peer_access: Literal["yes", "no", "nvlink-only"]  # what the stock driver grants
    figures: Mapping[str, Figure]  # every further figure by name, with its source
    names: tuple[str, ...] = ()  # other NVML names of the same product


@dataclass(frozen=True)
class Bridge:
    """One PCIe port above a card, from the card's own upwards; `None` where not readable."""

    pci: str
    link_gen: int | None  # of the link below this port
    link_gen_max: int | None
    link_width: int | None
    link_width_max: int | None
    is_root_port: bool


@dataclass(frozen=True)
class AerCounts:
    """PCIe advanced error reports on the path of one card, port by port, since boot.

    `counted` are the kernel's counters or log lines by severity; `sticky` are status bits that
    lspci still shows set ("RxErr", "CmpltTO"), which firmware-first hosts show and never log.
    """

    corrected: Mapping[str, int]  # port -> count
    nonfatal: Mapping[str, int]
    fatal: Mapping[str, int]
    sticky_corrected: Mapping[str, tuple[str, ...]]  # port -> bits of CESta
    sticky_uncorrected: Mapping[str, tuple[str, ...]]  # port -> bits of UESta


@dataclass(frozen=True)
class RemappedRows:
    correctable: int
    uncorrectable: int
    pending: bool
    failure: bool


@dataclass(frozen=True)
class RemapperBanks:
    """How many banks of a card's memory have how many spare rows left."""

    none: int
    low: int
    partial: int
    high: int
    full: int  # banks with all of them


@dataclass(frozen=True)
class RetiredPages:
    """Pages of memory that a card before Ampere no longer uses, by why they were retired."""

    single_bit: int  # two correctable errors at one address
    double_bit: int  # one uncorrectable error
    pending: bool  # one more waits for a reset


@dataclass(frozen=True)
class NvLink:
    """One card's NVLinks: which are up, of how many that the card offers."""

    active: tuple[int, ...]
    inactive: tuple[int, ...]


@dataclass(frozen=True)
class GpuProcess:
    pid: int
    name: str  # "" where the driver or the container hides it
    memory_mib: int | None
    kind: Literal["compute", "graphics", "both"]
    cgroup: str = ""  # of the system's own manager: "/system.slice/…"; "" where it was not read


@dataclass(frozen=True)
class GpuUse:
    """Who uses the card: processes, memory and load at one moment."""

    processes: tuple[GpuProcess, ...]
    memory_used_mib: int  # without the driver's own reserve
    utilization_percent: int | None


@dataclass(frozen=True)
class XidEvent:
    """One Xid code on one card, all its repeats together.

    `boot` is 0 for this boot, -1 for the one before; `first` and `last` are stamps as logged.
    """

    code: int
    message: str  # the text of the first one
    count: int
    boot: int
    first: str
    last: str
    places: Mapping[str, int] = field(default_factory=dict)  # "GPC 3, TPC 2" -> programs it stopped


@dataclass(frozen=True)
class Gpu:
    """One NVIDIA display or 3D controller that any source knows."""

    subject: str  # "gpu0": by PCI address over all sources
    pci: str  # "0000:01:00.0"
    sources: Sources = field(default_factory=dict)

    # identity
    nvml_index: Fact[int] = NOT_COLLECTED
    name: Fact[str] = NOT_COLLECTED  # as the driver reports it
    pci_name: Fact[str] = NOT_COLLECTED  # as lspci prints it, for a card that the driver lost
    uuid: Fact[str] = NOT_COLLECTED
    serial: Fact[str] = NOT_COLLECTED
    vbios: Fact[str] = NOT_COLLECTED
    board_part_number: Fact[str] = NOT_COLLECTED
    pci_device_id: Fact[str] = NOT_COLLECTED  # "2684"
    pci_subsystem_id: Fact[str] = NOT_COLLECTED  # "1462:5104"
    slot: Fact[str] = NOT_COLLECTED  # DMI's label of the slot, "PCIEX16_1"
    catalog: Fact[Card] = NOT_COLLECTED  # by device id; Missing("not-present") where unknown
    catalog_names: Fact[tuple[str, ...]] = NOT_COLLECTED  # names of this id; () : not catalogued
    has_peers: Fact[bool] = NOT_COLLECTED  # a second card is in the host

    # does it answer
    lost_signs: Fact[tuple[str, ...]] = NOT_COLLECTED  # empty: it answers
    query_errors: Fact[tuple[str, ...]] = NOT_COLLECTED  # "nvmlDeviceGetX: UNKNOWN"
    recovery_action: Fact[str] = NOT_COLLECTED  # that the driver asks for: "none", "reset" …
    inforom_corrupted: Fact[bool] = NOT_COLLECTED  # the driver says so of the board's own store
    power_cable_signs: Fact[tuple[str, ...]] = NOT_COLLECTED  # empty: it has its extra power

    # PCIe
    pcie_link_width: Fact[int] = NOT_COLLECTED  # lanes in use
    pcie_link_width_max: Fact[int] = NOT_COLLECTED  # what card and slot can carry together
    pcie_link_gen: Fact[int] = NOT_COLLECTED  # now; an idle card saves power at 1
    pcie_link_gen_max: Fact[int] = NOT_COLLECTED  # what card and slot can carry together
    pcie_device_gen_max: Fact[int] = NOT_COLLECTED  # the card alone
    pcie_device_width_max: Fact[int] = NOT_COLLECTED  # the card alone
    upstream: Fact[tuple[Bridge, ...]] = NOT_COLLECTED  # from the card's port to the root port
    uplink_shared_by: Fact[tuple[str, ...]] = NOT_COLLECTED  # cards behind one link; (): its own
    pcie_replays: Fact[int] = NOT_COLLECTED  # packets sent again since the driver loaded
    upstream_limits: Fact[tuple[str, ...]] = NOT_COLLECTED  # kernel's "limited by" lines
    aer: Fact[AerCounts] = NOT_COLLECTED
    acs_redirecting: Fact[tuple[str, ...]] = NOT_COLLECTED  # bridges with ReqRedir+ or SrcValid+
    numa_node: Fact[int] = NOT_COLLECTED  # -1: the firmware does not say
    iommu_group: Fact[int] = NOT_COLLECTED
    chipset_port: Fact[str] = NOT_COLLECTED  # chipset and port on its way; "": processor's lanes
    pcie_max_payload_bytes: Fact[int] = NOT_COLLECTED  # in use: 128, 256 …
    pcie_max_payload_able_bytes: Fact[int] = NOT_COLLECTED  # what the card alone can
    unassigned_bars: Fact[tuple[str, ...]] = NOT_COLLECTED  # empty: its windows have addresses
    nvlink: Fact[NvLink] = NOT_COLLECTED
    nvlink_errors: Fact[Mapping[str, int]] = NOT_COLLECTED  # kind -> sum over all links

    # memory
    memory_total_mib: Fact[int] = NOT_COLLECTED
    bar1_total_mib: Fact[int] = NOT_COLLECTED
    bar1_offered_mib: Fact[int] = NOT_COLLECTED  # the largest that the card can be set to
    ecc_enabled: Fact[bool] = NOT_COLLECTED
    ecc_enabled_after_reboot: Fact[bool] = NOT_COLLECTED  # the pending mode
    ecc_correctable_volatile_dram: Fact[int] = NOT_COLLECTED  # since the driver loaded
    ecc_uncorrectable_volatile: Fact[int] = NOT_COLLECTED  # SRAM + DRAM since the driver loaded
    ecc_uncorrectable_aggregate_dram: Fact[int] = NOT_COLLECTED
    ecc_uncorrectable_aggregate_sram: Fact[int] = NOT_COLLECTED
    ecc_sram_threshold_exceeded: Fact[bool] = NOT_COLLECTED
    remapped_rows: Fact[RemappedRows] = NOT_COLLECTED
    remapper_banks: Fact[RemapperBanks] = NOT_COLLECTED
    retired_pages: Fact[RetiredPages] = NOT_COLLECTED

    # power and heat
    power_limit_w: Fact[float] = NOT_COLLECTED  # enforced
    power_limit_default_w: Fact[float] = NOT_COLLECTED
    power_limit_min_w: Fact[float] = NOT_COLLECTED
    power_limit_max_w: Fact[float] = NOT_COLLECTED
    power_draw_w: Fact[float] = NOT_COLLECTED
    temperature_c: Fact[int] = NOT_COLLECTED
    temperature_margin_c: Fact[int] = NOT_COLLECTED  # T.Limit: degrees left to the target
    temperature_slowdown_c: Fact[int] = NOT_COLLECTED
    memory_temperature_c: Fact[int] = NOT_COLLECTED
    memory_temperature_max_c: Fact[int] = NOT_COLLECTED  # the card's own limit
    fan_speed_percent: Fact[int] = NOT_COLLECTED
    clock_max_mhz: Fact[int] = NOT_COLLECTED  # graphics
    clock_memory_max_mhz: Fact[int] = NOT_COLLECTED
    memory_bandwidth_gb_s: Fact[float] = NOT_COLLECTED  # by that clock and the bus width
    clock_application_mhz: Fact[int] = NOT_COLLECTED  # graphics; what a program may ask for
    clock_application_default_mhz: Fact[int] = NOT_COLLECTED
    is_idle: Fact[bool] = NOT_COLLECTED  # no process, utilisation 0
    performance_state: Fact[str] = NOT_COLLECTED  # "P8"
    throttle_reasons: Fact[tuple[str, ...]] = NOT_COLLECTED  # active now, names of `parse smi`

    # use and driver state
    use: Fact[GpuUse] = NOT_COLLECTED
    persistence_mode: Fact[bool] = NOT_COLLECTED  # or nvidia-persistenced runs
    mig_enabled: Fact[bool] = NOT_COLLECTED
    compute_mode: Fact[str] = NOT_COLLECTED  # "Default", "Exclusive Process", "Prohibited"
    is_open_driver: Fact[bool] = NOT_COLLECTED
    loaded_driver: Fact[str] = NOT_COLLECTED  # version of the driver that drives it
    gsp_firmware: Fact[str] = NOT_COLLECTED  # version that runs on the card
    virtualization_mode: Fact[str] = NOT_COLLECTED  # "None", "Pass-Through", "VGPU" …

    # kernel log
    xids: Fact[tuple[XidEvent, ...]] = NOT_COLLECTED  # empty: the log was read, no Xid

    # measured: through the driver's compute library
    family: Fact[str] = NOT_COLLECTED  # by the catalogue, else by compute capability: "hopper"
    cuda_errors: Fact[tuple[str, ...]] = NOT_COLLECTED  # empty: all that ran on it ended well
    cuda_device: Fact[CudaDevice] = NOT_COLLECTED
    rest: Fact[Rest] = NOT_COLLECTED

    # measured: the link
    is_in_guest: Fact[bool] = NOT_COLLECTED  # its host is a virtual machine: others may share it
    host_to_device: Fact[Measured] = NOT_COLLECTED  # pinned memory of the card's own NUMA node
    device_to_host: Fact[Measured] = NOT_COLLECTED
    host_to_device_far: Fact[Measured] = NOT_COLLECTED  # pinned memory of another NUMA node
    device_to_host_far: Fact[Measured] = NOT_COLLECTED
    host_to_device_by_kernel: Fact[Measured] = NOT_COLLECTED  # mapped memory, no copy engine
    device_to_host_by_kernel: Fact[Measured] = NOT_COLLECTED
    host_to_device_together: Fact[Measured] = NOT_COLLECTED  # while all cards copy
    device_to_host_together: Fact[Measured] = NOT_COLLECTED
    copy_latency: Fact[Measured] = NOT_COLLECTED
    launch_latency: Fact[Measured] = NOT_COLLECTED  # of an empty kernel
    pcie_link_gen_under_load: Fact[int] = NOT_COLLECTED  # sampled while it copied
    pcie_link_width_under_load: Fact[int] = NOT_COLLECTED
    pcie_raw_gb_s: Fact[float] = NOT_COLLECTED  # one way, of the link under load, else as reported
    copying_s: Fact[float] = NOT_COLLECTED  # how long its link was loaded
    pcie_replays_under_load: Fact[int] = NOT_COLLECTED  # growth of the counter in the test
    pcie_errors_under_load: Fact[Mapping[str, int]] = NOT_COLLECTED  # severity -> growth
    xids_during_test: Fact[tuple[XidEvent, ...]] = NOT_COLLECTED  # empty: read again, none new
    lost_after_test: Fact[tuple[str, ...]] = NOT_COLLECTED  # signs that were not there before
    errors_after_test: Fact[tuple[str, ...]] = NOT_COLLECTED  # calls that did not fail before
    ecc_uncorrectable_in_test: Fact[int] = NOT_COLLECTED  # growth of the counters
    remapped_rows_after_test: Fact[RemappedRows] = NOT_COLLECTED
    heat_stop: Fact[str] = NOT_COLLECTED  # "88 °C, at most 87 °C"; "": it was never too hot
    throttle_under_load: Fact[Mapping[str, float]] = NOT_COLLECTED  # reason -> part of the samples

    # measured: memory and arithmetic
    device_copy: Fact[Measured] = NOT_COLLECTED  # read and written
    device_read: Fact[Measured] = NOT_COLLECTED
    device_write: Fact[Measured] = NOT_COLLECTED
    device_copy_by_engine: Fact[Measured] = NOT_COLLECTED
    memory_bandwidth: Fact[Measured] = NOT_COLLECTED  # a copy by the better of kernel and engine
    fma_fp32: Fact[ComputeRate] = NOT_COLLECTED
    tensor_bf16: Fact[ComputeRate] = NOT_COLLECTED
    tensor_fp16: Fact[ComputeRate] = NOT_COLLECTED
    tensor_fp8: Fact[ComputeRate] = NOT_COLLECTED
    tensor_int8: Fact[ComputeRate] = NOT_COLLECTED
    tensor_rate: Fact[ComputeRate] = NOT_COLLECTED  # bf16, else fp16: what the card is judged by
    sm_ids: Fact[int] = NOT_COLLECTED  # multiprocessors on which blocks ran
    wrong_results: Fact[tuple[str, ...]] = NOT_COLLECTED  # empty: all were right, bit for bit
    nearest_product: Fact[NearestProduct] = NOT_COLLECTED
    peer_faults: Fact[tuple[str, ...]] = NOT_COLLECTED  # damaged or endless copies from or to it

    @property
    def known_name(self) -> str:
        """The driver's name for it, else the catalogue's by its PCI id, else lspci's."""
        if isinstance(self.name, str):
            return self.name
        if isinstance(self.catalog, Card):
            return f"{self.catalog.name} by its PCI id"
        return self.pci_name if isinstance(self.pci_name, str) else "NVIDIA card"

    @property
    def label(self) -> str:
        """The card as a person finds it: number, name, PCI address, slot, sticker."""
        place = f", slot {self.slot}" if isinstance(self.slot, str) else ""
        place += f", serial {self.serial}" if isinstance(self.serial, str) else ""
        return f"{self.subject} ({self.known_name}, {self.pci}{place})"


@dataclass(frozen=True)
class GpuPair:
    """Two cards, the lower number first."""

    subject: str  # "gpu0-gpu1"
    label: str
    sources: Sources = field(default_factory=dict)
    topology: Fact[str] = NOT_COLLECTED  # "NV18", "PIX", "PXB", "PHB", "NODE", "SYS"
    topology_is_inferred: Fact[bool] = NOT_COLLECTED  # from buses and nodes, by no tool's word
    exchange_gb_s: Fact[float] = NOT_COLLECTED  # measured: slower direction, by peers else staged
    exchange_part: Fact[float] = NOT_COLLECTED  # of what the slower of the two links carries, raw
    in_one_group: Fact[bool] = NO_LAYOUT  # both are in one tensor-parallel group that was asked for


@dataclass(frozen=True)
class PeerPath:
    """One direction between two cards: the first reads from and writes to the second."""

    subject: str  # "gpu0>gpu1"
    label: str
    sources: Sources = field(default_factory=dict)
    peer_read: Fact[str] = NOT_COLLECTED  # "OK", "CNS", "GNS", "TNS", "NS", "DR", "U"
    peer_write: Fact[str] = NOT_COLLECTED
    peer_read_back: Fact[str] = NOT_COLLECTED  # the same of the other direction
    peer_write_back: Fact[str] = NOT_COLLECTED
    peer_expected: Fact[bool] = NOT_COLLECTED  # stock driver grants it, by catalogue and links
    is_geforce: Fact[bool] = NOT_COLLECTED

    # measured, of copies from the first card's memory to the second's
    peer_granted_by_cuda: Fact[bool] = NOT_COLLECTED  # cuDeviceCanAccessPeer
    peer_completion: Fact[str] = NOT_COLLECTED  # "": every copy ended; else what did not
    peer_copy: Fact[Measured] = NOT_COLLECTED
    peer_copy_both: Fact[Measured] = NOT_COLLECTED  # both directions at once, their sum
    peer_copy_together: Fact[Measured] = NOT_COLLECTED  # while all pairs copy
    peer_latency: Fact[Measured] = NOT_COLLECTED
    peer_data: Fact[PeerData] = NOT_COLLECTED
    staged_copy: Fact[Measured] = NOT_COLLECTED  # through the host's memory
    peer_family: Fact[str] = NOT_COLLECTED  # of both cards; Missing where they differ
    peer_nvlink_gb_s: Fact[float] = NOT_COLLECTED  # one way by all NVLinks between them, raw
    peer_pcie_gb_s: Fact[float] = NOT_COLLECTED  # one way by the slower of the two links, raw
    slower_host_copy_gb_s: Fact[float] = NOT_COLLECTED  # measured: of the two links it is staged by


@dataclass(frozen=True)
class FileSystem:
    """A mounted file system that holds data (no tmpfs, overlay of a container's root counts)."""

    subject: str  # "disk:/"
    label: str
    sources: Sources = field(default_factory=dict)
    size_gib: Fact[float] = NOT_COLLECTED
    available_gib: Fact[float] = NOT_COLLECTED
    used_percent: Fact[float] = NOT_COLLECTED
    inodes_used_percent: Fact[float] = NOT_COLLECTED
    is_read_only: Fact[bool] = NOT_COLLECTED  # as it is mounted now
    holds_system: Fact[bool] = NOT_COLLECTED  # it is mounted at /
    sequential_read: Fact[Measured] = NOT_COLLECTED  # direct, of one large file


@dataclass(frozen=True)
class DriverResponse:
    """How nvidia-smi -q answered: seconds, and what it said when it failed."""

    seconds: float
    outcome: Literal["answered", "failed", "timed-out"]
    detail: str  # its own error line; when it answered "", or "NVML" where nvidia-smi was not heard

    @property
    def answered(self) -> bool:
        return self.outcome == "answered"


@dataclass(frozen=True)
class GpuModel:
    """What makes two cards the same model; None where a source did not tell."""

    subject: str
    name: str
    pci_device_id: str | None
    memory_total_mib: int | None


@dataclass(frozen=True)
class LayoutCard:
    """One card as a layout meets it."""

    subject: str
    label: str
    model: GpuModel | None  # None: it does not tell
    obstacles: tuple[str, ...]  # why no server can use it: "MIG is on"; empty: none was seen
    unread: tuple[str, ...]  # what could be an obstacle and was not read


@dataclass(frozen=True)
class ModelFit:
    """Whether the model that was asked for fits the layout that was."""

    model: str
    refusal: str  # why not; "": it fits
    instead: str  # a layout of these cards that it fits; "": none


@dataclass(frozen=True)
class Placement:
    """Which cards the layout asked for would take."""

    cards: tuple[LayoutCard, ...]
    groups: tuple[tuple[str, ...], ...]  # of each tensor-parallel group its cards; (): none fits
    may_fit: bool  # it would if what was not read were in order
    alternatives: tuple[str, ...]  # layouts that these cards carry, the nearest first
    has_peers: bool | None  # within the groups all peer access is granted; None: not read
    model_fit: ModelFit | None = None  # None: no model was asked for
    refusal: str = ""  # why servers cannot be on the cards that were named for them


@dataclass(frozen=True)
class VllmPin:
    """The vLLM that is installed where nothing else is said, and what it needs."""

    version: str
    least_driver: str  # "580.65.06"
    known_trouble: str = ""  # why vLLM fails on the driver that is there, and what helps


@dataclass(frozen=True)
class DriverLibraries:
    """Version of the loaded kernel module and of the user-space libraries that talk to it."""

    module: str
    libraries: Mapping[str, str]  # "libcuda" -> "580.159.04"
    refusal: str  # nvidia-smi's "Driver/library version mismatch" line, or ""


@dataclass(frozen=True)
class NcclLibrary:
    version: str  # "2.28.9"
    path: str


@dataclass(frozen=True)
class GpuVbios:
    """A card's VBIOS, and the board it is made for ("10de:2684 1462:5104")."""

    subject: str
    board: str
    version: str


@dataclass(frozen=True)
class FabricCard:
    """How far a card has joined the NVSwitch fabric, in NVML's words."""

    subject: str
    state: str  # "not started", "in progress", "completed"
    status: str  # "success", or NVML's error


@dataclass(frozen=True)
class Fabric:
    """The NVSwitch fabric; `manager` is the service's state, "" where it was not read."""

    cards: tuple[FabricCard, ...]  # those that join a fabric
    switches: int  # NVSwitches on the bus
    manager: str  # "active", "inactive", "failed", "not-found"
    manager_version: str  # "580.159.04"; "" where it was not read
    driver: str  # "" where it was not read


@dataclass(frozen=True)
class SwitchError:
    """One SXid code of one NVSwitch, all its repeats together."""

    code: int
    pci: str
    is_fatal: bool
    message: str  # the first line
    count: int
    boot: int
    last: str


@dataclass(frozen=True)
class KernelFault:
    """One kind of kernel fault, all its repeats together; kinds as in checks/kernel_faults.py."""

    kind: str  # "gpu-lost", "rm-init-failed", "machine-check", "edac-uncorrected", "oom-kill" …
    subject: str  # "gpu1" where the line names a card, else "host"
    message: str  # the first line
    count: int
    boot: int
    first: str
    last: str


@dataclass(frozen=True)
class MemoryModules:
    """The host's memory modules as DMI lists their slots; None where it does not tell."""

    modules: int
    slots: int
    per_channel: tuple[int, ...] | None  # modules of each channel that has a slot
    speed_mt_s: int | None  # at which they run, the slowest
    rated_mt_s: int | None  # for which they are made, the slowest


@dataclass(frozen=True)
class Swap:
    size_gib: float  # of all swap together; 0: off
    swappiness: int


@dataclass(frozen=True)
class Clock:
    """The host's clock; None where it was not told."""

    is_synchronized: bool | None  # by the host's own word
    offset_s: float | None  # host minus controller


@dataclass(frozen=True)
class Nic:
    """One network card of the host that has a link; None where its driver does not tell."""

    name: str
    speed_mbit_s: int | None
    duplex: str | None  # "full", "half"
    carrier_changes: int | None  # since boot; coming up counts as one or two
    packets: int  # both ways
    errors: int
    dropped: int
    speed_able_mbit_s: int | None = None  # what card and port could carry together


@dataclass(frozen=True)
class Disk:
    """What a disk tells of its own health; None where it does not."""

    name: str  # "nvme0n1"
    is_failing: bool | None
    warnings: tuple[str, ...]  # of NVMe, in words: "spare blocks are low"
    used_percent: int | None  # of the life that its maker gives it


@dataclass(frozen=True)
class PowerSupply:
    """One supply as DMI or the BMC tells of it."""

    name: str
    rating_w: int | None
    state: str  # the BMC's words, "Presence detected"; "" where it has none


@dataclass(frozen=True)
class PowerBudget:
    """What the host is expected to draw at most, beside what its supplies give."""

    cards_w: float  # sum of the enforced limits
    sockets: int
    ratings_w: tuple[int, ...]  # of each supply that is present; (): none is told


@dataclass(frozen=True)
class BmcEvent:
    """One entry of the BMC's log; `age_days` None where its clock was not set."""

    sensor: str  # "Power Supply PS1 Status"
    message: str
    is_asserted: bool
    age_days: float | None


@dataclass(frozen=True)
class Host:
    """The machine around the cards."""

    subject: str = "host"
    label: str = "host"
    sources: Sources = field(default_factory=dict)

    # cards as a whole
    gpu_counts: Fact[Mapping[str, int]] = NOT_COLLECTED  # source that answered -> cards it knows
    gpu_models: Fact[tuple[GpuModel, ...]] = NOT_COLLECTED
    gpu_memory_total_mib: Fact[int] = NOT_COLLECTED  # sum over all cards
    gpu_numa_nodes: Fact[Mapping[str, int]] = NOT_COLLECTED  # card -> node; -1: not told
    numa_node_count: Fact[int] = NOT_COLLECTED
    gpu_vbios: Fact[tuple[GpuVbios, ...]] = NOT_COLLECTED
    smi_disagreements: Fact[tuple[str, ...]] = NOT_COLLECTED  # nvidia-smi against NVML; (): agree
    fabric: Fact[Fabric] = NOT_COLLECTED  # of NVSwitch; NotApplicable where there is none

    # driver
    driver_response: Fact[DriverResponse] = NOT_COLLECTED
    driver_after_test: Fact[DriverResponse] = NOT_COLLECTED  # NVML, when it had answered before
    driver_version: Fact[str] = NOT_COLLECTED
    cuda_version: Fact[str] = NOT_COLLECTED  # what the driver supports, "13.0"
    driver_libraries: Fact[DriverLibraries] = NOT_COLLECTED
    nccl_libraries: Fact[tuple[NcclLibrary, ...]] = NOT_COLLECTED  # empty: none found
    nouveau_loaded: Fact[bool] = NOT_COLLECTED
    container_toolkit: Fact[str] = NOT_COLLECTED  # version; "": an engine is there and no toolkit
    toolkit_engines: Fact[tuple[str, ...]] = NOT_COLLECTED  # that know NVIDIA's runtime: "docker"
    newest_kernel: Fact[str] = NOT_COLLECTED  # installed, not necessarily running
    newest_kernel_has_module: Fact[bool] = NOT_COLLECTED  # nvidia.ko lies there for it
    upgrades_itself: Fact[bool] = NOT_COLLECTED  # apt upgrades packages without being asked
    driver_packages_unheld: Fact[tuple[str, ...]] = NOT_COLLECTED  # that an upgrade may change
    closed_module_cards: Fact[tuple[str, ...]] = NOT_COLLECTED  # that want the open kernel module
    preloaded: Fact[tuple[str, ...]] = NOT_COLLECTED  # libraries put before every program's own
    cuda_settings: Fact[tuple[str, ...]] = NOT_COLLECTED  # "CUDA_VISIBLE_DEVICES=0 of the login"
    nvidia_module_loaded: Fact[bool] = NOT_COLLECTED

    # kernel log
    kernel_faults: Fact[tuple[KernelFault, ...]] = NOT_COLLECTED  # empty: read, nothing found
    sxids: Fact[tuple[SwitchError, ...]] = NOT_COLLECTED  # empty: read, no NVSwitch error

    # machine
    memory_total_mib: Fact[int] = NOT_COLLECTED
    cpu_model: Fact[str] = NOT_COLLECTED
    cpu_count: Fact[int] = NOT_COLLECTED  # logical
    board: Fact[str] = NOT_COLLECTED
    os_name: Fact[str] = NOT_COLLECTED
    kernel_release: Fact[str] = NOT_COLLECTED
    boot_time: Fact[str] = NOT_COLLECTED
    virtualization: Fact[str] = NOT_COLLECTED  # "none", "kvm", "docker" …
    is_guest: Fact[bool] = NOT_COLLECTED  # a virtual machine
    is_container: Fact[bool] = NOT_COLLECTED
    user: Fact[str] = NOT_COLLECTED  # who ran the probe
    cpu_governor: Fact[str] = NOT_COLLECTED  # "performance", "powersave"
    cpu_frequency_driver: Fact[str] = NOT_COLLECTED  # "intel_pstate", "acpi-cpufreq"
    cpu_energy_preference: Fact[str] = NOT_COLLECTED  # of a pstate driver: "balance_performance"
    cpu_cores: Fact[int] = NOT_COLLECTED  # physical, all sockets
    cpu_sockets: Fact[int] = NOT_COLLECTED
    memory_available_mib: Fact[int] = NOT_COLLECTED
    memory_modules: Fact[MemoryModules] = NOT_COLLECTED
    huge_pages_mib: Fact[int] = NOT_COLLECTED  # set aside at boot or by hand
    transparent_huge_pages: Fact[str] = NOT_COLLECTED  # "always", "madvise", "never"
    swap: Fact[Swap] = NOT_COLLECTED
    shared_memory_mib: Fact[int] = NOT_COLLECTED  # size of /dev/shm
    locked_memory_limit_mib: Fact[float] = NOT_COLLECTED  # of the login; inf: unlimited
    open_files_limit: Fact[float] = NOT_COLLECTED  # of the login; inf: unlimited
    pid_max: Fact[int] = NOT_COLLECTED
    overcommit_memory: Fact[int] = NOT_COLLECTED  # 0 by estimate, 1 always, 2 never

    # system
    kernel_parameters: Fact[tuple[str, ...]] = NOT_COLLECTED  # of the boot, in order
    iommu_mode: Fact[str] = NOT_COLLECTED  # "off", "passthrough", "translated"
    peer_access_granted: Fact[bool] = NOT_COLLECTED  # between any two cards
    uptime_s: Fact[float] = NOT_COLLECTED
    reboot_required: Fact[bool] = NOT_COLLECTED  # the distribution's own mark
    failed_units: Fact[tuple[str, ...]] = NOT_COLLECTED  # of systemd
    clock: Fact[Clock] = NOT_COLLECTED
    controller_rtt_s: Fact[float] = NOT_COLLECTED  # of one round trip over SSH
    default_routes: Fact[tuple[str, ...]] = NOT_COLLECTED  # "eno1 by 10.0.0.1"; (): none
    listening: Fact[Mapping[int, str]] = NOT_COLLECTED  # TCP port -> control group; "": not told
    disks: Fact[tuple[Disk, ...]] = NOT_COLLECTED
    nics: Fact[tuple[Nic, ...]] = NOT_COLLECTED  # with a link; virtual ones left out

    # power and heat of the machine, by its BMC and DMI
    power_supplies: Fact[tuple[PowerSupply, ...]] = NOT_COLLECTED  # by the BMC
    power_redundancy: Fact[str] = NOT_COLLECTED  # the BMC's words, "Fully Redundant"
    power_budget: Fact[PowerBudget] = NOT_COLLECTED
    inlet_temperature_c: Fact[float] = NOT_COLLECTED
    bmc_events: Fact[tuple[BmcEvent, ...]] = NOT_COLLECTED

    # measured between the cards, and beside them
    # direction -> sums; or, of these and of all-reduces, in one line what went wrong instead
    copies_together: Fact[Mapping[str, CopiesTogether] | str] = NOT_COLLECTED
    peer_rates_gb_s: Fact[Mapping[str, Mapping[str, float]]] = NOT_COLLECTED  # type -> way -> rate
    peer_faults: Fact[tuple[str, ...]] = NOT_COLLECTED  # damaged or endless peer copies; (): none
    slowest_exchange_gb_s: Fact[float] = NOT_COLLECTED  # of all pairs: peer copy, else staged
    nccl_allreduce: Fact[AllReduce | str] = NOT_COLLECTED
    nccl_allreduce_without_peers: Fact[AllReduce | str] = NOT_COLLECTED  # NCCL_P2P_DISABLE=1
    own_allreduce: Fact[AllReduce | str] = NOT_COLLECTED  # of two cards, without NCCL
    cpu_copy: Fact[Mapping[str, Measured]] = NOT_COLLECTED  # NUMA node -> memory copy by the CPU
    gpu_families: Fact[tuple[str, ...]] = NOT_COLLECTED

    # what it is asked to carry
    layout: Fact[Layout] = NO_LAYOUT
    placement: Fact[Placement] = NO_LAYOUT
    vllm_pin: Fact[VllmPin] = NO_LAYOUT


@dataclass(frozen=True)
class Facts:
    """Everything known of one host.

    `gpus` is Missing where no source could list PCI devices and the driver gave none either;
    an empty tuple is a fact: no NVIDIA card in any source that answered.
    """

    host: Host
    gpus: Fact[tuple[Gpu, ...]]
    pairs: tuple[GpuPair, ...] = ()
    peer_paths: tuple[PeerPath, ...] = ()
    file_systems: tuple[FileSystem, ...] | Missing = ()
