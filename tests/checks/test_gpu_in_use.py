from __future__ import annotations

import pytest

from preflight.checks.gpu_in_use import Limits, check
from preflight.facts import GpuProcess, GpuUse
from preflight.findings import FAIL, PASS, WARN, Status
from tests.checks.cards import card
from tests.checks.measured import rest

PYTHON = GpuProcess(5578, "python", 9229, "compute")
HEADLESS = GpuProcess(1851, "Xorg", 4, "graphics")
DESKTOP = GpuProcess(1634, "Xorg", 20, "graphics")
ALMOST = GpuProcess(1634, "Xorg", 19, "graphics")
HIDDEN = GpuProcess(7, "", None, "graphics")


@pytest.mark.parametrize(
    "processes, used, load, status",
    [
        ((), 1, 0, PASS),
        ((), 500, 5, PASS),
        ((), 501, 0, FAIL),  # nobody is shown, yet memory is taken
        ((), 0, 6, FAIL),
        ((), 0, None, PASS),
        ((PYTHON,), 9229, 89, FAIL),
        ((GpuProcess(1, "python", 10, "compute"),), 10, 0, FAIL),
        ((GpuProcess(1, "blender", 10, "both"),), 10, 0, FAIL),
        ((HEADLESS,), 4, 0, PASS),
        ((DESKTOP,), 300, 0, PASS),
        ((DESKTOP,), 501, 0, WARN),
        ((DESKTOP,), 300, 6, WARN),
        ((HEADLESS, PYTHON), 9300, 0, FAIL),  # a screenless X server makes no desktop
        ((ALMOST, PYTHON), 9300, 0, FAIL),
        ((DESKTOP, PYTHON), 9300, 0, WARN),  # somebody works at the machine
        ((HIDDEN,), 600, 0, FAIL),
    ],
)
def test_users(
    processes: tuple[GpuProcess, ...], used: int, load: int | None, status: Status
) -> None:
    finding = check(Limits(), use=GpuUse(processes, used, load))
    assert (finding.status, finding.measured, finding.expected) == (status, used, 500)


def test_a_data_center_card_has_no_desktop() -> None:
    use = GpuUse((DESKTOP,), 900, 0)
    assert check(Limits(), use=use, catalog=card(form="data-center")).status is FAIL
    assert check(Limits(), use=use, catalog=card(form="geforce")).status is WARN


def test_the_message_names_the_users() -> None:
    many = tuple(GpuProcess(n, f"job{n}", 1, "compute") for n in range(5))
    finding = check(Limits(), use=GpuUse(many, 5, None))
    assert finding.message == (
        "shared: 5 MiB in use, by job0 (pid 0), job1 (pid 1), job2 (pid 2) and 2 more, "
        "required free"
    )
    none = check(Limits(), use=GpuUse((), 900, 0))
    assert "by no process that is shown" in none.message
    three = check(Limits(), use=GpuUse(many[:3], 5, None))
    assert "more" not in three.message


@pytest.mark.parametrize("load, status", [(5.0, PASS), (5.1, FAIL), (None, PASS)])
def test_load_while_it_was_watched(load: float | None, status: Status) -> None:
    seen = rest(utilization_percent=load)
    finding = check(Limits(), use=GpuUse((), 1, 0), rest=seen)
    assert finding.status is status
    assert ("over 5 s" in finding.message) is (load is not None)


def test_who_computes_is_named_before_the_programs_of_a_desktop() -> None:
    use = GpuUse((DESKTOP, DESKTOP, DESKTOP, PYTHON), 9300, 0)
    assert "by python (pid 5578)" in check(Limits(), use=use).message
