"""What a card costs an hour, and so a million tokens: of the whole host, at full use."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from preflight.errors import UsageError
from preflight.plan.shapes import Device

MONTH_H = 730.0  # 8760 / 12
_PRICE = re.compile(
    r"(?P<before>[^\d\s./,-]{0,8})\s{0,4}"
    # a comma before three digits is that of thousands, unless all that it parts is a 0
    r"(?:(?P<thousands>[1-9]\d{0,2}(?:,\d{3}){1,3}(?:\.\d{1,6})?)"
    r"|(?P<amount>0,\d{1,6}|\d{1,9}(?:\.\d{1,6}|,(?!\d{3}(?!\d))\d{1,6})?))\s{0,4}"
    r"(?P<after>[^\d\s./,-]{0,8})\s{0,4}(?:(?:/|per|a)\s{0,4}(?P<unit>[a-zA-Z]{1,6}))?"
)
_HOURS = {"h": 1.0, "hr": 1.0, "hour": 1.0, "day": 24.0, "d": 24.0, "month": MONTH_H, "mo": MONTH_H}
_HINT = 'such as "0.40/h", "£350/month" or "2.10 USD/h"'
_POWER_HINT = 'the price of one kWh, such as "0.30" or "€0.28"'


@dataclass(frozen=True)
class Price:
    """Of one hour, or of one kWh, in a currency; "" where none was named."""

    amount: float
    currency: str = ""

    def __str__(self) -> str:
        digits = 2 if self.amount >= 1 else 3
        return (
            f"{self.currency}{self.amount:.{digits}f}"
            if len(self.currency) == 1
            else (f"{self.amount:.{digits}f} {self.currency}".rstrip())
        )


def hourly(text: str) -> Price:
    """A price of an hour, a day or a month as one of an hour; UsageError for anything else."""
    told = _read(text, "--price", _HINT)
    unit = (told["unit"] or "h").lower()
    if unit not in _HOURS:
        raise UsageError(f"--price: {text!r:.80}: no time in {unit!r}", _HINT)
    return Price(_amount(told) / _HOURS[unit], _currency(told))


def of_power(text: str) -> Price:
    """A price of one kWh."""
    told = _read(text, "--power-price", _POWER_HINT)
    if (told["unit"] or "kwh").lower() != "kwh":
        raise UsageError(f"--power-price: {text!r:.80} is no price of a kWh", _POWER_HINT)
    return Price(_amount(told), _currency(told))


def an_hour(
    price: Price | None, power_price: Price | None, devices: Iterable[Device]
) -> Price | None:
    """Rent and power together; power at the cards' limits, the rest of the host not counted.

    UsageError where they are in different currencies.
    """
    if power_price is None:
        return price
    kw = sum(device.power_w or 0.0 for device in devices) / 1000
    power = Price(kw * power_price.amount, power_price.currency)
    if price is None:
        return power
    if price.currency and power.currency and price.currency != power.currency:
        raise UsageError(f"a price in {price.currency} and one of power in {power.currency}")
    return Price(price.amount + power.amount, price.currency or power.currency)


def per_million(price: Price, tok_s: float) -> Price:
    """Of a million tokens, if it answers all the time: price of a second over tokens of one."""
    return Price(price.amount / 3600 / tok_s * 1e6, price.currency)


def _read(text: str, option: str, hint: str) -> dict[str, str | None]:
    match = _PRICE.fullmatch(text.strip())
    if match is None or (match["before"] and match["after"]):
        raise UsageError(f"{option}: {text!r:.80} is no price", hint)
    return match.groupdict()


def _amount(told: dict[str, str | None]) -> float:
    if told["thousands"]:
        return float(told["thousands"].replace(",", ""))
    return float((told["amount"] or "0").replace(",", "."))


def _currency(told: dict[str, str | None]) -> str:
    return told["before"] or told["after"] or ""
