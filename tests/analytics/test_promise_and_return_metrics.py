"""Pickups ready in time, shipments of stores by both clocks, and what comes back, quality or not."""

from datetime import timedelta

import pytest
from tests.support.aftersale import BY, ask, case_of, delivered, line
from tests.support.company import DAY, HOUR, NOW, goods, order_ids, paid, put
from tests.support.following import route_all
from tests.support.intake import take
from tests.support.lake import write_lake

from tongpan.analytics.queries import metric
from tongpan.core.stored import store
from tongpan.fulfillment.models import Fulfillment
from tongpan.network.models import Node
from tongpan.orders.aftersale.actions import withdraw
from tongpan.orders.models import Order

pytestmark = pytest.mark.usefixtures("company")
PLACED = NOW - 2 * DAY


def values(key, **asked):
    return {tuple(row.dimensions.values()): row.value for row in metric(key, **asked).rows}


def sent(number, method="ship", **columns):
    take(paid(number, goods("A", 1), placed_at=PLACED, paid_at=PLACED + HOUR))
    route_all(number)
    (order_id,) = order_ids([number])
    Order.objects.filter(pk=order_id).update(delivery_method=method, delivery_node="sh" if method == "pickup" else "")
    Fulfillment.objects.filter(order=order_id).update(**columns)


def test_a_pickup_counts_from_the_order_until_it_is_ready():
    put("sh", A=9)
    sent("1", "pickup", ready_by=PLACED + 2 * HOUR, ready_at=PLACED + HOUR)
    sent("2", "pickup", ready_by=PLACED + 2 * HOUR, ready_at=PLACED + 4 * HOUR)
    sent("3", "pickup", ready_by=PLACED + 2 * HOUR, ready_at=PLACED + HOUR, status="cancelled")
    sent("4", ready_by=PLACED + 2 * HOUR, ready_at=PLACED + HOUR)
    write_lake()

    assert values("pickup_ready_hours") == {(): 2.5}
    assert values("pickup_ready_rate", by=("node",)) == {("sh",): 0.5}
    assert values("method_share") == {("pickup",): 0.75, ("ship",): 0.25}
    # the processing time of a pickup ends when it is ready, an hour after it was paid less than after it was placed
    assert values("processing_hours", by=("method",)) == {("pickup",): 1.5, ("ship",): None}


def test_a_store_ships_in_time_by_the_clock_that_was_set():
    put("sh", A=9)
    Node.objects.filter(code="sh").update(kind="store")
    due = PLACED + 24 * HOUR
    sent("1", due_at=due, dispatched_at=PLACED + 10 * HOUR, delivered_at=PLACED + 20 * HOUR, status="delivered")
    sent("2", due_at=due, dispatched_at=PLACED + 20 * HOUR, delivered_at=PLACED + 40 * HOUR, status="delivered")
    sent("3", due_at=due, dispatched_at=PLACED + 30 * HOUR, status="dispatched")
    sent("4", "pickup", dispatched_at=PLACED + HOUR, status="dispatched")
    write_lake()

    assert values("store_ship_rate") == {(): 0.5}
    assert values("store_ship_hours") == {(): 30.0}
    assert values("store_ship_rate", settings={"clock": "dispatched"}) == {(): 2 / 3}
    store("fulfillment.clocks", {"ship_clock": "dispatched"})
    assert values("store_ship_hours") == {(): 20.0}
    Node.objects.filter(code="sh").update(kind="central")
    write_lake()
    assert values("store_ship_rate") == {(): None}


def test_returns_are_counted_by_reason_against_the_orders_that_arrived():
    put("sh", A=9, B=9)
    first = delivered("1", goods("A", 2), goods("B", 1))
    ask(first, line(1, 1, "quality"), line(2, 1, "wrong_size"))
    ask(delivered("2", goods("A", 1)), line(1, 1, "no_reason"))
    withdraw([case_of(ask(delivered("3", goods("A", 1)), line(1, 1, "no_reason")))], "keeps it", **BY)
    delivered("4", goods("B", 1))
    take(paid("on its way", goods("A", 1), placed_at=NOW - timedelta(hours=3), paid_at=NOW - timedelta(hours=3)))
    write_lake()

    assert values("delivered_orders") == {(): 4}
    assert values("return_cases") == {(): 2}
    assert values("return_cases", by=("reason",)) == {("no_reason",): 1, ("quality",): 1, ("wrong_size",): 1}
    assert values("returned_units", by=("sku",)) == {("A",): 2, ("B",): 1}
    assert values("return_cases", by=("nature",)) == {("other",): 2, ("quality",): 1}
    assert values("return_case_rate") == {(): 0.5}
    assert values("non_quality_return_rate") == {(): 0.5}
    assert values("non_quality_return_rate", by=("sku",)) == {("A",): 1 / 3, ("B",): 0.5}
    assert values("non_quality_return_rate", by=("channel",)) == {("tmall",): 0.5}
