"""A host: Debian with its own systemd, sshd, network and disk, started in two seconds."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from .cache import CACHE
from .debian import NETWORK
from .network import Network

WAIT_S = 600  # for a state of two seconds; a minute and more where vLLM starts at boot
ENVIRONMENT = ("env", "-i", "HOME=/root", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8")
READY = ("running", "degraded")


@dataclass(frozen=True)
class Image:
    """Layers of a disk, the uppermost first: those of frozen hosts, then the bare one."""

    layers: tuple[Path, ...]


@dataclass
class Host:
    """One machine of the lab; `with` starts it and takes it away."""

    name: str
    network: Network
    image: Image
    number: int
    shown: dict[str, Path] = field(default_factory=dict)  # where it appears there -> read-only
    _folder: Path | None = field(default=None, repr=False)
    _keeper: subprocess.Popen[str] | None = field(default=None, repr=False)
    _nspawn: int = field(default=0, repr=False)

    @property
    def address(self) -> str:
        return self.network.address(self.number)

    @property
    def machine(self) -> str:
        return f"{self.network.bridge}-{self.name}"

    @property
    def port(self) -> str:
        """Its end of the cable, on the controller's bridge."""
        return f"vb-{self.machine}"

    def __enter__(self) -> Host:
        (CACHE / "hosts").mkdir(exist_ok=True)
        self._folder = Path(tempfile.mkdtemp(prefix=f"{self.machine}-", dir=CACHE / "hosts"))
        self._write_disk(self._folder / "upper")
        told = {
            "machine": self.machine,
            "folder": str(self._folder),
            "image": [str(layer) for layer in self.image.layers],
            "nspawn": self._nspawn_argv(self._folder / "root"),
        }
        (self._folder / "told.json").write_text(json.dumps(told))
        self._keeper = subprocess.Popen(
            [
                *("unshare", "--mount", "--propagation=private"),
                *(sys.executable, "-m", "tests.lab.keeper", str(self._folder / "told.json")),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            return self.start()
        except BaseException:
            self.__exit__()
            raise

    def __exit__(self, *_: object) -> None:
        if self._keeper is not None:
            self._keeper.communicate()
            self._keeper, self._nspawn = None, 0

    def start(self) -> Host:
        """Boot, and return when systemd has settled and sshd answers."""
        self._tell("start")
        self._hear("up")
        self.wait_until_ready()
        return self

    def stop(self) -> None:
        """An orderly shutdown."""
        self._tell("stop")
        self._hear("off")

    def power_cut(self) -> None:
        """Everything that runs there is gone at once; the disk keeps what was written."""
        self._tell("cut")
        self._hear("off")

    def reboot(self) -> None:
        """What `systemctl reboot` does; returns when the host is back."""
        self.run("systemctl", "reboot", "--no-block")
        self.returned()

    def returned(self) -> None:
        """Wait for a reboot that somebody else ordered."""
        self._hear("up")
        self.wait_until_ready()

    def network_cut(self) -> None:
        self.network.unplug(self.port)

    def network_back(self) -> None:
        self.network.plug(self.port)

    def freeze(self) -> Image:
        """Shut down and keep the disk as a layer for other hosts; whoever asked removes it."""
        assert self._folder is not None
        self.stop()
        (self._folder / "keep").touch()
        self.__exit__()
        layer = Path(tempfile.mkdtemp(prefix=f"layer-{self.machine}-", dir=CACHE / "hosts"))
        layer.rmdir()
        (self._folder / "upper").rename(layer)
        shutil.rmtree(self._folder)
        return Image((layer, *self.image.layers))

    def run(self, *argv: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command there as root, by the console: it needs neither network nor sshd."""
        done = subprocess.run(
            [
                "nsenter",
                "--target",
                str(self._init()),
                "--all",
                "--root",
                "--wd",
                *ENVIRONMENT,
                *argv,
            ],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
        )
        if check and done.returncode:
            raise RuntimeError(f"{self.name}: {argv} ended with {done.returncode}:\n{done.stderr}")
        return done

    def text(self, path: str) -> str:
        return self.run("cat", path).stdout

    def wait_until_ready(self) -> None:
        until(lambda: self._banner().startswith("SSH-"), f"{self.name} answers by SSH")
        until(lambda: self._state() in READY, f"{self.name} has started")

    def answers(self, port: int) -> bool:
        """Whether the controller gets a connection to it."""
        return connects(self.address, port)

    def reaches(self, address: str, port: int) -> bool:
        """Whether this host gets a connection to another."""
        script = f"import socket; socket.create_connection(({address!r}, {port}), timeout=2)"
        return self.run("python3", "-c", script, check=False).returncode == 0

    def console(self) -> str:
        """What the host printed while it started and stopped."""
        assert self._folder is not None
        return (self._folder / "console.log").read_text(errors="replace")

    def _state(self) -> str:
        return self.run("systemctl", "is-system-running", check=False).stdout.strip()

    def _banner(self) -> str:
        try:
            with socket.create_connection((self.address, 22), timeout=2) as connection:
                return connection.recv(64).decode(errors="replace")
        except OSError:  # not there yet
            return ""

    def _init(self) -> int:
        children = Path(f"/proc/{self._nspawn}/task/{self._nspawn}/children").read_text().split()
        if not children:
            raise RuntimeError(f"{self.name} does not run")
        return int(children[0])

    def _tell(self, order: str) -> None:
        assert self._keeper is not None
        assert self._keeper.stdin is not None
        self._keeper.stdin.write(f"{order}\n")
        self._keeper.stdin.flush()

    def _hear(self, expected: str) -> None:
        assert self._keeper is not None
        assert self._keeper.stdout is not None
        word, _, number = self._keeper.stdout.readline().strip().partition(" ")
        if word != expected:
            raise RuntimeError(
                f"{self.name}: {expected} expected, {word or 'end'}:\n{self.console()}"
            )
        self._nspawn = int(number) if word == "up" else 0

    def _write_disk(self, upper: Path) -> None:
        """What tells this host from others of its image."""
        for folder in ("etc/systemd/network", "etc"):
            (upper / folder).mkdir(parents=True, exist_ok=True)
        upper.chmod(0o755)
        (upper / "etc/hostname").write_text(f"{self.name}\n")
        (upper / "etc/hosts").write_text(f"127.0.0.1 localhost\n127.0.1.1 {self.name}\n")
        (upper / "etc/machine-id").write_text("")
        network = upper / "etc/systemd/network/10-lab.network"
        network.write_text(NETWORK.format(address=self.address))

    def _nspawn_argv(self, root: Path) -> list[str]:
        """Without the BPF rights DevicePolicy= and IPAddressDeny= would be ignored in silence."""
        shown = [f"--bind-ro={source}:{target}" for target, source in self.shown.items()]
        return [
            "systemd-nspawn",
            f"--directory={root}",
            "--boot",
            "--quiet",
            "--console=read-only",
            f"--machine={self.machine}",
            f"--hostname={self.name}",
            f"--network-bridge={self.network.bridge}",
            "--register=no",
            "--keep-unit",
            "--resolv-conf=off",
            "--timezone=off",
            "--capability=CAP_BPF,CAP_PERFMON",
            "--system-call-filter=bpf",
            *shown,
        ]


def connects(address: str, port: int) -> bool:
    try:
        socket.create_connection((address, port), timeout=2).close()
    except OSError:
        return False
    return True


def until(holds: Callable[[], object], what: str, seconds: float = WAIT_S) -> None:
    """Wait for a state; the time is only how long nothing may happen before it is a failure."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not seen in {seconds:.0f} s: {what}")
        time.sleep(0.05)
