"""Whatever listens there: none holds the controller up for good, and none fills its memory."""

from __future__ import annotations

import contextlib
import resource
import socket
import threading
from collections.abc import Iterator

import pytest

from preflight.errors import Unreachable
from tests.ssh.conftest import LOOPBACK, Person
from tests.ssh.look import refuses

IGNORED = b"\0\0\0\x0c\x06\x02\0\0\0\0" + b"\0" * 6  # SSH_MSG_IGNORE, before any encryption
ENOUGH_S = 30.0  # only a failing test takes so long
GROWTH_MIB = 64


@pytest.fixture
def says(person: Person, request: pytest.FixtureRequest) -> Iterator[str]:
    """A server that first sends one thing, then another every `pause` seconds; its address."""
    first, again, pause_s = request.param
    person.write_config("Host *\n  ConnectTimeout 1\n")
    over = threading.Event()
    with socket.create_server((LOOPBACK, 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection, contextlib.suppress(OSError):
                connection.sendall(first)
                while not over.wait(pause_s):
                    connection.sendall(again)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"root@{LOOPBACK}:{server.getsockname()[1]}"
        over.set()
        thread.join()


@pytest.mark.parametrize(
    "says",
    [
        pytest.param((b"", b"x", 0.1), id="one byte after the other"),
        pytest.param((b"", b"x" * 65536, 0.001), id="a line without end"),
        pytest.param((b"", b"hello\r\n", 0.1), id="one line after the other"),
        pytest.param((b"SSH-2.0-x\r\n", IGNORED, 0.1), id="a key exchange without end"),
    ],
    indirect=True,
)
def test_a_server_that_goes_on_for_ever_is_given_up(says: str) -> None:
    before_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    messages: list[str] = []
    # A thread, so that a controller that is held up fails the test and does not hold it up, too.
    asking = threading.Thread(target=lambda: messages.append(refuses(says, Unreachable)))
    asking.daemon = True
    asking.start()
    asking.join(ENOUGH_S)
    assert messages, "the controller is held up"
    assert "no answer" in messages[0] or "SSH could not be set up" in messages[0]
    grown_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kib
    assert grown_kib < GROWTH_MIB << 10
