"""Overstock and slow movers (INV-06), and where central stock should go (INV-04)."""

from datetime import timedelta
from fractions import Fraction

import pytest
from tests.support.company import ACTOR, DAY, NOW, goods, order_ids, paid, put, shipped
from tests.support.intake import take

from tongpan.forecasting.engine import Limits, Supply
from tongpan.forecasting.queries import allocation, supply_list
from tongpan.fulfillment.actions import route
from tongpan.inventory.actions import adjust
from tongpan.inventory.engine import AdjustmentDoc, StockLine
from tongpan.network.actions import set_services

pytestmark = pytest.mark.usefixtures("company")
LIMITS = Limits(window=28, max_days=90, slow_days=60)


def sold(number, node, code, qty, *, shop="tm"):
    """An order that left ``node`` yesterday."""
    take(shipped(number, goods(code, qty, wanted_node=node), shop_code=shop, dispatched_at=NOW - DAY))
    route(order_ids([number]), actor=ACTOR, now=NOW)


def supplies(**more):
    return {row.sku_code: (row.free, row.sold, row.idle_days, row.supply) for row in supply_list(**more)}


def test_goods_are_judged_by_how_long_they_last():
    put("sh", A=400, B=10, C=3)
    sold("1", "sh", "A", 4)
    sold("2", "sh", "B", 1)
    sold("3", "sh", "C", 3)

    found = supplies(now=NOW, limits=LIMITS)

    assert found == {
        # 396 at 4 in 28 days; 90 days take 12.86, so 13 are kept
        "A": (396, 4, 1, Supply("overstock", Fraction(2772), 383)),
        "B": (9, 1, 1, Supply("overstock", Fraction(252), 5)),
        "C": (0, 3, 1, Supply("out", Fraction(0), 0)),
    }


def test_goods_that_never_left_are_slow_once_they_lie_long_enough():
    put("sh", A=5)

    # put() books two days before NOW
    assert supplies(now=NOW + 57 * DAY, limits=LIMITS)["A"][3].state == "normal"
    assert supplies(now=NOW + 58 * DAY, limits=LIMITS)["A"] == (5, 0, 60, Supply("slow", None, 5))


def test_promised_units_are_not_surplus():
    put("sh", A=5)
    take(paid("1", goods("A", 2)))

    late = NOW + 100 * DAY
    assert supplies(now=late, limits=LIMITS)["A"][0] == 3
    # pinned to the node, they are not free there either
    route(order_ids(["1"]), actor=ACTOR, now=NOW)
    assert supplies(now=late, limits=LIMITS, node_code="sh")["A"][0] == 3
    assert supplies(now=late, limits=LIMITS, node_code="hz") == {}


def test_the_list_narrows_by_state_and_text():
    lines = [StockLine("A1", 100, name="Red cup"), StockLine("B1", 1, name="Blue cup")]
    adjust([AdjustmentDoc("test", "opening", "sh", NOW, lines)], actor=ACTOR, now=NOW)
    late = NOW + 100 * DAY

    assert list(supplies(now=late, limits=LIMITS, states=["slow"])) == ["A1", "B1"]
    assert list(supplies(now=late, limits=LIMITS, text="B")) == ["B1"]
    assert list(supplies(now=late, limits=LIMITS, text="blue")) == ["B1"]
    assert supplies(now=late, limits=LIMITS, states=["overstock"]) == {}


def proposals(**more):
    return [(p.sku_code, p.from_code, p.to_code, p.units, p.have, p.sold) for p in allocation(now=NOW, **more)]


def test_central_stock_goes_to_the_branch_that_would_run_out_first():
    put("sh", A=100)
    put("hz", "o-hz", A=30)
    put("bj", "o-bj", A=30)
    sold("1", "hz", "A", 28)
    sold("2", "bj", "A", 14)

    # then hz, with 2 left at one a day, and bj, with 16 at half a unit a day, are raised towards 30 days
    assert proposals() == [("A", "sh", "hz", 28, 2, 28)]
    (p,) = allocation(now=NOW)
    assert (p.before, p.after) == (Fraction(2), Fraction(30))


def test_what_the_central_warehouse_shipped_counts_for_the_branches_of_the_shop():
    put("sh", A=100)
    sold("1", "sh", "A", 29)

    # given no branch ever shipped it: evenly, the odd unit to the first
    assert proposals() == [("A", "sh", "bj", 16, 0, 15), ("A", "sh", "hz", 15, 0, 14)]


def test_a_shop_without_branches_keeps_its_goods_in_the_centre():
    set_services("tm", ["sh"], actor=ACTOR, now=NOW)
    put("sh", A=40)
    put("hz", "o-hz", A=7)
    sold("1", "sh", "A", 28)
    sold("2", "hz", "A", 7, shop="tm2")

    # then the 12 that are left are shared 28 : 7 between the centre and hz
    assert proposals() == [("A", "sh", "hz", 2, 0, 7)]


def test_promised_units_never_move():
    put("sh", A=40)
    sold("1", "sh", "A", 20)
    take(paid("2", goods("A", 18)))

    # then of 20 units 18 are promised
    assert sum(p.units for p in allocation(now=NOW, target_days=300)) == 2


def test_old_sales_ask_for_nothing():
    put("sh", A=40)
    take(shipped("1", goods("A", 20), placed_at=NOW - 40 * DAY, dispatched_at=NOW - timedelta(days=40)))
    route(order_ids(["1"]), actor=ACTOR, now=NOW)

    assert proposals() == []


def test_one_node_can_be_looked_at_alone():
    put("sh", A=100)
    sold("1", "sh", "A", 28)

    assert [p[2] for p in proposals(node_code="hz")] == ["hz"]
