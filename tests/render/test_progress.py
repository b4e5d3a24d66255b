"""On a real terminal (a pty) and in a real pipe; what stands on the screen is worked out."""

from __future__ import annotations

import fcntl
import io
import os
import pty
import re
import select
import struct
import termios
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TextIO

import pytest
from rich.cells import cell_len

from preflight.render.progress import Progress

TERM = {"TERM": "xterm"}


@dataclass(frozen=True)
class Step:
    name: str
    done: int
    of: int
    left_s: float | None = None
    card: str = ""
    notice: str = ""


class Terminal:
    """Our end of a pty; `screen` replays what was written, as far as Progress uses it."""

    def __init__(self, columns: int = 80, lines: int = 24) -> None:
        self._reader, writer = pty.openpty()
        fcntl.ioctl(writer, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self.stream: TextIO = os.fdopen(writer, "w", encoding="utf-8")
        self.sent = b""

    def screen(self) -> list[str]:
        while select.select([self._reader], [], [], 0)[0]:
            self.sent += os.read(self._reader, 65536)
        lines, row, column = [""], 0, 0
        text = re.sub(r"\x1b\[[0-9;]*m", "", self.sent.decode(errors="ignore"))
        for up, code, character in re.findall(r"\x1b\[(\d*)([AJ])|(.)", text, re.DOTALL):
            if code == "A":
                row -= int(up)
            elif code == "J":
                lines = [*lines[:row], lines[row][:column]]
            elif character == "\r":
                column = 0
            elif character == "\n":
                row += 1
                lines += [""] * (row == len(lines))
            else:
                lines[row] = lines[row][:column] + character + lines[row][column + 1 :]
                column += 1
        return [line for line in lines if line]

    def wait(self, seen: Callable[[list[str]], bool]) -> list[str]:
        """Until the screen is so; the test's own time limit ends a wait for nothing."""
        while not seen(screen := self.screen()):
            select.select([self._reader], [], [], 5)
        return screen

    def close(self) -> None:
        self.stream.close()
        os.close(self._reader)


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    made = Terminal()
    yield made
    made.close()


def test_a_host_has_one_live_line(terminal: Terminal) -> None:
    with Progress(terminal.stream, ["gpu01"], TERM) as progress:
        (line,) = terminal.wait(bool)
        assert re.fullmatch(r"\S gpu01  connecting  \d+ s", line)
        for done in range(1, 20):
            progress("gpu01", Step("smi-q", done, 38))
        (line,) = terminal.wait(lambda s: "19/38" in "".join(s))
        assert re.fullmatch(r"\S gpu01  19/38 smi-q  \d+ s", line)
        progress.done("gpu01", "accept")
        assert terminal.wait(lambda s: "accept" in "".join(s)) == ["- gpu01  accept"]
    assert terminal.screen() == []


def test_what_remains_of_the_measuring_is_told(terminal: Terminal) -> None:
    with Progress(terminal.stream, ["gpu01"], TERM) as progress:
        progress("gpu01", Step("host-copies", 3, 13, 29.6, "0000:01:00.0"))
        (line,) = terminal.wait(lambda s: "3/13" in "".join(s))
    assert "3/13 host-copies 0000:01:00.0, about 30 s left" in line


def test_a_notice_stays_on_the_screen(terminal: Terminal) -> None:
    with Progress(terminal.stream, ["gpu01"], TERM) as progress:
        terminal.wait(bool)
        progress("gpu01", Step("load", 0, 0, notice="2 cards under load\x1b[5A for about 40 s"))
        terminal.wait(lambda s: len(s) == 2)
    assert terminal.screen() == ["gpu01: 2 cards under load for about 40 s"]


def test_in_a_pipe_the_begin_of_the_measuring_is_told_once() -> None:
    said = io.StringIO()
    with Progress(said, ["gpu01"], {}) as progress:
        progress("gpu01", Step("driver", 1, 1, 0.0))
        for left_s in (40.0, 20.0):
            progress("gpu01", Step("smi-q", 1, 38))
            progress("gpu01", Step("compute", 1, 9, left_s))
    assert said.getvalue() == "gpu01: reading\ngpu01: measuring, about 40 s left\n"


def test_ctrl_c_leaves_nothing(terminal: Terminal) -> None:
    def interrupted() -> None:
        with Progress(terminal.stream, ["gpu01", "gpu02"], TERM) as progress:
            progress("gpu01", Step("smi-q", 1, 38))
            terminal.wait(lambda s: len(s) == 2)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert terminal.screen() == []


def test_a_question_is_asked_on_a_clean_line(terminal: Terminal) -> None:
    with Progress(terminal.stream, ["gpu01"], TERM) as progress:
        terminal.wait(bool)
        with progress.aside():
            progress("gpu01", Step("smi-q", 1, 38))
            progress._draw(0)  # the frame that is due
            assert terminal.screen() == []
        terminal.wait(lambda s: "1/38" in "".join(s))


@pytest.mark.parametrize("count, lines", [(12, 12), (13, 12), (100, 12)])
def test_many_hosts_are_counted(terminal: Terminal, count: int, lines: int) -> None:
    hosts = [f"gpu{n:03}" for n in range(count)]
    with Progress(terminal.stream, hosts, TERM) as progress:
        progress.done(hosts[0], "accept")
        screen = terminal.wait(lambda s: len(s) == lines)
        if count > lines:
            assert screen[-1] == f"  {count} hosts: 1 finished, {count - 1} to go"
            assert "gpu000" not in "".join(screen)
    assert terminal.screen() == []


@pytest.mark.parametrize("columns, rows", [(30, 5), (20, 24)])
def test_a_small_terminal_is_not_overflown(columns: int, rows: int) -> None:
    terminal = Terminal(columns, rows)
    with Progress(terminal.stream, ["gpu" * 30, "日本" * 30, "c", "d", "e"], TERM):
        screen = terminal.wait(bool)
        assert len(screen) <= rows - 2
        assert max(map(cell_len, screen)) < columns
    terminal.close()


def test_a_host_cannot_move_the_cursor(terminal: Terminal) -> None:
    with Progress(terminal.stream, ["gpu01"], TERM) as progress:
        progress("gpu01", Step("\x1b[2Jx\nevil", 1, 38))
        terminal.wait(lambda s: "1/38" in "".join(s))
        progress.done("gpu01", "a\x1b[5A\nb")
        assert terminal.wait(lambda s: "a b" in "".join(s)) == ["- gpu01  a b"]
    assert b"[2J" not in terminal.sent


def test_no_color_draws_without_colour(terminal: Terminal) -> None:
    with Progress(terminal.stream, ["gpu01"], TERM | {"NO_COLOR": "1"}):
        terminal.wait(bool)
    assert not re.search(rb"\x1b\[[0-9;]*m", terminal.sent)


@pytest.mark.parametrize("environ", [{}, {"TERM": "dumb"}])
def test_a_terminal_that_cannot_move_its_cursor_gets_words(
    terminal: Terminal, environ: dict[str, str]
) -> None:
    with Progress(terminal.stream, ["gpu01"], environ) as progress:
        speak(progress)
    assert terminal.screen() == ["gpu01: reading", "gpu01: accept"]
    assert b"\x1b" not in terminal.sent


def test_a_pipe_gets_a_few_words() -> None:
    pipe = io.StringIO()
    with Progress(pipe, environ=TERM) as progress:
        speak(progress)
    assert pipe.getvalue() == "gpu01: reading\ngpu01: accept\n"


def speak(progress: Progress) -> None:
    for done in range(1, 39):
        progress("gpu01", Step("smi-q", done, 38))
    progress.done("gpu01", "accept")


def test_a_reader_that_has_gone_stops_nothing() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    stream = os.fdopen(os.dup(writer), "w")
    with Progress(stream, environ=TERM) as progress:
        speak(progress)
    with pytest.raises(BrokenPipeError):
        stream.close()
    os.close(writer)
