"""Past orders through a rulebook: what they would have cost, the lines behind each number, and nothing else changed."""

from __future__ import annotations

import random
from datetime import date, timedelta

import pytest
from tests.support.company import ACTOR, NOW, charge, goods, paid, put

from tongpan.core.bulk import fetch_all
from tongpan.core.errors import Refusal
from tongpan.orders.actions.carts import CartLineSpec, checkout, open_cart
from tongpan.orders.actions.intake import accept
from tongpan.orders.engine import BuyerDoc, DiscountDoc, ShipTo
from tongpan.orders.models import ReplayOrder, ReplayRun
from tongpan.orders.offering import OfferFacts
from tongpan.orders.replaying.actions import ask_replay, forget_replay, run_replay, stop_replay
from tongpan.orders.replaying.basics import Ask
from tongpan.orders.replaying.queries import orders_of
from tongpan.pricing.actions import set_costs, set_floors
from tongpan.pricing.actions.limits import CostSpec, FloorSpec
from tongpan.promotions.actions import publish, save_draft
from tongpan.promotions.actions.batches import BatchSpec, create_batch, make_coupons
from tongpan.promotions.coupons import coder

BY = {"actor": ACTOR, "now": NOW}
DAYS = (date(2026, 11, 16), date(2026, 11, 20))
EVERYTHING = {"all": True}
TEN = {"code": "ten", "kind": "percent", "scope": EVERYTHING, "benefit": {"percent": 10}}
LIVE = ("promotions_counter", "promotions_usage", "promotions_coupon", "orders_order", "orders_orderline",
        "orders_discount", "orders_orderevent", "inventory_movement")  # fmt: skip


def draft(*rules, **more):
    save_draft("d", {"rules": list(rules), **more}, **BY)


def replay(rulebook="d", **more):
    return run_replay(ask_replay(Ask(rulebook, *DAYS, **more), is_queued=False, **BY).pk)


def live_rows():
    return {table: fetch_all(f"SELECT count(*), md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {table} t")
            for table in LIVE}  # fmt: skip


def discounts(order_id):
    return fetch_all(
        """SELECT l.line_no, d.payer, sum(d.amount_minor)::bigint FROM orders_discount d
           JOIN orders_orderline l ON l.id = d.line_id WHERE d.order_id = %s GROUP BY 1, 2 ORDER BY 1, 2""",
        [order_id],
    )


def replayed(row, side):
    found = {}
    for line in row.lines:
        for _, payer, amount in line[6 + side]:
            found[line[0], payer] = found.get((line[0], payer), 0) + amount
    return [(*key, amount) for key, amount in sorted(found.items())]


RULES = [
    {"code": "item", "kind": "percent", "scope": {"skus": ["A", "B"]}, "benefit": {"percent": 12.5},
     "payers": {"shop": 2, "platform": 1}},
    {"code": "gold", "kind": "member_price", "scope": {"skus": ["C"]}, "benefit": {"percent": 7},
     "conditions": {"tiers": ["gold"]}},
    {"code": "steps", "kind": "stepped", "scope": EVERYTHING,
     "benefit": {"steps": [{"from_minor": 20_000, "amount_minor": 1_999},
                           {"from_minor": 50_000, "amount_minor": 5_555}]}},
    {"code": "welcome", "kind": "first_order", "scope": EVERYTHING, "benefit": {"amount_minor": 777}},
    {"code": "flash", "kind": "flash_sale", "scope": {"skus": ["B"]}, "benefit": {"price_minor": 5_000},
     "limits": {"units": 4, "units_per_customer": 2}},
    {"code": "coupon", "kind": "amount", "scope": EVERYTHING, "benefit": {"amount_minor": 3_000}, "needs_coupon": True,
     "limits": {"money_minor": 10_000, "partial": True, "uses_per_customer": 2}},
    {"code": "cup", "kind": "gift", "conditions": {"min_minor": 30_000}, "benefit": {"gifts": [{"sku": "CUP"}]},
     "limits": {"uses": 3}},
    {"code": "post", "kind": "free_shipping", "conditions": {"min_minor": 15_000, "payments": ["alipay"]},
     "benefit": {}},
]  # fmt: skip
PAIRS = [["item", "order"], ["order", "coupon"], ["item", "coupon"]]


@pytest.mark.usefixtures("company")
def test_what_was_priced_at_checkout_is_priced_the_same_by_a_replay():
    put("sh", A=500, B=500, C=500, CUP=50)
    draft(*RULES, stack=PAIRS)
    version = publish("d", **BY)
    batch = create_batch(BatchSpec("B", "coupon", NOW - timedelta(days=1), count=30), **BY)
    make_coupons(batch.pk)
    chance = random.Random(5)
    made = []
    for number in range(24):
        lines = [
            CartLineSpec(sku, chance.randint(1, 4), chance.choice([999, 4_321, 10_007, 19_900]))
            for sku in chance.sample("ABC", chance.randint(1, 3))
        ]
        at = NOW + timedelta(seconds=number)
        buyer = BuyerDoc("member", "company", f"m-{chance.randrange(6)}") if chance.random() < 0.8 else None
        codes = [coder().code(batch.first_number + number)] if chance.random() < 0.6 else []
        tier, payment = chance.choice(["", "gold"]), chance.choice(["", "alipay"])
        facts = OfferFacts(codes, tier=tier, payment=payment, is_member=tier == "gold")
        made.append(
            checkout(open_cart("mall", lines, None, now=at), buyer, ShipTo("浙江省"), [charge("postage", 1_200)],
                     actor=ACTOR, now=at, offers=facts)
        )  # fmt: skip
    before = live_rows()

    run = replay(str(version.version))
    again = replay(str(version.version))

    assert run.error == ""
    assert run.result["orders"] == run.done == run.total == 24
    assert run.result["changed"] == 0
    assert run.result["before"] == run.result["after"]
    assert run.result == again.result
    rules = {one["rule"]: one["after"] for one in run.result["rules"]}
    assert {"item", "gold", "steps", "welcome", "flash", "coupon", "cup", "post"} <= rules.keys()
    for row in ReplayOrder.objects.filter(run=run):
        assert replayed(row, 1) == discounts(row.order_id)
        assert row.after_minor == row.before_minor
    assert live_rows() == before


@pytest.fixture
def sold(company):
    put("sh", A=500, B=500, CUP=50)
    set_costs_of(A=600, CUP=50)
    accept(
        [
            paid("1", goods("A", 2, 2_000)),
            paid("2", goods("A", 1, 900), goods("B", 1, 5_000), discounts=[DiscountDoc("platform", 100, 0, "平台券")]),
            paid("3", goods("B", 3, 1_000), placed_at=NOW - timedelta(hours=3), shop_code="mall"),
            paid("4", goods("A", 1, 1_000), cancelled_at=NOW - timedelta(hours=4)),
            paid("5", charge("fee", 500)),
        ],
        **BY,
    )


def set_costs_of(**costs):
    set_costs([CostSpec(sku, "CNY", amount, NOW - timedelta(days=9)) for sku, amount in costs.items()], **BY)


@pytest.mark.usefixtures("sold")
def test_the_figures_are_before_and_after_by_payer_channel_and_rule():
    draft({**TEN, "payers": {"shop": 1, "platform": 1}, "conditions": {"channels": ["tmall"]}})

    result = replay().result

    assert (result["orders"], result["changed"], result["untouched"], result["skipped"]) == (3, 2, 1, {"no_goods": 1})
    before, after = result["before"], result["after"]
    assert (before["list_minor"], before["revenue_minor"], before["offs"]) == (9_000, 8_900, {"platform": 100})
    assert (after["list_minor"], after["revenue_minor"]) == (9_000, 9_000 - 800)
    assert after["offs"] == {"platform": 400, "shop": 400}
    # A costs 6.00; what the platform bears is given back to the shop; nobody knows what B costs.
    assert (before["margin_minor"], before["unknown_lines"], before["unknown_minor"]) == (3_000 - 1_800, 2, 6_000)
    assert (after["margin_minor"], after["unknown_minor"]) == (2_700 + 150 - 1_800, 4_500 + 1_000)
    assert [(one["channel"], one["orders"], one["changed"]) for one in result["channels"]] == [
        ("own", 1, 0), ("tmall", 2, 2)
    ]  # fmt: skip
    assert {one["rule"]: (one["before"]["off_minor"], one["after"]["off_minor"]) for one in result["rules"]} == {
        "ten": (0, 800),
        "平台券": (100, 0),
    }


@pytest.mark.usefixtures("sold")
def test_the_orders_behind_a_number_are_found():
    draft({**TEN, "scope": {"skus": ["A"]}})
    run = replay()

    rows = list(orders_of(run.pk, side="changed"))

    assert [(row.order.external_id, row.before_minor, row.after_minor) for row in rows] == [("1", 2_000, 1_800)]
    assert [row.order.external_id for row in orders_of(run.pk, rule="平台券")] == ["2"]
    assert [row.order.external_id for row in orders_of(run.pk, payer="platform")] == ["2"]
    assert [row.order.external_id for row in orders_of(run.pk, channel="own")] == []
    assert sum(row.off_after for row in orders_of(run.pk)) == sum(run.result["after"]["offs"].values())


@pytest.mark.usefixtures("sold")
def test_limits_are_taken_in_the_order_of_time_inside_the_run():
    draft({**TEN, "limits": {"uses": 2}}, {"code": "cup", "kind": "gift", "benefit": {"gifts": [{"sku": "CUP"}]},
                                           "limits": {"uses": 1}})  # fmt: skip

    result = replay().result

    used = {one["rule"]: one["after"]["orders"] for one in result["rules"]}
    assert (used["ten"], used["cup"]) == (2, 1)
    assert result["after"]["gifts"] == 1
    assert fetch_all("SELECT count(*) FROM promotions_counter") == [(0,)]


@pytest.mark.usefixtures("sold")
def test_prices_that_break_a_limit_are_counted_on_both_sides():
    set_floors([FloorSpec("A", "CNY", 950)], **BY)
    draft({**TEN, "benefit": {"percent": 50}})

    run = replay()

    assert (run.result["before"]["under_floor"], run.result["after"]["under_floor"]) == (1, 0)
    assert [row.order.external_id for row in orders_of(run.pk, side="broken")] == ["2"]


@pytest.mark.usefixtures("company")
def test_new_buyers_and_tiers_are_what_their_orders_made_them_then():
    put("sh", A=500)
    buyer = BuyerDoc("member", "company", "m-1")
    accept(
        [paid(str(n), goods("A", 1, 10_000), buyer=buyer, placed_at=NOW - timedelta(hours=30 - n)) for n in range(4)],
        **BY,
    )
    draft(
        {"code": "welcome", "kind": "first_order", "scope": EVERYTHING, "benefit": {"amount_minor": 500}},
        {"code": "gold", "kind": "member_price", "scope": EVERYTHING, "benefit": {"percent": 10},
         "conditions": {"tiers": ["gold"]}},
    )  # fmt: skip

    result = replay(tiers={"gold": 20_000}).result

    assert {one["rule"]: one["after"]["orders"] for one in result["rules"]} == {"welcome": 1, "gold": 2}
    assert [(one["tier"], one["orders"]) for one in result["tiers"]] == [("", 2), ("gold", 2)]


@pytest.mark.usefixtures("sold")
def test_a_new_coupon_can_be_given_to_every_order():
    draft({**TEN, "needs_coupon": True})

    assert replay().result["after"]["offs"] == {}
    assert replay(coupons="all").result["after"]["offs"] == {"shop": 900}


@pytest.mark.usefixtures("sold")
def test_a_run_that_is_stopped_says_so_and_can_be_thrown_away():
    draft(TEN)
    asked = ask_replay(Ask("d", *DAYS), is_queued=False, **BY)
    stop_replay(asked.pk, **BY)

    run = run_replay(asked.pk)

    assert run.error == "It was stopped after 4 of 4 orders."
    assert run.result == {}
    forget_replay(run.pk, **BY)
    assert (ReplayRun.objects.count(), ReplayOrder.objects.count()) == (0, 0)


@pytest.mark.usefixtures("company")
def test_a_run_keeps_the_rulebook_as_it_was_and_what_cannot_be_replayed_is_refused():
    draft(TEN)
    asked = ask_replay(Ask("d", *DAYS, name="Ten"), is_queued=False, **BY)
    draft({**TEN, "benefit": {"percent": 20}})

    assert asked.name == "Ten"
    assert ReplayRun.objects.get().document["rules"][0]["benefit"] == {"percent": 10}
    for ask, code in (
        (Ask("nobody", *DAYS), "draft.unknown"),
        (Ask("7", *DAYS), "rulebook.version"),
        (Ask("d", DAYS[0], DAYS[0]), "replay.days"),
        (Ask("d", *DAYS, channel="x"), "channel.unknown"),
        (Ask("d", *DAYS, tiers={"a": 5, "b": 5}), "replay.tiers"),
    ):
        with pytest.raises(Refusal) as refused:
            ask_replay(ask, **BY)
        assert refused.value.code == code
    assert ReplayRun.objects.count() == 1
