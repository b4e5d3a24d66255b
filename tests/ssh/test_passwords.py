"""Passwords and one-time codes. A password of a real account is not the tests' to set, so that
paramiko's server stands in for sshd here; everything else is tried against the real one."""

import socket
import threading
from collections.abc import Callable, Iterator

import paramiko
import pytest

from preflight.errors import LoginRefused, PreflightError, ProbeFailed
from tests.ssh.conftest import LOOPBACK, USER, Person, keygen
from tests.ssh.look import look

SECRET, CODE = "open sesame", "123456"


class Doorman(paramiko.ServerInterface):
    """Takes what `methods` names; runs no command, which is how a login is told from a refusal."""

    def __init__(self, methods: str) -> None:
        self.methods = methods.split(" then ")

    def get_allowed_auths(self, username: str) -> str:
        return self.methods[0]

    def check_auth_password(self, username: str, password: str) -> int:
        if "password" not in self.methods[0]:
            return paramiko.AUTH_FAILED
        return paramiko.AUTH_SUCCESSFUL if password == SECRET else paramiko.AUTH_FAILED

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        if "publickey" in self.methods[0] and len(self.methods) > 1:
            self.methods.pop(0)
            return paramiko.AUTH_PARTIALLY_SUCCESSFUL
        return paramiko.AUTH_FAILED

    def check_auth_interactive(
        self, username: str, submethods: str
    ) -> int | paramiko.InteractiveQuery:
        if "keyboard-interactive" not in self.methods[0]:
            return paramiko.AUTH_FAILED
        return paramiko.InteractiveQuery("", "", ("Password: ", False), ("\x1b[2JCode: ", True))

    def check_auth_interactive_response(self, responses: list[str]) -> int:
        right = responses == [SECRET, CODE]
        return paramiko.AUTH_SUCCESSFUL if right else paramiko.AUTH_FAILED

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return paramiko.OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED


@pytest.fixture
def door(person: Person) -> Iterator[Callable[[str], str]]:
    """Starts a server that takes these methods; gives its address."""
    key = paramiko.Ed25519Key.from_private_key_file(str(person.key))
    opened: list[socket.socket | paramiko.Transport] = []

    def start(methods: str) -> str:
        listening = socket.create_server((LOOPBACK, 0))
        port = listening.getsockname()[1]
        person.known_hosts.write_text(f"[{LOOPBACK}]:{port} {key.get_name()} {key.get_base64()}\n")

        def serve() -> None:
            connection, _ = listening.accept()
            transport = paramiko.Transport(connection)
            opened.append(transport)
            transport.add_server_key(key)
            transport.start_server(threading.Event(), Doorman(methods))

        opened.append(listening)
        threading.Thread(target=serve, daemon=True).start()
        return f"{USER}@{LOOPBACK}:{port}"

    yield start
    for each in opened:
        each.close()


def came_in(found: object) -> bool:
    return isinstance(found, ProbeFailed) and "logged in, but" in str(found)


def asker(*answers: str) -> tuple[list[str], Callable[[str], str]]:
    asked: list[str] = []
    left = iter(answers)

    def ask(question: str) -> str:
        asked.append(question)
        return next(left)

    return asked, ask


def test_a_password_is_asked_for_where_somebody_is(door: Callable[[str], str]) -> None:
    host = door("password")
    asked, ask = asker("wrong", SECRET)
    found = look(host, ask=ask)
    assert came_in(found), repr(found)
    assert asked == [f"{host}'s password: "] * 2


def test_no_passphrase_is_asked_for_where_keys_are_not_taken(
    door: Callable[[str], str], person: Person
) -> None:
    locked = keygen(person.folder / "locked", "ed25519", "open sesame")
    host = door("password")
    person.write_config("", more=f"  IdentityFile {locked}\n")
    asked, ask = asker(SECRET)
    assert came_in(look(host, ask=ask))
    assert asked == [f"{host}'s password: "]


@pytest.mark.parametrize("methods", ["password", "keyboard-interactive", "publickey"])
def test_nobody_is_asked_without_a_terminal(door: Callable[[str], str], methods: str) -> None:
    found = look(door(methods))
    assert isinstance(found, LoginRefused)
    assert f"the host takes {methods}" in str(found)


def test_three_wrong_passwords_are_enough(door: Callable[[str], str]) -> None:
    asked, ask = asker("a", "b", "c", "d")
    found = look(door("password"), ask=ask)
    assert isinstance(found, LoginRefused)
    assert len(asked) == 3
    assert "password" in str(found)


def test_a_hosts_own_questions_are_put_without_escapes(door: Callable[[str], str]) -> None:
    asked, ask = asker(SECRET, CODE)
    host = door("keyboard-interactive")
    found = look(host, ask=ask)
    assert came_in(found), repr(found)
    assert asked == [f"{host}: Password: ", f"{host}: Code: "]


def test_a_second_factor_after_the_key(door: Callable[[str], str]) -> None:
    asked, ask = asker(SECRET, CODE)
    found = look(door("publickey then keyboard-interactive"), ask=ask)
    assert came_in(found), repr(found)
    assert len(asked) == 2
    found = look(door("publickey then keyboard-interactive"))
    assert isinstance(found, LoginRefused)
    assert isinstance(found, PreflightError)
    assert "the host takes keyboard-interactive" in str(found)
