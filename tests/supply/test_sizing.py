"""The figures of two 450 W cards and a 250 W host, reckoned by hand from the factors."""

from __future__ import annotations

import pytest

from preflight.supply import question
from preflight.supply.sizing import Sizing, size


def sized(gpus: str, psu: str, host_w: float | None = None) -> Sizing:
    return size(question.gpus(gpus), question.psu(psu), host_w)


def rows(sizing: Sizing) -> dict[str, tuple[float, float, str]]:
    return {row.window: (row.load_w, row.borne_w, row.status) for row in sizing.rows}


def test_two_4090_on_1200_w_of_atx_2() -> None:
    """900 x 1.09, 1.43, 1.57, and 250; 1200 x 1.2."""
    sizing = sized("2x RTX 4090", "1200W ATX2.4")
    assert rows(sizing) == {
        "continuous": (1150.0, 1200, "too small"),
        "100 ms": (1231.0, 1440.0, "ok"),
        "10 ms": (1537.0, 1440.0, "too small"),
        "1 ms": (1663.0, 1440.0, "too small"),
    }
    assert sizing.status == "too small"
    assert sizing.needed_w == pytest.approx(1663 / 1.2 / 0.9)


def test_what_the_moments_alone_would_take() -> None:
    """1026, 961 and 924 W on ATX 3 with its connector: the load for hours decides."""
    sizing = sized("2x RTX 4090", "1600W ATX3.1")
    told = [row.load_w * sizing.psu.rating_w / row.borne_w for row in sizing.rows[1:]]
    assert told == pytest.approx([1025.8, 960.6, 923.9], abs=0.1)
    assert (sizing.status, sizing.needed_w) == ("ok", 1150 / 0.8)


@pytest.mark.parametrize(
    "psu, status",
    [
        (1438, "ok"),  # 1150 W are 80 % of 1437.5
        (1437, "tight"),
        (1278, "tight"),  # and 90 % of 1277.8
        (1277, "too small"),
    ],
)
def test_shares_of_the_continuous_load(psu: int, status: str) -> None:
    assert sized("2x RTX 4090", f"{psu}W ATX3.1").status == status


@pytest.mark.parametrize("psu, status", [(1385, "too small"), (1386, "tight")])
def test_the_peak_of_a_millisecond(psu: int, status: str) -> None:
    """1663 W: 1.2 x 1385 is 1662."""
    assert sized("2x RTX 4090", f"{psu}W ATX2.4").rows[-1].status == status


@pytest.mark.parametrize("psu, status", [(1539, "tight"), (1540, "ok")])
def test_room_for_what_was_not_counted(psu: int, status: str) -> None:
    """1663 W are 90 % of 1.2 x 1539.8."""
    assert sized("2x RTX 4090", f"{psu}W ATX2.4").rows[-1].status == status


@pytest.mark.parametrize("psu, borne", [(450, 450 * 1.45), (451, 451 * 1.8)])
def test_small_supplies_have_no_large_connector(psu: int, borne: float) -> None:
    assert sized("L4", f"{psu}W ATX3.1").rows[-1].borne_w == pytest.approx(borne)


def test_without_a_standard_nothing_is_promised() -> None:
    assert rows(sized("2x RTX 4090", "1200W")) == rows(sized("2x RTX 4090", "1200W ATX2.4"))


def test_only_the_measured_card_on_a_promise_is_measured() -> None:
    def basis(gpus: str, psu: str) -> list[str]:
        return [row.basis for row in sized(gpus, psu).rows]

    assert basis("RTX 5090", "1200W ATX3.1") == ["catalog", "measured", "measured", "measured"]
    assert set(basis("RTX 5090", "1200W ATX2.4")[1:]) == {"inferred"}
    assert set(basis("RTX 5090 + RTX 4090", "1600W ATX3.1")[1:]) == {"inferred"}


def test_the_host_counts_once() -> None:
    assert sized("L4", "500W", host_w=100).rows[0].load_w == 172
    assert sized("L4", "500W", host_w=0).rows[0].load_w == 72


@pytest.mark.parametrize(
    "gpus, pins, is_baseboard",
    [
        ("RTX 4090", 3, False),  # (450 - 66) / 150
        ("RTX 3090", 2, False),
        ("RTX 5090", 4, False),
        ("L4", 1, False),  # 72 W: more than the 12 V of the slot
        ("H100 80GB HBM3", 5, True),
        ("H100 PCIe", 2, False),
        ("H200 NVL", 4, False),
    ],
)
def test_cables(gpus: str, pins: int, is_baseboard: bool) -> None:
    [one] = sized(gpus, "1200W ATX3.1").cabling
    assert (one.eight_pins, one.is_baseboard) == (pins, is_baseboard)


def test_wall_circuits() -> None:
    """1150 W at 87 %: 1322 W, of 1440 and 1840; four cards, 2356 W, are for 230 V 16 A alone."""
    two = sized("2x RTX 4090", "1600W ATX3.1")
    assert two.mains_w == pytest.approx(1321.8, abs=0.1)
    assert {wall.status for wall in two.walls} == {"ok"}
    four = sized("4x RTX 4090", "2600W ATX3.1")
    assert [w.name for w in four.walls if w.status == "ok"] == ["230 V 16 A"]


@pytest.mark.parametrize(
    "gpus, psu, host_w, loads, status",
    [
        # 575 x 1.09, 1.43, 1.57 and the host, of 1000 x 1.2, 1.6, 1.8
        ("RTX 5090", "1000W ATX3.0", 250, (825, 876.75, 1072.25, 1152.75), "tight"),  # 82.5 %
        ("2x RTX 5090", "1600W ATX3.1", 250, (1400, 1503.5, 1894.5, 2055.5), "tight"),  # 87.5 %
        ("2x RTX 5090", "1500W ATX3.1", 250, (1400, 1503.5, 1894.5, 2055.5), "too small"),  # 93 %
        ("RTX 3090", "750W ATX2.4", 250, (600, 631.5, 750.5, 799.5), "ok"),  # 80 %; 1 ms: 89 %
        ("RTX 3090", "650W ATX2.4", 250, (600, 631.5, 750.5, 799.5), "too small"),  # 92 %
        # 82.5 % for hours; in 1 ms 2448 W of 2400, or of 3600
        ("4x RTX 3090", "2000W ATX2.4", 250, (1650, 1776, 2252, 2448), "too small"),
        ("4x RTX 3090", "2000W ATX3.1", 250, (1650, 1776, 2252, 2448), "tight"),
        ("8x RTX 4090", "2x 2400W ATX3.1", 400, (4000, 4324, 5548, 6052), "tight"),  # 83 % of both
        ("8x RTX 4090", "2x 2400W ATX3.1 redundant", 400, (4000, 4324, 5548, 6052), "too small"),
        ("L4", "400W ATX3.0", 200, (272, 278.48, 302.96, 313.04), "ok"),
        # 84 % of three of six; in 1 ms 10792 W of 10800
        ("8x H200", "6x 3000W redundant", 2000, (7600, 8104, 10008, 10792), "tight"),
        ("8x H200", "5x 3000W redundant", 2000, (7600, 8104, 10008, 10792), "tight"),
        ("8x H200", "4x 3000W redundant", 2000, (7600, 8104, 10008, 10792), "too small"),
        (
            "2x RTX PRO 6000 Blackwell Workstation Edition",
            "2000W ATX3.1",
            250,
            (1450, 1558, 1966, 2134),
            "ok",
        ),
        # 90 % for hours; in 1 ms 2484 W of 2400
        ("4x A100 80GB PCIe", "2x 2000W redundant", 600, (1800, 1908, 2316, 2484), "too small"),
        ("RTX 5090 + RTX 3090", "1600W ATX3.1", 250, (1175, 1258.25, 1572.75, 1702.25), "ok"),
    ],
)
def test_reckoned_by_hand(
    gpus: str, psu: str, host_w: float, loads: tuple[float, ...], status: str
) -> None:
    sizing = sized(gpus, psu, host_w)
    assert [row.load_w for row in sizing.rows] == pytest.approx(loads)
    assert sizing.status == status


def test_a_standard_s_promise_is_of_each_supply() -> None:
    """Two of 400 W have no large connector, though they are 800 W together."""
    assert sized("L4", "2x 400W ATX3.1").rows[-1].borne_w == pytest.approx(800 * 1.45)
