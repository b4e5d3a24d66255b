"""Numbers that stand in evidence as text."""

from __future__ import annotations

import pytest

from preflight.understand.picking import whole


@pytest.mark.parametrize(
    "told, number",
    [
        (5, 5),
        ("5", 5),
        (" -5 ", -5),
        ("--5", None),
        ("-", None),
        ("", None),
        ("5-", None),
        ("\u00b2", None),
        ("1" * 19, None),
        (1 << 63, None),
        (True, None),
        (5.0, None),
    ],
)
def test_a_whole_number_or_none(told: object, number: int | None) -> None:
    assert whole(told) == number
