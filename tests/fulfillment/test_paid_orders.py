"""A paid order: reserved from the pool, allocated at a node, dispatched."""

import pytest
from tests.support.company import (
    ACTOR,
    DAY,
    HANGZHOU,
    HOUR,
    NOW,
    charge,
    fulfillments,
    goods,
    levels,
    movements,
    open_holds,
    order,
    paid,
    pool,
    put,
    statuses,
)
from tests.support.database import contents
from tests.support.following import decisions, events, retry_all, route_all
from tests.support.intake import take

from tongpan.core.bulk import execute, fetch_all
from tongpan.fulfillment.actions import dispatch
from tongpan.fulfillment.models import Fulfillment, RoutingDecision
from tongpan.inventory.queries import reconcile as reconcile_stock
from tongpan.network.actions import set_services
from tongpan.orders.engine import ShipTo

pytestmark = pytest.mark.usefixtures("company")
TO_HANGZHOU = ShipTo("浙江省", "杭州市", *HANGZHOU)


def fulfillment_ids(number):
    rows = fetch_all(
        "SELECT f.id FROM fulfillment_fulfillment f JOIN orders_order o ON o.id = f.order_id WHERE external_id = %s",
        [number],
    )
    return [i for (i,) in rows]


def test_a_paid_order_is_reserved_then_allocated_then_dispatched():
    # given stock at two nodes
    put("sh", A=5)
    put("hz", A=5)

    # when it is taken in, then the pool promises its goods and no node knows of it
    take(paid("1", goods("A", 2), ship_to=TO_HANGZHOU, promised_at=NOW + DAY))
    assert (pool("A"), levels("A")) == ((10, 0, 2), {"hz": (5, 0), "sh": (5, 0)})
    assert fulfillments("1") == []

    # when it is routed, then the promise becomes an allocation at the nearest node
    assert route_all() == {"1": "routed"}
    assert (pool("A"), levels("A")) == ((10, 2, 0), {"hz": (5, 2), "sh": (5, 0)})
    assert fulfillments("1") == [("hz", "allocated", {"A": 2})]
    assert fetch_all("SELECT state, qty FROM inventory_reservation") == [("allocated", 2)]
    assert Fulfillment.objects.values_list("promised_at", "allocated_at", "dispatched_at").get() == (
        NOW + DAY,
        NOW,
        None,
    )

    # when it is dispatched, then its units are gone and the order knows when
    ids = fulfillment_ids("1")
    assert dispatch(ids, at=NOW + HOUR, actor="picker") == ids
    assert (pool("A"), levels("A")) == ((8, 0, 0), {"hz": (3, 0), "sh": (5, 0)})
    assert fulfillments("1") == [("hz", "dispatched", {"A": 2})]
    assert fetch_all("SELECT status, dispatched_at FROM orders_order") == [("dispatched", NOW + HOUR)]
    assert fetch_all("SELECT kind, at, actor FROM orders_orderevent WHERE kind = 'dispatched'") == [
        ("dispatched", NOW + HOUR, "picker")
    ]

    # then every step is a movement, and nothing else moved
    assert [m for m in movements() if m[0] != "adjusted"] == [
        ("reserved", None, 0, 0, 2),
        ("released", None, 0, 0, -2),
        ("allocated", "hz", 0, 2, 0),
        ("dispatched", "hz", -2, -2, 0),
    ]
    assert [
        name for name, _ in events("order.accepted", "order.routed", "fulfillment.dispatched", "order.changed")
    ] == [
        "order.accepted",
        "order.routed",
        "fulfillment.dispatched",
        "order.changed",
    ]
    assert events("order.changed")[0][1]["route"] is False
    assert (open_holds(), reconcile_stock().differences) == (set(), [])


def test_an_unpaid_order_reserves_nothing_and_is_not_routed():
    put("sh", A=5)
    take(order("1", goods("A", 2)))
    before = contents()

    assert route_all() == {}

    assert contents() == before
    assert pool("A") == (5, 0, 0)


def test_an_order_of_charges_alone_needs_no_node():
    take(paid("1", charge("POST", 500)))
    before = contents()

    assert route_all() == {}

    assert contents() == before
    assert events("order.accepted")[0][1]["route"] is False


def test_an_order_is_split_when_no_node_has_all_and_dispatched_with_its_last_part():
    put("sh", A=6)
    put("hz", A=6)
    take(paid("1", goods("A", 10), ship_to=TO_HANGZHOU))

    assert route_all() == {"1": "routed"}
    assert fulfillments("1") == [("hz", "allocated", {"A": 6}), ("sh", "allocated", {"A": 4})]
    assert levels("A") == {"hz": (6, 6), "sh": (6, 4)}

    first, second = fulfillment_ids("1")
    dispatch([first], at=NOW, actor="hz")
    assert statuses() == {"1": "paid"}
    assert pool("A") == (6, 4, 0)
    dispatch([second], at=NOW + HOUR, actor="sh")

    assert fetch_all("SELECT status, dispatched_at FROM orders_order") == [("dispatched", NOW + HOUR)]
    assert (pool("A"), levels("A")) == ((2, 0, 0), {"hz": (0, 0), "sh": (2, 0)})


def test_dispatching_twice_takes_the_goods_once():
    put("sh", A=5)
    take(paid("1", goods("A", 2)))
    route_all()
    ids = fulfillment_ids("1")
    dispatch(ids, at=NOW, actor="picker")
    before = contents()

    assert dispatch([*ids, 10**9], at=NOW + HOUR, actor="picker") == []

    assert contents() == before


def test_an_order_with_a_line_that_still_waits_is_not_dispatched_with_the_rest():
    # given an order whose second line came later and is out of stock
    put("sh", A=5)
    take(paid("1", goods("A")))
    route_all()
    take(paid("1", goods("A"), goods("B")))
    assert route_all() == {"1": "unfillable"}

    dispatch(fulfillment_ids("1"), at=NOW, actor="picker")

    assert statuses() == {"1": "paid"}
    assert open_holds() == {("1", "out_of_stock")}
    # and what waited is served and completes the order
    put("sh", "later", B=1)
    assert retry_all("B") == 1
    assert fulfillments("1") == [("sh", "dispatched", {"A": 1}), ("sh", "allocated", {"B": 1})]
    dispatch(fulfillment_ids("1"), at=NOW + HOUR, actor="picker")
    assert (statuses(), open_holds()) == ({"1": "dispatched"}, set())


def test_a_supplier_ships_without_moving_our_stock():
    take(paid("1", goods("X", 3), shop_code="mall"))
    assert open_holds() == {("1", "out_of_stock")}

    assert route_all() == {"1": "routed"}

    assert fulfillments("1") == [("sup", "allocated", {"X": 3})]
    assert (pool("X"), levels("X"), movements("X"), open_holds()) == ((0, 0, 0), {}, [], set())
    dispatch(fulfillment_ids("1"), at=NOW, actor="sup")
    assert (statuses(), movements("X")) == ({"1": "dispatched"}, [])


def test_a_node_that_is_named_ships_though_another_is_nearer():
    put("sh", A=5)
    put("bj", A=5)
    take(paid("1", goods("A", 2, wanted_node="bj"), ship_to=TO_HANGZHOU))

    assert route_all() == {"1": "routed"}

    assert fulfillments("1") == [("bj", "allocated", {"A": 2})]
    assert decisions("1") == [(1, "routed", "named-node")]


def test_the_explanation_is_stored_as_the_engine_gave_it():
    put("sh", A=5, B=1)
    put("hz", A=5)
    put("bj", A=5, B=1)
    take(paid("1", goods("A", 2), goods("B"), ship_to=TO_HANGZHOU))
    route_all()

    missing = fetch_all("SELECT id FROM catalog_sku WHERE code = 'B'")[0][0]
    stored = RoutingDecision.objects.values(
        "attempt", "policy", "policy_version", "outcome", "rule", "explanation"
    ).get()
    assert stored == {
        "attempt": 1,
        "policy": "nearest-then-fewest",
        "policy_version": 1,
        "outcome": "routed",
        "rule": "nearest-with-all",
        "explanation": {
            "candidates": [
                {
                    "node": "hz", "km": 0.0, "have": 1, "of": 2, "rank": 1, "outcome": "eliminated", "why": "short",
                    "missing": [missing],
                },
                {"node": "sh", "km": 164.9, "have": 2, "of": 2, "rank": 2, "outcome": "chosen"},
                {"node": "bj", "km": 1123.5, "have": 2, "of": 2, "rank": 3, "outcome": "eliminated", "why": "farther"},
            ]
        },
    }  # fmt: skip
    (node,) = fetch_all("SELECT id FROM network_node WHERE code = 'sh'")[0]
    assert events("order.routed") == [
        ("order.routed", {"day": "2026-11-17", "outcome": "routed", "nodes": [node]}),
    ]


def test_orders_of_one_batch_see_what_those_placed_before_them_took():
    put("hz", A=1)
    put("sh", A=1)
    take(
        paid("b", goods("A"), placed_at=NOW - 2 * DAY, ship_to=TO_HANGZHOU),
        paid("a", goods("A"), placed_at=NOW - DAY, ship_to=TO_HANGZHOU),
    )

    assert route_all() == {"a": "routed", "b": "routed"}

    assert (fulfillments("b"), fulfillments("a")) == ([("hz", "allocated", {"A": 1})], [("sh", "allocated", {"A": 1})])


def test_routing_a_routed_order_again_writes_nothing():
    put("sh", A=5)
    take(paid("1", goods("A", 2)))
    route_all()
    before = contents()

    assert route_all() == {}

    assert contents() == before


def test_a_node_that_does_not_serve_the_shop_or_is_closed_ships_nothing():
    put("sh", A=5)
    execute("UPDATE network_node SET is_active = false WHERE code = 'sh'")
    take(paid("1", goods("A")))

    assert route_all() == {"1": "unfillable"}

    assert (fulfillments("1"), open_holds()) == ([], {("1", "out_of_stock")})
    assert pool("A") == (5, 0, 0)  # the promise is given back: another shop may be served by a node that has it


def test_an_order_of_a_shop_without_nodes_waits_for_one():
    put("sh", A=5)
    execute("DELETE FROM network_service")
    take(paid("1", goods("A")))

    assert route_all() == {"1": "unfillable"}
    assert (open_holds(), decisions("1")) == ({("1", "no_node")}, [(1, "unfillable", "no-node")])

    # when a node serves the shop, then the order is routed and waits for nothing

    set_services("tm", ["sh"], actor=ACTOR, now=NOW)
    assert route_all() == {"1": "routed"}
    assert (open_holds(), decisions("1")) == (set(), [(1, "unfillable", "no-node"), (2, "routed", "nearest-with-all")])
    assert pool("A") == (5, 1, 0)
