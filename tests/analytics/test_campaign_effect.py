"""What a campaign brought, against the same weekdays of the four weeks before it."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from fractions import Fraction

import pytest
from tests.support.company import ACTOR, NOW, put

from tongpan.analytics.queries.campaigns import Sold, effect_of, gain_of
from tongpan.core.bulk import execute
from tongpan.orders.actions.carts import CartLineSpec, checkout, open_cart
from tongpan.orders.engine import BuyerDoc, ShipTo
from tongpan.promotions.actions import publish, save_draft
from tongpan.promotions.actions.campaigns import CampaignSpec, save_campaign
from tongpan.promotions.queries import campaign_of

MONDAY = date(2026, 6, 15)


def test_each_day_is_compared_with_the_same_weekday_of_four_weeks():
    weeks = [MONDAY - timedelta(days=7 * n) for n in range(1, 5)]
    days = {day: Sold(10 + n, 1000 * n, 100 * n, 5, 5) for n, day in enumerate(weeks)}
    days[weeks[0] + timedelta(days=1)] = Sold(1000, 10**9)
    days[MONDAY] = Sold(20, 5000, 700, 9, 8)

    gain = gain_of(days, MONDAY, MONDAY, MONDAY + timedelta(days=1))

    assert gain.orders == 20 - Fraction(10 + 11 + 12 + 13, 4)
    assert gain.gmv_minor == 5000 - 1500
    assert gain.margin_minor == 700 - 150
    assert gain.sold.average_minor == 250
    assert gain.base_average_minor == round(Fraction(6000, 46))


@pytest.mark.usefixtures("company")
def test_orders_of_a_campaign_are_counted_with_what_it_cost_and_what_was_done():
    rule = {
        "code": "ten",
        "kind": "percent",
        "scope": {"all": True},
        "benefit": {"percent": 10},
        "campaign": "june",
        "conditions": {"channels": ["own"]},
        "window": {"starts_at": NOW.isoformat(), "ends_at": (NOW + timedelta(days=20)).isoformat()},
        "payers": {"shop": 60, "platform": 40},
    }
    by = {"actor": ACTOR, "now": NOW}
    spec = CampaignSpec("june", "六月", "June", starts=NOW, ends=NOW + timedelta(days=20), channels=["own"])
    save_campaign(spec, **by)
    save_draft("d", {"rules": [rule]}, **by)
    publish("d", **by)
    put("sh", A=9)

    def order(at: datetime, buyer: str) -> int:
        cart = open_cart("mall", [CartLineSpec("A", 1, 10_000)], None, now=at)
        return checkout(cart, BuyerDoc("member", "company", buyer), ShipTo(), actor=ACTOR, now=at).order_id

    first, second = order(NOW, "m-1"), order(NOW, "m-2")
    old = order(NOW, "m-3")
    execute("UPDATE orders_order SET business_date = business_date - 7 WHERE id = %s", [old])
    execute("DELETE FROM promotions_usage WHERE order_id = %s", [old])

    effect = effect_of(campaign_of("june"), now=NOW + timedelta(hours=1))

    assert first != second
    assert effect.is_comparable
    assert (effect.whole.sold.orders, effect.whole.sold.gmv_minor) == (2, 18_000)
    assert effect.whole.orders == Fraction(7, 4)
    assert effect.whole.gmv_minor == 18_000 - 2_250
    assert effect.costs == {"platform": 800, "shop": 1_200}
    assert effect.roi == Fraction(15_750, 1_200)
    assert [(step.kind, step.name, step.is_done) for step in effect.steps] == [
        ("announcement", "own", False),
        ("rule", "ten", True),
    ]
    assert len(effect.weeks) == 1
