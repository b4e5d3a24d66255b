"""Where containers run, the toolkit that hands them the cards is installed.

Why: a container sees no card by itself. NVIDIA's toolkit puts devices and the driver's libraries
  into it; without it, or with an old one, a server in a container does not start.
Fix: Install nvidia-container-toolkit 1.14 or newer and register it (nvidia-ctk runtime
  configure --runtime=docker).
Source: nvidia-ctk --version; whether /etc/docker/daemon.json and /etc/containerd name NVIDIA's
  runtime, and CDI's files of it. The least version is a guess: what others ask for.
"""

from __future__ import annotations

from dataclasses import dataclass

from preflight.facts import Host
from preflight.findings import PASS, WARN, Finding

ID = "container-toolkit"
SUBJECT = Host
REMEDY_CLASS = "reconfigure"


@dataclass(frozen=True)
class Limits:
    """What a policy may set under `container-toolkit`."""

    minimum: str = "1.14.0"  # version of nvidia-ctk


def check(
    limits: Limits,
    *,
    container_toolkit: str,
    toolkit_engines: tuple[str, ...] | None = None,
) -> Finding:
    if not container_toolkit:
        words = f"a container engine without NVIDIA's toolkit, required {limits.minimum}"
        return Finding(WARN, None, limits.minimum, message=words)
    words = f"container toolkit {container_toolkit}"
    if _numbers(container_toolkit) < _numbers(limits.minimum):
        words += f", required {limits.minimum}"
        return Finding(WARN, container_toolkit, limits.minimum, message=words)
    if toolkit_engines == ():
        words += ", which no engine knows: neither docker's nor containerd's configuration, nor CDI"
        return Finding(WARN, container_toolkit, limits.minimum, message=words)
    if toolkit_engines:
        words += f", known to {', '.join(toolkit_engines)}"
    return Finding(PASS, container_toolkit, limits.minimum, message=words)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdecimal())
