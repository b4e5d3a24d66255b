"""How far a deployment is: a line for each task and change; on a terminal the time runs."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TextIO

from preflight.deploy.events import Event

_MARKS = {"changed": "changed", "failed": "FAILED", "unreachable": "UNREACHABLE"}


class Progress:
    """Call it with each event; `tick` redraws the running task's seconds, `close` clears them."""

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._is_live = stream.isatty()
        self._clock = clock
        self._begun = self._task_begun = clock()
        self._task = ""
        self._drawn = ""

    def __call__(self, event: Event) -> None:
        if event.kind == "task":
            self._task, self._task_begun = event.task, self._clock()
            if not self._is_live:
                self._line(f"{self._passed()}  {event.task}")
        elif event.kind in _MARKS:
            said = f"  {event.message.splitlines()[0]}" if event.message else ""
            where = f"  {event.task}" if self._is_live else ""
            time_passed = self._passed() if self._is_live else " " * 6
            self._line(f"{time_passed}{where}  {event.host}: {_MARKS[event.kind]}{said}")

    def tick(self) -> None:
        """Only a terminal shows what is not yet done."""
        if self._is_live and self._task:
            running = f"{self._clock() - self._task_begun:.0f} s"
            self._draw(f"{self._passed()}  {self._task}  {running}")

    def close(self) -> None:
        self._draw("")

    def _passed(self) -> str:
        return f"{self._clock() - self._begun:4.0f} s"

    def _line(self, text: str) -> None:
        self._draw("")
        self._stream.write(f"{text[:400]}\n")
        self._stream.flush()

    def _draw(self, text: str) -> None:
        """The last line is rewritten in place; cut, since one that wraps cannot be."""
        text = text[:78]
        if self._is_live and text != self._drawn:
            self._stream.write(f"\r\x1b[K{text}")
            self._stream.flush()
            self._drawn = text
