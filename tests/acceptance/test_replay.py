"""Acceptance case "Replay": the same file twice, older after newer, shuffled pages: the same state, no regress."""

import random

import pytest
from tests.support.company import DAY, HOUR, NOW, charge, goods, order, paid, put, return_of, shipped
from tests.support.database import contents, rolled_back
from tests.support.following import retry_all, route_all
from tests.support.intake import take, take_back

from tongpan.core.bulk import fetch_all
from tongpan.inventory.queries import reconcile
from tongpan.orders.engine import BuyerDoc

pytestmark = pytest.mark.usefixtures("company")
SKUS = [f"S{n}" for n in range(8)]


def export(moment):
    """What the channel shows at one of three moments: 40 orders whose lives go on from one to the next."""
    chance = random.Random(7)
    docs = []
    for number in range(40):
        lines = [goods(code, chance.randint(1, 3), 100) for code in chance.sample(SKUS, chance.randint(1, 3))]
        more = {"buyer": BuyerDoc("buyer", "tm", f"u{number % 11}"), "placed_at": NOW - 3 * DAY + number * HOUR}
        life = [order, paid, shipped][min(2, moment + number % 2)]
        if moment == 2 and number % 10 == 0:
            life, more = paid, more | {"cancelled_at": NOW - HOUR}
        docs.append(life(f"{number:02}", *lines, charge("POST", 10), **more))
    return docs


def returns():
    return [return_of(f"R{n}", goods(SKUS[n], 1, -100), order_external_id=f"{n:02}") for n in range(5)]


def pages(docs, chance):
    """The documents in pages of up to nine that overlap, shuffled within and among them."""
    shuffled = [*docs, *chance.sample(docs, 9)]
    chance.shuffle(shuffled)
    return [shuffled[start : start + 9] for start in range(0, len(shuffled), 9)]


def state():
    return {
        "orders": fetch_all(
            """SELECT external_id, status, total_minor, units, paid_at, dispatched_at, cancelled_at
               FROM orders_order ORDER BY 1"""
        ),
        "lines": fetch_all("SELECT order_id, count(*), sum(qty) FROM orders_orderline GROUP BY 1 HAVING count(*) > 4"),
        "returns": fetch_all("SELECT external_id, units, status FROM orders_return ORDER BY 1"),
        "buyers": fetch_all("SELECT count(*) FROM customers_customer"),
        "left": fetch_all(
            """SELECT s.code, sum(l.on_hand), sum(l.allocated) FROM inventory_level l
               JOIN catalog_sku s ON s.id = l.sku_id GROUP BY 1 ORDER BY 1"""
        ),
        "held": fetch_all("SELECT sum(held) FROM inventory_pool"),
    }


def settle():
    route_all()
    retry_all(*SKUS)


def plenty():
    put("sh", **dict.fromkeys(SKUS, 200))


def test_the_same_file_twice():
    plenty()
    for moment in range(3):
        take(*export(moment))
        settle()
    take_back(*returns())
    settle()
    before = contents()

    for moment in (2, 0, 1, 2):
        take(*export(moment))
    take_back(*returns())
    settle()

    assert contents() == before
    assert reconcile().differences == []


def test_older_after_newer():
    plenty()
    take(*export(2))
    settle()
    newest = state()

    for moment in (1, 0):
        take(*export(moment))
        settle()

    assert state() == newest


@pytest.mark.parametrize("seed", range(4))
def test_shuffled_pages(seed):
    with rolled_back():
        plenty()
        for moment in range(3):
            take(*export(moment))
        take_back(*returns())
        settle()
        expected = state()
    plenty()
    chance = random.Random(seed)

    for page in pages([doc for moment in range(3) for doc in export(moment)], chance):
        take(*page)
        if chance.random() < 0.3:
            settle()
    take_back(*reversed(returns()))
    take_back(*returns())
    settle()

    assert state() == expected
    assert reconcile().differences == []
