"""Temperatures while cards are under load: what came near its limit is stopped.

NVML is asked in a child of its own, since any call of it may hang; the probe only listens.
"""

from __future__ import annotations

import time
from itertools import count

from preflight.probe import nvml, nvml_calls
from preflight.probe.link import EventReasons, open_card
from preflight.probe.plan import OPENING_STALL_S, REST, STALL_S, Plan, Step

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from preflight.probe.job import Job
    from preflight.probe.loop import Loop
    from preflight.probe.record import Record

EVERY_S = 1.0
BELOW_SLOWDOWN_C = 2
UNKNOWN_LIMIT_C = 85  # a guess, where a card names no threshold
FOREVER_S = 3600.0
SAMPLED = ("temperature_c", "power_w", "sm_clock_mhz", "throttle")


class Watch:
    """The step that watches, and what is done with its word."""

    def __init__(self, cards: list[str], loop: Loop) -> None:
        self.loop = loop
        self.has_served = False  # until the last load's end
        self.step = Step(
            "watch",
            lambda record: watch(cards, record),
            (),
            phase=REST,
            estimate_s=0,
            each=cards,
            timeout_s=FOREVER_S,
            stall_s=0,
            watch=True,
        )
        loop.watchers.append(self.look)

    def job(self) -> Job | None:
        running = self.loop.running.values()
        return next((job for job in running if job.source is self.step), None)

    def look(self, now: float) -> float:
        """End what is too hot; end the watching with the last other step. When to look again."""
        job = self.job()
        if job is None:
            return now + FOREVER_S
        plan = self.loop.order
        for card, words in job.given.get("hot", {}).items():
            if isinstance(plan, Plan) and card not in plan.out:
                plan.out[card] = words
                self.relieve(card, words)
        if len(self.loop.running) == 1 and not self.loop.pending:
            self.has_served = True
            self.loop.stop(job)
            return now
        if now - job.heard > (STALL_S if job.given else OPENING_STALL_S):
            self.loop.stop(job, job.at)
            return now
        return now + EVERY_S

    def relieve(self, card: str, words: str) -> None:
        """End whatever puts it under load."""
        for job in list(self.loop.running.values()):
            step = job.source
            if isinstance(step, Step) and step.phase != REST and card in step.cards:
                self.loop.stop(job, words)
                # It did not hang: we ended it.
                self.loop.results[step.name].update(status="skipped", detail=words)

    def entries(self) -> list[dict[str, Any]]:
        """What each card went through, a second a place, and where nobody saw the rest of it."""
        result = self.loop.results.get(self.step.name, {})
        given = result.get("cards", {})
        ended = {"status": "ok"}
        if not self.has_served and not self.loop.gave_up:
            status = "timed-out" if result.get("status") == "timed-out" else "skipped"
            ended = {"status": status, "detail": f"not watched to the end: {result.get('detail')}"}
            given = {**{str(of["pci"]): {} for of in self.step.subjects}, **given}
        return [
            {"name": "under-load", "pci": pci, **ended, "values": in_lists(values)}
            for pci, values in given.items()
        ]


def in_lists(given: dict[str, Any]) -> dict[str, Any]:
    """Each quantity's samples in a row; `limit_c` as it is."""
    samples = given.get("samples", {})
    rows = [samples[key] for key in sorted(samples, key=int)]
    found = {name: list(column) for name, column in zip(SAMPLED, zip(*rows))}
    return {**found, **{key: value for key, value in given.items() if key != "samples"}}


def watch(cards: list[str], record: Record) -> None:
    """Until it is killed: one reading of each card after another."""
    record.announce("opening the cards")
    handles = {pci: open_card(pci) for pci in cards}
    known = {pci: handle for pci, handle in handles.items() if handle is not None}
    limits = {pci: limit_c(handle) for pci, handle in known.items()}
    for pci in known:
        record.emit("cards", pci, "limit_c", limits[pci])
    for second in count():
        for pci, handle in known.items():
            record.announce(f"watching {pci}")
            found = sampled(pci, handle)
            # The sample alone: what is sent grows with the time, and has a limit.
            values = tuple(found[name] for name in SAMPLED)
            record.emit("cards", pci, "samples", str(second), values)
            degrees = found["temperature_c"]
            if degrees is not None and degrees >= limits[pci]:
                words = f"stopped: {degrees} °C, at most {limits[pci]} °C while measuring"
                record.emit("hot", pci, words)
        record.announce("watching")
        time.sleep(EVERY_S)


def sampled(pci: str, handle: Any) -> dict[str, Any]:
    reasons = EventReasons(pci, handle)
    reasons.sample()
    milliwatts = asked("nvmlDeviceGetPowerUsage", handle)
    return {
        "temperature_c": asked("nvmlDeviceGetTemperature", handle, nvml_calls.SENSOR["GPU"]),
        "power_w": None if milliwatts is None else milliwatts / 1000,
        "sm_clock_mhz": asked("nvmlDeviceGetClockInfo", handle, nvml_calls.CLOCK["SM"]),
        "throttle": reasons.seen,
    }


def limit_c(handle: Any) -> int:
    slowdown = nvml_calls.THRESHOLD["SLOWDOWN"]
    found = asked("nvmlDeviceGetTemperatureThreshold", handle, slowdown)
    return UNKNOWN_LIMIT_C if not found else found - BELOW_SLOWDOWN_C


def asked(name: str, handle: Any, *arguments: int) -> int | None:
    value: int | None = nvml.outcome(nvml.bind(name, handle, *arguments)).get("value")
    return value
