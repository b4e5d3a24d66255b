"""Every exception that paramiko and Fabric define has a meaning here, or a reason to have none."""

import importlib
import pkgutil
import socket
from contextlib import closing
from types import ModuleType

import fabric
import paramiko
import pytest
from paramiko import ssh_exception as ssh

from preflight.errors import (
    HostKeyChanged,
    LoginRefused,
    PreflightError,
    TimedOut,
    Unreachable,
    UsageError,
)
from preflight.transport import ssh_config
from preflight.transport.ssh import _Transport as ssh_transport
from preflight.transport.ssh_errors import ERRORS, MEANINGS, explain, translated
from preflight.transport.target import parse

NEVER_SEEN = {
    "paramiko.ber.BERException": "private keys in DER are read by cryptography, as ValueError",
    "paramiko.packet.NeedRekeyException": "caught inside paramiko's own thread",
    "paramiko.sftp.SFTPError": "no SFTP is used",
    "fabric.exceptions.NothingToDo": "Fabric's own command line",
    "fabric.exceptions.GroupException": "no groups are used",
    "fabric.exceptions.InvalidV1Env": "no Fabric 1 environment is read",
}


def _exceptions(package: ModuleType) -> set[type[Exception]]:
    found: set[type[Exception]] = set()
    for info in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if info.name.rpartition(".")[2] in ("__main__", "win_pageant", "win_openssh", "_winapi"):
            continue
        module = importlib.import_module(info.name)
        found |= {
            value
            for value in vars(module).values()
            if isinstance(value, type)
            and issubclass(value, Exception)
            and value.__module__.startswith(package.__name__ + ".")
        }
    return found


@pytest.mark.parametrize("package", [paramiko, fabric], ids=["paramiko", "fabric"])
def test_each_exception_is_mapped(package: ModuleType) -> None:
    found = _exceptions(package)
    assert len(found) >= 3
    for kind in found:
        name = f"{kind.__module__}.{kind.__name__}"
        mapped = any(ancestor in MEANINGS for ancestor in kind.__mro__)
        assert mapped is not (name in NEVER_SEEN), name


@pytest.mark.parametrize(
    ("error", "kind", "says"),
    [
        (socket.gaierror(-2, "Name or service not known"), Unreachable, "no such host name"),
        (ConnectionRefusedError(111, "Connection refused"), Unreachable, "refused"),
        (TimeoutError("timed out"), Unreachable, "no answer"),
        (OSError(101, "Network is unreachable"), Unreachable, "Network is unreachable"),
        (EOFError(), Unreachable, "closed"),
        (ssh.SSHException("Error reading SSH protocol banner"), Unreachable, "banner"),
        (ssh.IncompatiblePeer("no kex"), Unreachable, "no algorithm in common"),
        (ssh.ChannelException(2, "Connect failed"), Unreachable, "Connect failed"),
        (ssh.AuthenticationException("Authentication failed."), LoginRefused, "refused"),
        (ssh.PasswordRequiredException("locked"), LoginRefused, "locked"),
        (ssh.BadAuthenticationType("no", ["publickey"]), LoginRefused, "publickey"),
        (ssh.NoValidConnectionsError({("::1", 22): OSError()}), Unreachable, "port 22"),
        (ssh.ConfigParseError("bad line"), UsageError, "bad line"),
        (
            ssh.BadHostKeyException(
                "h", paramiko.ECDSAKey.generate(), paramiko.ECDSAKey.generate()
            ),
            HostKeyChanged,
            "changed",
        ),
    ],
)
def test_what_an_exception_means(error: Exception, kind: type[PreflightError], says: str) -> None:
    meant = explain(error, "root@gpu01")
    assert type(meant) is kind
    assert str(meant).startswith("root@gpu01: ")
    assert says in str(meant)
    assert meant.hint


def test_whatever_paramikos_thread_dies_of_is_mapped() -> None:
    """Bytes that are not SSH as it knows it end it in many ways."""
    ours, theirs = socket.socketpair()
    with theirs, closing(ssh_transport(ours)) as transport:
        for died_of in (IndexError("x"), ValueError("\x1b[2Jx"), ssh.SSHException("x"), EOFError()):
            transport.saved_exception = died_of
            error = transport.get_exception()
            assert isinstance(error, ERRORS)
            assert error is died_of or error.__cause__ is died_of
            assert type(explain(error, "gpu01")) is Unreachable
        assert transport.get_exception() is None
    ours.close()


def test_a_hosts_words_are_bounded_and_without_escapes() -> None:
    meant = explain(ssh.SSHException("\x1b[2Jboo" + "x" * 10_000), "gpu01")
    assert "\x1b" not in str(meant)
    assert len(str(meant)) < 300


def test_the_seam_keeps_the_cause_and_lets_everything_else_pass() -> None:
    route = ssh_config.resolve(parse("gpu01"))
    cause = ssh.SSHException("x")
    with pytest.raises(Unreachable) as raised, translated(route):
        raise cause
    assert raised.value.__cause__ is cause
    with pytest.raises(TimedOut), translated(route, lambda: True):
        raise cause
    with pytest.raises(ZeroDivisionError), translated(route):
        _ = 1 / 0
    assert ZeroDivisionError not in ERRORS
