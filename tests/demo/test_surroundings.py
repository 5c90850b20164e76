"""The demo company's surroundings: made by the ordinary actions, once, and the books add up after."""

from datetime import timedelta

import pytest
from tests.support.company import ACTOR, DAY, NOW, goods, order, put, shipped
from tests.support.intake import take

from tongpan.catalog.models import Listing
from tongpan.core.bulk import fetch_all
from tongpan.demo.company import describe, set_up
from tongpan.demo.counter import stage
from tongpan.demo.patrol import patrol
from tongpan.demo.prices import set_prices
from tongpan.demo.surroundings import dress
from tongpan.fulfillment.actions import route
from tongpan.inventory.models import CountSheet, LiveSession, NodePolicy, Transfer
from tongpan.inventory.queries import reconcile
from tongpan.orders.actions import review_orders
from tongpan.orders.models import Hold, Order, ReturnCase
from tongpan.pricing.models import ChangeRequest
from tongpan.pricing.patrol.models import Observation, PriceComplaint, PriceWar, ViolationCase
from tongpan.pricing.queries import price_book
from tongpan.risk.models import DiversionScore

CODES = [f"S{n:02}" for n in range(16)]


@pytest.fixture
def company(db):
    """The demo's channels, shops and nodes, with sixteen SKUs that sold once."""
    set_up(NOW)
    put("wh-shanghai", "o1", **dict.fromkeys(CODES, 100))
    put("st-shanghai", "o2", **dict.fromkeys(CODES, 9))
    take(
        shipped(
            "1",
            *(goods(code, wanted_node="wh-shanghai") for code in CODES),
            shop_code="tmall-flagship",
            dispatched_at=NOW - DAY,
        )
    )
    route([i for (i,) in fetch_all("SELECT id FROM orders_order")], actor=ACTOR, now=NOW)


def what_is_there():
    return {
        "listings": Listing.objects.count(),
        "floors": NodePolicy.objects.count(),
        "sessions": LiveSession.objects.count(),
        "transfers": sorted(Transfer.objects.values_list("number", "state", "is_simulated")),
        "sheets": list(CountSheet.objects.values_list("number", "state", "is_simulated")),
    }


def test_the_surroundings_are_made_once_and_the_books_add_up(company):
    dress(describe(), NOW)
    first = what_is_there()

    dress(describe(), NOW)

    assert first == {
        "listings": 6 * 16,
        "floors": 12 + 2 * 12,
        "sessions": 1,
        "transfers": [("D1", "in_transit", True), ("D2", "ready", True)],
        "sheets": [("C1", "submitted", True)],
    }
    assert what_is_there() == first
    assert reconcile().differences == []


def test_a_company_without_goods_is_left_bare(db):
    set_up(NOW)

    dress(describe(), NOW)

    assert what_is_there() == {"listings": 0, "floors": 0, "sessions": 0, "transfers": [], "sheets": []}


def test_the_counters_have_pickups_offers_and_cases_once(company):
    put("st-beijing", "o3", **dict.fromkeys(CODES, 9))
    stage(describe(), NOW)
    review_orders(set(Order.objects.values_list("pk", flat=True)), now=NOW)
    first = what_waits()
    held = Hold.objects.filter(order__external_id__startswith="SD-").values_list("order__external_id", "reason")
    assert list(held) == [], "the review holds none of them back"

    stage(describe(), NOW)

    assert first == {
        "pickups": {("st-shanghai", "ready"): 3, ("st-shanghai", "allocated"): 2},
        "offers": {("st-beijing", "offered"): 3},
        "cases": ["approved", "in_transit", "in_transit", "received", "requested"],
    }
    assert what_waits() == first
    assert reconcile().differences == []


def what_waits():
    waiting = fetch_all(
        """SELECT o.delivery_method, n.code, f.status, count(*) FROM fulfillment_fulfillment f
           JOIN orders_order o ON o.id = f.order_id JOIN network_node n ON n.id = f.node_id
           WHERE o.external_id LIKE 'SD-%%' AND f.status NOT IN ('dispatched', 'delivered') GROUP BY 1, 2, 3""",
        [],
    )
    return {
        "pickups": {(node, status): n for method, node, status, n in waiting if method == "pickup"},
        "offers": {(node, status): n for method, node, status, n in waiting if method == "ship"},
        "cases": sorted(ReturnCase.objects.values_list("status", flat=True)),
    }


def test_prices_follow_from_what_orders_paid_once(company):
    take(*(order(f"P{amount}", goods("A", 2, 2 * amount), shop_code="tmall-flagship") for amount in (900, 1000, 1100)))

    set_prices(["A", "B"], ["tmall"], NOW)
    set_prices(["A", "B"], ["tmall"], NOW)

    book = price_book(None, None, NOW)
    assert (book.guide("A"), book.floor("A"), book.least_net("A"), book.cost("A")) == (1000, 800, 400, 600)
    assert book.price("A", "tmall").amount_minor == 970
    assert price_book(["A"], None, NOW - timedelta(days=60)).guide("A") == 970
    assert book.guide("B") is None
    assert ChangeRequest.objects.filter(state="pending").count() == 1


def test_prices_seen_open_cases_a_price_war_and_a_diversion_finding_once(company):
    skus = ["A", "B", "C", "D"]
    take(order("P", *(goods(sku, 1, 20_000) for sku in skus), shop_code="tmall-flagship"))
    set_prices(skus, ["tmall", "jd"], NOW)

    patrol(describe(), NOW)
    first = what_was_seen()
    patrol(describe(), NOW + timedelta(minutes=5))

    assert first == {
        "prices": 11,
        "simulated": 11,
        "cases": [
            ("price", "dealer:dl-kunming", "under_floor"),
            ("price", "dealer:dl-shenyang", "under_floor"),
            ("price", "seller:jd:好物集", "under_band"),
            ("price", "seller:jd:精选小铺", "under_band"),
        ],
        "wars": [("B", ["好物集", "精选小铺"])],
        "complaints": ["violation", "violation"],
    }
    assert what_was_seen() == first
    found = DiversionScore.objects.get(dealer__code="dl-shenyang")
    [codes] = [one for one in found.signals if one["code"] == "codes"]
    assert (found.level, codes["known"], codes["striking"]) == ("watch", 4, 3)
    assert reconcile().differences == []


def test_no_price_is_seen_where_there_is_no_price_book(company):
    patrol(describe(), NOW)

    assert (Observation.objects.count(), DiversionScore.objects.count()) == (0, 0)


def what_was_seen():
    return {
        "prices": Observation.objects.count(),
        "simulated": Observation.objects.filter(is_simulated=True).count(),
        "cases": sorted(ViolationCase.objects.values_list("kind", "party", "finding")),
        "wars": list(PriceWar.objects.values_list("sku__code", "sellers")),
        "complaints": list(PriceComplaint.objects.values_list("conflict", flat=True)),
    }
