"""Snapshots: what a person sees, byte for byte."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

HERE = Path(__file__).parent / "snapshots"


@pytest.fixture
def snapshot(rewrite: bool) -> Callable[[str, str], None]:
    """Compares a text with snapshots/NAME; --rewrite writes it."""

    def compare(name: str, text: str) -> None:
        path = HERE / name
        if rewrite:
            path.write_text(text, encoding="utf-8")
        assert text == path.read_text(encoding="utf-8"), f"{path} differs; --rewrite takes it over"

    return compare
