"""Acceptance case "Oversell, kit + part": a kit and its part sold from one pool at once, by real processes."""

import pytest
from tests.support.company import ACTOR, NOW, goods, levels, open_holds, order_ids, paid, pool, put
from tests.support.intake import take
from tests.support.processes import run_together

from tongpan.catalog.kits import KitSpec, save_kits
from tongpan.core.bulk import fetch_all
from tongpan.fulfillment.actions import route
from tongpan.runtime.reconcile import reconcile

pytestmark = pytest.mark.usefixtures("live_company")


@pytest.mark.parametrize("isolation", ["read committed", "serializable"])
def test_kit_and_part_sold_from_one_pool_at_once(isolation):
    # given ten units of A, a kit of two A and one B, and buyers of the kit beside buyers of the part
    put("sh", A=10, B=100, GIFT=0)
    save_kits([KitSpec("GIFT", {"A": 2, "B": 1})], actor=ACTOR, now=NOW)

    def buyers(process):
        code = "GIFT" if process % 2 else "A"
        return lambda: [take(paid(f"{process}-{n}", goods(code)))[0].state for n in range(10)]

    results = run_together([buyers(process) for process in range(4)], isolation=isolation)

    # then everything is in, exactly the ten units are promised, and a kit took all its parts or none
    assert [state for states in results for state in states] == ["accepted"] * 40
    assert pool("A") == (10, 0, 10)
    kits, parts = (
        fetch_all(
            """SELECT count(*) FROM inventory_reservation r JOIN orders_orderline l ON l.id = r.order_line_id
               JOIN catalog_sku s ON s.id = l.sku_id JOIN catalog_sku p ON p.id = r.sku_id
               WHERE s.code = %s AND p.code = 'A'""",
            [code],
        )[0][0]
        for code in ("GIFT", "A")
    )
    assert 2 * kits + parts == 10
    assert pool("B") == (100, 0, kits)
    assert len(open_holds()) == 40 - kits - parts

    # and routing allocates what was promised and no more
    outcomes = route(order_ids(f"{p}-{n}" for p in range(4) for n in range(10)), actor="routing", now=NOW)
    assert sorted(outcomes.values()).count("routed") == kits + parts
    assert (pool("A"), levels("A")) == ((10, 10, 0), {"sh": (10, 10)})
    assert reconcile()["differences"] == []
