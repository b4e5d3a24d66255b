"""Runs all of the lab and writes what came of it into docs/provisioning.md."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree

from .play import ROOT

PAGE = ROOT / "docs/provisioning.md"
BEGIN, END = "<!-- lab: written by tests/lab/record.py -->", "<!-- /lab -->"


def record(page: str, results: Path, moment: str, commit: str) -> str:
    """The page with the run in its place, or at its end."""
    section = "\n".join([BEGIN, *_lines(results, moment, commit), END])
    if BEGIN not in page:
        return f"{page.rstrip()}\n\n## The lab's last run\n\n{section}\n".lstrip()
    return re.sub(f"{re.escape(BEGIN)}.*?{re.escape(END)}", lambda _: section, page, flags=re.S)


def _lines(results: Path, moment: str, commit: str) -> list[str]:
    cases = list(ElementTree.parse(results).iter("testcase"))
    outcomes = [_outcome(case) for case in cases]
    counts = ", ".join(f"{outcomes.count(one)} {one}" for one in dict.fromkeys(sorted(outcomes)))
    rows = [
        f"| {case.get('name', '').replace('_', ' ').removeprefix('test ')} | {outcome}{_told(case)}"
        f" | {float(case.get('time', 0)):.0f} |"
        for case, outcome in zip(cases, outcomes, strict=True)
    ]
    head = [
        f"{moment}, commit {commit}: {counts}.",
        "",
        "| scenario | result | s |",
        "|---|---|---|",
    ]
    return [*head, *rows]


def _outcome(case: ElementTree.Element) -> str:
    kinds = {"failure": "failed", "error": "failed", "skipped": "skipped"}
    return next((kinds[part.tag] for part in case if part.tag in kinds), "passed")


def _told(case: ElementTree.Element) -> str:
    """What the test itself measured."""
    return "".join(f"; {one.get('name')}: {one.get('value')}" for one in case.iter("property"))


def _commit() -> str:
    def git(*words: str) -> str:
        argv = ["git", *words]
        return subprocess.run(argv, cwd=ROOT, check=True, capture_output=True, text=True).stdout

    changed = git("status", "--porcelain", "--", "roles", "playbooks", "preflight", "tests/lab")
    return git("rev-parse", "--short", "HEAD").strip() + (" with changes" if changed else "")


def main() -> int:
    commit = _commit()
    with tempfile.TemporaryDirectory() as folder:
        results = Path(folder, "lab.xml")
        argv = [
            sys.executable,
            "-m",
            "pytest",
            "-n",
            "0",
            "-rs",
            "tests/lab",
            f"--junitxml={results}",
            "--override-ini=junit_family=xunit1",  # the newer one refuses what a test measured
        ]
        status = subprocess.run([*argv, *sys.argv[1:]], cwd=ROOT).returncode
        if results.exists():
            moment = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
            page = PAGE.read_text() if PAGE.exists() else ""
            PAGE.write_text(record(page, results, moment, commit))
    return status


if __name__ == "__main__":
    sys.exit(main())
