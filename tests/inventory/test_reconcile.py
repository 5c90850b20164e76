"""Reconciliation proves that levels and pools are the sums of their movements, and names what is not."""

import pytest
from tests.support.company import HOUR, NOW, goods, order_ids, paid, put, recount, return_of, shipped
from tests.support.following import retry_all, route_all
from tests.support.intake import take, take_back

from tongpan.core.bulk import execute, fetch_all
from tongpan.fulfillment.actions import dispatch
from tongpan.fulfillment.queries import reconcile as reconcile_fulfilments
from tongpan.inventory.queries import reconcile
from tongpan.orders.queries import reconcile as reconcile_orders

pytestmark = pytest.mark.usefixtures("company")


def busy_day():
    """Every kind of movement once."""
    put("sh", A=9, B=9)
    put("hz", A=2, B=9)
    recount("hz", "count", A=4)
    take(
        paid("1", goods("A", 2), goods("B")),
        paid("2", goods("A", 11)),
        paid("3", goods("A", 99)),
        shipped("4", goods("B", 2)),
        paid("5", goods("B")),
    )
    route_all()
    dispatch([i for (i,) in fetch_all("SELECT id FROM fulfillment_fulfillment WHERE status = 'allocated' "
                                      "AND order_id = %s", order_ids(["1"]))], at=NOW, actor="x")  # fmt: skip
    take(paid("5", goods("B"), cancelled_at=NOW - HOUR))
    route_all()
    take_back(return_of("R1", goods("A", 1, -100)))
    retry_all("A", "B")
    take(paid("6", goods("B")))


def test_after_a_busy_day_all_adds_up():
    busy_day()

    found = reconcile()

    assert found.differences == []
    assert found.checked == {
        "levels": fetch_all("SELECT count(*) FROM inventory_level")[0][0],
        "pools": 2,
        "movements": fetch_all("SELECT count(*) FROM inventory_movement")[0][0],
        "reservations": 1,
        "transfers": 0,
    }
    assert {kind for (kind,) in fetch_all("SELECT DISTINCT kind FROM inventory_movement")} == {
        "counted", "adjusted", "reserved", "released", "allocated", "deallocated", "dispatched", "returned",
    }  # fmt: skip
    assert reconcile_fulfilments()[1] == []
    assert reconcile_orders()[1] == []


def test_a_level_that_was_changed_by_hand_is_named():
    put("sh", A=5)
    execute("UPDATE inventory_level SET on_hand = on_hand + 1")

    assert reconcile().differences == [
        {
            "what": "level", "sku": "A", "node": "sh", "bucket": "saleable", "on_hand": 6, "movements_on_hand": 5,
            "allocated": 0, "movements_allocated": 0,
        }
    ]  # fmt: skip


def test_a_pool_that_was_changed_by_hand_is_named():
    put("sh", A=5, B=5)
    execute("UPDATE inventory_pool SET on_hand = on_hand + 1 WHERE sku_id = (SELECT min(sku_id) FROM inventory_pool)")

    assert reconcile().differences == [
        {
            "what": "pool", "sku": "A", "on_hand": 6, "movements_on_hand": 5, "allocated": 0, "movements_allocated": 0,
            "held": 0, "movements_held": 0,
        }
    ]  # fmt: skip


def test_a_level_without_movements_and_movements_without_a_level_are_named():
    put("sh", A=5)
    put("hz", A=1)
    execute("DELETE FROM inventory_level WHERE on_hand = 1")
    execute(
        """INSERT INTO inventory_level (sku_id, node_id, bucket, on_hand, allocated)
           SELECT sku_id, node_id, 'damaged', 3, 0 FROM inventory_level"""
    )

    assert [(d["node"], d["bucket"], d["on_hand"], d["movements_on_hand"]) for d in reconcile().differences] == [
        ("hz", "saleable", None, 1),
        ("sh", "damaged", 3, None),
    ]


def test_a_promise_without_a_reservation_is_named():
    put("sh", A=5)
    take(paid("1", goods("A", 2)))
    execute("UPDATE inventory_reservation SET state = 'released'")

    assert reconcile().differences == [{"what": "held", "sku": "A", "held": 2, "reservations": 0}]


def test_an_order_and_a_fulfilment_that_do_not_add_up_are_named():
    put("sh", A=5)
    take(paid("1", goods("A", 2)))
    route_all()
    execute("UPDATE orders_order SET goods_minor = goods_minor + 1, total_minor = total_minor + 1")
    execute("UPDATE fulfillment_fulfillmentline SET qty = 3")

    (order,) = reconcile_orders()[1]
    assert (order["what"], order["number"], order["goods_minor"], order["lines_goods_minor"]) == (
        "order",
        "1",
        1001,
        1000,
    )
    assert [(d["what"], d.get("ordered") or d.get("movements_allocated")) for d in reconcile_fulfilments()[1]] == [
        ("order line", 2),
        ("fulfillment", 2),
    ]
