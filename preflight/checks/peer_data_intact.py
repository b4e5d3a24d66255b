"""What one card writes into another's memory arrives as it was sent.

Why: some boards and IOMMUs damage what cards send each other, and nothing tells: the model just
  answers nonsense.
Fix: Switch ACS and the IOMMU off (or iommu=pt); until then set NCCL_P2P_DISABLE=1 and switch the
  server's own all-reduce off. Where a staged-copy is damaged, test the host's memory.
Source: a pattern written through the peer path, read back by a kernel and by the copy engine; known
  from boards with ACS on, where vLLM's custom all-reduce gave wrong results.
  Copies staged through the host, and sums by kernels of our own over all cards, count too.
"""

from __future__ import annotations

from dataclasses import dataclass

from preflight.facts import PeerPath
from preflight.findings import FAIL, PASS, Finding, Level
from preflight.measured import PeerData

ID = "peer-data-intact"
SUBJECT = PeerPath
LEVEL = Level.MEASURE
REMEDY_CLASS = "reconfigure"


@dataclass(frozen=True)
class Limits:
    """Nothing to set: one wrong word is one too many."""


def check(limits: Limits, *, peer_data: PeerData) -> Finding:
    wrong = peer_data.wrong
    words = f"of {peer_data.words} words sent to it" if peer_data.words else "of what it was sent"
    if not wrong:
        return Finding(PASS, 0, 0, "words", f"{words} all arrived", basis="measured")
    detail = f": {peer_data.detail}" if peer_data.detail else ""
    wrong_words = f"{wrong} arrived wrong" if peer_data.words else "something arrived wrong"
    return Finding(FAIL, wrong, 0, "words", f"{words} {wrong_words}{detail}", basis="measured")
