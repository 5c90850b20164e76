"""Whatever order the copies of one order arrive in, and in whatever batches: the same order stands at the end."""

from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.company import DAY, HOUR, NOW, charge, goods, levels, order, pool, put
from tests.support.database import rolled_back
from tests.support.intake import take

from tongpan.core.bulk import fetch_all
from tongpan.fulfillment.actions import route
from tongpan.orders.engine import BuyerDoc, PaymentDoc, ShipTo
from tongpan.orders.models import Order

pytestmark = pytest.mark.usefixtures("company")
MANY = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

PAID = {"paid_at": NOW - 20 * HOUR, "payments": [PaymentDoc(1, "alipay", 300, NOW - 20 * HOUR)], "paid_minor": 300}
WHO = {
    "buyer": BuyerDoc("buyer", "tm", "u1", "张三", "浙江省", "杭州市"),
    "ship_to": ShipTo("浙江省", "杭州市", 30.0, 120.0),
}
SENT = {"dispatched_at": NOW - 10 * HOUR}
HERE = {"delivered_at": NOW - 2 * HOUR}
A, B, POST = goods("A", 1, 100), goods("B", 2, 200), charge("POST", 50)

# The life of one order, as exports of the channel at six moments show it: each knows all that those before knew.
LIFE = [
    order("1", A),
    order("1", A, B),
    order("1", A, B, POST, **WHO),
    order("1", A, B, POST, **WHO, **PAID),
    order("1", A, B, POST, **WHO, **PAID, **SENT),
    order("1", A, B, POST, **WHO, **PAID, **SENT, **HERE),
]
CANCELLED = [*LIFE[:4], order("1", A, B, POST, **WHO, **PAID, cancelled_at=NOW - 12 * HOUR)]
SENT_ALL_THE_SAME = [*CANCELLED, order("1", A, B, POST, **WHO, **PAID, **SENT, cancelled_at=NOW - 12 * HOUR)]


def state():
    """What is known of the order, without what tells of the way it came (row numbers, digests, recording times)."""
    return {
        "order": fetch_all(
            """SELECT status, channel_status, o.customer_id IS NOT NULL, paid_at, dispatched_at, delivered_at,
                      cancelled_at, goods_minor, charges_minor, total_minor, paid_minor, units, ship_city, version
               FROM orders_order o"""
        ),
        "lines": sorted(
            fetch_all(
                """SELECT l.kind, coalesce(s.code, l.charge_code), l.qty, l.amount_minor
                   FROM orders_orderline l LEFT JOIN catalog_sku s ON s.id = l.sku_id"""
            )
        ),
        "payments": fetch_all("SELECT seq, method, amount_minor, paid_at FROM orders_payment"),
        "events": fetch_all("SELECT kind, at FROM orders_orderevent ORDER BY at, kind"),
        "stock": (pool("A"), pool("B"), levels("A"), levels("B")),
        "held": fetch_all(
            """SELECT s.code, r.qty FROM inventory_reservation r JOIN catalog_sku s ON s.id = r.sku_id
               WHERE r.state = 'held' ORDER BY 1, 2"""
        ),
        "customers": fetch_all("SELECT count(*) FROM customers_customer"),
    }


def taken(batches):
    with rolled_back():
        put("sh", A=5, B=5)
        for batch in batches:
            take(*batch)
        route(Order.objects.values_list("id", flat=True), actor="routing", now=NOW)
        found = state()
    return found


@st.composite
def batches_of(draw, copies):
    """All copies, some of them twice, in any order, cut into batches anywhere."""
    extra = draw(st.lists(st.sampled_from(copies), max_size=3))
    shuffled = draw(st.permutations([*copies, *extra]))
    cuts = sorted(draw(st.sets(st.integers(1, len(shuffled)), max_size=3)) | {0, len(shuffled)})
    return [shuffled[start:end] for start, end in pairwise(cuts)]


@MANY
@given(batches_of(LIFE))
def test_a_life_without_versions(batches):
    assert taken(batches) == taken([[LIFE[-1]]])


@MANY
@given(batches_of(CANCELLED))
def test_a_life_that_ends_cancelled(batches):
    found = taken(batches)

    assert found == taken([[CANCELLED[-1]]])
    assert (found["order"][0][0], found["stock"][:2], found["held"]) == ("cancelled", ((5, 0, 0), (5, 0, 0)), [])


@MANY
@given(batches_of(SENT_ALL_THE_SAME))
def test_a_cancelled_order_that_left_is_dispatched(batches):
    found = taken(batches)

    assert found == taken([[SENT_ALL_THE_SAME[-1]]])
    assert (found["order"][0][0], found["stock"][:2], found["held"]) == ("dispatched", ((4, 0, 0), (3, 0, 0)), [])


@MANY
@given(st.data())
def test_versions_decide_even_against_facts(data):
    # given copies with versions whose contents alone would not tell which is newer
    versioned = [
        order("1", A, **PAID, channel_status=f"v{number}", refunded_minor=number, version=NOW - DAY + number * HOUR)
        for number in range(5)
    ]

    found = taken(data.draw(batches_of(versioned)))

    assert found == taken([[versioned[-1]]])
    assert found["order"][0][:2] == ("paid", "v4")


@MANY
@given(st.permutations([order(str(n), goods("A"), **PAID) for n in range(8)]), st.integers(1, 8))
def test_pages_of_different_orders_in_any_order_are_the_same_orders(docs, size):
    with rolled_back():
        put("sh", A=5)
        for start in range(0, len(docs), size):
            take(*docs[start : start + size])
        found = fetch_all("SELECT external_id, status, total_minor FROM orders_order ORDER BY 1")
        stock, holds = pool("A"), fetch_all("SELECT count(*) FROM orders_hold WHERE released_at IS NULL")

    assert found == [(str(n), "paid", 1000) for n in range(8)]
    assert (stock, holds) == ((5, 0, 5), [(3,)])
