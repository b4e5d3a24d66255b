"""A host as somebody typed it, taken apart and refused where it is nonsense."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

from preflight.errors import UsageError

LOCAL = "localhost"  # bare, and nothing else, is judged without SSH
# A name can end up in a ProxyCommand, which a shell runs: what a shell reads is refused.
_UNSEEN = r"\s\x00-\x20\x7f-\xa0\u200b-\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff"
_FORBIDDEN = re.compile(rf"[{_UNSEEN}'\"`$\\;&<>|(){{}}/,*?!#]")
_FORBIDDEN_IN_USER = re.compile(rf"[{_UNSEEN}'\"`$;&<>|(){{}}/,]")
_MAX_LENGTH = 1024  # the longest name of a host has 253 characters; an alias may be anything
_HINT = "a host is an ssh_config alias or [user@]host[:port]; IPv6 with a port is [::1]:22"


@dataclass(frozen=True)
class Target:
    """User and port are None where ssh_config decides."""

    typed: str
    host: str
    user: str | None = None
    port: int | None = None

    @property
    def is_local(self) -> bool:
        return self.typed == LOCAL


def parse(typed: str) -> Target:
    """Take `[user@]host[:port]` apart; UsageError for what cannot be a host."""
    user, at, rest = typed.rpartition("@")
    host, port = _host_and_port(typed, rest)
    if len(typed) > _MAX_LENGTH or not host or host.startswith("-") or _FORBIDDEN.search(host):
        raise _refuse(typed)
    if at and (not user or user.startswith("-") or _FORBIDDEN_IN_USER.search(user)):
        raise _refuse(typed)
    return Target(typed, host, user or None, port)


def _host_and_port(typed: str, rest: str) -> tuple[str, int | None]:
    if rest.startswith("["):
        address, bracket, port = rest[1:].partition("]")
        if not bracket or not _is_ipv6(address) or port[:1] not in ("", ":"):
            raise _refuse(typed)
        return address, _port(typed, port[1:]) if port else None
    if rest.count(":") > 1:
        if not _is_ipv6(rest):
            raise _refuse(typed)
        return rest, None
    host, colon, port = rest.partition(":")
    return host, _port(typed, port) if colon else None


def _is_ipv6(text: str) -> bool:
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True


def _port(typed: str, text: str) -> int:
    if re.fullmatch(r"[0-9]{1,5}", text) and 0 < int(text) < 65536:
        return int(text)
    raise UsageError(f"{typed[:80]!r}: a port is a number from 1 to 65535", _HINT)


def _refuse(typed: str) -> UsageError:
    return UsageError(f"{typed[:80]!r} is no host", _HINT)
