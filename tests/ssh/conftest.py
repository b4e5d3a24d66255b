"""Real OpenSSH servers on loopback, and a person with keys, an ssh_config and known hosts."""

from __future__ import annotations

import getpass
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hatch_build import build

SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
USER = getpass.getuser()
LOOPBACK = "127.0.0.1"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if SSHD and shutil.which("ssh"):
        return
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(
                pytest.mark.skip(reason="NO SSHD here: how hosts are reached is untested")
            )


def keygen(path: Path, kind: str = "ed25519", passphrase: str = "", *options: str) -> Path:
    """A new key pair in place of an old one; the private key's path."""
    path.unlink(missing_ok=True)
    bits = ["-b", "2048"] if kind == "rsa" else []
    argv = ["ssh-keygen", "-q", "-t", kind, *bits, "-N", passphrase, "-f", str(path), *options]
    subprocess.run(argv, check=True, stdin=subprocess.DEVNULL)
    return path


def certify(ca: Path, public: Path, principal: str, *options: str) -> Path:
    """A certificate for a public key, beside it."""
    argv = ["ssh-keygen", "-q", "-s", str(ca), "-I", "test", "-n", principal, *options]
    subprocess.run([*argv, str(public)], check=True, stdin=subprocess.DEVNULL)
    return public.with_name(public.name.replace(".pub", "-cert.pub"))


@pytest.fixture(scope="session")
def probe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The real probe, built from these sources."""
    return build(tmp_path_factory.mktemp("probe") / "probe.pyz")


class Sshd:
    """One server process with its own folder, port, host keys and home for who logs in."""

    def __init__(self, folder: Path, host_keys: tuple[str, ...], address: str) -> None:
        self.folder, self.address = folder, address
        self.home = folder / "home"
        self.home.mkdir(parents=True)
        self.python = _python_folder(folder)
        self.host_keys = {kind: keygen(folder / f"host_{kind}", kind) for kind in host_keys}
        self.authorized = folder / "authorized_keys"
        self.port = 0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def target(self) -> str:
        return f"{USER}@{self.address}:{self.port}"

    @property
    def known_as(self) -> str:
        return f"[{self.address}]:{self.port}"

    def known_line(self, kind: str) -> str:
        public = Path(f"{self.host_keys[kind]}.pub").read_text().split()
        return f"{self.known_as} {public[0]} {public[1]}\n"

    def start(self, *options: str, path: str = "", through: tuple[str, ...] = ()) -> Sshd:
        """Serve, and return once the port answers; `path` is the PATH of who logs in.

        `through` is a command that runs another somewhere else; only its log then says it serves.
        """
        if os.getuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)  # as the distribution's unit does
        # The tests' own interpreter is python3 there: nothing may depend on a shim in PATH.
        path = path or f"{self.python}:/usr/bin:/bin"
        environment = {"HOME": str(self.home), "PATH": path}
        self.port = self.port or _free_port(self.address)
        at = f"[{self.address}]" if ":" in self.address else self.address
        lines = [
            f"ListenAddress {at}:{self.port}",
            f"PidFile {self.folder}/pid",
            f"AuthorizedKeysFile {self.authorized}",
            "StrictModes no",
            "UsePAM no",
            "PasswordAuthentication no",
            "KbdInteractiveAuthentication no",
            "SetEnv " + " ".join(f'{k}="{v}"' for k, v in environment.items()),
            *(f"HostKey {path}" for path in self.host_keys.values()),
            *options,
        ]
        config = self.folder / "sshd_config"
        config.write_text("\n".join(lines) + "\n")
        log = self.folder / "log"
        with log.open("wb") as file:
            argv = [*through, str(SSHD), "-D", "-e", "-f", str(config)]
            self._process = subprocess.Popen(argv, stderr=file)
        while "Server listening" not in log.read_text():
            if self._process.poll() is not None:
                pytest.fail(log.read_text())
            time.sleep(0.01)
        return self

    def cut(self) -> None:
        """Kill the processes that serve connections, so that nothing is said goodbye to."""
        argv = ["ps", "-o", "pid=", "--ppid", str(self.pid)]
        told = subprocess.run(argv, capture_output=True, text=True, check=False)  # 1: there is none
        for pid in told.stdout.split():
            os.kill(int(pid), signal.SIGKILL)

    def stop(self) -> None:
        if self._process:
            self._process.terminate()
            self._process.wait()


def _free_port(address: str) -> int:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as probe:
        probe.bind((address, 0))
        port: int = probe.getsockname()[1]
        return port


class Person:
    """Whoever runs the controller: an ssh_config of their own, keys, known hosts."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.known_hosts = folder / "known_hosts"
        self.key = keygen(folder / "id_ed25519")
        self.config = folder / "config"
        self.write_config("")
        programs = folder / "bin"
        programs.mkdir()
        # The real ssh, told where this person's ssh_config is.
        wrapper = programs / "ssh"
        wrapper.write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} -F {self.config} "$@"\n')
        wrapper.chmod(0o755)
        self.path = f"{programs}:{os.environ['PATH']}"

    def write_config(self, before: str, identity: Path | None = None, more: str = "") -> None:
        self.config.write_text(
            f"{before}\nHost *\n  IdentityFile {identity or self.key}\n"
            f"  UserKnownHostsFile {self.known_hosts}\n  GlobalKnownHostsFile none\n{more}"
        )

    def knows(self, sshd: Sshd, kind: str = "ed25519") -> None:
        with self.known_hosts.open("a") as file:
            file.write(sshd.known_line(kind))


@pytest.fixture
def person(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Person:
    folder = tmp_path / "person"
    folder.mkdir()
    made = Person(folder)
    monkeypatch.setenv("PATH", made.path)
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    return made


@pytest.fixture
def server(tmp_path: Path, person: Person) -> Iterator[Callable[..., Sshd]]:
    """Makes servers that let the person in; `start` them."""
    made: list[Sshd] = []

    def make(*host_keys: str, address: str = LOOPBACK) -> Sshd:
        sshd = Sshd(tmp_path / f"host{len(made)}", host_keys or ("ed25519",), address)
        sshd.authorized.write_text(Path(f"{person.key}.pub").read_text())
        made.append(sshd)
        return sshd

    yield make
    for sshd in made:
        sshd.stop()


@pytest.fixture
def sshd(server: Callable[..., Sshd], person: Person) -> Sshd:
    """One ordinary server, running and known to the person."""
    made: Sshd = server().start()
    person.knows(made)
    return made


def _python_folder(folder: Path) -> Path:
    """A folder that holds `python3` alone."""
    programs = folder / "python"
    programs.mkdir()
    link = programs / "python3"
    if not link.is_symlink():
        link.symlink_to(os.path.realpath(sys.executable))
    return programs
