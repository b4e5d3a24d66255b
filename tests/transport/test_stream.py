"""The conversation itself, against a wire that plays what hosts send."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from preflight import capture
from preflight.capture import Capture
from preflight.errors import ProbeFailed, TimedOut, Unreachable, UsageError
from preflight.transport import Request, Step, stream
from preflight.transport.request import duration_s
from preflight.transport.stream import Between, Lines, Moment, clock_offset_s, converse, seen_by

TOLD = {
    "schema": capture.SCHEMA,
    "level": "look",
    "started": "2026-01-02T03:04:05.678Z",
    "finished": "2026-01-02T03:04:06.000Z",
    "probe": {},
    "sources": {},
}
NONCE = "0123"
BEGIN, END = f"\n==preflight {NONCE} begin==\n".encode(), f"\n==preflight {NONCE} end==\n".encode()


class Played:
    """A wire whose other end has already said everything."""

    def __init__(self, *pieces: tuple[bytes, bytes], status: int | None = 0) -> None:
        self._pieces: Iterator[tuple[bytes, bytes]] = iter(pieces)
        self._status = status
        self.sent: list[bytes] = []

    def send(self, data: bytes) -> None:
        self.sent.append(data)

    def receive(self, timeout_s: float) -> tuple[bytes, bytes] | None:
        return next(self._pieces, None)

    def exit_status(self) -> int | None:
        return self._status


@pytest.fixture(autouse=True)
def nonce(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream.secrets, "token_hex", lambda size: NONCE)


def talk(wire: Played, request: Request | None = None) -> tuple[Capture, list[Step]]:
    steps: list[Step] = []
    found, _ = converse(wire, "gpu01", request or Request(), b"ZIP", steps.append)
    return found, steps


def test_a_capture_stands_between_its_markers_whatever_is_printed_around_it() -> None:
    event = b'{"event": "source", "name": "smi-q", "done": 1, "of": 2}\n'
    wire = Played(
        (b"Welcome!\n==preflight other begin==\n{}", b"bash: warning: setlocale\n"),
        (BEGIN + json.dumps(TOLD).encode(), b'{"event": "start"}\n' + event),
        (END + b"goodbye", b""),
    )
    found, steps = talk(wire)
    assert found.started == TOLD["started"]
    assert steps == [Step("smi-q", 1, 2)]


def test_estimates_and_notices_come_through_and_what_is_none_does_not() -> None:
    events = [
        {"event": "step", "name": "compute", "card": "c", "done": 1, "of": 9, "left_s": 31},
        {"event": "step", "name": "compute", "done": 2, "of": 9, "left_s": -1},
        {"event": "step", "name": "compute", "done": 3, "of": 9, "left_s": "soon"},
        {"event": "step", "name": "compute", "done": 4, "of": 9, "left_s": 1e300},
        {"event": "load", "words": "\x1b[2J2 cards" + "x" * 999},
    ]
    lines = b"".join(json.dumps(event).encode() + b"\n" for event in events)
    _, steps = talk(Played((BEGIN + json.dumps(TOLD).encode() + END, lines)))
    assert steps[0] == Step("compute", 1, 9, 31.0, "c")
    assert [step.left_s for step in steps[1:4]] == [None, None, None]
    assert steps[4].notice.startswith("2 cards")
    assert len(steps[4].notice) == 200


@pytest.mark.parametrize(
    "text, seconds", [("90", 90), ("90s", 90), ("10m", 600), ("1h", 3600), (" 5m ", 300)]
)
def test_lengths_of_time(text: str, seconds: int) -> None:
    assert duration_s(text) == seconds


@pytest.mark.parametrize("text", ["", "0", "-5", "1.5m", "10 m", "1d", "24h", "9" * 9, "m"])
def test_what_is_no_length_of_time(text: str) -> None:
    with pytest.raises(UsageError):
        duration_s(text)


def test_a_limit_of_the_measuring_moves_that_of_the_whole() -> None:
    limits = [Request("measure", within_s=within).time_limit_s for within in (None, 10, 600)]
    assert limits == [500.0, 250.0, 840.0]


def test_what_is_sent_is_one_line_then_the_probe_then_the_password() -> None:
    wire = Played((BEGIN + json.dumps(TOLD).encode() + END, b""))
    talk(wire, Request(sudo=True, sudo_password="p w"))
    line, _, rest = wire.sent[0].partition(b"\n")
    assert rest == b"ZIPp w\n"
    assert b"'--sudo', '--sudo-password-stdin'" in line.replace(b"\\", b"")
    assert b"p w" not in line


def test_no_password_is_sent_where_sudo_is_not_wanted() -> None:
    assert Request(sudo=False, sudo_password="secret").input == b""
    assert "secret" not in repr(Request(sudo_password="secret"))
    assert Request().argv("n") == ["--level", "look", "--stream", "n"]
    asked = Request("measure", within_s=90, while_in_use=True, disk_write=True).argv("n")
    assert asked[:6] == ["--level", "measure", "--stream", "n", "--within", "90"]
    assert asked[6:] == ["--while-in-use", "--disk-write"]
    assert Request(sudo=True).argv("n")[-1] == "--sudo"


@pytest.mark.parametrize("size", [1, 2, 7, 4096])
def test_markers_are_found_however_they_are_cut(size: int) -> None:
    data = b"noise" * 5000 + BEGIN + b"{...}" + END + b"after"
    between = Between(NONCE)
    for start in range(0, len(data), size):
        between.feed(data[start : start + size])
    assert between.content == b"{...}"


def test_a_marker_may_be_the_first_thing_printed() -> None:
    between = Between(NONCE)
    between.feed(BEGIN[1:] + b"{}" + END)
    assert between.is_complete


def test_noise_without_end_is_neither_kept_nor_read_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(capture, "MAX_BYTES", 1 << 20)
    for first in (b"", BEGIN):
        endless = [(first, b"")] + [(b"x" * 65536, b"")] * 32
        with pytest.raises(ProbeFailed, match="sent more than 1 MiB"):
            talk(Played(*endless))
    between = Between(NONCE)
    for _ in range(100):
        between.feed(b"x" * 65536)
    assert len(between.noise) < 100_000


def test_errors_are_bounded_by_line_and_by_number() -> None:
    lines = Lines(lambda step: None)
    for _ in range(200):
        lines.feed(b"y" * 100_000)
    lines.feed(b"\n" + b"z\n" * 10_000)
    assert len(lines.noise) < 41 * 4096


@pytest.mark.parametrize(
    "line",
    [
        b"[1, 2]",
        b'"source"',
        b"{",
        b'{"event": "source"}',
        b'{"event": "source", "name": 1, "done": 1, "of": 2}',
        b'{"event": "source", "name": "a", "done": true, "of": 2}',
        b'{"event": "source", "name": "a", "done": 1.5, "of": 2}',
        b"[" * 100_000,
        b"\xff\xfe",
    ],
)
def test_a_line_that_is_no_step_is_none(line: bytes) -> None:
    steps: list[Step] = []
    Lines(steps.append).feed(line + b"\n")
    assert steps == []


def test_a_steps_name_is_shown_without_escapes() -> None:
    steps: list[Step] = []
    event = {"event": "source", "name": "a\x1b[2Jb" + "c" * 999, "done": 1, "of": 2}
    Lines(steps.append).feed(json.dumps(event).encode() + b"\n")
    assert steps[0].name.startswith("abccc")
    assert len(steps[0].name) == 80


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"not json", b"\xff"])
def test_what_is_no_capture_is_the_probes_failure_not_the_persons(content: bytes) -> None:
    with pytest.raises(ProbeFailed):
        talk(Played((BEGIN + content + END, b"")))


def test_a_beat_is_sent_while_the_probe_works(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(1000))
    monkeypatch.setattr(stream.time, "monotonic", lambda: float(next(clock)))
    wire = Played(*[(b"", b"")] * 8, (BEGIN + json.dumps(TOLD).encode() + END, b""))
    talk(wire)
    assert wire.sent[1:]
    assert set(wire.sent[1:]) == {b"\n"}


def test_the_time_limit_ends_it_and_names_the_last_step(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(0, 100_000, 50))
    monkeypatch.setattr(stream.time, "monotonic", lambda: float(next(clock)))
    event = b'{"event": "source", "name": "smi-q", "done": 1, "of": 2}\n'
    with pytest.raises(TimedOut, match="within 200 s; the last step was smi-q"):
        talk(Played((b"", event), *[(b"", b"")] * 100))


def test_an_end_without_a_capture_is_told_by_its_kind() -> None:
    with pytest.raises(Unreachable):
        talk(Played((b"", b""), status=None))
    with pytest.raises(ProbeFailed, match=r"is 3\.6\.8"):
        talk(Played((b"", b'{"event": "refused", "detail": "this is 3.6.8"}\n'), status=2))


def test_the_controllers_view_is_the_controllers_alone() -> None:
    lying = {**TOLD, "simulated": "rtx4090x2", "controller": {"host": "other", "rtt_s": 9.0}}
    found = capture.decode(json.dumps(lying).encode())
    seen = seen_by(found, "gpu01", Moment.now(), 0.5, None)
    assert seen.simulated is None
    assert (seen.controller.host, seen.controller.rtt_s) == ("gpu01", 0.5)
    assert seen.controller.started.endswith("Z")


def test_the_clock_offset_is_host_minus_controller() -> None:
    moment = Moment(0.0, datetime(2026, 1, 2, 3, 4, 0, tzinfo=UTC))
    assert clock_offset_s("2026-01-02T03:04:05.000Z", moment, 0.5) == pytest.approx(5.25)
    assert clock_offset_s("2026-01-02T03:03:55.000Z", moment, 0.0) == pytest.approx(-5.0)
    for bad in ("", "yesterday", "2026-01-02T03:04:05"):
        assert clock_offset_s(bad, moment, 0.0) is None
