"""Each card may reach into the memory of the others where its product is made for that.

Why: with peer access two cards copy to each other directly; without it every exchange goes through
  the host's memory, at a fraction of the speed. GeForce cards since the 40 series do not have it,
  which is no fault: NCCL then uses host memory.
Fix: Look at nvidia-smi topo -p2p r; switch the IOMMU and ACS redirection off, reseat the NVLink
  bridge, and take a registry key that disables peer access out of the module's options.
Source: nvidia-smi topo -p2p r and w; what the stock driver grants, by the catalogue.
"""

from __future__ import annotations

from dataclasses import dataclass

from preflight.facts import PeerPath
from preflight.findings import FAIL, PASS, WARN, Finding, Status

ID = "peer-access"
SUBJECT = PeerPath
REMEDY_CLASS = "reconfigure"
_GRANTED = "OK"
_UNSAID = "U"
_MEANING = {
    "CNS": "chipset not supported",
    "GNS": "GPU not supported",
    "TNS": "topology not supported",
    "NS": "not supported",
    "DR": "disabled by a registry key",
}


@dataclass(frozen=True)
class Limits:
    """Nothing to set: the product says what is granted."""


def check(
    limits: Limits,
    *,
    peer_read: str,
    peer_write: str,
    peer_read_back: str,
    peer_write_back: str,
    peer_expected: bool | None = None,
    is_geforce: bool = False,
    peer_granted_by_cuda: bool | None = None,
) -> Finding:
    there, back = (peer_read, peer_write), (peer_read_back, peer_write_back)
    said = f"read {_words(peer_read)}, write {_words(peer_write)}"
    if _UNSAID in (*there, *back):
        return Finding(Status.UNKNOWN, reason="the driver says U, unknown")
    granted = _granted(there)
    if granted != _granted(back):
        words = f"peer access is granted one way only: {said}, and back {', '.join(back)}"
        return Finding(FAIL, there, back, message=words)
    if peer_granted_by_cuda is not None and peer_granted_by_cuda != granted:
        word = "grants" if peer_granted_by_cuda else "refuses"
        words = f"peer access: {said} by nvidia-smi, and CUDA {word} it"
        status = FAIL if peer_expected and not peer_granted_by_cuda else WARN
        return Finding(status, there, message=words, basis="measured")
    if granted:
        note = "" if peer_expected is not False else "; the stock driver does not grant it"
        return Finding(PASS, there, message=f"peer access: {said}{note}")
    if peer_expected:
        return Finding(FAIL, there, _GRANTED, message=f"peer access: {said}, required OK")
    if peer_expected is None and not is_geforce:
        return Finding(Status.UNKNOWN, there, reason=f"{said}; the catalogue expects nothing here")
    return Finding(PASS, there, message=f"peer access: {said}; NCCL uses host memory")


def _granted(way: tuple[str, str]) -> bool:
    return way == (_GRANTED, _GRANTED)


def _words(code: str) -> str:
    return f"{code} ({_MEANING[code]})" if code in _MEANING else code[:40]
