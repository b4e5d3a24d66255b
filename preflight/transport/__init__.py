"""From hosts to captures: over SSH, or on this machine; the same bytes go in either way.

Nothing of SSH is imported until a host is reached by it: that alone costs 0.1 s.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from importlib.resources import files

from preflight.capture import Capture
from preflight.errors import PreflightError, ProbeFailed
from preflight.transport.request import OpenConnections, Progress, Request, Step
from preflight.transport.side_by_side import side_by_side, uninterrupted
from preflight.transport.target import Target, parse

__all__ = ["Progress", "Request", "Step", "fetch_all", "probe_bytes"]


def probe_bytes() -> bytes:
    """The probe that goes to hosts, as the wheel carries it."""
    try:
        return files("preflight").joinpath("probe.pyz").read_bytes()
    except FileNotFoundError as error:
        raise ProbeFailed(
            "this installation holds no probe (preflight/probe.pyz)",
            "in a checkout the build makes it: pip install -e .",
        ) from error


def fetch_all(
    hosts: Sequence[str],
    request: Request,
    progress: Progress,
    probe: bytes | None = None,
    meanwhile: Callable[[], None] | None = None,
) -> list[Capture | PreflightError]:
    """Each host's capture, or why there is none, in the order given.

    `meanwhile` is done in the calling thread while the hosts are connected to. UsageError before
    anything is opened where one of them is no host.
    """
    targets = [parse(host) for host in hosts]
    data = probe_bytes() if probe is None else probe
    if not all(target.is_local for target in targets):
        uninterrupted(_import_ssh)  # here, and not in the threads: see uninterrupted
    return side_by_side(targets, request, progress, partial(_fetch, data), meanwhile)


def _import_ssh() -> None:
    import_module("preflight.transport.ssh")


def _fetch(
    probe: bytes,
    target: Target,
    request: Request,
    on_step: Callable[[Step], None],
    opened: OpenConnections,
) -> Capture:
    if target.is_local:
        from preflight.transport import local

        return local.fetch(request, probe, on_step, opened)
    from preflight.transport import ssh

    return ssh.fetch(target, request, probe, on_step, opened)
