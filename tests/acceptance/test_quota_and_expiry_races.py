"""Acceptance cases "Channel quota" and "Expiry race", by real processes."""

import pytest
from tests.support.company import ACTOR, HOUR, NOW, goods, open_holds, order, order_ids, paid, pool, put
from tests.support.intake import take
from tests.support.processes import run_together

from tongpan.core.bulk import fetch_all
from tongpan.inventory.actions import confirm, sweep_expired
from tongpan.inventory.actions.policies import save_policies
from tongpan.inventory.engine.policies import PolicySpec
from tongpan.inventory.queries import reconcile
from tongpan.orders.actions import reserve_orders
from tongpan.runtime.reconcile import reconcile as reconcile_all

pytestmark = pytest.mark.usefixtures("live_company")


def promised():
    """Units promised by channel."""
    return dict(
        fetch_all(
            """SELECT c.code, sum(r.qty)::int FROM inventory_reservation r JOIN orders_order o ON o.id = r.order_id
               JOIN channels_channel c ON c.id = o.channel_id WHERE r.state = 'held' GROUP BY 1"""
        )
    )


@pytest.mark.parametrize("isolation", ["read committed", "serializable"])
def test_a_shared_pool_of_ten_with_a_quota_of_four_when_both_channels_are_flooded(isolation):
    put("sh", A=10)
    save_policies([PolicySpec("own", "A", "reserved", 4)], actor=ACTOR, now=NOW)

    def buyers(process):
        shop = "mall" if process % 2 else "tm"
        return lambda: [take(paid(f"{process}-{n}", goods("A"), shop_code=shop))[0].state for n in range(10)]

    results = run_together([buyers(process) for process in range(4)], isolation=isolation)

    # then every order is in, neither channel passed its quota, and the rest wait, each knowing why
    assert [state for states in results for state in states] == ["accepted"] * 40
    assert promised() == {"own": 4, "tmall": 6}
    assert (pool("A"), fetch_all("SELECT used, limit_units FROM inventory_quotause")) == ((10, 0, 10), [(4, 4)])
    assert len(open_holds()) == 30
    assert {reason for _, reason in open_holds()} <= {"quota", "out_of_stock"}
    assert reconcile_all()["differences"] == []


@pytest.mark.parametrize("isolation", ["read committed", "serializable"])
def test_a_reservation_expires_while_its_payment_settles(isolation):
    # given twenty unpaid orders whose time is over at this moment
    put("sh", A=40, B=20)
    numbers = [f"{n}" for n in range(20)]
    take(*(order(number, goods("A", 2), goods("B")) for number in numbers))
    ids = order_ids(numbers)
    reserve_orders(ids, actor=ACTOR, now=NOW, expires_at=dict.fromkeys(ids, NOW + HOUR))

    def pay(part):
        return lambda: sorted(i for order_id in ids[part::2] for i in confirm([order_id], actor=ACTOR, now=NOW + HOUR))

    def sweep():
        return sum(sweep_expired(NOW + HOUR, limit=2) for _ in range(30))

    late_even, late_odd, swept = run_together([pay(0), pay(1), sweep], isolation=isolation)

    # then each order has one winner: kept whole, or expired whole and its payer told so
    late = {*late_even, *late_odd}
    states = fetch_all(
        "SELECT order_id, array_agg(DISTINCT state ORDER BY state) FROM inventory_reservation GROUP BY 1"
    )
    assert {order_id for order_id, found in states if found == ["expired"]} == late
    assert {order_id for order_id, found in states if found == ["held"]} == set(ids) - late
    assert swept == 2 * len(late)
    assert pool("A") == (40, 0, 2 * (20 - len(late)))
    assert reconcile().differences == []
