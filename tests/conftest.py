"""Options and fixtures that every test may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parent.parent
_CORPUS = Path(os.environ.get("PREFLIGHT_CORPUS", _ROOT.parent / "shared"))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--rewrite",
        action="store_true",
        help="write what the code gives now into snapshots, golden machines and generated pages",
    )


@pytest.fixture(scope="session")
def rewrite(request: pytest.FixtureRequest) -> bool:
    """True when recorded results are to be written anew; the diff is then the review."""
    return bool(request.config.getoption("--rewrite"))


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The folder that holds `captures/`; a test that needs it is skipped where it is absent."""
    if not (_CORPUS / "captures").is_dir():
        pytest.skip(f"no recordings at {_CORPUS} (PREFLIGHT_CORPUS says where)")
    return _CORPUS


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """-q hides the reasons of skips, and a run without recordings proves less than it seems."""
    if not (_CORPUS / "captures").is_dir():
        terminalreporter.write_line(
            f"NO RECORDINGS at {_CORPUS}: tests that need them were skipped", yellow=True
        )
