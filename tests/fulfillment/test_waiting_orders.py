"""Orders that wait for stock are served when some comes in, those placed first first, and only with what is free."""

import pytest
from tests.support.company import (
    DAY,
    HOUR,
    NOW,
    fulfillments,
    goods,
    levels,
    open_holds,
    paid,
    pool,
    put,
    recount,
    return_of,
    statuses,
)
from tests.support.database import contents, statements
from tests.support.following import decisions, retry_all, route_all
from tests.support.intake import take, take_back

from tongpan.core.bulk import execute, fetch_all
from tongpan.inventory.queries import reconcile as reconcile_stock
from tongpan.orders.models import Hold

pytestmark = pytest.mark.usefixtures("company")


def holds():
    """Number of hold rows, open or released."""
    return Hold.objects.count()


def test_an_order_that_the_pool_cannot_serve_waits_and_takes_nothing():
    put("sh", A=1, B=5)
    take(paid("1", goods("A", 2), goods("B", 1)))

    assert route_all() == {"1": "unfillable"}

    assert open_holds() == {("1", "out_of_stock")}
    assert (pool("A"), pool("B"), fulfillments("1")) == ((1, 0, 0), (5, 0, 0), [])
    assert fetch_all("SELECT count(*) FROM inventory_reservation") == [(0,)]


@pytest.mark.parametrize("_case, arrive", [
    ("an adjustment", lambda: put("sh", "later", A=2)),
    ("a count", lambda: recount("hz", "later", A=2)),
    ("a return", lambda: take_back(return_of("R", goods("A", 2, -2000)))),
])  # fmt: skip
def test_stock_that_comes_in_serves_it(_case, arrive):
    take(paid("1", goods("A", 2)))
    route_all()

    arrive()
    assert retry_all("A") == 1

    assert (open_holds(), holds()) == (set(), 1)
    assert pool("A") == (2, 2, 0)
    assert [(status, units) for _, status, units in fulfillments("1")] == [("allocated", {"A": 2})]
    assert decisions("1") == [(1, "unfillable", "no-stock"), (2, "routed", "nearest-with-all")]
    assert reconcile_stock().differences == []


def test_those_placed_first_are_served_first():
    # given three orders, taken in in another order than they were placed
    take(paid("newest", goods("A"), placed_at=NOW - HOUR))
    take(
        paid("oldest", goods("A"), placed_at=NOW - 3 * DAY),
        paid("middle", goods("A"), placed_at=NOW - 2 * DAY),
    )
    route_all()

    put("sh", "later", A=2)
    assert retry_all("A") == 2

    assert open_holds() == {("newest", "out_of_stock")}
    assert [fulfillments(number) != [] for number in ("oldest", "middle", "newest")] == [True, True, False]


def test_the_oldest_of_a_batch_is_promised_the_last_unit():
    put("sh", A=1)

    take(paid("a", goods("A"), placed_at=NOW - HOUR), paid("b", goods("A"), placed_at=NOW - DAY))

    assert open_holds() == {("a", "out_of_stock")}


def test_a_smaller_order_is_served_when_the_older_one_asks_too_much():
    take(paid("big", goods("A", 10), placed_at=NOW - 2 * DAY), paid("small", goods("A", 2)))
    route_all()

    put("sh", "later", A=3)

    assert retry_all("A") == 1
    assert open_holds() == {("big", "out_of_stock")}
    assert pool("A") == (3, 2, 0)


def test_more_orders_wait_than_are_served_at_once(monkeypatch):
    monkeypatch.setattr("tongpan.fulfillment.actions.retry._AT_ONCE", 3)
    take(*(paid(f"{n:02}", goods("A"), placed_at=NOW - DAY + n * HOUR / 60) for n in range(10)))
    route_all()

    put("sh", "later", A=8)

    assert retry_all("A") == 8
    assert open_holds() == {("08", "out_of_stock"), ("09", "out_of_stock")}
    assert (pool("A"), levels("A")) == ((8, 8, 0), {"sh": (8, 8)})


def test_waiting_orders_that_cannot_be_served_cost_one_question():
    take(*(paid(str(n), goods("A", 5)) for n in range(20)))
    route_all()
    put("sh", "later", A=1)
    before = contents()

    with statements() as sent:
        assert retry_all("A") == 0

    assert contents() == before
    assert len([sql for sql in sent if "SAVEPOINT" not in sql]) == 2  # the SKU's id, and who could be served


def test_an_order_that_no_node_can_serve_keeps_its_one_hold_however_often_it_is_tried():
    # given stock where no node serves the shop
    execute("DELETE FROM network_service v USING network_node n WHERE n.id = v.node_id AND n.code = 'bj'")
    take(paid("1", goods("A")))
    route_all()
    put("bj", "later", A=5)

    for _ in range(3):
        assert retry_all("A") == 0

    assert (holds(), open_holds()) == (1, {("1", "out_of_stock")})
    assert pool("A") == (5, 0, 0)
    assert decisions("1") == [(1, "unfillable", "no-stock")]
    # and stock at a node that serves it ends the wait
    put("sh", "later", A=1)
    assert retry_all("A") == 1
    assert (holds(), open_holds(), pool("A")) == (1, set(), (6, 1, 0))
    assert reconcile_stock().differences == []


def test_a_waiting_order_takes_nothing_that_is_promised_to_another():
    # given an order that waits, and one that was promised the unit that came in
    take(paid("waits", goods("A", 2), placed_at=NOW - 3 * DAY))
    route_all()
    put("sh", "later", A=2)
    take(paid("quick", goods("A", 1)))

    assert retry_all("A") == 0

    assert (pool("A"), open_holds()) == ((2, 0, 1), {("waits", "out_of_stock")})


def test_a_cancelled_order_is_not_served():
    take(paid("1", goods("A")))
    route_all()
    take(paid("1", goods("A"), cancelled_at=NOW - HOUR))
    route_all()
    put("sh", "later", A=5)

    assert retry_all("A") == 0

    assert (statuses(), open_holds(), pool("A"), fulfillments("1")) == ({"1": "cancelled"}, set(), (5, 0, 0), [])


def test_a_retry_that_fails_again_writes_no_second_decision():
    take(paid("1", goods("A")))
    route_all()
    before = contents()

    assert route_all() == {"1": "unfillable"}

    assert contents() == before
