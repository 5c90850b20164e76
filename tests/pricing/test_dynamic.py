"""The dynamic model: every input moves the price its way, the limits hold, nothing counts without a yes."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.pricing.support import BY, ask, outcomes, stock_goods
from tests.support.company import NOW

from tongpan.pricing.actions import decide_request, save_settings
from tongpan.pricing.actions.dynamic import propose_prices
from tongpan.pricing.engine.dynamic import Market, propose
from tongpan.pricing.models import ChangeRequest
from tongpan.pricing.queries import price_book

D = Decimal
CALM = Market("A", "tmall", 10000, 9500, 10500)


@pytest.mark.parametrize(
    ("facts", "amount", "inputs", "clamps"),
    [
        ({}, 10000, [], []),
        ({"demand_ratio": D("1.2")}, 10200, ["demand"], []),
        ({"demand_ratio": D("0.9")}, 9900, ["demand"], []),
        ({"cover_days": D(3), "on_order": 5}, 10200, ["cover"], []),
        ({"cover_days": D(3)}, 10300, ["cover", "supply"], []),
        ({"cover_days": D(200)}, 9850, ["cover"], []),
        ({"competitor_minor": 9800}, 9900, ["competitor"], []),
        ({"competitor_minor": 8000}, 9700, ["competitor"], ["step"]),
        ({"competitor_minor": 8000, "low_minor": 9800}, 9800, ["competitor"], ["step", "band"]),
        ({"competitor_minor": 9800, "floor_minor": 9950}, 9950, ["competitor"], ["floor"]),
        ({"competitor_minor": 9800, "cost_minor": 9930}, 9930, ["competitor"], ["cost"]),
    ],
)
def test_what_moves_a_price_and_what_holds_it(facts, amount, inputs, clamps):
    made = propose(replace(CALM, **facts), step_pct=D(3))

    assert (made.amount_minor, [one.input for one in made.effects], made.clamps) == (amount, inputs, clamps)


def test_purchasing_power_is_no_input_while_it_is_off():
    with pytest.raises(ValueError, match="use_purchasing_power is off"):
        propose(replace(CALM, power_index=D("1.4")), step_pct=D(3))
    made = propose(replace(CALM, power_index=D("1.4")), step_pct=D(3), use_purchasing_power=True)
    assert made.amount_minor == 10200


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 10**6),
    st.decimals(D("0"), D("9"), places=2),
    st.integers(1, 10**6),
    st.integers(0, 10**6),
    st.integers(0, 300),
)
def test_no_proposal_leaves_the_limits(base, demand, rival, floor, cover):
    low, high = base * 95 // 100, base * 105 // 100
    market = Market("A", "x", base, low, high, floor, None, demand, D(cover), competitor_minor=rival)

    made = propose(market, step_pct=D(3))

    assert made.amount_minor >= floor
    assert low <= made.amount_minor <= max(high, floor)


@pytest.mark.usefixtures("company")
def test_proposals_wait_for_a_person_or_count_at_once():
    stock_goods()
    ask(("guide", "A", 10000))
    market = replace(CALM, demand_ratio=D("1.2"))

    made, request = propose_prices([market, replace(CALM, sku="B")], now=NOW)

    assert [one.moves for one in made] == [True, False]
    assert outcomes(request) == [("pending", ["proposal"])]
    assert ChangeRequest.objects.get(pk=request.id).why == "A: demand +20% against usual (+2.00%)"
    decide_request(request.id, approve=True, **BY)
    book = price_book(["A"], None, NOW)
    assert [(book.price("A", code).amount_minor, book.price("A", code).kind) for code in ("tmall", "own")] == [
        (10200, "dynamic"),
        (10000, "guide"),
    ]
    later = NOW + timedelta(days=7)
    assert price_book(["A"], None, later).price("A", "tmall").amount_minor == 10000

    save_settings({"dynamic_mode": "automatic"}, **BY)
    _made, request = propose_prices([replace(market, base_minor=10200)], now=NOW + timedelta(days=1))
    assert outcomes(request) == [("applied", [])]
    assert propose_prices([CALM], now=NOW)[1] is None
