"""Delivery in a later slot waits with its goods and is offered in time; instant delivery has a promise of its own."""

from datetime import time, timedelta

import pytest
from tests.fulfillment.test_desk import BY, NEAR, asking, newest, routed, states, steps
from tests.support.company import ACTOR, HOUR, NOW, fulfillments, goods, levels, order_ids, paid, put
from tests.support.database import statements
from tests.support.following import events, route_all
from tests.support.intake import take

from tongpan.core.bulk import execute
from tongpan.fulfillment.actions import cancel_orders, edit_order, reroute
from tongpan.fulfillment.actions.desk import make_ready, pack, pick
from tongpan.fulfillment.actions.handing import hand_over
from tongpan.fulfillment.actions.offering import set_clocks
from tongpan.fulfillment.actions.refusing import reject
from tongpan.fulfillment.actions.scheduled import release, release_scheduled
from tongpan.fulfillment.keeping.queries import Wanted, promises
from tongpan.fulfillment.models import Fulfillment
from tongpan.fulfillment.queues import most_urgent, queue, work_of_nodes
from tongpan.inventory.models import CountSheet
from tongpan.network.actions import save_nodes
from tongpan.network.engine import NodeSpec, Timetable
from tongpan.orders.editing import Edit, LineEdit
from tongpan.orders.engine import DeliveryDoc

pytestmark = pytest.mark.usefixtures("company")
SLOT = (NOW + 10 * HOUR, NOW + 12 * HOUR)
LATER = DeliveryDoc("ship", "", *SLOT)
IN_TIME = NOW + 6 * HOUR
"""The slot less four hours, the lead where nobody set another one."""
INSTANT = DeliveryDoc("instant")


def one(i):
    return Fulfillment.objects.get(pk=i)


def test_what_is_wanted_later_waits_with_its_goods_and_is_offered_in_time():
    put("sh", A=5)
    asking("sh", minutes=30)
    i = routed(delivery=LATER)

    waits = one(i)
    assert (waits.status, waits.offer_from, waits.accept_by, waits.due_at) == ("on_hold", IN_TIME, None, SLOT[1])
    assert levels("A")["sh"] == (5, 2)
    assert [(row.pk, row.due) for row in queue("later")] == [(i, IN_TIME)]
    assert list(queue("offered")) == []
    assert [(work.later, work.offered, work.late) for work in work_of_nodes(None, NOW)] == [(1, 0, 0)]
    assert states(pick([i], **BY)) == [("refused", "on_hold", "fulfillment.status")]
    assert release_scheduled(IN_TIME - timedelta(seconds=1)) == 0

    assert release_scheduled(IN_TIME) == 1
    assert release_scheduled(IN_TIME) == 0
    offered = one(i)
    assert (offered.status, offered.offered_at, offered.accept_by) == (
        "offered", IN_TIME, IN_TIME + timedelta(minutes=30))  # fmt: skip
    assert [(kind, at) for kind, _, _, at in steps(i)] == [("on_hold", NOW), ("released", IN_TIME),
                                                           ("offered", IN_TIME)]  # fmt: skip
    assert [name for name, _ in events("fulfillment.on_hold", "fulfillment.released", "fulfillment.offered")] == [
        "fulfillment.on_hold", "fulfillment.released", "fulfillment.offered"]  # fmt: skip
    assert levels("A")["sh"] == (5, 2)


def test_a_slot_that_is_near_and_an_order_without_one_do_not_wait():
    put("sh", A=9)

    assert one(routed("near", delivery=DeliveryDoc("ship", "", NOW + 4 * HOUR, NOW + 5 * HOUR))).status == "allocated"
    assert one(routed("none")).status == "allocated"
    assert one(routed("later", delivery=LATER)).status == "on_hold"


def test_a_pickup_for_later_waits_too_and_the_lead_is_a_setting():
    put("sh", A=5)
    set_clocks({"slot_lead_minutes": 60}, actor=ACTOR, now=NOW)
    i = routed(delivery=DeliveryDoc("pickup", "sh", *SLOT))

    assert (one(i).status, one(i).offer_from, one(i).ready_by) == ("on_hold", NOW + 9 * HOUR, SLOT[0])
    assert release_scheduled(NOW + 8 * HOUR) == 0
    set_clocks({"slot_lead_minutes": 120}, actor=ACTOR, now=NOW)
    assert release_scheduled(NOW + 8 * HOUR) == 1
    assert one(i).status == "allocated"


def test_a_slot_that_is_moved_or_dropped_moves_the_wait():
    put("sh", A=9)
    first, second = routed("1", delivery=LATER), routed("2", delivery=LATER)
    execute("UPDATE orders_order SET slot_start = %s, slot_end = %s WHERE external_id = '1'",
            [SLOT[0] + 5 * HOUR, SLOT[1] + 5 * HOUR])  # fmt: skip
    execute("UPDATE orders_order SET slot_start = NULL, slot_end = NULL WHERE external_id = '2'", [])

    assert release_scheduled(IN_TIME) == 1

    assert (one(first).status, one(first).offer_from, one(first).due_at) == (
        "on_hold", IN_TIME + 5 * HOUR, SLOT[1] + 5 * HOUR)  # fmt: skip
    assert one(second).status == "allocated"
    assert release_scheduled(IN_TIME + 5 * HOUR) == 1


def test_the_office_may_offer_at_once_and_only_once():
    put("sh", A=5)
    i = routed(delivery=LATER)

    assert states(release([i, 999_999], **BY)) == [("done", "allocated", ""), ("refused", "", "fulfillment.unknown")]
    assert states(release([i], **BY)) == [("unchanged", "allocated", "")]
    assert states(release([i], nodes=set(), **BY)) == [("refused", "allocated", "fulfillment.elsewhere")]
    assert states(pick([i], **BY)) == [("done", "picking", "")]


def test_as_many_statements_release_one_as_many():
    put("sh", A=50)
    asking("sh")
    counts = []
    for number in (1, 9):
        take(*(paid(f"{number}-{n}", goods("A"), ship_to=NEAR, delivery=LATER) for n in range(number)))
        route_all()
        with statements() as seen:
            assert release_scheduled(IN_TIME) == number
        counts.append(len(seen))
    assert counts[0] == counts[1]


@pytest.mark.parametrize("state", ["on_hold", "packed", "ready"])
def test_a_node_may_give_back_what_has_not_left_whatever_its_state(state):
    put("sh", A=5)
    put("hz", A=5)
    delivery = {"on_hold": LATER, "packed": DeliveryDoc(), "ready": DeliveryDoc("pickup", "sh")}[state]
    i = routed(delivery=delivery)
    if state != "on_hold":
        pack([i], **BY)
    if state == "ready":
        make_ready([i], **BY)
    assert one(i).status == state

    assert states(reject([i], "damaged", **BY)) == [("done", "rejected", "")]

    assert levels("A")["sh"] == (5, 0)
    assert CountSheet.objects.filter(node__code="sh").count() == 1
    if state == "ready":  # the buyer chose this store: no other one is asked, and the code opens nothing
        assert fulfillments("1") == [("sh", "rejected", {"A": 2})]
        assert hand_over([i], "known to the clerk", **BY)[0].code == "fulfillment.status"
    else:
        assert newest() != i
        assert one(newest()).node.code == "hz"
        assert one(newest()).status == ("on_hold" if state == "on_hold" else "allocated")


def test_every_parcel_that_ends_says_so_and_why():
    put("sh", A=1)
    put("hz", A=1)
    routed()
    parcels = list(Fulfillment.objects.order_by("-node__code").values_list("pk", flat=True))
    assert len(parcels) == 2
    cancel_orders([(order_ids(["1"])[0], None)], "the buyer asked for it", **BY)

    assert [steps(i)[-1] for i in parcels] == [
        ("cancelled", "user:li", "sh", BY["now"]), ("cancelled", "user:li", "hz", BY["now"])]  # fmt: skip
    told = [payload for _, payload in events("fulfillment.cancelled")]
    assert [(payload["order"], payload["why"]) for payload in told] == [(order_ids(["1"])[0], "cancelled")] * 2

    routed("2")
    reroute(order_ids(["2"]), **BY)
    edit_order(order_ids(["2"])[0], None, Edit(lines=[LineEdit(1, 1)]), "", **BY)
    cancel_orders([(order_ids(["1"])[0], None)], "again", **BY)  # it ended before: nothing more is said

    assert {payload["why"] for _, payload in events("fulfillment.cancelled")[2:]} == {"rerouted", "changed"}


def test_an_instant_delivery_is_due_after_an_hour_in_which_its_node_is_open():
    put("sh", A=9)
    placed = NOW - HOUR
    now = routed("open", placed_at=placed, paid_at=placed, delivery=INSTANT)
    assert one(now).due_at == placed + HOUR
    hours = Timetable([(day, time(17), time(22)) for day in range(7)])
    save_nodes([NodeSpec("sh", "central", "sh", latitude=31.23, longitude=121.47, hours=hours)], actor=ACTOR, now=NOW)
    night = routed("closed", placed_at=placed, paid_at=placed, delivery=INSTANT)

    assert one(night).due_at == NOW + 2 * HOUR  # it opens at 17:00 in Shanghai, an hour from now


def test_a_node_has_minutes_to_take_an_instant_delivery_whatever_it_has_for_others():
    put("sh", A=9)
    asking("sh", minutes=120)
    i = routed("1", placed_at=NOW, paid_at=NOW, delivery=INSTANT)

    assert one(i).accept_by == NOW + timedelta(minutes=10)
    assert one(routed("2", placed_at=NOW, paid_at=NOW)).accept_by == NOW + timedelta(minutes=120)


def test_instant_deliveries_stand_before_everything_else():
    put("sh", A=9)
    late = routed("late", placed_at=NOW - 30 * HOUR, paid_at=NOW - 30 * HOUR)
    instant = routed("instant", placed_at=NOW, paid_at=NOW, delivery=INSTANT)
    later = routed("later", delivery=DeliveryDoc("instant", "", *SLOT))

    assert [(row.pk, row.rush) for row in most_urgent(queue(""))] == [(instant, 0), (late, 1), (later, 1)]


def test_the_promise_of_an_instant_delivery_is_kept_by_arriving_whatever_stops_the_clock_of_parcels():
    put("sh", A=9)
    set_clocks({"ship_clock": "dispatched", "instant_minutes": 90}, actor=ACTOR, now=NOW)
    for number in ("there", "left", "late"):
        routed(number, placed_at=NOW - 3 * HOUR, paid_at=NOW - 3 * HOUR, delivery=INSTANT)
    due = NOW - 3 * HOUR + timedelta(minutes=90)
    Fulfillment.objects.filter(order__external_id="there").update(
        status="delivered", dispatched_at=due, delivered_at=due
    )
    Fulfillment.objects.filter(order__external_id="left").update(status="dispatched", dispatched_at=due)

    found = {p.number: (p.promise, p.state, p.reason) for p in promises(Wanted(NOW - 9 * HOUR, NOW), now=NOW)}
    assert found == {
        "there": ("instant", "kept", ""),
        "left": ("instant", "late", "carrier"),
        "late": ("instant", "late", "late_pick"),
    }
