"""What a measurement says of itself: one entry of the capture's `measurements`, made as it goes."""

from __future__ import annotations

import time

from preflight.probe.cuda import CANNOT, OUT_OF_MEMORY, CudaError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from preflight.probe.files import Emit
    from preflight.probe.files import Step as Announce

SPREAD = 0.003  # between the last samples, of their median: enough for limits of a per cent
FEWEST, MOST = 5, 50  # samples


class Record:
    """Passed to every measuring function; `card` and the like go into each entry.

    `with record("device-copy", "GB/s", "…") as entry:` announces it, takes `entry.samples` and
    `entry.values`, and keeps it. An error of the driver becomes the entry's status; the next
    measurement is tried all the same, and says so itself where the card is gone.
    """

    def __init__(self, announce: Announce, emit: Emit) -> None:
        self.announce = announce
        self.emit = emit
        self.count = 0

    def __call__(self, name: str, unit: str = "", method: str = "", **about: Any) -> Entry:
        """`about`: `pci=`, or `source=` and `target=` for a pair, or `cards=`."""
        return Entry(self, name, unit, method, about)

    def run(self, work: Callable[[Record], None]) -> None:
        """An error outside of any measurement, where a card is opened, is that of all to come."""
        try:
            work(self)
        except CudaError as error:
            self.emit("refused", {"status": status_of(error), "detail": str(error)})

    def keep(self, entry: dict[str, Any]) -> None:
        self.emit("measurements", str(self.count), entry)
        self.count += 1


class Entry:
    """`wrong` takes the words for data that did not arrive as they were sent."""

    def __init__(
        self, record: Record, name: str, unit: str, method: str, about: dict[str, Any]
    ) -> None:
        self.record = record
        self.name = name
        self.unit = unit
        self.method = method
        self.about = {KEYS.get(key, key): value for key, value in about.items()}
        self.samples: list[float] = []
        self.values: dict[str, Any] = {}
        self.status = "ok"
        self.detail = ""
        self.has_stopped = False

    def wrong(self, words: str) -> None:
        self.status, self.detail = "wrong-data", self.detail or words

    def __enter__(self) -> Entry:
        self.started = time.monotonic()
        self.record.announce(self.name)
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        if isinstance(error, CudaError):
            self.fail(error)
        elif error is not None:
            return False
        entry: dict[str, Any] = {"name": self.name, **self.about, "status": self.status}
        for key in ("detail", "unit", "method"):
            if getattr(self, key):
                entry[key] = getattr(self, key)
        if self.samples:
            entry["samples"] = [round(sample, 6) for sample in self.samples]
        entry["duration_s"] = round(time.monotonic() - self.started, 4)
        if self.values:
            entry["values"] = self.values
        self.record.keep(entry)
        return True

    def fail(self, error: CudaError) -> None:
        self.stop(status_of(error), str(error))

    def stop(self, status: str, detail: str) -> None:
        """What ended it too early; it never hides that wrong data were seen before."""
        self.has_stopped = True
        if self.status == "wrong-data":
            self.detail += f"; then {detail}"
        else:
            self.status, self.detail = status, detail

    def repeat(self, sample: Callable[[], float], within_s: float) -> None:
        """Take samples until the last ones agree, or the time is up."""
        end = time.monotonic() + within_s
        while len(self.samples) < MOST:
            self.samples.append(sample())
            is_late = time.monotonic() >= end
            if len(self.samples) >= FEWEST and (is_late or agree(self.samples[-FEWEST:])):
                return
            if is_late and len(self.samples) >= 2:
                return


def status_of(error: CudaError) -> str:
    if error.code == OUT_OF_MEMORY:
        return "skipped"
    return "not-supported" if error.code in CANNOT else "failed"


KEYS = {"source": "from", "target": "to"}  # words that Python keeps for itself


def agree(samples: list[float]) -> bool:
    middle = sorted(samples)[len(samples) // 2]
    return max(samples) - min(samples) <= SPREAD * middle
