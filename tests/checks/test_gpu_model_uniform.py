from __future__ import annotations

import pytest

from preflight.checks.gpu_model_uniform import Limits, check
from preflight.facts import GpuModel
from preflight.findings import PASS, WARN, Status

RTX4090 = GpuModel("gpu0", "GeForce RTX 4090", "2684", 24564)


@pytest.mark.parametrize(
    "others, status",
    [
        ((), PASS),
        ((GpuModel("gpu1", "GeForce RTX 4090", "2684", 24564),), PASS),
        ((GpuModel("gpu1", "GeForce RTX 4090", None, None),), PASS),
        ((GpuModel("gpu1", "GeForce GT 1030", "1d01", 2048),), WARN),
        ((GpuModel("gpu1", "GeForce RTX 4090", "2685", 24564),), WARN),
        ((GpuModel("gpu1", "GeForce RTX 4090", "2684", 49140),), WARN),
    ],
)
def test_models(others: tuple[GpuModel, ...], status: Status) -> None:
    assert check(Limits(), gpu_models=(RTX4090, *others)).status is status


def test_the_message_counts_each_kind() -> None:
    display = GpuModel("gpu2", "GeForce GT 1030", None, 2048)
    finding = check(Limits(), gpu_models=(RTX4090, RTX4090, display))
    assert finding.message == (
        "different cards in one host: 2x GeForce RTX 4090 (24564 MiB, 10de:2684), "
        "1x GeForce GT 1030 (2048 MiB)"
    )
