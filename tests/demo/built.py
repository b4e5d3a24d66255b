"""The probe as its sources make it now, whatever lies in the package."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

from hatch_build import build


@cache
def probe() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        return build(Path(folder, "probe.pyz")).read_bytes()
