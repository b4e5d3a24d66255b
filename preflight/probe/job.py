"""One source while it runs: what it gave until now, and what becomes of it in the capture."""

from __future__ import annotations

import marshal
import signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from preflight.probe.child import Child
    from preflight.probe.sources import Source

DETAIL_CHARS = 200


class Job:
    """`started` and `heard` are monotonic seconds; `sudo` holds sudo's options in use, if any."""

    def __init__(self, source: Source, child: Child, now: float, sudo: tuple[str, ...]) -> None:
        self.source = source
        self.child = child
        self.started = now
        self.heard = now
        self.sudo = sudo
        self.outputs = {"stdout": bytearray(), "stderr": bytearray(), "report": bytearray()}
        self.received = 0
        self.truncated = False
        self.at = ""  # the step that a collector announced last
        self.given: dict[str, Any] = {}  # what a collector gave
        self.hung: dict[int, str] = {}  # cards at which an earlier child hung, and the step
        self.code: int | None = None  # exit code, minus the signal's number; None while it lives

    def feed(self, name: str, data: bytes, now: float) -> bool:
        """Take output; False when the source's limit is full and it has to be stopped."""
        self.heard = now
        room = max(0, self.source.max_bytes - self.received)
        self.received += len(data)
        self.truncated = self.received > self.source.max_bytes
        self.outputs[name] += data[:room]
        if self.source.reader and name == "stdout":
            self.take_messages(self.outputs[name])
        return not self.truncated

    def take_messages(self, buffer: bytearray) -> None:
        start = 0
        while len(buffer) >= start + 4:
            end = start + 4 + int.from_bytes(buffer[start : start + 4], "little")
            if len(buffer) < end:
                break
            message = marshal.loads(buffer[start + 4 : end])
            if isinstance(message, str):
                self.at = message
            else:
                place(self.given, message)
            start = end
        del buffer[:start]

    def limit(self) -> float:
        """The monotonic time at which it is given up."""
        end = self.started + self.source.timeout_s
        can_stall = self.source.reader == "measure" or self.stuck_card() is not None
        if self.source.stall_s and can_stall:
            end = min(end, self.heard + self.source.stall_s)
        return end

    def read_cards(self) -> frozenset[int]:
        """Those of which anything is known: they need not be read again."""
        return frozenset(map(int, self.given.get("devices", {})))

    def stuck_card(self) -> int | None:
        """The card whose call was announced last."""
        first, _, rest = self.at.partition(" ")
        return int(rest.partition(":")[0]) if first == "gpu" else None

    def result(self, now: float, stopped: str) -> dict[str, Any]:
        """The source's entry in the capture; `stopped` says why it was given up, if it was."""
        result = self.collected(stopped) if self.source.reader else self.ran(stopped)
        result["duration_s"] = round(now - self.started, 4)
        if self.truncated:
            result["truncated"] = True
        return result

    def ran(self, stopped: str) -> dict[str, Any]:
        result: dict[str, Any] = {"argv": list(self.source.argv)}
        if self.outputs["report"]:
            result["status"], result["detail"] = marshal.loads(self.outputs["report"])
            return result
        for name in ("stdout", "stderr"):
            if self.outputs[name]:
                result[name] = text_of(self.outputs[name])
        if self.code is not None:
            result["exit_code"] = self.code
        if stopped:
            result.update(status="timed-out", detail=stopped)
        elif self.code:
            said = first_line(result.get("stderr", "")) or first_line(result.get("stdout", ""))
            result.update(status="tool-failed", detail=said or ended(self.code))
        else:
            result["status"] = "ok"
        return result

    def collected(self, stopped: str) -> dict[str, Any]:
        result = dict(self.given)
        ended_well = result.pop("ended", False)
        if "devices" in result:
            result["devices"] = [
                {"index": int(index), **device} for index, device in result["devices"].items()
            ]
        hung = [*self.hung.values(), *([self.at] if stopped else [])]
        if hung:
            result.update(status="timed-out", detail="; ".join(hung))
        elif not ended_well and not self.truncated:
            said = first_line(text_of(self.outputs["stderr"]))
            result.update(status="tool-failed", detail=f"{self.at}: {said or ended(self.code)}")
        elif self.source.reader == "measure":
            result["status"] = "ok"
        elif "status" not in result:
            result["status"] = status_of_files(result)
        if self.source.reader == "measure":
            result.update(at=self.at, code=self.code)
        return result


def status_of_files(result: dict[str, Any]) -> str:
    """ok where anything was read; else the first reason, or that nothing is there."""
    if any(kind in result for kind in ("files", "binary", "links", "system")):
        return "ok"
    reasons: list[str] = sorted(result.get("errors", {}).values())
    return reasons[0].partition(":")[0] if reasons else "not-present"


def place(target: dict[str, Any], keys_and_value: tuple[Any, ...]) -> None:
    """Put the last item where the keys before it lead."""
    *keys, last, value = keys_and_value
    for key in keys:
        target = target.setdefault(key, {})
    target[last] = value


def text_of(data: bytearray) -> str:
    return data.decode("utf-8", "replace")


def first_line(text: str) -> str:
    return text.strip().partition("\n")[0].strip()[:DETAIL_CHARS]


def ended(code: int | None) -> str:
    if code is not None and code < 0:
        names = {number.value: number.name for number in signal.Signals}
        return "killed by " + names.get(-code, f"signal {-code}")  # real-time ones have no name
    return f"exit status {code}"
