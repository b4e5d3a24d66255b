"""docs/plan-answers.md is what the commands that stand on it print."""

from __future__ import annotations

import io
import re
import shlex
from contextlib import redirect_stdout
from pathlib import Path

import pytest

from preflight.cli import main

PAGE = Path(__file__).resolve().parents[2] / "docs" / "plan-answers.md"
_ANSWER = re.compile(r"```console\n\$ preflight (plan (?:[^\n\\]|\\\n)*)\n(.*?)```", re.DOTALL)
QUESTIONS = 14


class _Screen(io.StringIO):
    """A stream that says what it can show, as a terminal's does."""

    encoding = "utf-8"


def _printed(command: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("COLUMNS", "88")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    screen = _Screen()
    with redirect_stdout(screen), pytest.raises(SystemExit) as ended:
        main(shlex.split(command.replace("\\\n", " ")))
    assert str(ended.value.code) in {"0", "1"}, command
    return screen.getvalue()


def test_every_answer_is_what_its_command_prints(
    rewrite: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = PAGE.read_text(encoding="utf-8")
    answers = _ANSWER.findall(page)
    assert len(answers) >= QUESTIONS
    made = _ANSWER.sub(
        lambda found: f"```console\n$ preflight {found[1]}\n{_printed(found[1], monkeypatch)}```",
        page,
    )
    if rewrite:
        PAGE.write_text(made, encoding="utf-8")
    else:
        assert page == made, "run pytest tests/plan/test_answers.py --rewrite"
