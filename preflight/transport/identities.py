"""The keys that a login may offer: from the agent, from files, with their certificates."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from paramiko import PKey, SSHException
from paramiko.agent import AgentSSH
from paramiko.pkey import PublicBlob, UnknownKeyType

from preflight.capture import plain
from preflight.transport.known_hosts import fingerprint
from preflight.transport.ssh_config import Route

_AGENT_TIMEOUT_S = 60.0  # a key in hardware may wait for a touch
_CERTIFICATE = "-cert-v01@openssh.com"


@dataclass(frozen=True)
class Offer:
    """One key to try, under a certificate where there is one; `shown` names it to a person."""

    shown: str
    key: PKey
    certificate: PublicBlob | None = None


@dataclass
class Identities:
    """Offers in ssh's order; files that a passphrase opens; what could not be used, and why."""

    offers: list[Offer] = field(default_factory=list)
    locked: list[Path] = field(default_factory=list)
    unusable: list[str] = field(default_factory=list)


class Agent(AgentSSH):
    """An ssh-agent at any socket; paramiko's own knows SSH_AUTH_SOCK only."""

    def __init__(self, path: str) -> None:
        super().__init__()
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(_AGENT_TIMEOUT_S)
        try:
            connection.connect(path)
            self._connect(connection)  # type: ignore[attr-defined]
        except BaseException:
            connection.close()
            raise

    def close(self) -> None:
        self._close()  # type: ignore[attr-defined]


def gather(route: Route, agent: Agent | None) -> Identities:
    """Certificates first, then the agent's keys, those named in ssh_config before others, then
    files: the order of ssh, for a server counts the tries."""
    found = Identities()
    files: list[Offer] = []
    wanted: set[bytes] = set()
    certificates = list(_certificates(route.certificate_files, found))
    for path in route.identity_files:
        public = _public_key(path)
        wanted |= {public} if public else set()
        files += _load(path, found)
    wanted |= {offer.key.asbytes() for offer in files}
    held = _from_agent(route, agent, wanted)
    in_agent = {offer.key.asbytes() for offer in held}
    found.locked = [p for p in found.locked if _public_key(p) not in in_agent]
    files = [o for o in files if o.certificate or o.key.asbytes() not in in_agent]
    plain_offers = [*held, *files]
    certified = [o for o in plain_offers if o.certificate]
    certified += _certify(certificates, plain_offers)
    found.offers = certified + [o for o in plain_offers if not o.certificate]
    return found


def unlock(path: Path, passphrase: str, route: Route) -> list[Offer]:
    """The offers of an encrypted file; none where the passphrase is wrong."""
    try:
        key = PKey.from_path(path, passphrase.encode())  # type: ignore[arg-type]
    except ValueError:
        return []
    offers = _offers(path, key)
    return [*_certify(list(_certificates(route.certificate_files, Identities())), offers), *offers]


def _load(path: Path, found: Identities) -> list[Offer]:
    try:
        if path.suffix == ".pub":  # names a key that the agent holds
            return []
        return _offers(path, PKey.from_path(path))
    except FileNotFoundError:
        return []
    except TypeError:  # cryptography's word for a passphrase that it was not given
        found.locked.append(path)
    except (OSError, ValueError, SSHException, UnknownKeyType) as error:
        why = error.strerror if isinstance(error, OSError) else "not a private key that is read"
        found.unusable.append(f"{path} ({why})")
    return []


def _offers(path: Path, key: PKey) -> list[Offer]:
    certificate = key.public_blob
    key.public_blob = None
    offers = [Offer(f"key {path}", key)]
    if certificate:
        offers.insert(0, Offer(f"certificate {path}-cert.pub", key, certificate))
    return offers


def _from_agent(route: Route, agent: Agent | None, wanted: set[bytes]) -> list[Offer]:
    offers = []
    for key in agent.get_keys() if agent else ():
        shown = f"agent key {fingerprint(key.asbytes())} {plain(key.comment)[:60]}".rstrip()
        if _CERTIFICATE in key.get_name():
            offers.append(Offer(f"{shown} (certificate)", key, PublicBlob(key.name, key.blob)))
        else:
            offers.append(Offer(shown, key))
    named = [o for o in offers if o.key.asbytes() in wanted]
    others = [o for o in offers if o.key.asbytes() not in wanted]
    return named if route.identities_only else named + others


def _certificates(paths: Sequence[Path], found: Identities) -> Iterator[tuple[Path, PublicBlob]]:
    for path in paths:
        try:
            yield path, PublicBlob.from_file(os.fspath(path))
        except (OSError, ValueError) as error:
            found.unusable.append(f"{path} ({plain(str(error))[:80]})")


def _certify(
    certificates: Sequence[tuple[Path, PublicBlob]], offers: Sequence[Offer]
) -> list[Offer]:
    """Each certificate with the private key that it certifies, wherever that key is."""
    return [
        Offer(f"certificate {path}", offer.key, blob)
        for path, blob in certificates
        for offer in offers
        if not offer.certificate and offer.key.asbytes() == _certified_key(blob)
    ]


def _certified_key(blob: PublicBlob) -> bytes:
    try:
        plain_type = blob.key_type.removesuffix(_CERTIFICATE)
        return PKey.from_type_string(plain_type, blob.key_blob).asbytes()
    except (UnknownKeyType, SSHException, ValueError):
        return b""


def _public_key(path: Path) -> bytes:
    """The public half that lies beside a private key, or is what was named; b"" without one."""
    public = path if path.suffix == ".pub" else path.with_name(path.name + ".pub")
    try:
        return PublicBlob.from_file(os.fspath(public)).key_blob
    except (OSError, ValueError):
        return b""
