"""What the README shows and promises is what the tool does."""

from __future__ import annotations

import re
from pathlib import Path

from preflight.cli import EXIT_STATUS

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text("utf-8")


def test_the_screen_is_the_tools_own(rewrite: bool) -> None:
    report = ROOT / "tests/hosts/limited-and-shared/report.txt"
    screen = f"```text\n{report.read_text('utf-8')}```\n"
    if rewrite:
        shown = re.sub(r"```text\n.*?```\n", lambda _: screen, README, count=1, flags=re.DOTALL)
        (ROOT / "README.md").write_text(shown, "utf-8")
        return
    assert screen in README


def test_the_exit_table_is_that_of_the_help() -> None:
    table = re.findall(r"^\| (\d+) \| ", README, re.MULTILINE)
    assert table == re.findall(r"^  (\d+) ", EXIT_STATUS, re.MULTILINE)


def test_every_link_leads_somewhere() -> None:
    targets = re.findall(r"\]\(([^)#:]+)\)", README)
    assert targets
    assert [target for target in targets if not (ROOT / target).exists()] == []


def test_both_commands_are_targets_of_the_makefile() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    commands = re.findall(r"^make (\w+)", README, re.MULTILINE)
    assert commands == ["demo", "test"]
    assert all(re.search(rf"^{command}:", makefile, re.MULTILINE) for command in commands)


def test_it_is_short() -> None:
    assert len(README.splitlines()) <= 150


def test_the_real_machines_reports_are_their_own(rewrite: bool) -> None:
    page = ROOT / "docs/real-gpu.md"
    text = page.read_text("utf-8")
    for path in re.findall(r"<!-- (tests/hosts/\S+) -->", text):
        shown = f"<!-- {path} -->\n```text\n{(ROOT / path).read_text('utf-8')}```\n"
        old = rf"<!-- {re.escape(path)} -->\n```text\n.*?```\n"
        new = re.sub(old, lambda _, shown=shown: shown, text, count=1, flags=re.DOTALL)
        if rewrite:
            page.write_text(new, "utf-8")
        else:
            assert new == text, f"{path}: pytest --rewrite"
        text = new
