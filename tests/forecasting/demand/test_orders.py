"""From orders and stock to forecasts, and from forecasts to what suppliers are asked for."""

from datetime import date, timedelta

import pytest
from tests.support.company import ACTOR, DAY, NOW, goods, order, paid, put, recount
from tests.support.intake import take

from tongpan.catalog.kits import KitSpec, save_kits
from tongpan.core.bulk import fetch_all
from tongpan.forecasting.demand.actions import compute_forecasts, order_missing
from tongpan.forecasting.demand.engine import Aims
from tongpan.forecasting.demand.queries import expected_list, history
from tongpan.forecasting.models import DemandForecast
from tongpan.inventory.models import Movement, Replenishment

pytestmark = pytest.mark.usefixtures("company")
TODAY = date(2026, 11, 18)
AIMS = Aims(lead_days=7, review_days=7, service=0.5, max_days=30)


def sell(units: int, days: int, code: str = "A") -> None:
    """``units`` a day on each of the last ``days`` whole days, as unpaid orders, which take no stock."""
    take(*(order(f"{code}-{n}", goods(code, units), placed_at=NOW - n * DAY) for n in range(1, days + 1)))


def series(code="A"):
    (sku_id,) = (i for (i,) in fetch_all("SELECT id FROM catalog_sku WHERE code = %s", [code]))
    return next(one for one in history(now=NOW) if one.sku_id == sku_id)


def test_a_day_counts_what_was_ordered_on_it_and_not_cancelled():
    put("sh", A=100)
    take(
        order("1", goods("A", 2), placed_at=NOW - 3 * DAY),
        paid("2", goods("A", 3), goods("A", 1), placed_at=NOW - 3 * DAY, paid_at=NOW - 3 * DAY),
        order("3", goods("A", 7), placed_at=NOW - DAY, cancelled_at=NOW),
        order("4", goods("A", 9), placed_at=NOW),
    )

    # the goods came two days ago, the first order was the day before
    assert (series().first_day, series().days) == (TODAY - timedelta(days=3), [6, 0, 0])


def test_a_kit_asks_for_its_parts():
    put("sh", A=100)
    take(order("1", goods("SET", 2), goods("A", 1), placed_at=NOW - DAY))
    save_kits([KitSpec("SET", {"A": 3})], actor=ACTOR, now=NOW)

    assert series().days == [0, 7]
    assert {one.sku_id for one in history(now=NOW)} == {series().sku_id}


def test_days_without_goods_are_no_days_without_demand():
    take(order("1", goods("A", 2), placed_at=NOW - 5 * DAY))
    put("sh", A=4)  # two days ago
    recount("sh", "empty", A=0)

    assert series().days == [2, None, None, 0, 0]


def test_forecasts_are_stored_and_replaced():
    put("sh", A=500)
    sell(5, 40)

    assert compute_forecasts(now=NOW) == 1
    assert compute_forecasts(now=NOW) == 1

    (made,) = DemandForecast.objects.all()
    assert (made.method, made.week, made.weekly_error) == ("level", [5.0] * 7, 0.0)
    assert (made.first_day, made.observed_days, made.computed_at) == (TODAY, 40, NOW)


def test_goods_with_too_little_history_are_listed_without_a_forecast():
    put("sh", A=500, B=3)
    sell(5, 40)
    compute_forecasts(now=NOW)

    states = {row.sku_code: row.outlook.state for row in expected_list(aims=AIMS)}

    assert states == {"A": "slow", "B": "unknown"}
    assert [row.sku_code for row in expected_list(aims=AIMS, states=["slow"])] == ["A"]
    assert expected_list(aims=AIMS, text="nothing") == []


def test_what_is_missing_is_asked_of_suppliers_once():
    put("sh", A=20)
    sell(5, 40)
    compute_forecasts(now=NOW)
    rows = expected_list(aims=AIMS)
    before = Movement.objects.count()

    first = order_missing(rows, node_code="hz", actor="ann", now=NOW)
    again = order_missing(rows, node_code="hz", actor="bob", now=NOW)

    assert [o.state for o in first] == ["accepted"]
    assert [o.state for o in again] == ["unchanged"]
    (asked,) = Replenishment.objects.all()
    assert (asked.node.code, asked.sku.code, asked.qty, asked.from_node, asked.is_urgent, asked.state) == (
        "hz", "A", 50, None, False, "proposed",
    )  # fmt: skip
    assert (asked.source, asked.created_by, asked.reason) == ("forecast", "ann", "70.0 expected, 20 free, 0 on order")
    assert Movement.objects.count() == before

    # and it counts as on order from then on
    (row,) = expected_list(aims=AIMS)
    assert (row.on_order, row.outlook.to_order) == (50, 0)


def test_an_unknown_node_gets_nothing_and_says_so():
    put("sh", A=20)
    sell(5, 40)
    compute_forecasts(now=NOW)

    (outcome,) = order_missing(expected_list(aims=AIMS), node_code="moon", actor="ann", now=NOW)

    assert (outcome.state, outcome.code) == ("refused", "node.unknown")
    assert Replenishment.objects.count() == 0


def test_the_statements_do_not_grow_with_the_goods(django_assert_num_queries):
    put("sh", A=20, B=20, C=20)
    for code in "ABC":
        sell(5, 30, code)

    with django_assert_num_queries(7):
        assert compute_forecasts(now=NOW) == 3
    with django_assert_num_queries(1):
        assert len(expected_list(aims=AIMS)) == 3
