"""Ten thousand purchases of few SKUs by several processes and many threads: nothing is sold twice."""

import random
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from tests.support.company import ACTOR, NOW, goods, open_holds, paid, pool, put
from tests.support.processes import run_together

from tongpan.core.bulk import fetch_all
from tongpan.inventory.queries import reconcile
from tongpan.orders.actions import accept, accept_together
from tongpan.runtime.reconcile import reconcile as reconcile_all

pytestmark = pytest.mark.usefixtures("live_company")
SKUS = [f"S{n}" for n in range(5)]
EACH = 1_000
PROCESSES = 4
PURCHASES = 10_000


def cart(chance, number):
    return paid(number, *(goods(code, chance.randint(1, 2)) for code in chance.sample(SKUS, chance.randint(1, 3))))


def in_batches(process, purchases):
    """Batches of every size, some of them sent twice."""
    chance = random.Random(process)
    docs = [cart(chance, f"{process}-{n}") for n in range(purchases)]
    while docs:
        size = chance.choice([1, 7, 60, 200])
        part, docs = docs[:size], docs[size:]
        accept(part, actor=ACTOR, now=NOW)
        if chance.random() < 0.2:
            assert {o.state for o in accept(part, actor=ACTOR, now=NOW)} == {"unchanged"}


def one_by_one(process, purchases):
    """Single orders of sixteen threads at once."""
    chance = random.Random(process)
    docs = [cart(chance, f"{process}-{n}") for n in range(purchases)]

    def buy(part):
        try:
            return [accept_together(doc, actor=ACTOR, now=NOW).state for doc in part]
        finally:
            connection.close()

    with ThreadPoolExecutor(16) as threads:
        states = [state for found in threads.map(buy, [docs[n::16] for n in range(16)]) for state in found]
    assert states == ["accepted"] * purchases


def test_ten_thousand_contested_purchases():
    put("sh", **dict.fromkeys(SKUS, EACH // 2))
    put("hz", "more", **dict.fromkeys(SKUS, EACH // 2))
    share = PURCHASES // PROCESSES

    run_together(
        [
            lambda: in_batches(0, share),
            lambda: in_batches(1, share),
            lambda: one_by_one(2, share),
            lambda: one_by_one(3, share),
        ]
    )

    # every purchase is in once: with all its goods, or waiting with none
    assert fetch_all("SELECT count(*), count(DISTINCT external_id) FROM orders_order") == [(PURCHASES, PURCHASES)]
    served = fetch_all(
        """SELECT count(DISTINCT o.id) FROM orders_order o JOIN inventory_reservation r ON r.order_id = o.id
           WHERE r.state = 'held'"""
    )[0][0]
    assert served + len(open_holds()) == PURCHASES
    halves = fetch_all(
        """SELECT o.id FROM orders_order o JOIN orders_orderline l ON l.order_id = o.id
           LEFT JOIN inventory_reservation r ON r.order_line_id = l.id
           GROUP BY o.id HAVING count(r.id) NOT IN (0, count(*)) OR coalesce(sum(r.qty), 0) NOT IN (0, sum(l.qty))"""
    )
    assert halves == []

    # nothing is sold twice, and what is left is less than any cart of it may ask for
    for code in SKUS:
        on_hand, allocated, held = pool(code)
        assert (on_hand, allocated) == (EACH, 0)
        assert EACH - 1 <= held <= EACH, code
    assert (
        fetch_all(
            """SELECT p.sku_id FROM inventory_pool p
           JOIN (SELECT sku_id, sum(on_hand_delta) AS on_hand, sum(held_delta) AS held
                 FROM inventory_movement WHERE bucket = 'saleable' GROUP BY 1) m USING (sku_id)
           WHERE (p.on_hand, p.held) <> (m.on_hand, m.held)"""
        )
        == []
    )
    assert reconcile().differences == []
    assert reconcile_all()["clean"]
