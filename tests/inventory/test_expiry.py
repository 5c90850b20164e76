"""A promise that is not paid in time ends by itself, once; a payment in time keeps it."""

import pytest
from tests.support.company import ACTOR, HOUR, NOW, goods, open_holds, order, order_ids, paid, pool, put
from tests.support.following import events, route_all
from tests.support.intake import take

from tongpan.core.bulk import fetch_all
from tongpan.core.errors import Refusal
from tongpan.inventory.actions import confirm, confirm_order, release, sweep_expired
from tongpan.inventory.actions.policies import save_policies
from tongpan.inventory.engine.policies import PolicySpec
from tongpan.inventory.queries import reconcile
from tongpan.orders.actions import reserve_orders

pytestmark = pytest.mark.usefixtures("company")


def hold(*numbers, until=NOW + HOUR, qty=2):
    """Unpaid orders whose goods are held until then."""
    take(*(order(number, goods("A", qty), goods("B")) for number in numbers))
    ids = order_ids(numbers)
    return reserve_orders(ids, actor=ACTOR, now=NOW, expires_at=dict.fromkeys(ids, until))


def reservations():
    return fetch_all("SELECT state, count(*) FROM inventory_reservation GROUP BY 1 ORDER BY 1")


def test_goods_that_are_not_paid_in_time_are_on_sale_again():
    put("sh", A=5, B=5)
    save_policies([PolicySpec("tmall", "A", "cap", 4)], actor=ACTOR, now=NOW)
    hold("1", "2")
    assert pool("A") == (5, 0, 4)
    assert sweep_expired(NOW + HOUR / 2) == 0

    assert sweep_expired(NOW + HOUR) == 4

    assert (pool("A"), pool("B"), reservations()) == ((5, 0, 0), (5, 0, 0), [("expired", 4)])
    assert fetch_all("SELECT used FROM inventory_quotause") == [(0,)]
    assert events("stock.reservation_expired") == [("stock.reservation_expired", {})] * 2
    assert sweep_expired(NOW + HOUR) == 0
    assert reconcile().differences == []


def test_a_payment_in_time_keeps_the_goods():
    put("sh", A=5, B=5)
    hold("1", "2")

    assert confirm(order_ids("1"), actor=ACTOR, now=NOW) == set()

    assert sweep_expired(NOW + HOUR) == 2
    assert (pool("A"), reservations()) == ((5, 0, 2), [("expired", 2), ("held", 2)])


def test_a_payment_that_comes_too_late_is_refused():
    put("sh", A=5, B=5)
    hold("1")
    sweep_expired(NOW + HOUR)

    with pytest.raises(Refusal) as refused:
        confirm_order(order_ids("1")[0], actor=ACTOR, now=NOW + HOUR)

    assert refused.value.code == "reservation.expired"
    assert confirm(order_ids("1"), actor=ACTOR, now=NOW + HOUR) == set(order_ids("1"))


def test_a_payment_after_the_time_but_before_the_sweep_keeps_the_goods():
    put("sh", A=5, B=5)
    hold("1")

    assert confirm(order_ids("1"), actor=ACTOR, now=NOW + 2 * HOUR) == set()

    assert (sweep_expired(NOW + 2 * HOUR), pool("A")) == (0, (5, 0, 2))


def test_an_order_that_is_reserved_as_paid_expires_no_more():
    put("sh", A=5, B=5)
    hold("1")

    take(paid("1", goods("A", 2), goods("B")))

    assert sweep_expired(NOW + HOUR) == 0
    assert (pool("A"), reservations()) == ((5, 0, 2), [("held", 2)])


def test_an_order_whose_promise_ended_is_promised_anew_when_it_is_paid():
    put("sh", A=5, B=5)
    hold("1")
    sweep_expired(NOW + HOUR)

    take(paid("1", goods("A", 2), goods("B")))

    assert reservations() == [("expired", 2), ("held", 2)]
    assert route_all() == {"1": "routed"}
    assert (pool("A"), open_holds()) == ((5, 2, 0), set())
    assert reconcile().differences == []


def test_a_sweep_takes_whole_orders_those_that_ended_first_first():
    put("sh", A=9, B=9)
    hold("late", until=NOW + HOUR)
    hold("early", until=NOW + HOUR / 2)

    assert sweep_expired(NOW + HOUR, limit=1) == 2

    states = dict(fetch_all("SELECT DISTINCT order_id, state FROM inventory_reservation"))
    assert [states[i] for i in order_ids(["early", "late"])] == ["expired", "held"]


def test_a_released_promise_does_not_expire():
    put("sh", A=5, B=5)
    hold("1")
    release(order_ids("1"), actor=ACTOR, now=NOW, reason="test")

    assert (sweep_expired(NOW + HOUR), pool("A")) == (0, (5, 0, 0))
    assert confirm(order_ids("1"), actor=ACTOR, now=NOW) == set()
