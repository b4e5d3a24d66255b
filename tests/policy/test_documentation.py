"""The examples of docs/policy.md do what the page says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from preflight.checks import registry
from preflight.errors import UsageError
from preflight.findings import WARN, Finding, Level
from preflight.policy import load, shipped

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "policy.md").read_text()
CHECKS = {check.id: check for check in registry()}


@pytest.fixture
def example(tmp_path: Path) -> Path:
    [block] = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    path = tmp_path / "ours.yaml"
    path.write_text(block)
    return path


def test_the_example_holds(example: Path) -> None:
    policy = load(str(example)).at("2026-06-01T00:00:00Z")
    assert policy.name == "ours"
    assert policy.required(Level.LOOK)[-1] == "bar1-size"
    assert policy.limits(CHECKS["pcie-link-width"]).fail_at == 8
    assert policy.limits(CHECKS["persistence-mode"]).fail_when_off  # out of production
    driver = CHECKS["driver-version"]
    statuses = [
        driver.check(policy.limits(driver), driver_version=version).status.value
        for version in ("580.95.04", "580.95.05", "590.48.01")
    ]
    assert statuses == ["fail", "pass", "fail"]
    finding = Finding(WARN, id="pcie-aer", subject="gpu1")
    assert policy.waive(finding).waived is not None
    assert policy.at("2027-02-01T00:00:00Z").waive(finding).waived is None


def test_the_message_is_what_is_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    [shown] = re.findall(r"```\n(ours.yaml:.*?)\n```", PAGE)
    monkeypatch.chdir(tmp_path)
    Path("ours.yaml").write_text("limits:\n  pcie-link-width:\n    faill_at: 8\n")
    with pytest.raises(UsageError) as caught:
        load("ours.yaml")
    assert str(caught.value) == shown


def test_every_shipped_policy_is_told() -> None:
    table = re.findall(r"^\| `([a-z-]+)` \|", PAGE, re.MULTILINE)
    assert tuple(table) == shipped()
