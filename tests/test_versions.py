from __future__ import annotations

import pytest

from preflight.versions import Version, parse, require


@pytest.mark.parametrize(
    "text, version",
    [
        ("580.65.06", (580, 65, 6)),
        ("2.28.9+cuda13.0", (2, 28, 9)),
        (" 570.26\n", (570, 26)),
        ("2", (2,)),
        ("N/A", None),
        ("", None),
        ("v2.1", None),
    ],
)
def test_parse(text: str, version: Version | None) -> None:
    assert parse(text) == version


def test_huge_numbers_are_no_work() -> None:
    assert parse("9" * 1_000_000) == (999_999_999,)


@pytest.mark.parametrize("text", ["", "580.", "580.x", "580.65-1", " 580"])
def test_a_policy_must_name_a_whole_version(text: str) -> None:
    with pytest.raises(ValueError, match="minimum"):
        require(text, "minimum")
    assert require("580.65", "minimum") == (580, 65)
