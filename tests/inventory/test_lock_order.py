"""Whoever changes stock locks the pools of its SKUs, in ascending order, before it looks at or changes any level."""

import re

import pytest
from tests.support.company import ACTOR, HOUR, NOW, goods, order_ids, paid, put, recount, return_of, shipped
from tests.support.database import statements
from tests.support.following import retry_all, route_all
from tests.support.intake import take, take_back

from tongpan.core.bulk import fetch_all
from tongpan.fulfillment.actions import dispatch, route
from tongpan.inventory.actions import (
    approve_count,
    cancel_transfers,
    create_transfers,
    enter_counts,
    open_counts,
    receive,
    send,
    submit_count,
)
from tongpan.inventory.engine.counting import Found, SheetDoc
from tongpan.inventory.engine.transfers import Arrival, Receipt, Sending, TransferDoc, Wanted

pytestmark = pytest.mark.usefixtures("company")
POOL_LOCK = re.compile(
    r"FROM inventory_pool\s+WHERE sku_id = ANY\(.*\) ORDER BY sku_id FOR NO KEY UPDATE\) AS locked$", re.S
)
ORDER_LOCK = re.compile(r"(FROM|JOIN) orders_order\b.*ORDER BY (o\.)?id(, f\.id)? FOR NO KEY UPDATE( OF o)?$", re.S)
WRITES = ("UPDATE inventory_pool", "UPDATE inventory_level", "INSERT INTO inventory_level")
LOOKS = ("FROM inventory_level", "UPDATE inventory_reservation")
# A count looks which levels are not as counted, locks their pools, and looks at them again.
LOOKS_BEFORE = {"a count": 1}


def cancel_all():
    numbers = [number for (number,) in fetch_all("SELECT external_id FROM orders_order")]
    take(*(paid(number, goods("B"), goods("A"), cancelled_at=NOW - HOUR) for number in numbers))


def dispatch_all():
    dispatch([i for (i,) in fetch_all("SELECT id FROM fulfillment_fulfillment")], at=NOW, actor=ACTOR)


def taken(make=paid):
    return take(make("1", goods("B"), goods("A")), make("2", goods("A"), goods("B")))


def draft():
    lines = [Wanted("B", 2), Wanted("A", 3)]
    create_transfers([TransferDoc("test", "T", "sh", "hz", lines)], actor=ACTOR, now=NOW)


def transfers():
    return [i for (i,) in fetch_all("SELECT id FROM inventory_transfer")]


def send_all():
    outcomes = send([Sending(i) for i in transfers()], actor=ACTOR, now=NOW)
    assert [outcome.state for outcome in outcomes] == ["accepted"]


def receive_all():
    receive([Receipt(i, [Arrival(1, 2), Arrival(2, 3)]) for i in transfers()], actor=ACTOR, now=NOW)


def take_transfers_back():
    cancel_transfers(transfers(), reason="no lorry", actor=ACTOR, now=NOW)


def hand_in():
    sheet_id = open_counts([SheetDoc("test", "C", "sh", "cycle", ["B", "A"])], actor=ACTOR, now=NOW)[0].sheet_id
    enter_counts(sheet_id, [Found("B", 1), Found("A", 1)], actor=ACTOR, now=NOW)
    submit_count(sheet_id, reason="theft", actor=ACTOR, now=NOW)


def approve():
    [(sheet_id,)] = fetch_all("SELECT id FROM inventory_countsheet")
    assert approve_count(sheet_id, actor="another", now=NOW).state == "accepted"


PREPARED = {
    "sending a transfer": ([draft], send_all),
    "receiving a transfer": ([draft, send_all], receive_all),
    "taking a transfer back": ([draft, send_all], take_transfers_back),
    "approving a count": ([hand_in], approve),
    "an adjustment": ([], lambda: put("sh", "more", B=5, A=-2)),
    "a count": ([], lambda: recount("sh", "count", B=5, A=2)),
    "a return": ([], lambda: take_back(return_of("R", goods("B", 1, -1), goods("A", 1, -1)))),
    "taking paid orders in": ([], taken),
    "taking cancellations in": ([taken], cancel_all),
    "routing paid orders": ([taken], route_all),
    "routing shipped orders": ([lambda: taken(shipped)], route_all),
    "routing cancelled orders": ([taken, route_all, cancel_all], route_all),
    "dispatching": ([taken, route_all], dispatch_all),
}


@pytest.mark.parametrize("what", PREPARED)
def test_pools_are_locked_before_stock_is_looked_at_or_changed(what):
    before, act = PREPARED[what]
    put("sh", A=9, B=9)
    for step in before:
        step()

    with statements() as sent:
        act()

    locks = [i for i, sql in enumerate(sent) if POOL_LOCK.search(sql)]
    writes = [i for i, sql in enumerate(sent) if any(text in sql for text in WRITES)]
    looks = [i for i, sql in enumerate(sent) if any(text in sql for text in LOOKS)]
    assert locks and writes, what
    assert locks[0] < min(writes)
    assert len([i for i in looks if i < locks[0]]) == LOOKS_BEFORE.get(what, 0)
    assert not looks or locks[0] < looks[-1]


@pytest.mark.parametrize(
    "what", ["routing paid orders", "routing cancelled orders", "dispatching", "taking cancellations in"]
)
def test_orders_are_locked_before_pools(what):
    before, act = PREPARED[what]
    put("sh", A=9, B=9)
    for step in before:
        step()

    with statements() as sent:
        act()

    orders = [i for i, sql in enumerate(sent) if ORDER_LOCK.search(sql)]
    pools = [i for i, sql in enumerate(sent) if POOL_LOCK.search(sql)]
    assert orders and pools
    assert orders[0] < pools[0]


def test_serving_those_who_wait_locks_orders_then_pools():
    take(paid("1", goods("A")))
    route_all()
    put("sh", "more", A=1)

    with statements() as sent:
        assert retry_all("A") == 1

    orders = [i for i, sql in enumerate(sent) if ORDER_LOCK.search(sql)]
    pools = [i for i, sql in enumerate(sent) if POOL_LOCK.search(sql)]
    assert orders[0] < pools[0]


def test_a_batch_that_cancels_and_reserves_locks_all_its_pools_at_once():
    put("sh", A=9, B=9)
    take(paid("1", goods("B")))

    with statements() as sent:
        take(paid("1", goods("B"), cancelled_at=NOW), paid("2", goods("A")))

    first = next(sql for sql in sent if POOL_LOCK.search(sql))
    ids = sorted(i for (i,) in fetch_all("SELECT id FROM catalog_sku"))
    assert f"{{{ids[0]},{ids[1]}}}" in first


def test_routing_a_mixed_batch_locks_all_its_pools_at_once():
    put("sh", A=9, B=9)
    take(paid("1", goods("B")), paid("2", goods("B")))
    route_all()
    take(paid("1", goods("B"), cancelled_at=NOW), shipped("2", goods("B")), paid("3", goods("A")))

    with statements() as sent:
        route(order_ids("123"), actor="routing", now=NOW)

    first = next(sql for sql in sent if POOL_LOCK.search(sql))
    ids = sorted(i for (i,) in fetch_all("SELECT id FROM catalog_sku"))
    assert f"{{{ids[0]},{ids[1]}}}" in first
