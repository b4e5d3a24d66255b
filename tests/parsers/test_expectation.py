"""The comparison that the corpus is held to can fail."""

from __future__ import annotations

from typing import Any

import pytest

from tests.parsers.expectation import misses

FACTS: dict[str, Any] = {
    "gpus": [{"name": "NVIDIA A10G", "power_w": 100.0, "throttle": ["hw_thermal"], "on": True}],
    "nics": [],
}


@pytest.mark.parametrize(
    "expected",
    [
        {"gpus": [{"name": "NVIDIA A10G"}]},
        {"gpus": [{"power_w": 100.4, "serial": None}]},
        {"gpus": [{"name": {"contains": "a10g"}, "power_w": {"any_of": [1, 100]}}]},
        {"gpus": [], "nics": [], "_complete": ["nics"], "_count": {"gpus": 1}},
        {"_never": {"gpus.throttle": ["sw_thermal"]}},
    ],
)
def test_met(expected: dict[str, Any]) -> None:
    assert misses(FACTS, expected) == []


@pytest.mark.parametrize(
    "expected",
    [
        {"gpus": [{"name": "NVIDIA A10"}]},
        {"gpus": [{"power_w": 101}]},
        {"gpus": [{"power_w": None}]},
        {"gpus": [{"on": 1}]},
        {"gpus": [{"throttle": ["hw_thermal", "hw_slowdown"]}]},
        {"gpus": [{"name": {"contains": "a10x"}}]},
        {"gpus": [{"power_w": {"any_of": [1, 2]}}]},
        {"gpus": [], "_complete": ["gpus"]},
        {"_count": {"gpus": 2}},
        {"_never": {"gpus.throttle": ["hw_thermal"]}},
        {"pairs": []},
    ],
)
def test_missed(expected: dict[str, Any]) -> None:
    assert misses(FACTS, expected)
