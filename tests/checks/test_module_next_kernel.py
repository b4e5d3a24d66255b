from __future__ import annotations

from preflight.checks.module_next_kernel import Limits, check
from preflight.findings import PASS, WARN


def test_module() -> None:
    kernel = "6.8.0-60-generic"
    with_it = check(Limits(), newest_kernel=kernel, newest_kernel_has_module=True)
    without = check(Limits(), newest_kernel=kernel, newest_kernel_has_module=False)
    assert (with_it.status, without.status) == (PASS, WARN)
    assert kernel in without.message
