"""What is enough, and the cheapest that is."""

from __future__ import annotations

import pytest

from preflight.layout import parse
from preflight.plan import cards, lookup
from preflight.plan.answer import plan
from preflight.plan.comparison import Need, Option, compare, option
from preflight.plan.cost import Price
from preflight.plan.wish import Wish


def _option(gpus: str, need: Need, price: float | None = None, most: int = 256) -> Option:
    wish = Wish(
        "0.32.0",
        concurrency=need.batch,
        overrides={"max-num-seqs": most},
        price=None if price is None else Price(price),
    )
    return option(gpus, plan(lookup.find("llama-3.1-8b"), cards.parse(gpus), wish), need)


@pytest.mark.parametrize(
    ("need", "most", "is_enough"),
    [
        (Need(40, None), 256, True),
        (Need(100, None), 256, False),
        (Need(20, 16), 256, True),
        (Need(20, 16), 8, False),  # half of them would wait
        (Need(None, 16), 8, False),
        (Need(None, None), 8, True),
    ],
)
def test_what_is_enough(need: Need, most: int, is_enough: bool) -> None:
    made = _option("RTX 4090", need, most=most)
    assert made.is_enough is is_enough
    assert ("not enough" in made.choice.why) is not is_enough


def test_the_cheapest_that_is_enough_is_taken() -> None:
    need = Need(40, None)
    options = [_option(*one) for one in (("H100 80GB HBM3", need, 2.2), ("RTX 4090", need, 0.35))]
    best = compare(options, need)
    assert best.recommended is options[1]
    assert "cheapest" in best.why
    assert compare(options[:1], need).recommended is options[0]


def test_without_prices_the_least_power_is_taken() -> None:
    need = Need(40, None)
    best = compare([_option("H100 80GB HBM3", need), _option("RTX 4090", need)], need)
    assert best.recommended is not None
    assert best.recommended.name == "RTX 4090"
    assert "least power" in best.why


def test_where_nothing_is_enough_nothing_is_taken() -> None:
    need = Need(1000, 4)
    made = compare([_option("RTX 4090", need, 0.35)], need)
    assert made.recommended is None
    assert made.why == "none gives 1000 tok/s for each request and 4 requests at once"


def test_what_costs_nothing_is_cheaper_than_what_is_paid() -> None:
    need = Need(40, None)
    options = [_option("RTX 4090", need, 0.35), _option("H100 80GB HBM3", need, 0.0)]
    assert compare(options, need).recommended is options[1]


def test_only_the_layout_asked_for_is_enough() -> None:
    wish = Wish("0.32.0", layout=parse("tp2"))
    made = plan(lookup.find("llama-3.1-8b"), cards.parse("H200"), wish)
    alone = option("H200", made, Need(), wish.layout)
    assert alone.best is None
    assert not alone.is_enough
    assert compare([alone], Need()).why == "the model fits none of them as tp2"


def test_a_free_host_is_ranked_for_cost() -> None:
    wish = Wish("0.32.0", aim="cost", price=Price(0.0))
    made = plan(lookup.find("llama-3.1-8b"), cards.parse("2x RTX 4090"), wish)
    assert option("2x RTX 4090", made, Need()).best is not None
