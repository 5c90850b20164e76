"""Scan-to-buy: what a customer scans in a store becomes one order that is handed over there."""

from datetime import timedelta

import pytest
from tests.support.company import ACTOR, NOW, levels, put
from tests.support.following import route_all

from tongpan.catalog.listings import ListingSpec, save_listings
from tongpan.core.bulk import fetch_all
from tongpan.core.errors import Refusal
from tongpan.inventory.queries import reconcile
from tongpan.orders.actions.baskets import LASTS, basket_of, forget_baskets, open_store, sell_basket, show_basket
from tongpan.orders.models import Order, ScanBasket
from tongpan.orders.queries.baskets import prices_at, scanned, shop_of

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
