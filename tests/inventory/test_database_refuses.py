"""Should the code be wrong, the database refuses what must never happen."""

import pytest
from django.db import DatabaseError, IntegrityError, transaction
from tests.support.company import ACTOR, NOW, goods, levels, movements, order, paid, pool, put
from tests.support.database import contents
from tests.support.following import route_all
from tests.support.intake import take

from tongpan.core.bulk import execute, fetch_all
from tongpan.inventory.actions import reserve
from tongpan.inventory.engine import Delta, Demand
from tongpan.inventory.ledger import post
from tongpan.inventory.locks import lock_pools

pytestmark = pytest.mark.usefixtures("company")


def sku(code):
    return fetch_all("SELECT id FROM catalog_sku WHERE code = %s", [code])[0][0]


def node(code):
    return fetch_all("SELECT id FROM network_node WHERE code = %s", [code])[0][0]


@pytest.mark.parametrize(
    "constraint, statement",
    [
        ("pool_never_oversold", "UPDATE inventory_pool SET held = 4"),
        ("pool_never_oversold", "UPDATE inventory_pool SET allocated = 4"),
        ("pool_never_oversold", "UPDATE inventory_pool SET held = 2, allocated = 2"),
        ("pool_never_oversold", "UPDATE inventory_pool SET on_hand = -1"),
        ("pool_never_oversold", "UPDATE inventory_pool SET held = -1"),
        ("pool_never_oversold", "UPDATE inventory_pool SET allocated = -1"),
        ("level_never_oversold", "UPDATE inventory_level SET allocated = 4"),
        ("level_never_oversold", "UPDATE inventory_level SET on_hand = -1"),
        ("level_never_oversold", "UPDATE inventory_level SET allocated = -1"),
        ("level_once", "INSERT INTO inventory_level (sku_id, node_id, bucket, on_hand, allocated) "
                       "SELECT sku_id, node_id, bucket, 0, 0 FROM inventory_level"),
    ],
)  # fmt: skip
def test_a_raw_statement_cannot_oversell(constraint, statement):
    put("sh", A=3)
    before = contents()

    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        execute(statement)

    assert contents() == before


def test_a_movement_of_the_same_cause_happens_once():
    put("sh", A=3)
    delta = Delta(sku("A"), node("sh"), "saleable", "returned", 1, 0, 0, "return", 7, NOW)
    post([delta], actor=ACTOR)
    before = contents()

    with pytest.raises(IntegrityError, match="movement_once"), transaction.atomic():
        post([delta], actor=ACTOR)

    assert contents() == before
    assert levels("A") == {"sh": (4, 0)}


def test_a_movement_of_the_pool_alone_happens_once_as_well():
    put("sh", A=3)
    delta = Delta(sku("A"), None, "saleable", "reserved", 0, 0, 1, "order_line", 7, NOW)
    post([delta], actor=ACTOR)

    with pytest.raises(IntegrityError, match="movement_once"), transaction.atomic():
        post([delta], actor=ACTOR)

    assert pool("A") == (3, 0, 1)


def test_a_movement_that_moves_nothing_is_refused_and_never_posted():
    put("sh", A=3)
    before = contents()

    post([Delta(sku("A"), node("sh"), "saleable", "adjusted", 0, 0, 0, "return", 7, NOW)], actor=ACTOR)
    assert contents() == before
    with pytest.raises(IntegrityError, match="movement_moves_something"), transaction.atomic():
        execute(
            """INSERT INTO inventory_movement (sku_id, bucket, kind, cause_type, cause_id, actor, reason, occurred_at,
                 on_hand_delta, allocated_delta, held_delta)
               SELECT sku_id, bucket, kind, 'x', 1, '', '', occurred_at, 0, 0, 0 FROM inventory_movement"""
        )


def test_code_that_takes_more_than_there_is_writes_nothing():
    # given a caller that did not look at what is free
    put("sh", A=3)
    before = contents()

    with pytest.raises(IntegrityError, match="never_oversold"), transaction.atomic():
        lock_pools([sku("A")])
        post([Delta(sku("A"), node("sh"), "saleable", "allocated", 0, 4, 0, "fulfillment", 1, NOW)], actor=ACTOR)

    assert contents() == before
    assert movements() == [("adjusted", "sh", 3, 0, 0)]


def test_a_line_is_reserved_once():
    put("sh", A=3)
    take(paid("1", goods("A")))
    order_id, line_id = fetch_all("SELECT order_id, id FROM orders_orderline")[0]
    before = contents()

    with pytest.raises(IntegrityError), transaction.atomic():
        reserve([Demand(order_id, line_id, sku("A"), 1)], actor=ACTOR, now=NOW)

    assert contents() == before
    assert pool("A") == (3, 0, 1)


def test_goods_without_a_sku_and_charges_with_one_are_refused():
    take(order("1", goods("A")))

    for change in ("kind = 'charge'", "sku_id = NULL", "qty = -1"):
        with pytest.raises(IntegrityError, match="goods_have_a_sku"), transaction.atomic():
            execute(f"UPDATE orders_orderline SET {change}")


def test_history_cannot_be_changed():
    put("sh", A=3)
    take(paid("1", goods("A")))
    route_all()
    before = contents()

    for table, column in (
        ("inventory_movement", "reason"),
        ("orders_orderevent", "kind"),
        ("fulfillment_routingdecision", "rule"),
        ("core_event", "key"),
    ):
        for statement in (f"UPDATE {table} SET {column} = 'x'", f"DELETE FROM {table}"):
            with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
                execute(statement)

    assert contents() == before
