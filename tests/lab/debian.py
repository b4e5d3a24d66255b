"""The image that every host starts from: a bare Debian 12 with systemd, sshd and no network.

Its apt knows one source, a folder in the image with the packages that the roles may ask for, so
that `apt-get update` and `install` are real and need nobody. Nothing in it is installed before.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path

from .cache import CACHE, made, run

MIRROR = "http://deb.debian.org/debian"
# A minimal server. Without python3-apt Ansible's apt fails in check mode. libnuma1 is to a vLLM for
# a CPU what the driver's libraries are to one for CUDA: it is there, or nothing starts.
INSTALLED = (
    "systemd,systemd-sysv,dbus,libpam-systemd,openssh-server,python3,python3-apt,sudo,iproute2,"
    "ca-certificates,procps,pciutils,nftables,iptables,libnuma1"
)
OFFERED = (
    "caddy",
    "g++",
    "gcc",
    "libc6-dev",
    "nginx-light",
    "openssl",
    "python3-dev",
    "python3-venv",
)
USER = "ops"  # who logs in, and may become root
DEVICES = (  # what opens only when a unit's DeviceAllow names it: fuse and tun stand for cards
    "c /dev/nvidia0 0666 - - - 10:229\nc /dev/nvidia1 0666 - - - 10:229\n"
    "c /dev/nvidiactl 0666 - - - 10:200\nc /dev/nvidia-uvm 0666 - - - 10:200\n"
)
NETWORK = "[Match]\nName=host0\n\n[Network]\nAddress={address}/24\nLinkLocalAddressing=no\n"


def debian() -> Path:
    """The image's folder: bootstrapped once (a minute, 0.5 GB)."""
    key()
    return made("debian", f"1 {MIRROR} {INSTALLED} {OFFERED} {USER} {DEVICES}", _bootstrap)


def key() -> Path:
    """The private key that opens every host's accounts `ops` and `root`."""
    CACHE.mkdir(parents=True, exist_ok=True)
    path = CACHE / "key"
    if not path.exists():
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "lab", "-f", path)
    return path


def host_key(image: Path) -> str:
    """What a known_hosts line holds after the address; all hosts of an image have one key."""
    kind, public, *_ = (image / "etc/ssh/ssh_host_ed25519_key.pub").read_text().split()
    return f"{kind} {public}"


def _bootstrap(root: Path) -> None:
    run("debootstrap", "--variant=minbase", f"--include={INSTALLED}", "bookworm", root, MIRROR)
    _offer(root)
    _log_in(root)
    (root / "etc/tmpfiles.d/nvidia-stand-in.conf").write_text(DEVICES)
    (root / "etc/machine-id").write_text("")
    (root / "etc/resolv.conf").unlink(missing_ok=True)
    run("systemctl", f"--root={root}", "enable", "systemd-networkd.service", "ssh.service")
    run("systemctl", f"--root={root}", "mask", "systemd-networkd-wait-online.service")


def _offer(root: Path) -> None:
    """A package source in the image, with what the roles may install and all that it needs."""
    fetch = "apt-get install --yes --download-only --no-install-recommends"
    run("chroot", root, *fetch.split(), *OFFERED)
    offered = root / "srv/debs"
    offered.mkdir(parents=True)
    for deb in sorted((root / "var/cache/apt/archives").glob("*.deb")):
        shutil.move(deb, offered)
    (offered / "Packages").write_text("".join(_entry(deb) for deb in sorted(offered.iterdir())))
    (root / "etc/apt/sources.list").write_text("deb [trusted=yes] file:/srv/debs ./\n")
    run("chroot", root, "apt-get", "clean")
    run("chroot", root, "apt-get", "update")


def _entry(deb: Path) -> str:
    control = subprocess.run(
        ["dpkg-deb", "-f", deb], check=True, capture_output=True, text=True
    ).stdout.rstrip()
    content = deb.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    return f"{control}\nFilename: ./{deb.name}\nSize: {len(content)}\nSHA256: {digest}\n\n"


def _log_in(root: Path) -> None:
    run("chroot", root, "useradd", "--create-home", "--shell", "/bin/bash", USER)
    (root / "etc/sudoers.d" / USER).write_text(f"{USER} ALL=(ALL) NOPASSWD: ALL\n")
    public = key().with_suffix(".pub").read_text()
    for home in ("root", f"home/{USER}"):
        folder = root / home / ".ssh"
        folder.mkdir(mode=0o700, exist_ok=True)
        (folder / "authorized_keys").write_text(public)
    run("chroot", root, "chown", "-R", f"{USER}:{USER}", f"/home/{USER}/.ssh")


if __name__ == "__main__":
    print(debian())
