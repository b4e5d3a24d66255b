"""Copies through the host's memory keep their part of the host link.

Why: cards without peer access, GeForce above all, exchange everything this way; a slow processor,
  memory or link between sockets shows here and in no single copy.
Fix: Fill all memory channels, put both cards on one socket, and set the processor to performance.
Source: the parts are guesses of ours; two H200s reached 37.5 of 55.5 GB/s, two H100s 50 of 54.
"""

from __future__ import annotations

from dataclasses import dataclass

from preflight.facts import PeerPath
from preflight.findings import Finding, Level, graded, where_proven
from preflight.measured import Measured

ID = "staged-bandwidth"
SUBJECT = PeerPath
LEVEL = Level.MEASURE
REMEDY_CLASS = "reconfigure"


@dataclass(frozen=True)
class Limits:
    """What a policy may set under `staged-bandwidth`."""

    pass_at: float = 0.6  # of the slower of the two host links, as measured
    warn_at: float = 0.4  # of the slower of the two host links
    proven: tuple[str, ...] = ("hopper",)  # families on which these limits were seen to hold


def check(
    limits: Limits,
    *,
    staged_copy: Measured,
    slower_host_copy_gb_s: float,
    peer_family: str | None = None,
) -> Finding:
    got, link = staged_copy.median, slower_host_copy_gb_s
    status = graded(got / link, limits.pass_at, limits.warn_at)
    status = where_proven(status, limits.proven, peer_family)
    least = limits.pass_at * link
    words = f"copy through the host {got:.1f} GB/s of host links with {link:.1f}"
    words += f", required {least:.1f}"
    return Finding(status, round(got, 1), round(least, 1), "GB/s", words, basis="measured")
