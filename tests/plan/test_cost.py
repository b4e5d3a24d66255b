"""Prices as people write them, and what a million tokens cost."""

from __future__ import annotations

import pytest

from preflight.errors import UsageError
from preflight.plan.cards import parse
from preflight.plan.cost import Price, an_hour, hourly, of_power, per_million


@pytest.mark.parametrize(
    ("text", "an_hour_is"),
    [
        ("0.40", Price(0.40)),
        ("0.40/h", Price(0.40)),
        ("£350/month", Price(350 / 730, "£")),
        ("2.10 USD/h", Price(2.10, "USD")),
        ("EUR 24 per day", Price(1.0, "EUR")),
        ("0,40/h", Price(0.40)),
        ("0,405/h", Price(0.405)),
        ("£1,200/month", Price(1200 / 730, "£")),
        ("£1,200.50/month", Price(1200.5 / 730, "£")),
        ("1,234,567", Price(1234567.0)),
        ("0", Price(0.0)),
    ],
)
def test_hourly(text: str, an_hour_is: Price) -> None:
    told = hourly(text)
    assert told.amount == pytest.approx(an_hour_is.amount)
    assert told.currency == an_hour_is.currency


@pytest.mark.parametrize(
    "text", ["", "cheap", "1/fortnight", "-1/h", "1e9", "£1€/h", "1" * 30, "12000,500", "1,20,000"]
)
def test_no_price(text: str) -> None:
    with pytest.raises(UsageError, match="--price"):
        hourly(text)


def test_a_million_tokens() -> None:
    """A month of 2.628e6 s at full use."""
    told = per_million(hourly("£104.6/month"), 200.0)
    assert told.amount == pytest.approx(104.6 / (200.0 * 2.628e6) * 1e6, rel=1e-3)
    assert str(told) == "£0.199"


def test_power_is_added_at_the_cards_limits() -> None:
    two = parse("2x RTX 4090")
    assert an_hour(None, of_power("€0.30"), two) == Price(0.27, "€")
    assert an_hour(Price(1.0, "€"), of_power("0.30/kWh"), two) == Price(1.27, "€")
    assert an_hour(Price(1.0), None, two) == Price(1.0)
    with pytest.raises(UsageError, match="a price in"):
        an_hour(Price(1.0, "£"), of_power("€0.30"), two)
