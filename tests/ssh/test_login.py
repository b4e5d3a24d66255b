"""Who is let in, by what, and what a person is told when nobody is."""

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from preflight.errors import LoginRefused
from tests.ssh.conftest import USER, Person, Sshd, certify, keygen
from tests.ssh.look import lets_in, refuses


def ask_never(question: str) -> str:
    pytest.fail(f"nobody was to be asked: {question}")


@pytest.fixture
def agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """A running ssh-agent; call it to add keys."""
    told = subprocess.run(
        ["ssh-agent", "-s", "-a", tmp_path / "agent"], check=True, capture_output=True, text=True
    ).stdout
    pid = re.search(r"SSH_AGENT_PID=(\d+)", told)
    assert pid
    monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "agent"))
    yield lambda *keys: subprocess.run(["ssh-add", "-q", *keys], check=True)
    os.kill(int(pid[1]), signal.SIGTERM)


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_a_key_file(sshd: Sshd, person: Person, kind: str) -> None:
    key = keygen(person.folder / "mine", kind)
    sshd.authorized.write_text(Path(f"{key}.pub").read_text())
    person.write_config("", identity=key)
    lets_in(sshd.target, ask=ask_never)


def test_a_wrong_key_is_named_with_what_the_host_takes(sshd: Sshd, person: Person) -> None:
    keygen(person.key)
    text = refuses(sshd.target, LoginRefused)
    assert f"login as {USER} refused" in text
    assert f"tried key {person.key}" in text
    assert "the host takes publickey" in text


def test_no_key_at_all_is_said(sshd: Sshd, person: Person) -> None:
    person.key.unlink()
    assert "there was no key to try" in refuses(sshd.target, LoginRefused)


def test_a_file_that_is_no_key_is_named(sshd: Sshd, person: Person) -> None:
    person.key.write_text("not a key\n")
    assert f"not tried: {person.key} (not a private key" in refuses(sshd.target, LoginRefused)


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_the_agents_key(sshd: Sshd, person: Person, agent: Callable[..., None], kind: str) -> None:
    key = keygen(person.folder / "held", kind)
    sshd.authorized.write_text(Path(f"{key}.pub").read_text())
    person.write_config("", identity=person.folder / "none")
    agent(key)
    key.unlink()
    lets_in(sshd.target)


def test_an_agent_named_in_ssh_config(
    sshd: Sshd,
    person: Person,
    agent: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    agent(person.key)
    person.key.unlink()
    path = os.environ["SSH_AUTH_SOCK"]
    monkeypatch.delenv("SSH_AUTH_SOCK")
    refuses(sshd.target, LoginRefused)
    person.write_config("", more=f"  IdentityAgent {path}\n")
    lets_in(sshd.target)
    person.write_config("", more="  IdentityAgent none\n")
    refuses(sshd.target, LoginRefused)


def test_an_agent_that_is_gone_is_named(
    sshd: Sshd, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSH_AUTH_SOCK", str(person.folder / "gone"))
    lets_in(sshd.target)
    person.key.unlink()
    assert "agent at" in refuses(sshd.target, LoginRefused)


def test_of_many_keys_in_an_agent_the_named_one_comes_first(
    server: Callable[..., Sshd], person: Person, agent: Callable[..., None]
) -> None:
    """A server hangs up after MaxAuthTries keys."""
    sshd = server().start("MaxAuthTries 2")
    person.knows(sshd)
    agent(*(keygen(person.folder / f"other{number}") for number in range(4)), person.key)
    lets_in(sshd.target)
    person.key.unlink()  # its .pub still names it
    lets_in(sshd.target)
    Path(f"{person.key}.pub").unlink()
    text = refuses(sshd.target, LoginRefused)
    assert "agent key SHA256:" in text
    assert "refused (it hung up after 2 tries)" in text
    person.write_config("", identity=person.folder / "other0.pub", more="  IdentitiesOnly yes\n")
    assert text.count("agent key") > refuses(sshd.target, LoginRefused).count("agent key") == 1


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_a_certificate_beside_its_key(
    server: Callable[..., Sshd], person: Person, kind: str
) -> None:
    sshd = _trusting_users_of_a_ca(server, person)
    key = keygen(person.key, kind)
    refuses(sshd.target, LoginRefused)
    certify(person.folder / "ca", Path(f"{key}.pub"), USER)
    lets_in(sshd.target)


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_a_certificate_file_for_a_key_in_the_agent(
    server: Callable[..., Sshd], person: Person, agent: Callable[..., None], kind: str
) -> None:
    sshd = _trusting_users_of_a_ca(server, person)
    keygen(person.key, kind)
    agent(person.key)
    signed = certify(person.folder / "ca", Path(f"{person.key}.pub"), USER)
    moved = signed.rename(person.folder / "elsewhere.pub")
    person.key.unlink()
    refuses(sshd.target, LoginRefused)
    person.write_config("", more=f"  CertificateFile {moved}\n")
    lets_in(sshd.target)


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_a_certificate_inside_the_agent(
    server: Callable[..., Sshd], person: Person, agent: Callable[..., None], kind: str
) -> None:
    sshd = _trusting_users_of_a_ca(server, person)
    keygen(person.key, kind)
    certify(person.folder / "ca", Path(f"{person.key}.pub"), USER)
    agent(person.key)
    person.write_config("", identity=person.folder / "none")
    lets_in(sshd.target)


def test_an_expired_certificate_is_named_and_the_key_itself_still_tried(
    sshd: Sshd, person: Person
) -> None:
    ca = keygen(person.folder / "ca")
    signed = certify(ca, Path(f"{person.key}.pub"), USER, "-V", "20200101:20200102")
    lets_in(sshd.target)
    sshd.authorized.write_text("")
    text = refuses(sshd.target, LoginRefused)
    assert f"tried certificate {signed}, key {person.key}" in text


@pytest.mark.parametrize(
    ("kind", "options"),
    [("ed25519", ()), ("ecdsa", ()), ("rsa", ()), ("rsa", ("-m", "PEM")), ("ecdsa", ("-m", "PEM"))],
)
def test_an_encrypted_key_asks_only_where_somebody_is(
    sshd: Sshd, person: Person, kind: str, options: tuple[str, ...]
) -> None:
    key = keygen(person.key, kind, "open sesame", *options)
    sshd.authorized.write_text(Path(f"{key}.pub").read_text())
    assert "needs a passphrase, and there is no terminal" in refuses(sshd.target, LoginRefused)
    answers = iter(["wrong", "open sesame"])
    asked: list[str] = []

    def ask(question: str) -> str:
        asked.append(question)
        return next(answers)

    lets_in(sshd.target, ask=ask)
    assert asked == [f"passphrase for {key}: "] * 2
    assert "wrong passphrase" in refuses(sshd.target, LoginRefused, ask=lambda question: "no")
    assert "refused" in refuses(sshd.target, LoginRefused, ask=lambda question: "")


def test_an_encrypted_key_that_the_agent_holds_asks_nobody(
    sshd: Sshd, person: Person, agent: Callable[..., None]
) -> None:
    agent(person.key)
    argv = ["ssh-keygen", "-q", "-p", "-P", "", "-N", "open sesame", "-f", str(person.key)]
    subprocess.run(argv, check=True)
    lets_in(sshd.target, ask=ask_never)
    sshd.authorized.write_text("")
    refuses(sshd.target, LoginRefused, ask=ask_never)


def test_what_ssh_says_we_say(sshd: Sshd, person: Person) -> None:
    """The tests' ssh_config and servers are such that ssh itself gets in."""
    ssh = shutil.which("ssh")
    assert ssh
    argv = [ssh, "-p", str(sshd.port), sshd.address, "true"]
    subprocess.run(argv, check=True, stdin=subprocess.DEVNULL)
    lets_in(sshd.target)


def _trusting_users_of_a_ca(server: Callable[..., Sshd], person: Person) -> Sshd:
    ca = keygen(person.folder / "ca")
    sshd: Sshd = server().start(f"TrustedUserCAKeys {ca}.pub")
    sshd.authorized.write_text("")
    person.knows(sshd)
    return sshd
