"""Promises: kept, broken, late or at risk; why; and how long each step took."""

from datetime import timedelta

import pytest
from tests.support.company import DAY, HOUR, NOW, goods, order_ids, paid, put
from tests.support.database import statements
from tests.support.following import route_all
from tests.support.intake import take

from tongpan.core.bulk import fetch_all
from tongpan.core.stored import store
from tongpan.fulfillment.keeping.queries import Wanted, board, count_promises, promises, step_times
from tongpan.fulfillment.models import Fulfillment, RoutingDecision
from tongpan.orders.models import Hold, Order

pytestmark = pytest.mark.usefixtures("company")
WANTED = Wanted(NOW - 10 * DAY, NOW + DAY)
PLACED = NOW - 10 * HOUR


def promised(number, *, method="ship", node="sh", **columns):
    """An order placed ten hours ago with one fulfilment at ``node`` that has these columns."""
    take(paid(number, goods("A", 1), placed_at=PLACED, paid_at=PLACED + timedelta(minutes=6)))
    route_all(number)
    (order_id,) = order_ids([number])
    Order.objects.filter(pk=order_id).update(delivery_method=method, delivery_node=node if method == "pickup" else "")
    nodes = dict(fetch_all("SELECT code, id FROM network_node"))
    columns = {"due_at": None, "ready_by": None, "status": "allocated"} | columns
    Fulfillment.objects.filter(order=order_id).update(node_id=nodes[node], **columns)
    return order_id


@pytest.fixture(autouse=True)
def stocked(company):
    put("sh", A=50)


def found(wanted=WANTED):
    return {one.number: (one.promise, one.state, one.reason) for one in promises(wanted, now=NOW)}


def pickup(number, **columns):
    return promised(number, method="pickup", **{"ready_by": PLACED + 2 * HOUR, **columns})


def test_a_pickup_is_kept_by_being_ready():
    pickup("ready", ready_at=PLACED + HOUR)
    pickup("too late", ready_at=PLACED + 3 * HOUR)
    pickup("not yet", status="picking")
    pickup("soon", ready_by=NOW + HOUR)
    pickup("time enough", ready_by=NOW + 9 * HOUR)

    assert found() == {
        "ready": ("pickup", "kept", ""),
        "too late": ("pickup", "broken", "late_pick"),
        "not yet": ("pickup", "late", "late_pick"),
        "soon": ("pickup", "at_risk", "late_pick"),
        "time enough": ("pickup", "open", ""),
    }


def test_a_parcel_is_kept_by_arriving_or_by_leaving_as_the_clock_says():
    promised("left", due_at=NOW - HOUR, dispatched_at=NOW - 2 * HOUR, status="dispatched")
    promised("there", due_at=NOW - HOUR, dispatched_at=NOW - 5 * HOUR, delivered_at=NOW - 3 * HOUR, status="delivered")
    promised("channel", promised_at=NOW - HOUR, dispatched_at=NOW - 2 * HOUR, status="dispatched")
    promised("nothing")

    assert found() == {
        "left": ("ship", "late", "carrier"),
        "there": ("ship", "kept", ""),
        "channel": ("dispatch", "kept", ""),
    }
    store("fulfillment.clocks", {"ship_clock": "dispatched"})
    assert found()["left"] == ("ship", "kept", "")


def test_why_a_promise_is_late():
    late = {"due_at": NOW - HOUR}
    rejected = promised("given back", **late)
    first = Fulfillment.objects.get(order=rejected)
    Fulfillment.objects.create(
        order_id=rejected,
        node_id=first.node_id,
        decision_id=first.decision_id,
        status="rejected",
        reject_reason="no_capacity",
        allocated_at=PLACED,
    )
    waited = promised("waited", **late)
    RoutingDecision.objects.create(
        order_id=waited, attempt=9, policy="p", policy_version=1, outcome="unfillable", rule="none", explanation={}
    )
    held = promised("held", **late)
    Hold.objects.create(order_id=held, reason="manual")
    promised("silent", status="offered", accept_by=NOW, **late)
    promised("slow", status="accepted", **late)
    promised("called off", **late)
    Order.objects.filter(external_id="called off").update(status="cancelled")

    assert {number: reason for number, (_, _, reason) in found().items()} == {
        "given back": "rejected",
        "waited": "stock",
        "held": "held",
        "silent": "not_accepted",
        "slow": "late_pick",
    }


def test_the_board_counts_by_node_and_its_figures_lead_to_the_rows():
    pickup("1", ready_at=PLACED + HOUR)
    pickup("2", node="hz", ready_at=PLACED + HOUR)
    pickup("3", node="hz", status="picking")
    promised("4", node="hz", due_at=NOW + HOUR)

    with statements() as asked:
        shown = board(WANTED, now=NOW)

    assert [(r.node, r.promise, r.kept, r.broken, r.late, r.at_risk, r.open, r.rate) for r in shown.rows] == [
        ("hz", "pickup", 1, 0, 1, 0, 0, 0.5),
        ("hz", "ship", 0, 0, 0, 1, 0, None),
        ("sh", "pickup", 1, 0, 0, 0, 0, 1.0),
    ]
    assert (shown.total.due, shown.total.rate) == (3, 2 / 3)
    assert shown.reasons == [("late_pick", 2)]
    assert len(asked) == 2  # the clocks and the board
    hz = dict(fetch_all("SELECT code, id FROM network_node"))["hz"]
    late = Wanted(WANTED.since, WANTED.until, nodes={hz}, states=["late"])
    assert [one.number for one in promises(late, now=NOW)] == ["3"]
    assert count_promises(late, 100, now=NOW) == 1
    assert found(Wanted(WANTED.since, WANTED.until, channel="own")) == {}
    assert found(Wanted(NOW, WANTED.until)) == {}
    assert found(Wanted(WANTED.since, WANTED.until, nodes=set())) == {}


def test_steps_are_measured_from_the_last_that_was_taken():
    paid_at = PLACED + timedelta(minutes=6)
    promised(
        "all",
        allocated_at=paid_at + HOUR,
        accepted_at=paid_at + 2 * HOUR,
        picked_at=paid_at + 4 * HOUR,
        packed_at=paid_at + 5 * HOUR,
        dispatched_at=paid_at + 6 * HOUR,
        delivered_at=paid_at + 9 * HOUR,
    )
    pickup("ready at once", allocated_at=paid_at + 3 * HOUR, ready_at=paid_at + 4 * HOUR)

    steps = {one.step: (one.number, one.mean and round(one.mean, 3)) for one in step_times(WANTED, now=NOW)}

    assert steps == {
        "routed": (2, 2.0),
        "accepted": (1, 1.0),
        "picked": (1, 2.0),
        "packed": (1, 1.0),
        "gone": (2, 1.0),
        "arrived": (1, 3.0),
        "whole": (2, 5.0),
    }
