from __future__ import annotations

import pytest

from preflight.checks.peer_access import Limits, check
from preflight.findings import FAIL, PASS, WARN, Finding, Status

UNKNOWN = Status.UNKNOWN


def found(there: str, back: str, expected: bool | None, is_geforce: bool) -> Finding:
    return check(
        Limits(),
        peer_read=there,
        peer_write=there,
        peer_read_back=back,
        peer_write_back=back,
        peer_expected=expected,
        is_geforce=is_geforce,
    )


@pytest.mark.parametrize(
    "there, back, expected, is_geforce, status",
    [
        ("OK", "OK", True, False, PASS),
        ("OK", "OK", None, False, PASS),
        ("OK", "OK", False, True, PASS),  # a patched driver
        ("CNS", "CNS", False, True, PASS),
        ("CNS", "CNS", None, True, PASS),
        ("CNS", "CNS", True, True, FAIL),  # two RTX 3090 with a bridge
        ("CNS", "CNS", True, False, FAIL),
        ("DR", "DR", True, False, FAIL),
        ("CNS", "CNS", None, False, UNKNOWN),
        ("CNS", "CNS", False, False, PASS),  # a V100 in a guest
        ("OK", "CNS", True, False, FAIL),
        ("CNS", "OK", False, True, FAIL),
        ("U", "OK", True, False, UNKNOWN),
        ("OK", "U", True, False, UNKNOWN),
    ],
)
def test_each_way(
    there: str, back: str, expected: bool | None, is_geforce: bool, status: Status
) -> None:
    assert found(there, back, expected, is_geforce).status is status


def test_a_card_that_may_be_no_geforce_is_not_excused() -> None:
    finding = check(
        Limits(),
        peer_read="CNS",
        peer_write="CNS",
        peer_read_back="CNS",
        peer_write_back="CNS",
    )
    assert finding.status is UNKNOWN


def test_reading_alone_is_not_access() -> None:
    finding = check(
        Limits(),
        peer_read="OK",
        peer_write="CNS",
        peer_read_back="OK",
        peer_write_back="CNS",
        peer_expected=True,
    )
    assert finding.status is FAIL


def test_what_it_means_is_noted() -> None:
    assert "NCCL uses host memory" in found("CNS", "CNS", False, True).message
    assert "stock driver does not grant it" in found("OK", "OK", False, True).message
    assert "stock" not in found("OK", "OK", True, False).message
    assert "chipset not supported" in found("CNS", "CNS", True, False).message


@pytest.mark.parametrize(
    "said, by_cuda, expected, status",
    [
        ("OK", True, True, PASS),
        ("OK", False, True, FAIL),
        ("OK", False, False, WARN),
        ("CNS", True, False, WARN),
        ("CNS", False, False, PASS),
    ],
)
def test_the_word_of_cuda(said: str, by_cuda: bool, expected: bool, status: Status) -> None:
    finding = check(
        Limits(),
        peer_read=said,
        peer_write=said,
        peer_read_back=said,
        peer_write_back=said,
        peer_expected=expected,
        peer_granted_by_cuda=by_cuda,
    )
    assert finding.status is status
