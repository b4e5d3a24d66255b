"""How far each host is, while it is being read: live lines on a terminal, a few words elsewhere.

One thread draws, ten times a second; everybody else only leaves word. The lines are erased at the
end, also after Ctrl-C, so that nothing of them stays between the person and the report.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Protocol, TextIO

from preflight.capture import plain

LINES = 12  # hosts shown one by one; more are counted
FRAME_S = 0.1
_SPIN, _SPIN_ASCII = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏", "|/-\\"


class Step(Protocol):
    """The source or measurement that has just ended, and how many of all have."""

    @property
    def name(self) -> str: ...
    @property
    def done(self) -> int: ...
    @property
    def of(self) -> int: ...
    @property
    def left_s(self) -> float | None: ...
    @property
    def card(self) -> str: ...
    @property
    def notice(self) -> str: ...


@dataclass
class _State:
    words: str = "connecting"
    ended: bool = False
    measures: bool = False
    begun: float = field(default_factory=time.monotonic)


class Progress:
    """Call it with each host's steps; `done` ends a host; leaving the context erases the lines."""

    def __init__(
        self, stream: TextIO, hosts: Sequence[str] = (), environ: Mapping[str, str] = os.environ
    ) -> None:
        self._stream = stream
        self._live = stream.isatty() and environ.get("TERM", "dumb") != "dumb"
        self._color = "NO_COLOR" not in environ
        self._unicode = (stream.encoding or "").lower().startswith("utf")
        self._hosts = {_word(host): _State() for host in hosts}
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._aside = False
        self._drawn = 0  # lines on the screen
        self._thread = threading.Thread(target=self._draw_on, name="progress", daemon=True)

    def __enter__(self) -> Progress:
        if self._live:
            self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        if self._live:
            self._thread.join()

    def __call__(self, host: str, step: Step) -> None:
        """A source or a measurement of this host has ended, or a notice has come from it."""
        with self._lock:
            state = self._state(host)
            if step.notice:
                self._write(self._erasure())
                self._say(f"{_word(host)}: {_word(step.notice)}")
                return
            if not self._live and state.words == "connecting":
                self._say(f"{_word(host)}: reading")
            # The first step alone only asks which cards there are: its estimate says nothing.
            begins = step.left_s is not None and step.of > 1 and not state.measures
            state.measures = state.measures or begins
            if not self._live and begins:
                self._say(f"{_word(host)}: measuring{_left(step)}")
            at = f" {_word(step.card)}" if step.card else ""
            state.words = f"{step.done}/{step.of} {_word(step.name)}{at}{_left(step)}"

    def done(self, host: str, words: str = "read") -> None:
        """The host is finished, well or not; `words` say how."""
        with self._lock:
            state = self._state(host)
            state.words, state.ended = _word(words), True
            if not self._live:
                self._say(f"{_word(host)}: {state.words}")

    @contextmanager
    def aside(self) -> Iterator[None]:
        """No line is drawn meanwhile: a person is being asked something."""
        with self._lock:
            self._aside = True
            self._write(self._erasure())
        try:
            yield
        finally:
            with self._lock:
                self._aside = False

    def _state(self, host: str) -> _State:
        return self._hosts.setdefault(_word(host), _State())

    def _say(self, line: str) -> None:
        self._write(line + "\n")

    def _draw_on(self) -> None:
        frame = 0
        while not self._stop.wait(FRAME_S):
            with self._lock:
                self._draw(frame)
            frame += 1
        with self._lock:
            self._write(self._erasure())

    def _draw(self, frame: int) -> None:
        if self._aside:
            return
        size = self._size()
        lines = self._lines(frame, min(LINES, size.lines - 2))
        cut = [_cut(line, size.columns - 1) for line in lines]
        text = self._erasure() + "\n".join(self._styled(line) for line in cut)
        self._drawn = len(cut)
        self._write(text)

    def _lines(self, frame: int, most: int) -> list[str]:
        open_hosts = [name for name, state in self._hosts.items() if not state.ended]
        shown = list(self._hosts) if len(self._hosts) <= most else open_hosts[: max(most - 1, 0)]
        spin = _SPIN if self._unicode else _SPIN_ASCII
        width = min(max(map(len, shown), default=0), 40)
        lines = []
        for name in shown:
            state = self._hosts[name]
            mark = "-" if state.ended else spin[frame % len(spin)]
            passed = "" if state.ended else f"  {time.monotonic() - state.begun:.0f} s"
            lines.append(f"{mark} {name:<{width}}  {state.words}{passed}")
        if len(shown) < len(self._hosts):
            ended = len(self._hosts) - len(open_hosts)
            lines.append(f"  {len(self._hosts)} hosts: {ended} finished, {len(open_hosts)} to go")
        return lines

    def _styled(self, line: str) -> str:
        return f"\x1b[36m{line[:1]}\x1b[0m{line[1:]}" if self._color else line

    def _size(self) -> os.terminal_size:
        size = os.get_terminal_size(self._stream.fileno())
        return size if size.columns and size.lines else os.terminal_size((80, 24))

    def _erasure(self) -> str:
        up = f"\x1b[{self._drawn - 1}A" if self._drawn > 1 else ""
        text = f"\r{up}\x1b[J" if self._drawn else ""
        self._drawn = 0
        return text

    def _write(self, text: str) -> None:
        try:
            self._stream.write(text)
            self._stream.flush()
        except OSError:  # the terminal has gone; the host is judged all the same
            self._stop.set()


def _left(step: Step) -> str:
    """What remains, as the probe estimates it."""
    return "" if step.left_s is None else f", about {step.left_s:.0f} s left"


def _word(text: str) -> str:
    """One line without escapes, whatever a host or a person gave."""
    return " ".join(plain(text).split())


def _cut(line: str, columns: int) -> str:
    """So much of the line as surely fits: a character that is not ASCII counts as two."""
    room = columns
    for place, character in enumerate(line):
        room -= 1 if character.isascii() else 2
        if room < 0:
            return line[:place]
    return line
