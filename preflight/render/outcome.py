"""What the renderers of several hosts are given for each: a report, or why there is none."""

from __future__ import annotations

from typing import Protocol

from preflight.errors import PreflightError
from preflight.findings import Report


class Outcome(Protocol):
    @property
    def host(self) -> str: ...
    @property
    def report(self) -> Report | None: ...
    @property
    def error(self) -> PreflightError | None: ...
