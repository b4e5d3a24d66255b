"""What was measured on a host: figures with their spread and how they were taken.

Every figure is made of the probe's raw samples, here and nowhere else: the median, and as spread
the middle half of the samples as a part of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Measured:
    """One figure: `median` in `unit`; `spread` is a part of the median, 0.01 for one per cent.

    `better` is the quartile on the good side: what others on the host take away from some samples
    leaves it as it is.
    """

    median: float
    better: float
    spread: float
    samples: int
    unit: str  # "GB/s", "us", "flop/clock/SM"
    method: str  # "copy engine, pinned, NUMA node 0, 256 MiB"
    basis: Literal["measured"] = "measured"


@dataclass(frozen=True)
class CudaDevice:
    """What the driver's compute library says of a card; None where it does not tell."""

    name: str
    sm_count: int
    compute_capability: str  # "9.0"
    uuid: str = ""
    l2_mib: float | None = None
    bus_width_bits: int | None = None
    total_mib: int | None = None
    free_mib: int | None = None  # before anything was allocated


@dataclass(frozen=True)
class ComputeRate:
    """What one kernel reached; by the clock cycles that it counted itself."""

    per_clock_sm: Measured  # flop (or integer operations) per clock and SM
    tflops: Measured | None
    clock_mhz: float | None  # cycles by nanoseconds, while it ran
    kernel: str  # "wgmma m64n256k16"
    throttle: tuple[str, ...]  # reasons for a lower clock that were seen meanwhile

    def beside(self) -> str:
        """What a person knows a card by, for behind the figure that is judged."""
        told = [f"{self.tflops.median:.0f} TFLOP/s"] if self.tflops else []
        told += [f"{self.clock_mhz:.0f} MHz"] if self.clock_mhz else []
        return f" ({' at '.join(told)})" if told else ""


@dataclass(frozen=True)
class Rest:
    """A card before its first load, sampled for `window_s` seconds."""

    window_s: float
    temperature_c: float  # the last one
    power_w: float | None  # the lowest one
    utilization_percent: float | None  # the mean
    performance_state: str  # "P8", the last one


@dataclass(frozen=True)
class CopiesTogether:
    """Copies of one direction by all cards: the sum of each card alone, and of all at once."""

    alone_gb_s: float
    together_gb_s: float
    slowest: str  # the card that loses most
    slowest_part: float  # what it keeps of its own rate


@dataclass(frozen=True)
class PeerData:
    """Words that were written through the peer path and read back."""

    words: int
    wrong: int
    detail: str  # by what and where the first wrong word was read; "" where none was


@dataclass(frozen=True)
class NearestProduct:
    """Which product of the catalogue a card's measured figures are nearest to.

    Distances are the larger of the two deviations, of arithmetic and of memory: 0.05 is 5 %.
    """

    name: str
    distance: float
    own_distance: float  # to the product that the card says it is
    tensor_flop_per_clock: float  # of the whole card
    memory_gb_s: float


@dataclass(frozen=True)
class AllReduce:
    """An all-reduce over several cards by size; each with its time in us and its bus bandwidth."""

    library: str  # "NCCL 2.27.3", or what else reduced
    cards: tuple[str, ...]
    time_us: Mapping[int, float]  # bytes -> median
    busbw_gb_s: Mapping[int, float]  # bytes -> 2 (n-1)/n x bytes / time
    transports: tuple[str, ...]  # by the library's own log
    wrong: int  # words that were not the sum
