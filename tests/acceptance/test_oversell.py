"""Acceptance cases "Oversell, hot row" and "Oversell, crossed lines": real processes, every isolation level."""

import random
from dataclasses import replace

import pytest
from tests.support.company import (
    ACTOR,
    HOUR,
    NOW,
    fulfillments,
    goods,
    levels,
    open_holds,
    order_ids,
    paid,
    pool,
    put,
    return_of,
)
from tests.support.database import row_counts
from tests.support.intake import take, take_back
from tests.support.processes import run_together

from tongpan.core.bulk import fetch_all
from tongpan.fulfillment.actions import retry_waiting, route
from tongpan.fulfillment.queries import reconcile as reconcile_fulfilments
from tongpan.inventory.actions import adjust
from tongpan.inventory.engine import AdjustmentDoc, StockLine
from tongpan.inventory.queries import reconcile
from tongpan.orders.engine import BuyerDoc
from tongpan.runtime.reconcile import reconcile as reconcile_all

pytestmark = pytest.mark.usefixtures("live_company")
ISOLATION = pytest.mark.parametrize("isolation", ["read committed", "repeatable read", "serializable"])


def deadlocks():
    """How many deadlocks the database has broken so far."""
    return fetch_all("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")[0][0]


@ISOLATION
def test_hot_row_forty_buyers_for_ten_units(isolation):
    put("sh", A=10)

    def buyers(process):
        return lambda: [take(paid(f"{process}-{number}", goods("A")))[0].state for number in range(10)]

    results = run_together([buyers(process) for process in range(4)], isolation=isolation)

    # then every order is in, ten have a unit and thirty wait
    assert [state for states in results for state in states] == ["accepted"] * 40
    assert (pool("A"), levels("A")) == ((10, 0, 10), {"sh": (10, 0)})
    assert fetch_all("SELECT count(*), sum(qty) FROM inventory_reservation WHERE state = 'held'") == [(10, 10)]
    assert len(open_holds()) == 30
    assert reconcile().differences == []

    # and routing gives the ten their units and nobody else
    outcomes = route(order_ids(f"{p}-{n}" for p in range(4) for n in range(10)), actor="routing", now=NOW)
    assert sorted(outcomes.values()) == ["routed"] * 10 + ["unfillable"] * 30
    assert (pool("A"), levels("A")) == ((10, 10, 0), {"sh": (10, 10)})
    assert len(open_holds()) == 30
    assert reconcile_all()["clean"]


@ISOLATION
def test_hot_row_forty_buyers_in_one_batch_each(isolation):
    put("sh", A=10)

    def buyers(process):
        return lambda: take(*(paid(f"{process}-{number}", goods("A")) for number in range(10)))

    run_together([buyers(process) for process in range(4)], isolation=isolation)

    assert (pool("A"), len(open_holds())) == ((10, 0, 10), 30)
    assert reconcile().differences == []


def test_hot_row_orders_that_left_already():
    # given ten units, and forty orders that their channels say have left, routed by several processes at once
    put("sh", A=10)
    take(*(paid(f"{n}", goods("A"), dispatched_at=NOW - HOUR) for n in range(40)))
    ids = order_ids(str(n) for n in range(40))

    run_together([lambda part=part: route(ids[part::4], actor="routing", now=NOW) for part in range(4)])

    assert (pool("A"), levels("A")) == ((0, 0, 0), {"sh": (0, 0)})
    assert len([n for n in range(40) if fulfillments(str(n))]) == 10
    assert {reason for _, reason in open_holds()} == {"unbooked"}
    assert len(open_holds()) == 30
    assert reconcile_all()["clean"]


@ISOLATION
def test_crossed_lines(isolation):
    # given two SKUs, and carts half of which name them in reverse
    put("sh", A=15, B=15)
    before = deadlocks()

    def cart(process, number):
        lines = [goods("A"), goods("B")]
        return paid(f"{process}-{number}", *(lines if (process + number) % 2 else lines[::-1]))

    def buyers(process):
        return lambda: [take(cart(process, number)) for number in range(10)]

    run_together([buyers(process) for process in range(4)], isolation=isolation)

    assert (pool("A"), pool("B")) == ((15, 0, 15), (15, 0, 15))
    assert len(open_holds()) == 25
    assert row_counts()["inventory_reservation"] == 30
    assert deadlocks() == before
    assert reconcile().differences == []


def test_crossed_batches_of_everything_at_once_never_deadlock():
    # given processes that take orders in, cancel, return, adjust, route and retry, over the same few SKUs
    skus = [f"S{n}" for n in range(6)]
    for node in ("sh", "hz", "bj"):
        put(node, **dict.fromkeys(skus, 40))
    before = deadlocks()

    def lines(chance):
        return [goods(code, chance.randint(1, 3)) for code in chance.sample(skus, chance.randint(1, 4))]

    common = [paid(f"common-{n}", *lines(random.Random(n))) for n in range(12)]
    common_ids = [outcome.document_id for outcome in take(*common)]

    def shop(process):
        def work():
            chance = random.Random(process)
            for round_no in range(6):
                prefix = f"{process}-{round_no}"
                who = BuyerDoc("b", "tm", f"u{chance.randint(0, 9)}", "张三")
                batch = [paid(f"{prefix}-{n}", *lines(chance), buyer=who) for n in range(8)]
                ids = [outcome.document_id for outcome in take(*batch)]
                chance.shuffle(ids)
                route(ids[:5], actor="routing", now=NOW)
                facts = [{"cancelled_at": NOW}, {"dispatched_at": NOW}] * 2
                changed = [replace(doc, **more) for doc, more in zip(chance.sample(batch, 4), facts, strict=True)]
                take(*changed, paid(f"{prefix}-x", *lines(chance)))
                route(ids, actor="routing", now=NOW)
                back = [line._replace(amount_minor=-1) for line in lines(chance)]
                take_back(return_of(prefix, *back, order_external_id=chance.choice(common).external_id))

        return work

    def warehouse():
        chance = random.Random(99)
        for number in range(12):
            codes = chance.sample(skus, 4)
            docs = [AdjustmentDoc("wms", f"{number}", node, NOW, [StockLine(c, chance.randint(-6, 6)) for c in codes])
                    for node in chance.sample(["sh", "hz", "bj"], 2)]  # fmt: skip
            adjust(docs, actor=ACTOR, now=NOW)
            take(replace(common[number], dispatched_at=NOW), replace(common[-number - 1], version=NOW))
            route(common_ids, actor="routing", now=NOW)
            retry_waiting([i for (i,) in fetch_all("SELECT id FROM catalog_sku")], actor="routing", now=NOW)

    run_together([shop(1), shop(2), shop(3), warehouse])

    assert deadlocks() == before
    assert row_counts()["orders_order"] == 12 + 3 * 6 * 9
    found = reconcile_all()
    assert (found["clean"], found["differences"]) == (True, [])
    assert reconcile_fulfilments()[0]["fulfillments"] > 50
