"""Scan-to-buy: what a customer scans in a store becomes one order that is handed over there."""

from datetime import timedelta

import pytest
from tests.support.company import ACTOR, NOW, levels, put
from tests.support.following import route_all
from tests.support.prices import ask

from tongpan.catalog.listings import ListingSpec, save_listings
from tongpan.core.bulk import fetch_all
from tongpan.core.errors import Refusal
from tongpan.inventory.queries import reconcile
from tongpan.orders.actions.baskets import LASTS, basket_of, forget_baskets, open_store, sell_basket, show_basket
from tongpan.orders.models import Order, ScanBasket
from tongpan.orders.queries.baskets import prices_at, scanned, shop_of
from tongpan.promotions.actions import publish, save_draft
from tongpan.promotions.models import PricedOrder, Usage

pytestmark = pytest.mark.usefixtures("company")


@pytest.fixture
def store(company):
    put("sh", A=5, B=2)
    listings = [ListingSpec("mall", f"I{code}", "", code, code, price_minor=1250) for code in ("A",)]
    save_listings(listings, actor=ACTOR, now=NOW)
    open_store("sh", "mall", actor=ACTOR, now=NOW)
    return fetch_all("SELECT id FROM network_node WHERE code = 'sh'")[0][0]


def sold(code, node_id, total=2500, **more):
    return sell_basket(code, "wechat", node_id=node_id, total_minor=total, actor=ACTOR, now=more.get("now", NOW))


def test_a_paid_basket_is_an_order_that_left_the_store(store):
    shown = show_basket("sh", [("A", 2)], now=NOW)
    assert shown.total_minor == 2500
    assert levels("A") == {"sh": (5, 0)}, "nothing is reserved"

    order_id, number = sold(shown.code, store)
    route_all()

    order = Order.objects.get(pk=order_id)
    assert (order.external_id, order.status, order.paid_minor, order.customer) == (number, "completed", 2500, None)
    assert levels("A") == {"sh": (3, 0)}
    reconcile()


def test_a_code_counts_once_and_only_in_its_store_and_time(store):
    shown = show_basket("sh", [("A", 1)], now=NOW)
    wrong = {
        "basket.unknown": lambda: sold("f" * 24, store),
        "basket.elsewhere": lambda: sold(shown.code, store + 1, 1250),
        "basket.amount": lambda: sold(shown.code, store, 1),
        "basket.expired": lambda: sold(shown.code, store, 1250, now=NOW + LASTS),
    }
    for code, attempt in wrong.items():
        with pytest.raises(Refusal) as refused:
            attempt()
        assert refused.value.code == code
    assert not Order.objects.exists()

    assert basket_of(shown.code, store, NOW).total_minor == 1250
    sold(shown.code, store, 1250)
    with pytest.raises(Refusal, match="counts once"):
        sold(shown.code, store, 1250)
    assert basket_of(shown.code, store, NOW) is None
    assert Order.objects.count() == 1


def test_what_has_no_price_or_is_not_there_is_not_sold(store):
    for goods, code in [
        ([("B", 1)], "basket.sku"),
        ([("Z", 1)], "basket.sku"),
        ([("A", 6)], "basket.short"),
        ([], "basket.lines"),
        ([("A", 1), ("A", 1)], "basket.lines"),
        ([("A", 0)], "basket.lines"),
    ]:
        with pytest.raises(Refusal) as refused:
            show_basket("sh", goods, now=NOW)
        assert refused.value.code == code
    assert not ScanBasket.objects.exists()


def test_the_code_is_kept_nowhere_and_unpaid_baskets_are_forgotten(store):
    shown = show_basket("sh", [("A", 1)], now=NOW)

    [(row,)] = fetch_all("SELECT b::text FROM orders_scanbasket b")
    assert shown.code not in row and shown.code.encode().hex() not in row
    assert forget_baskets(NOW + timedelta(days=1)) == 0
    assert forget_baskets(NOW + timedelta(days=3)) == 1


def test_a_store_sells_by_phone_until_it_is_closed(store):
    shop = shop_of("sh")
    assert (shop.shop_code, shop.currency) == ("mall", "CNY")
    assert scanned(shop, "A", NOW).free == 5
    assert scanned(shop, "nothing", NOW) is None and scanned(shop, "", NOW) is None
    assert prices_at(shop, ["B"], NOW)["B"].price_minor is None

    open_store("sh", "", actor=ACTOR, now=NOW)

    assert shop_of("sh") is None
    with pytest.raises(Refusal, match="till"):
        show_basket("sh", [("A", 1)], now=NOW)
    with pytest.raises(Refusal):
        open_store("nowhere", "mall", actor=ACTOR, now=NOW)


def publish_rules(*rules):
    save_draft("d", {"rules": list(rules)}, actor=ACTOR, now=NOW - timedelta(hours=1))
    publish("d", actor=ACTOR, now=NOW - timedelta(hours=1))


def off(code, percent, **more):
    return {"code": code, "kind": "percent", "scope": {"all": True}, "benefit": {"percent": percent}} | more


def test_a_basket_costs_what_a_cart_costs_and_its_order_keeps_who_bears_what(store):
    publish_rules(
        off("ten", 10, conditions={"sources": ["scan"]}, payers={"shop": 60, "platform": 40}, name_en="Ten off"),
        off("web", 20, conditions={"sources": ["web"]}),
    )
    ask("own", A=2000, B=1005)

    shown = show_basket("sh", [("A", 1), ("B", 1)], now=NOW)
    seen = basket_of(shown.code, store, NOW)
    assert (seen.list_minor, seen.total_minor, shown.total_minor) == (3005, 2704, 2704), "the book, not the listing"
    assert [(line["sku"], line["unit_minor"], line["net_minor"]) for line in seen.lines] == [
        ("A", 2000, 1800),
        ("B", 1005, 904),
    ]
    assert seen.offers == [{"rule": "ten", "name_zh": "", "name_en": "Ten off", "off_minor": 301}]
    assert not Usage.objects.exists()

    order_id, _ = sold(shown.code, store, 2704)

    order = Order.objects.get(pk=order_id)
    assert (order.total_minor, order.paid_minor) == (2704, 2704)
    assert fetch_all(
        "SELECT l.line_no, d.payer, d.code, d.amount_minor FROM orders_discount d "
        "JOIN orders_orderline l ON l.id = d.line_id WHERE l.order_id = %s ORDER BY 1, 2",
        [order_id],
    ) == [(1, "platform", "ten", 80), (1, "shop", "ten", 120), (2, "platform", "ten", 40), (2, "shop", "ten", 61)]
    assert Usage.objects.get().discount_minor == 301
    assert PricedOrder.objects.get().list_minor == 3005


def test_an_offer_that_ran_out_since_the_code_was_made_is_refused_and_a_new_code_counts(store):
    publish_rules(off("one", 20, limits={"uses": 1}))
    first, second = (show_basket("sh", [("A", 1)], now=NOW) for _ in range(2))
    assert (first.total_minor, second.total_minor) == (1000, 1000)
    sold(first.code, store, 1000)

    with pytest.raises(Refusal, match="make a new one") as refused:
        sold(second.code, store, 1000)

    assert refused.value.code == "basket.changed"
    assert (Order.objects.count(), Usage.objects.count()) == (1, 1)
    third = show_basket("sh", [("A", 1)], now=NOW)
    assert third.total_minor == 1250
    sold(third.code, store, 1250)


def test_a_code_keeps_its_price_though_a_new_rulebook_counts_by_now(store):
    publish_rules(off("ten", 10))
    shown = show_basket("sh", [("A", 2)], now=NOW)
    save_draft("e", {"rules": [off("ten", 20)]}, actor=ACTOR, now=NOW + timedelta(minutes=5))
    publish("e", actor=ACTOR, now=NOW + timedelta(minutes=5))

    order_id, _ = sold(shown.code, store, 2250, now=NOW + timedelta(minutes=10))

    assert Order.objects.get(pk=order_id).total_minor == 2250
