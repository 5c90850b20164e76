"""Parcels from the node to the buyer: shipped, tracked, delivered; repeats, disorder, doubt."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest
from django.db import DatabaseError, transaction
from hypothesis import given
from hypothesis import strategies as st
from tests.support.company import DAY, HOUR, NOW, goods, levels, paid, pool, put
from tests.support.database import contents, statements
from tests.support.following import events, route_all
from tests.support.intake import take

from tongpan.core.bulk import execute, fetch_all
from tongpan.fulfillment.actions import record_tracking, ship
from tongpan.fulfillment.models import Fulfillment, Shipment, TrackingEvent
from tongpan.fulfillment.parcels import KINDS, ParcelOutcome, ShipDoc, TrackingDoc, event_key, status_of
from tongpan.fulfillment.queries import journey, under_way
from tongpan.fulfillment.queries import reconcile as reconcile_fulfillment
from tongpan.inventory.queries import reconcile
from tongpan.orders.models import Order

LEFT = NOW - 5 * HOUR


def parcel(number: str = "SF1", order: str = "T-1", **more: object) -> ShipDoc:
    facts = {"shop_code": "tm", "order_number": order} | more
    return ShipDoc("sf", number, LEFT, **facts)  # type: ignore[arg-type]


def told(kind: str, hours: float, number: str = "SF1", **more: str) -> TrackingDoc:
    return TrackingDoc("sf", number, kind, LEFT + hours * HOUR, **more)


def send(*docs: ShipDoc) -> list[ParcelOutcome]:
    return ship(docs, actor="wms", now=NOW)


def track(*docs: TrackingDoc) -> list[ParcelOutcome]:
    return record_tracking(docs, actor="carrier", now=NOW)


def states(outcomes: list[ParcelOutcome]) -> list[str]:
    return [outcome.state for outcome in outcomes]


@pytest.fixture
def allocated(company: None) -> None:
    """T-1: two of A, allocated at Shanghai."""
    put("sh", A=10)
    take(paid("T-1", goods("A", 2)))
    route_all()


def test_a_parcel_takes_its_goods_from_the_node_and_the_order_on(allocated: None) -> None:
    assert levels("A") == {"sh": (10, 2)}

    assert states(send(parcel())) == ["accepted"]

    order, fulfillment = Order.objects.get(), Fulfillment.objects.get()
    assert (order.status, order.dispatched_at, fulfillment.status) == ("dispatched", LEFT, "dispatched")
    assert (levels("A"), pool("A")) == ({"sh": (8, 0)}, (8, 0, 0))
    shipment = Shipment.objects.get()
    assert (shipment.carrier, shipment.tracking_number, shipment.status) == ("sf", "SF1", "shipped")
    assert reconcile().differences == []
    assert reconcile_fulfillment()[1] == []


def test_the_same_parcel_again_changes_nothing(allocated: None) -> None:
    send(parcel())
    before = contents()

    assert states(send(parcel(), parcel())) == ["unchanged", "unchanged"]
    assert contents() == before


def test_a_second_parcel_of_the_same_goods_is_added_and_moves_no_stock(allocated: None) -> None:
    assert states(send(parcel(), parcel("SF2"))) == ["accepted", "accepted"]

    assert levels("A") == {"sh": (8, 0)}
    assert Shipment.objects.count() == 2


def test_delivered_moves_fulfilment_and_order_on_when_the_last_parcel_has_arrived(allocated: None) -> None:
    send(parcel(), parcel("SF2"))

    track(told("delivered", 3))
    assert (Fulfillment.objects.get().status, Order.objects.get().status) == ("dispatched", "dispatched")
    track(told("delivered", 4, "SF2"))

    fulfillment, order = Fulfillment.objects.get(), Order.objects.get()
    assert (fulfillment.status, fulfillment.delivered_at) == ("delivered", LEFT + 4 * HOUR)
    assert (order.status, order.delivered_at) == ("delivered", LEFT + 4 * HOUR)
    assert [payload["order"] for _, payload in events("fulfillment.delivered")] == [order.pk]
    kinds = fetch_all("SELECT kind FROM orders_orderevent ORDER BY at")
    assert kinds[-2:] == [("dispatched",), ("delivered",)]


def test_an_order_of_two_nodes_arrives_when_both_parts_have(company: None) -> None:
    put("sh", A=1)
    put("bj", "more", B=1)
    take(paid("T-1", goods("A"), goods("B")))
    route_all()

    assert send(parcel())[0].code == "parcel.ambiguous"
    assert not Shipment.objects.exists()
    send(parcel(node_code="sh"))
    assert Order.objects.get().status == "paid"
    send(parcel("SF2", fulfillment_id=Fulfillment.objects.get(node__code="bj").pk, order_number=""))
    assert Order.objects.get().status == "dispatched"
    track(told("delivered", 1))
    assert Order.objects.get().status == "dispatched"
    track(told("delivered", 2, "SF2"))
    assert Order.objects.get().status == "delivered"


STORY = (
    told("collected", 0.1, place="上海"),
    told("in_transit", 1),
    told("info", 1.5, text="delayed by rain"),
    told("out_for_delivery", 3),
    told("delivered", 4, text="signed"),
)


@pytest.mark.parametrize("seed", range(6))
def test_events_three_times_and_out_of_order_have_one_effect(allocated: None, seed: int) -> None:
    send(parcel())
    shuffled = list(STORY * 3)
    random.Random(seed).shuffle(shuffled)
    for start in range(0, len(shuffled), 4):
        track(*shuffled[start : start + 4])

    shipment = Shipment.objects.get()
    assert (shipment.status, shipment.last_event_at) == ("delivered", LEFT + 4 * HOUR)
    assert TrackingEvent.objects.count() == len(STORY)
    assert len(events("shipment.tracked")) == len(STORY)
    assert len(events("fulfillment.delivered")) == 1
    assert Order.objects.get().delivered_at == LEFT + 4 * HOUR
    [one] = journey(Order.objects.get().pk)
    assert [event.kind for event in one.told] == [  # type: ignore[attr-defined]
        "delivered", "out_for_delivery", "info", "in_transit", "collected"
    ]  # fmt: skip


def test_an_event_is_told_apart_by_the_carriers_own_id_when_it_has_one(allocated: None) -> None:
    send(parcel())

    assert states(track(told("in_transit", 1, event_id="e1"), told("in_transit", 1, event_id="e2"))) == ["accepted"] * 2
    assert states(track(told("delivered", 9, event_id="e1"))) == ["unchanged"]
    assert Shipment.objects.get().status == "in_transit"


def test_information_does_not_change_the_status(allocated: None) -> None:
    send(parcel())
    track(told("in_transit", 1), told("info", 2))

    shipment = Shipment.objects.get()
    assert (shipment.status, shipment.last_event_at) == ("in_transit", LEFT + 2 * HOUR)


def test_parcels_of_two_orders_that_travel_as_one_are_tracked_together(company: None) -> None:
    put("sh", A=10)
    take(paid("T-1"), paid("T-2"))
    route_all()
    send(parcel(), parcel(order="T-2"))

    assert states(track(told("delivered", 1))) == ["accepted"]

    assert set(Order.objects.values_list("status", flat=True)) == {"delivered"}
    assert TrackingEvent.objects.count() == 2


@pytest.mark.parametrize(
    ("doc", "code"),
    [
        (parcel(order="nobody"), "parcel.no_fulfillment"),
        (parcel(shop_code="mall"), "parcel.no_fulfillment"),
        (parcel(node_code="bj"), "parcel.no_fulfillment"),
        (parcel(""), "parcel.number"),
        (parcel("x" * 81), "parcel.text"),
        (parcel("a\x00b"), "parcel.text"),
        (ShipDoc("sf", "SF1", NOW + 3 * DAY, shop_code="tm", order_number="T-1"), "parcel.time"),
    ],
)
def test_a_parcel_that_cannot_be_is_refused_and_the_others_are_taken(allocated: None, doc: ShipDoc, code: str) -> None:
    outcomes = send(doc, parcel("SF9"))

    assert (outcomes[0].state, outcomes[0].code, outcomes[1].state) == ("refused", code, "accepted")
    assert outcomes[0].reason
    assert list(Shipment.objects.values_list("tracking_number", flat=True)) == ["SF9"]


@pytest.mark.parametrize(
    ("doc", "code"),
    [
        (told("delivered", 1, "SF-unknown"), "parcel.unknown"),
        (told("eaten", 1), "parcel.kind"),
        (told("delivered", 24 * 365), "parcel.time"),
        (told("info", 1, text="x" * 1001), "parcel.text"),
    ],
)
def test_an_event_that_cannot_be_is_refused_and_the_others_are_taken(
    allocated: None, doc: TrackingDoc, code: str
) -> None:
    send(parcel())

    outcomes = track(doc, told("in_transit", 1))

    assert (outcomes[0].state, outcomes[0].code, outcomes[1].state) == ("refused", code, "accepted")
    assert TrackingEvent.objects.count() == 1


def test_tracking_events_are_append_only(allocated: None) -> None:
    send(parcel())
    track(told("in_transit", 1))

    for statement in ("UPDATE fulfillment_trackingevent SET kind = 'info'", "DELETE FROM fulfillment_trackingevent"):
        with pytest.raises(DatabaseError), transaction.atomic():
            execute(statement)


def test_stuck_parcels_are_those_of_which_nothing_was_heard(company: None) -> None:
    put("sh", A=10)
    take(paid("T-1"), paid("T-2"), paid("T-3"))
    route_all()
    send(parcel(), parcel("SF2", order="T-2"), parcel("SF3", order="T-3"))
    track(told("in_transit", 4, "SF2"), told("delivered", 1, "SF3"))

    def silent(hours: float) -> set[str]:
        rows = under_way(silent_since=NOW - timedelta(hours=hours))
        return set(rows.values_list("tracking_number", flat=True))

    assert set(under_way().values_list("tracking_number", flat=True)) == {"SF1", "SF2"}
    assert silent(2) == {"SF1"}
    assert silent(0.5) == {"SF1", "SF2"}
    assert silent(6) == set()


def test_the_statements_do_not_grow_with_the_batch(company: None) -> None:
    put("sh", A=100)
    take(*[paid(f"T-{n}") for n in range(31)])
    route_all()
    counts = []
    for numbers in ([0], range(1, 31)):
        with statements() as sent:
            send(*[parcel(f"SF{n}", order=f"T-{n}") for n in numbers])
            track(*[told("delivered", 1, f"SF{n}") for n in numbers])
        counts.append(len(sent))
    assert counts[0] == counts[1]


@given(st.permutations([(kind, LEFT + n * HOUR) for n, kind in enumerate(KINDS)]))
def test_the_status_does_not_depend_on_the_order_in_which_events_come(told_in: list) -> None:
    assert status_of(told_in) == "returned"
    assert status_of([pair for pair in told_in if pair[0] != "returned"]) == "delivered"
    assert status_of([]) == "shipped"


def test_the_key_of_an_event_is_the_same_in_every_zone() -> None:
    from zoneinfo import ZoneInfo

    one = told("in_transit", 1)
    other = TrackingDoc("sf", "SF1", "in_transit", one.at.astimezone(ZoneInfo("Asia/Shanghai")))

    assert event_key(one) == event_key(other) != event_key(told("in_transit", 1, place="x"))
