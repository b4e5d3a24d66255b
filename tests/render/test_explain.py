from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from preflight.checks import Check, registry
from preflight.errors import UsageError
from preflight.facts import Gpu
from preflight.findings import PASS, Finding, Level
from preflight.render.explain import checks_page, explain, explain_id


@dataclass(frozen=True)
class Limits:
    """What a policy may set."""

    # Lanes; as narrow
    # or narrower fails.
    fail_at: int = 4
    words: tuple[str, ...] = (  # of the tool
        "a",
        "b",
    )  # as printed
    bare: str = ""


def check(limits: Limits, *, pcie_link_width: int, nvml_index: int) -> Finding:
    return Finding(PASS)


MADE = Check(
    id="made-up",
    subject=Gpu,
    level=Level.MEASURE,
    remedy_class="service",
    limits=Limits,
    check=check,
    doc="Each card is there.\n\nWhy: it is needed\n  every day.\nFix: Buy one | two.\nSource: own.",
)


def test_a_check_is_explained_from_itself() -> None:
    assert explain(MADE) == (
        "made-up: Made up\n\n"
        "Each card is there.\n\n"
        "Why: it is needed every day.\n\n"
        "Fix: Buy one | two.\n\n"
        "Source: own.\n\n"
        "Level: measure\nSubject: each card\nRemedy: service\n\n"
        "Reads:\n  pcie_link_width: lanes in use\n  nvml_index\n\n"
        "Limits, with their defaults:\n"
        "  fail_at = 4: Lanes; as narrow or narrower fails.\n"
        "  words = a, b: of the tool as printed\n"
        '  bare = ""\n'
    )


@pytest.mark.parametrize("each", registry(), ids=lambda c: c.id)
def test_every_check_says_why_and_how_to_mend(each: Check) -> None:
    for width in (40, 80):
        lines = explain(each, width).splitlines()
        assert all(len(line) <= width or " " not in line.strip() for line in lines)
    text = explain(each)
    for heading in ("Why: ", "Fix: ", "Source: "):
        assert f"\n{heading}" in text
        assert f"{heading}\n" not in text, f"{each.id} has no {heading}"


def test_a_name_that_is_nearly_right_gets_the_right_one() -> None:
    with pytest.raises(UsageError, match="'pcie_link_widht'") as caught:
        explain_id("pcie_link_widht")
    assert "pcie-link-width" in caught.value.hint


def test_a_name_that_is_nothing_gets_the_list() -> None:
    with pytest.raises(UsageError) as caught:
        explain_id("q" * 10_000)
    assert caught.value.hint == "preflight explain lists all"
    assert len(str(caught.value)) < 200


def test_the_page_has_a_row_and_a_section_for_each() -> None:
    page = checks_page([MADE, replace(MADE, id="other")])
    assert "| [made-up](#made-up) | Each card is there. | measure | service |" in page
    assert "\n## made-up\n" in page
    assert "\n## other\n" in page
    assert "- **Fix**: Buy one \\| two.\n" in page
    assert "| `fail_at = 4` | Lanes; as narrow or narrower fails. |" in page
