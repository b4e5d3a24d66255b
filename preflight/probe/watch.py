"""Temperatures while cards are under load: what came near its limit is stopped.

NVML is asked in a child of its own, since any call of it may hang; the probe only listens.
"""

from __future__ import annotations

import time

from preflight.probe import nvml, nvml_calls
from preflight.probe.link import EventReasons, open_card
from preflight.probe.plan import REST, Plan, Step

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


class Watch:
    """The step that watches, and what is done with its word."""

    def __init__(self, cards: list[str], loop: Loop) -> None:
        self.loop = loop
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
            self.loop.stop(job)
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
        """What each card went through, a second a place."""
        result = self.loop.results.get(self.step.name, {})
        return [
            {"name": "under-load", "pci": pci, "status": "ok", "values": values}
            for pci, values in result.get("cards", {}).items()
        ]


def watch(cards: list[str], record: Record) -> None:
    """Until it is killed: one reading of each card after another."""
    handles = {pci: open_card(pci) for pci in cards}
    known = {pci: handle for pci, handle in handles.items() if handle is not None}
    limits = {pci: limit_c(handle) for pci, handle in known.items()}
    seen: dict[str, dict[str, list[Any]]] = {
        pci: {name: [] for name in ("temperature_c", "power_w", "sm_clock_mhz", "throttle")}
        for pci in known
    }
    while True:
        for pci, handle in known.items():
            found = sampled(pci, handle)
            for name, value in found.items():
                seen[pci][name].append(value)
            record.emit("cards", pci, {**seen[pci], "limit_c": limits[pci]})
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
