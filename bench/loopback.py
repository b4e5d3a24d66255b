"""A real OpenSSH server on loopback, with a key and an ssh_config that calls it by a name."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from types import TracebackType

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
SSHD = shutil.which("sshd", path="/usr/sbin:/usr/local/sbin:/sbin")


class Loopback:
    """Serves while the context is open; `config` is for `ssh -F`, `key` the login key.

    `path` is the PATH of who logs in.
    """

    def __init__(self, name: str = "loopback", path: str = PATH) -> None:
        self.name, self.path = name, path
        if SSHD is None:
            sys.exit("the benchmark needs an OpenSSH server: apt-get install openssh-server")
        self.folder = Path(tempfile.mkdtemp(prefix="preflight-bench-"))
        self.key = self.folder / "id_ed25519"
        self.config = self.folder / "config"
        self.user = getpass.getuser()
        self.port = 0
        self._server: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Loopback:
        for name in ("id_ed25519", "host_ed25519"):
            path = self.folder / name
            argv = ["ssh-keygen", "-qt", "ed25519", "-N", "", "-f", str(path)]
            subprocess.run(argv, check=True)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        public = (self.folder / "host_ed25519.pub").read_text().split()
        (self.folder / "known_hosts").write_text(
            f"[127.0.0.1]:{self.port} {public[0]} {public[1]}\n"
        )
        self.config.write_text(
            f"Host {self.name} 127.0.0.1\n  HostName 127.0.0.1\n  Port {self.port}\n"
            f"  User {self.user}\n  IdentityFile {self.key}\n  IdentitiesOnly yes\n"
            f"  UserKnownHostsFile {self.folder}/known_hosts\n"
        )
        self._ssh_for_everyone()
        self._serve()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._server is not None
        self._server.terminate()
        self._server.wait()
        shutil.rmtree(self.folder)

    @property
    def programs(self) -> Path:
        """A folder for the front of PATH: the real ssh, told where its configuration is."""
        return self.folder / "bin"

    def _ssh_for_everyone(self) -> None:
        self.programs.mkdir()
        wrapper = self.programs / "ssh"
        wrapper.write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} -F {self.config} "$@"\n')
        wrapper.chmod(0o755)

    def _serve(self) -> None:
        if os.getuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)
        (self.folder / "sshd_config").write_text(
            f"ListenAddress 127.0.0.1:{self.port}\nHostKey {self.folder}/host_ed25519\n"
            f"AuthorizedKeysFile {self.key}.pub\nStrictModes no\nUsePAM no\n"
            "PidFile none\n"
            # a home of its own: the user's shell there must not put its PATH before this one
            f'SetEnv PATH="{self.path}" HOME="{self.folder}"\n'
        )
        argv = [str(SSHD), "-D", "-e", "-f", str(self.folder / "sshd_config")]
        self._server = subprocess.Popen(argv, stderr=subprocess.DEVNULL)
        while not self._answers():
            if self._server.poll() is not None:
                sys.exit("sshd did not start")

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1) as connection:
                return connection.recv(4) == b"SSH-"
        except OSError:
            return False
