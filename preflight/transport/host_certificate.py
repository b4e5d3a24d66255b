"""Does a host's certificate prove it? (OpenSSH's PROTOCOL.certkeys.)"""

from __future__ import annotations

import base64
from collections.abc import Set

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    SSHCertificate,
    SSHCertificateType,
    load_ssh_public_identity,
)

from preflight.capture import plain
from preflight.transport.known_hosts import key_type, matches_pattern

_SHA2 = (b"rsa-sha2-256", b"rsa-sha2-512")


def objection(certificate: bytes, name: str, trusted: Set[bytes], now_s: float) -> str:
    """Why the certificate does not prove the host of that name; "" where it does.

    `trusted` are the keys of its certificate authorities as on the wire; `now_s` is Unix time.
    """
    line = key_type(certificate).encode() + b" " + base64.b64encode(certificate)
    try:
        read = load_ssh_public_identity(line)
        if not isinstance(read, SSHCertificate):
            return "it is not a certificate"
        return (
            _standing(read, trusted) or _signature(certificate, read) or _reach(read, name, now_s)
        )
    # cryptography's words for bytes, curves and types that it does not take
    except (ValueError, NotImplementedError, UnsupportedAlgorithm) as error:
        return f"it is not understood ({plain(str(error))[:100]})"


def _standing(read: SSHCertificate, trusted: Set[bytes]) -> str:
    if read.type is not SSHCertificateType.HOST:
        return "it is a user's, not a host's"
    if _wire(read) not in trusted:
        return "no known CA signed it"
    return ""


def _signature(certificate: bytes, read: SSHCertificate) -> str:
    try:
        read.verify_cert_signature()
    except InvalidSignature:
        return "its signature is wrong"
    signer = read.signature_key()
    if isinstance(signer, RSAPublicKey):
        # The signature stands last: its algorithm, four bytes of length, the signature itself.
        head = certificate[: -4 - (signer.key_size + 7) // 8]
        if not head.endswith(_SHA2):
            return "it is signed with SHA-1"
    return ""


def _reach(read: SSHCertificate, name: str, now_s: float) -> str:
    principals = [p.decode(errors="replace") for p in read.valid_principals]
    if not any(matches_pattern(principal, name) for principal in principals):
        shown = plain(", ".join(principals))[:100] or "no name at all"
        return f"it is for {shown}, not for {name}"
    if now_s < read.valid_after:
        return "it is not valid yet"
    if now_s >= read.valid_before:
        return "it has expired"
    if read.critical_options:
        return f"it has options that are not understood: {plain(repr(read.critical_options))[:100]}"
    return ""


def _wire(read: SSHCertificate) -> bytes:
    line = read.signature_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    return base64.b64decode(line.split()[1])
