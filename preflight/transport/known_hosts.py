"""known_hosts files: which keys a host is known by, in OpenSSH's own format (sshd(8)).

Hashed names, patterns with `*`, `?` and `!`, `[host]:port`, `@cert-authority` and `@revoked` count.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import re
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from preflight.errors import UsageError

REVOKED, AUTHORITY = "@revoked", "@cert-authority"
_writing = threading.Lock()


@dataclass(frozen=True)
class Entry:
    """One line: who is known by which key."""

    marker: str  # "", REVOKED or AUTHORITY
    names: tuple[str, ...]
    key: bytes  # as on the wire

    @property
    def key_type(self) -> str:
        """The key's own word for what it is: "ssh-ed25519", "ssh-rsa"."""
        return key_type(self.key)

    def speaks_of(self, name: str) -> bool:
        """Whether this line is about the host; `!pattern` takes it out whatever else matches."""
        found = [n.startswith("!") for n in self.names if _matches(n.removeprefix("!"), name)]
        return bool(found) and not any(found)


def read(paths: Iterable[Path]) -> list[Entry]:
    """All lines of those files that exist; UsageError where one is there and cannot be read."""
    entries: list[Entry] = []
    for path in paths:
        try:
            text = path.read_bytes().decode(errors="replace")
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            raise UsageError(
                f"{path}: {error.strerror}: which host keys are known cannot be read",
                "look at its owner and rights",
            ) from error
        entries += _entries(path, text)
    return entries


def key_type(key: bytes) -> str:
    """The first string of a key on the wire (RFC 4253, 6.6)."""
    length = int.from_bytes(key[:4], "big")
    return key[4 : 4 + length].decode(errors="replace")


def fingerprint(key: bytes) -> str:
    """As ssh-keygen -l prints it."""
    digest = base64.b64encode(hashlib.sha256(key).digest()).decode().rstrip("=")
    return f"SHA256:{digest}"


def remember(path: Path, name: str, key: bytes, hashed: bool) -> None:
    """Append the host as ssh does, in one write, for others may be writing too."""
    shown = _hash(name, os.urandom(20)) if hashed else name
    line = f"{shown} {key_type(key)} {base64.b64encode(key).decode()}\n"
    try:
        with _writing:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
            with os.fdopen(descriptor, "rb+", buffering=0) as file:
                file.write(b"\n" * _is_line_open(file.fileno()) + line.encode())
    except OSError as error:
        raise UsageError(
            f"{path}: the host key cannot be kept: {error.strerror}",
            "UserKnownHostsFile in ssh_config names another file",
        ) from error


def matches_pattern(pattern: str, name: str) -> bool:
    """`*` is any run of characters, `?` any one, all else is itself (ssh_config(5), PATTERNS)."""
    parts = (".*" if c == "*" else "." if c == "?" else re.escape(c) for c in pattern.lower())
    return re.fullmatch("".join(parts), name) is not None


def _entries(path: Path, text: str) -> Iterator[Entry]:
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        marker = words.pop(0) if words[0].startswith("@") else ""
        try:
            names, _, encoded = words[:3]
            key = base64.b64decode(encoded, validate=True)
        except (ValueError, binascii.Error) as error:
            # Any other bad line only leaves a host unknown; this one would let a stolen key in.
            if marker == REVOKED:
                raise UsageError(
                    f"{path}:{number}: the @revoked line is not understood",
                    "it must be: @revoked NAMES TYPE KEY",
                ) from error
            continue
        yield Entry(marker, tuple(names.split(",")), key)


def _matches(pattern: str, name: str) -> bool:
    if pattern.startswith("|1|"):
        try:
            salt = base64.b64decode(pattern.split("|")[2], validate=True)
        except binascii.Error:
            return False
        return hmac.compare_digest(_hash(name, salt).encode(), pattern.encode())
    return matches_pattern(pattern, name)


def _hash(name: str, salt: bytes) -> str:
    digest = hmac.new(salt, name.encode(), hashlib.sha1).digest()
    return f"|1|{base64.b64encode(salt).decode()}|{base64.b64encode(digest).decode()}"


def _is_line_open(descriptor: int) -> bool:
    """Whether the last line lacks its end, as after an editor's careless save."""
    size = os.fstat(descriptor).st_size
    return size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
