"""Is this the host that it was before? Every connection passes here before any login.

Stands in for paramiko's own check, which knows no patterns, no @revoked, no certificates, and
takes a host for changed when it offers another type of key than the known one.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from paramiko import PKey, SSHClient

from preflight.errors import HostKeyChanged, HostKeyUnknown
from preflight.transport import known_hosts
from preflight.transport.host_certificate import objection
from preflight.transport.ssh_config import Route

_CERTIFICATE = "-cert-v01@openssh.com"
_RSA = ("rsa-sha2-512", "rsa-sha2-256")  # one key type, two signatures


class HostKeys:
    """What is known of one host: a policy for SSHClient, and the order of key types to ask for."""

    def __init__(self, route: Route, accept_new: bool) -> None:
        self._route = route
        self._accept_new = accept_new or route.accepts_new_host_keys
        files = (*route.known_hosts_files, *route.global_known_hosts_files)
        entries = known_hosts.read(files)
        self._entries = [e for e in entries if e.speaks_of(route.known_as)]
        # As ssh does: what is known of the bare name also proves the host at another port, but
        # another key there is no change.
        bare = route.known_as.partition("]:")[0].removeprefix("[")
        self._bare = [e for e in entries if e.speaks_of(bare)]

    def prefer(self, algorithms: Sequence[str]) -> tuple[str, ...]:
        """The same algorithms, those of known keys first; certificates only under a known CA."""
        plain = [a for a in algorithms if not a.endswith(_CERTIFICATE)]
        certified = [a for a in algorithms if a.endswith(_CERTIFICATE)]
        known = {e.key_type for e in self._entries or self._bare if not e.marker}
        first = [a for a in plain if ("ssh-rsa" if a in _RSA else a) in known]
        rest = [a for a in plain if a not in first]
        return (*(certified if self._marked(known_hosts.AUTHORITY) else ()), *first, *rest)

    def missing_host_key(self, client: SSHClient, hostname: str, key: PKey) -> None:
        """Return if the key is to be trusted; raise HostKeyUnknown or HostKeyChanged if not."""
        plain_key = key.asbytes()
        self._refuse_revoked(plain_key)
        certificate: bytes | None = key.public_blob.key_blob if key.public_blob else None
        if certificate is not None:
            self._check_certificate(certificate)
        elif not self._is_known(plain_key):
            self._meet(plain_key)

    def _is_known(self, key: bytes) -> bool:
        known = self._known()
        if known and key not in known:
            raise self._changed(key, known)
        return key in known or key in self._marked("")

    def _meet(self, key: bytes) -> None:
        """A host never seen before: remember it where that was asked for, else refuse."""
        route = self._route
        if not self._accept_new:
            raise HostKeyUnknown(
                f"{route.label}: host key never seen before: {_shown(key)}",
                "compare the fingerprint with the provider's or the console's; then "
                "--accept-new-host-key trusts and remembers it",
            )
        if route.known_hosts_files:
            target, hashed = route.known_hosts_files[0], route.hash_known_hosts
            known_hosts.remember(target, route.known_as, key, hashed)

    def _changed(self, key: bytes, known: set[bytes]) -> HostKeyChanged:
        return HostKeyChanged(
            f"{self._route.label}: host key changed: now {_shown(key)}, "
            f"known is {', '.join(map(_shown, sorted(known)))}",
            "somebody may be in between, or the host was installed anew; if you know that it was: "
            f"ssh-keygen -R '{self._route.known_as}'",
        )

    def _refuse_revoked(self, key: bytes) -> None:
        if key in self._marked(known_hosts.REVOKED):
            raise HostKeyChanged(
                f"{self._route.label}: host key {known_hosts.fingerprint(key)} is @revoked",
                "the known_hosts file says that this key was stolen or withdrawn; do not connect",
            )

    def _check_certificate(self, certificate: bytes) -> None:
        """Only asked for where a CA is known for the host, so anything wrong with it is final."""
        trusted = self._marked(known_hosts.AUTHORITY) - self._marked(known_hosts.REVOKED)
        name = self._route.host_key_alias or self._route.hostname
        wrong = objection(certificate, name.lower(), trusted, time.time())
        if wrong:
            raise HostKeyUnknown(
                f"{self._route.label}: the host's certificate is not to be trusted: {wrong}",
                "a new certificate from the CA that known_hosts names as @cert-authority helps",
            )

    def _known(self) -> set[bytes]:
        return {e.key for e in self._entries if not e.marker}

    def _marked(self, marker: str) -> set[bytes]:
        return {e.key for e in (*self._entries, *self._bare) if e.marker == marker}


def _shown(key: bytes) -> str:
    """`ED25519 SHA256:…`, the words in which ssh speaks of it."""
    kind = known_hosts.key_type(key).removeprefix("ssh-").partition("-")[0].upper()
    return f"{kind} {known_hosts.fingerprint(key)}"
