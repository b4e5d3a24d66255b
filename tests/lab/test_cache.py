"""A build that fails says why, and leaves nothing that the next run would take for whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from . import cache


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "CACHE", tmp_path)


def test_a_thing_is_built_once_for_each_recipe(tmp_path: Path) -> None:
    built: list[Path] = []
    first = cache.made("thing", "1", built.append)
    assert cache.made("thing", "1", built.append) == first
    second = cache.made("thing", "2", built.append)
    assert len(built) == 2
    assert not first.exists()
    assert second.is_dir()


def test_a_build_that_breaks_off_is_started_over(tmp_path: Path) -> None:
    def half(folder: Path) -> None:
        (folder / "part").touch()
        cache.run("sh", "-c", "echo no route to the mirror; exit 3")

    with pytest.raises(cache.NotBuiltError, match=r"ended with 3:\nno route to the mirror"):
        cache.made("thing", "1", half)
    assert list(cache.made("thing", "1", lambda _: None).iterdir()) == []
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []


def test_a_step_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "BUILD_S", 0.05)
    with pytest.raises(cache.NotBuiltError, match="sleep 600 took more than"):
        cache.run("sleep", "600")
