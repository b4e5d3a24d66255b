"""Over SSH: connect through all jump hosts, run the probe on a plain session, leave nothing.

Fabric makes and chains the connections; which host, which keys and whom to trust is decided here.
"""

from __future__ import annotations

import logging
import select
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from threading import Event, Semaphore, Timer
from typing import Any

import fabric  # type: ignore[import-untyped]
import paramiko
from paramiko.ssh_exception import SSHException

from preflight.capture import Capture, plain
from preflight.errors import Unreachable
from preflight.transport.host_keys import HostKeys
from preflight.transport.login import Login
from preflight.transport.request import OpenConnections, Request, Step
from preflight.transport.ssh_config import Route, resolve
from preflight.transport.ssh_errors import ERRORS, no_command, translated
from preflight.transport.stream import COMMAND, Moment, clock_offset_s, converse, seen_by
from preflight.transport.target import Target

_AUTH_TIMEOUT_S = 30.0
_ASKED_AUTH_TIMEOUT_S = 120.0  # sshd's LoginGraceTime: a person types
# At one address not yet logged in: sshd's MaxStartups drops some from the tenth on, and many
# hosts may stand behind one jump host.
_STARTUPS = 5
_startups: dict[tuple[str, int], Semaphore] = {}
# ConnectTimeout is for the first bytes; a slow link then needs several round trips for the keys,
# and a server that sends on and on must not hold the controller up.
_HANDSHAKES = 2
_PROXY_END_S = 1.0
_PIECE = 1 << 20
_LOST_AFTER_S = 12.0  # of unacknowledged bytes; the probe itself gives up after 10 s

# Its errors arrive as exceptions; without a handler logging would print them as well.
logging.getLogger("paramiko").addHandler(logging.NullHandler())


def fetch(
    target: Target,
    request: Request,
    probe: bytes,
    on_step: Callable[[Step], None],
    opened: OpenConnections,
) -> Capture:
    """The host's capture."""
    started = Moment.now()
    route = resolve(target)
    with ExitStack() as stack:
        stack.enter_context(translated(route))
        connection = _connect(route, request, stack, opened)
        with _time_limit(connection, request.time_limit_s) as expired, translated(route, expired):
            channel = _session(connection, route)
            stack.callback(channel.close)
            rtt_s = _round_trip_s(connection.transport)
            _execute(channel, route)
            found, first = converse(_ChannelWire(channel), route.label, request, probe, on_step)
    offset_s = clock_offset_s(found.started, first, rtt_s)
    return seen_by(found, target.typed, started, round(rtt_s, 6), offset_s)


class _Transport(paramiko.Transport):
    """paramiko's, asking for the host keys that are known, and raising only what is mapped."""

    host_keys: HostKeys

    @property
    def preferred_keys(self) -> tuple[str, ...]:
        return self.host_keys.prefer(super().preferred_keys)

    def start_client(self, event: Event | None = None, timeout: float | None = None) -> None:
        super().start_client(event, timeout)
        if not self.initial_kex_done:  # paramiko returns at the limit as if all were well
            raise TimeoutError

    def run(self) -> None:
        # Its last act is to close what it came through; a jump host may have gone before.
        with suppress(EOFError, OSError):
            super().run()

    def get_exception(self) -> Exception | None:
        error = super().get_exception()
        if error is None or isinstance(error, ERRORS):
            return error
        # Anything else in its thread comes from bytes that are not SSH as it knows it.
        odd = SSHException(f"not understood ({type(error).__name__}: {error})")
        odd.__cause__ = error
        return odd


def _connect(
    route: Route,
    request: Request,
    stack: ExitStack,
    opened: OpenConnections,
) -> Any:
    """An open fabric.Connection, its jump hosts before it; `stack` closes them, the last first."""
    jump = _connect(route.jump, request, stack, opened) if route.jump else None
    with translated(route):
        keys, login = HostKeys(route, request.accept_new_host_key), Login(route, request.ask)

        def transport(sock: Any, **options: Any) -> _Transport:
            made = _Transport(sock, **options)
            made.host_keys = keys
            return made

        connection = fabric.Connection(
            route.hostname,
            user=route.user,
            port=route.port,
            gateway=jump,
            config=fabric.Config(lazy=True, ssh_config=paramiko.SSHConfig()),
            connect_kwargs={
                "transport_factory": transport,
                "auth_strategy": login,
                "timeout": _HANDSHAKES * route.connect_timeout_s,
                "banner_timeout": route.connect_timeout_s,
                "auth_timeout": _ASKED_AUTH_TIMEOUT_S if request.ask else _AUTH_TIMEOUT_S,
                "channel_timeout": route.connect_timeout_s,
            },
        )
        # Fabric's own policy trusts every key that it has not seen.
        connection.client.set_missing_host_key_policy(keys)
        stack.callback(_close, connection)
        opened(partial(_close, connection))
        with _startups.setdefault((route.hostname, route.port), Semaphore(_STARTUPS)):
            if not jump:
                connection.connect_kwargs["sock"] = _socket(route, stack)
            connection.open()
        opened(partial(_close, connection))  # an interruption may have come before there was one
    return connection


def _close(connection: Any) -> None:
    """At once: paramiko's thread would otherwise look up only every 0.1 s."""
    transport = connection.client.get_transport()
    if transport:
        with suppress(OSError):  # it may be down already
            transport.sock.shutdown(socket.SHUT_RDWR)
    connection.client.close()


def _socket(route: Route, stack: ExitStack) -> socket.socket:
    if route.proxy_command:
        return stack.enter_context(_proxy(route))
    sock = socket.create_connection((route.hostname, route.port), route.connect_timeout_s)
    stack.callback(sock.close)
    if hasattr(socket, "TCP_USER_TIMEOUT"):  # a cut network is then noticed; not on macOS
        limit_ms = int(_LOST_AFTER_S * 1000)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, limit_ms)
    return sock


@contextmanager
def _proxy(route: Route) -> Iterator[socket.socket]:
    """The person's own ProxyCommand on a socket, run as ssh runs it."""
    ours, theirs = socket.socketpair()
    with ours, tempfile.TemporaryFile() as said:
        with theirs:
            process = subprocess.Popen(
                ["/bin/sh", "-c", f"exec {route.proxy_command}"],
                stdin=theirs.fileno(),
                stdout=theirs.fileno(),
                stderr=said,
                start_new_session=True,
            )
        try:
            yield ours
        except Unreachable as error:
            with suppress(subprocess.TimeoutExpired):  # it closes its end before it has ended
                process.wait(_PROXY_END_S)
            said.seek(0)
            words = " ".join(plain(said.read(4096).decode(errors="replace")).split())
            raise Unreachable(
                f"{error}; ProxyCommand ended with {process.returncode} and said: {words[-200:]}",
                f"run it by hand: {route.proxy_command}",
            ) from error
        finally:
            ours.close()  # its end of file
            process.terminate()
            try:
                process.wait(_PROXY_END_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _session(connection: Any, route: Route) -> paramiko.Channel:
    try:
        session: paramiko.Channel = connection.transport.open_session()
    except paramiko.ChannelException as error:
        raise no_command(error, route.label) from error
    return session


def _execute(channel: paramiko.Channel, route: Route) -> None:
    try:
        channel.exec_command(COMMAND)
    except SSHException as error:
        transport = channel.get_transport()
        if transport.is_active():
            raise no_command(error, route.label) from error
        raise


def _round_trip_s(transport: paramiko.Transport) -> float:
    """One question that every server answers at once, with a refusal."""
    asked = time.monotonic()
    transport.global_request("keepalive@openssh.com")
    return time.monotonic() - asked


@contextmanager
def _time_limit(connection: Any, limit_s: float) -> Iterator[Callable[[], bool]]:
    """Close the connection at the limit, whatever call hangs then; tells if it came to that."""
    expired = Event()

    def expire() -> None:
        expired.set()
        _close(connection)

    # Behind the conversation's own limit, which knows more to say.
    timer = Timer(limit_s + 5.0, expire)
    timer.daemon = True
    timer.start()
    try:
        yield expired.is_set
    finally:
        timer.cancel()


class _ChannelWire:
    """A session's three streams, as stream.Wire."""

    def __init__(self, channel: paramiko.Channel) -> None:
        self._channel = channel
        self._ready = select.poll()
        self._ready.register(channel.fileno(), select.POLLIN)

    def send(self, data: bytes) -> None:
        # Raised once the channel is closed: what was said last is still to be received, and tells.
        with suppress(OSError):
            self._channel.sendall(data)

    def receive(self, timeout_s: float) -> tuple[bytes, bytes] | None:
        channel = self._channel
        if channel.eof_received:  # its descriptor is readable for good
            channel.status_event.wait(timeout_s)
        else:
            self._ready.poll(timeout_s * 1000)
        output = channel.recv(_PIECE) if channel.recv_ready() else b""
        errors = channel.recv_stderr(_PIECE) if channel.recv_stderr_ready() else b""
        if output or errors or not channel.exit_status_ready():
            return output, errors
        return None if channel.eof_received or channel.closed else (b"", b"")

    def exit_status(self) -> int | None:
        # paramiko gives -1 after a signal too; only then had the host closed the streams itself.
        status = self._channel.recv_exit_status()
        return None if status == -1 and not self._channel.eof_received else status
