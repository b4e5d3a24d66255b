from __future__ import annotations

import pytest

from preflight.checks.nccl_version import Limits, check
from preflight.facts import NcclLibrary
from preflight.findings import PASS, WARN, Status

SYSTEM = "/usr/lib/x86_64-linux-gnu/libnccl.so.2"
LOCAL = "/usr/local/lib/libnccl.so.2"
WHEEL = "/opt/vllm/lib/python3.12/site-packages/nvidia/nccl/lib/libnccl.so.2"


@pytest.mark.parametrize(
    "libraries, status",
    [
        ([("2.20", SYSTEM)], PASS),
        ([("2.20.5", SYSTEM)], PASS),
        ([("2.19.9", SYSTEM)], WARN),
        ([("2.9.8", SYSTEM)], WARN),
        ([("2.28.9", SYSTEM), ("2.28.9", LOCAL)], PASS),
        ([("2.28.9", SYSTEM), ("2.27.3", LOCAL)], WARN),
        ([("2.28.9", SYSTEM), ("2.27.3", WHEEL)], PASS),
        ([("2", SYSTEM)], Status.UNKNOWN),
        ([("2", SYSTEM), ("2.28.9", WHEEL)], PASS),
        ([], Status.NOT_APPLICABLE),
    ],
)
def test_versions(libraries: list[tuple[str, str]], status: Status) -> None:
    facts = tuple(NcclLibrary(*library) for library in libraries)
    assert check(Limits(), nccl_libraries=facts).status is status


def test_the_limit_is_a_version() -> None:
    with pytest.raises(ValueError, match="NCCL version"):
        Limits(warn_below="newest")
