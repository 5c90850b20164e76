"""The same orders from several processes at once exist once, and nobody fails."""

import pytest
from tests.support.company import goods, paid, pool, put, shipped, statuses
from tests.support.database import row_counts
from tests.support.following import events
from tests.support.intake import states, take
from tests.support.processes import run_together

from tongpan.core.bulk import fetch_all
from tongpan.inventory.queries import reconcile
from tongpan.orders.engine import BuyerDoc

pytestmark = pytest.mark.usefixtures("live_company")


def docs(make=paid, **more):
    return [
        make(f"{n:02}", goods("A"), goods(f"S{n % 7}"), buyer=BuyerDoc("buyer", "tm", f"u{n % 5}", "张三"), **more)
        for n in range(24)
    ]


@pytest.mark.parametrize("isolation", ["read committed", "repeatable read", "serializable"])
def test_the_same_batch_at_once_is_taken_once(isolation):
    put("sh", A=100, **{f"S{n}": 100 for n in range(7)})

    results = run_together(
        [lambda: states(take(*docs())), lambda: states(take(*reversed(docs()))), lambda: states(take(*docs()))],
        isolation=isolation,
    )

    found = [state for outcomes in results for state in outcomes]
    assert (found.count("accepted"), found.count("unchanged")) == (24, 48)
    counts = row_counts()
    assert (counts["orders_order"], counts["orders_orderline"], counts["inventory_reservation"]) == (24, 48, 48)
    assert (counts["customers_customer"], counts["catalog_sku"]) == (5, 8)
    assert (len(events("order.accepted")), len(events("stock.changed"))) == (24, 8 + 8)
    assert pool("A") == (100, 0, 24)
    assert reconcile().differences == []


def test_single_orders_at_once_are_taken_once():
    put("sh", A=100, **{f"S{n}": 100 for n in range(7)})

    results = run_together([lambda: [states(take(doc))[0] for doc in docs()]] * 4)

    found = [state for outcomes in results for state in outcomes]
    assert (found.count("accepted"), found.count("unchanged")) == (24, 72)
    assert pool("A") == (100, 0, 24)


def test_older_and_newer_copies_at_once_end_with_the_newer():
    put("sh", A=100, **{f"S{n}": 100 for n in range(7)})

    run_together(
        [lambda: take(*docs()), lambda: take(*docs(shipped)), lambda: take(*docs(shipped)), lambda: take(*docs())]
    )

    assert set(statuses().values()) == {"dispatched"}
    assert fetch_all("SELECT count(*) FROM orders_orderevent GROUP BY order_id, kind HAVING count(*) > 1") == []
    assert row_counts()["orders_order"] == 24
    assert reconcile().differences == []
