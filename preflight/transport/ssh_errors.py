"""The one seam between other people's exceptions and errors.py: what each means, what to do now."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from paramiko import hostkeys, pkey
from paramiko import ssh_exception as ssh

from preflight.capture import plain
from preflight.errors import (
    HostKeyChanged,
    LoginRefused,
    PreflightError,
    ProbeFailed,
    TimedOut,
    Unreachable,
    UsageError,
)
from preflight.transport.ssh_config import Route

Meaning = tuple[type[PreflightError], str, str]  # the error, what happened, what to do now
_CUT = "look at the host's sshd log; a firewall or MaxStartups may cut connections"
_CONFIG = "look at ssh_config and known_hosts"

# The most specific class of an exception's ancestry counts.
MEANINGS: Mapping[type[Exception], Meaning] = {
    # the network
    socket.gaierror: (
        Unreachable,
        "no such host name",
        "is it spelt right, and its alias in ssh_config?",
    ),
    UnicodeError: (Unreachable, "no such host name", "a part of a name has 1 to 63 characters"),
    ConnectionRefusedError: (
        Unreachable,
        "the connection was refused",
        "is sshd running there, on this port?",
    ),
    TimeoutError: (
        Unreachable,
        "no answer",
        "is the host up, and its port let through? ConnectTimeout in ssh_config waits longer",
    ),
    OSError: (Unreachable, "the network says", "is the host reachable from here?"),
    ssh.NoValidConnectionsError: (Unreachable, "no address answered", "is sshd running there?"),
    EOFError: (Unreachable, "the connection was closed while it was being set up", _CUT),
    # the protocol
    ssh.SSHException: (Unreachable, "SSH could not be set up", _CUT),
    ssh.IncompatiblePeer: (
        Unreachable,
        "no algorithm in common",
        "the host's sshd is very old or very strict",
    ),
    ssh.MessageOrderError: (Unreachable, "the protocol was broken", _CUT),
    ssh.ChannelException: (
        Unreachable,
        "a channel was refused",
        "AllowTcpForwarding of a jump host, MaxSessions or a full host may be why",
    ),
    ssh.ProxyCommandFailure: (Unreachable, "ProxyCommand failed", "run it by hand"),
    # who is there
    ssh.BadHostKeyException: (HostKeyChanged, "host key changed", "compare its fingerprint"),
    ssh.AuthenticationException: (LoginRefused, "login refused", "ssh to the host must work"),
    # files of the person's own
    ssh.ConfigParseError: (UsageError, "ssh_config is not understood", _CONFIG),
    ssh.CouldNotCanonicalize: (UsageError, "the name is not canonical", _CONFIG),
    hostkeys.InvalidHostKey: (UsageError, "known_hosts is not understood", _CONFIG),
    pkey.UnknownKeyType: (UsageError, "a key of unknown type", _CONFIG),
}
ERRORS: tuple[type[Exception], ...] = tuple(MEANINGS)


@contextmanager
def translated(route: Route, expired: Callable[[], bool] = lambda: False) -> Iterator[None]:
    """Turn what paramiko, Fabric and sockets raise into errors.py's, naming the host.

    Once `expired` says so, whatever broke was broken by the time limit.
    """
    try:
        yield
    except ERRORS as error:
        if expired():
            raise TimedOut(
                f"{route.label}: the time limit ran out",
                "a host that hangs is worth a look by hand",
            ) from error
        raise explain(error, route.label) from error


def explain(error: Exception, label: str) -> PreflightError:
    """The error of errors.py for one of MEANINGS; StopIteration for any other exception."""
    meaning, happened, hint = next(MEANINGS[k] for k in type(error).__mro__ if k in MEANINGS)
    said = plain(_words(error)).strip()[:200]
    return meaning(f"{label}: {happened}" + (f": {said}" if said else ""), hint)


def no_command(error: ssh.SSHException, label: str) -> ProbeFailed:
    """For a host that lets one in and then runs no command."""
    return ProbeFailed(
        f"{label}: logged in, but the host runs no command ({plain(str(error))[:100]})",
        "the account may be for file transfer or forwarding only",
    )


def _words(error: Exception) -> str:
    if isinstance(error, ssh.NoValidConnectionsError):
        return str(error.strerror)
    if isinstance(error, OSError):
        return "" if isinstance(error, (ConnectionRefusedError, TimeoutError)) else _errno(error)
    return str(error)


def _errno(error: OSError) -> str:
    return error.strerror or str(error)
