"""Each metric of the catalogue, computed exactly on books small enough to check by hand."""

from datetime import date, timedelta

import pytest
from tests.support.books import Books, Sale
from tests.support.company import DAY, NOW, goods, order, paid, put
from tests.support.lake import write_lake

from tongpan.analytics.queries import metric, metrics_many
from tongpan.core.models import Setting
from tongpan.fulfillment.actions import dispatch, route
from tongpan.orders.actions import accept

pytestmark = pytest.mark.usefixtures("company")

BOOKS = Books(
    sales=[
        # number, shop, days ago, lines, buyer
        Sale("1", "tm", 40, (("A", 2, 2000), ("", 1, 300)), "ann", "浙江省"),
        Sale("2", "tm", 3, (("A", 1, 1000), ("B", 1, 555)), "ann", "浙江省"),
        Sale("3", "mall", 3, (("B", 3, 1665),), "bob", "江苏省"),
        Sale("4", "mall", 2, (("A", 1, 1000),), "", ""),
        Sale("5", "tm2", 2, (("A", 1, 990),), "cid", "", is_paid=False),
        Sale("6", "tm2", 1, (("C", 1, 10),), "cid", "", is_cancelled=True),
    ],
    returns=[("tm", 1, 1000), ("mall", 40, 500)],
)


@pytest.fixture(autouse=True)
def books(company):
    BOOKS.enter()
    write_lake()


def values(key, **asked):
    return [(*row.dimensions.values(), row.value) for row in metric(key, **asked).rows]


def last_days(count):
    return {"date_from": NOW.date() - timedelta(days=count), "date_to": NOW.date() + DAY}


@pytest.mark.parametrize(
    ("key", "basis", "expected"),
    [
        ("gmv", "placed", "75.20"),
        ("gmv", "uncancelled", "75.10"),
        ("gmv", "paid", "65.20"),
        ("orders", "placed", 6),
        ("orders", "uncancelled", 5),
        ("orders", "paid", 4),
        ("buyers", "placed", 3),
        ("buyers", "paid", 2),
        ("units", "placed", 10),
        ("units", "paid", 8),
        ("aov", "placed", "12.53"),  # 7520 / 6 = 1253.33
        ("aov", "uncancelled", "15.02"),
        ("new_buyers", "placed", 3),
        ("new_buyers", "paid", 2),
    ],
)
def test_totals_by_the_orders_counted(key, basis, expected):
    result = metric(key, settings={"basis": basis})

    assert result.value == expected
    assert f"basis={basis}" in ",".join(f"{k}={v}" for k, v in result.settings.items())


def test_gmv_by_channel_and_month():
    assert values("gmv", by=["channel", "month"]) == [
        ("own", "2026-11", "26.65"),
        ("tmall", "2026-10", "23.00"),
        ("tmall", "2026-11", "25.55"),
    ]


def test_gmv_by_goods_shows_charges_apart_and_adds_up():
    assert values("gmv", by=["sku"]) == [("A", "49.90"), ("B", "22.20"), ("C", "0.10"), (None, "3.00")]
    assert values("gmv", by=["category"]) == [
        (None, "3.00"),
        ("cat-A", "49.90"),
        ("cat-B", "22.20"),
        ("cat-C", "0.10"),
    ]


def test_orders_by_category_counts_an_order_in_each_and_says_that_it_does_not_add_up():
    result = metric("orders", by=["category"])

    assert {row.dimensions["category"]: row.value for row in result.rows} == {
        None: 1,
        "cat-A": 4,
        "cat-B": 2,
        "cat-C": 1,
    }
    assert result.is_additive is False
    assert metric("orders", by=["channel"]).is_additive is True


def test_units_leave_charges_out_on_both_grains():
    assert values("units") == [(10,)]
    assert values("units", by=["sku"]) == [("A", 5), ("B", 4), ("C", 1)]


def test_the_return_rate_divides_returned_goods_by_goods_sold_of_the_same_days():
    # Goods sold in the last ten days: 1555 + 1665 + 1000 + 990 + 10; returned: 1000.
    assert values("return_rate", **last_days(10)) == [(1000 / 5220,)]
    assert values("return_rate", by=["channel"]) == [("own", 500 / 2665), ("tmall", 1000 / 4555)]
    # A month with returns and no sales has no base; one with sales and no returns is 0.
    assert values("return_rate", by=["shop", "month"]) == [
        ("mall", "2026-10", None),
        ("mall", "2026-11", 0.0),
        ("tm", "2026-10", 0.0),
        ("tm", "2026-11", 1000 / 1555),
        ("tm2", "2026-11", 0.0),
    ]


def test_repurchase_counts_buyers_with_two_orders_in_the_window():
    # ann bought 40 and 3 days ago, bob once, cid twice in the last days.
    assert values("repurchase_rate") == [(2 / 3,)]
    assert values("repurchase_rate", settings={"window": "30"}) == [(1 / 3,)]
    assert values("repurchase_rate", settings={"basis": "uncancelled"}) == [(1 / 3,)]
    assert values("repurchase_rate", by=["shop"]) == [("mall", 0.0), ("tm", 1.0), ("tm2", 1.0)]


def test_the_window_of_repurchase_ends_with_the_period():
    # Through October: only ann's first order. Through November: ann twice, bob, cid.
    assert values("repurchase_rate", by=["month"]) == [("2026-10", 0.0), ("2026-11", 2 / 3)]
    assert values("repurchase_rate", date_to=date(2026, 11, 1)) == [(0.0,)]
    # The window may begin before the range: the range only says which periods to show.
    assert values("repurchase_rate", by=["month"], date_from=date(2026, 11, 1), date_to=date(2026, 11, 19)) == [
        ("2026-11", 2 / 3)
    ]
    # Inside the period alone, ann has one order in each month.
    assert values("repurchase_rate", by=["month"], settings={"window": "period"}) == [
        ("2026-10", 0.0),
        ("2026-11", 1 / 3),
    ]
    assert values("repurchase_rate", date_from=date(2026, 12, 1), settings={"window": "period"}) == [(None,)]


def test_a_window_without_dates_ends_on_the_last_day_with_an_order():
    # The last order is of 17 November: a window of one day sees it, whatever the date today.
    assert values("repurchase_rate", settings={"window": "1"}) == [(0.0,)]
    assert metric("repurchase_rate", settings={"window": "1"}).rows[0].denominator == 1


def test_gmv_share_is_of_all_channels_in_the_same_group():
    assert values("gmv_share") == [("own", 2665 / 7520), ("tmall", 4855 / 7520)]
    assert values("gmv_share", by=["month"]) == [
        ("own", "2026-11", 2665 / 5220),
        ("tmall", "2026-10", 1.0),
        ("tmall", "2026-11", 2555 / 5220),
    ]
    # A filter by channel picks rows; the base stays the whole.
    assert values("gmv_share", filters={"channel": "own"}) == [("own", 2665 / 7520)]
    assert values("gmv_share", filters={"province": "浙江省"}) == [("tmall", 1.0)]


def test_new_buyers_stand_where_and_when_they_first_bought():
    assert values("new_buyers", by=["channel", "month"]) == [
        ("own", "2026-11", 1),
        ("tmall", "2026-10", 1),
        ("tmall", "2026-11", 1),
    ]
    # ann's order of November is not her first, also when October is not looked at.
    assert values("new_buyers", date_from=date(2026, 11, 1)) == [(2,)]


def test_buyers_are_new_once_and_then_returning():
    assert values("orders", by=["buyer_type"]) == [("anonymous", 1), ("new", 3), ("returning", 2)]
    assert values("gmv", by=["buyer_type"], filters={"channel": "own"}) == [("anonymous", "10.00"), ("new", "16.65")]


def test_on_time_is_not_defined_without_a_promise_and_counts_what_was_promised():
    assert values("on_time_rate") == [(None,)]
    put("sh", A=9)
    facts = {"promised_at": NOW - 2 * DAY}
    accept(
        [
            paid("in time", dispatched_at=NOW - 3 * DAY, placed_at=NOW - 4 * DAY, **facts),
            paid("late", dispatched_at=NOW - DAY, placed_at=NOW - 4 * DAY, **facts),
            paid("later", dispatched_at=NOW, placed_at=NOW - 4 * DAY, **facts),
            paid("waiting", placed_at=NOW - 4 * DAY, **facts),
        ],
        actor="test",
        now=NOW,
    )
    write_lake()

    assert values("on_time_rate") == [(1 / 3,)]
    assert metric("on_time_rate").rows[0].denominator == 3
    assert values("on_time_rate", by=["shop"]) == [("mall", None), ("tm", 1 / 3), ("tm2", None)]


def test_on_time_by_node_measures_shipments():
    put("sh", A=1)
    put("hz", B=1)
    ids = [
        outcome.document_id
        for outcome in accept(
            [paid("x", goods("A"), promised_at=NOW + DAY), paid("y", goods("B"), promised_at=NOW - DAY)],
            actor="test",
            now=NOW,
        )
    ]
    route(ids, actor="test", now=NOW)
    from tongpan.fulfillment.models import Fulfillment

    dispatch(list(Fulfillment.objects.values_list("id", flat=True)), at=NOW, actor="test")
    write_lake()

    result = metric("on_time_rate", by=["node"], settings={"unit": "fulfillment"})

    rates = {row.dimensions["node"]: (row.value, row.denominator) for row in result.rows}
    assert rates == {"hz": (0.0, 1), "sh": (1.0, 1)}


def test_many_metrics_are_answered_as_one_by_one():
    keys = ["gmv", "orders", "buyers", "aov", "units", "return_rate", "repurchase_rate", "gmv_share", "new_buyers"]
    for by in ((), ("channel",), ("month",), ("channel", "month")):
        together = metrics_many(keys, by=by, date_to=NOW.date())

        for key in keys:
            alone = metric(key, by=by, date_to=NOW.date())
            assert together[key].rows == alone.rows, (key, by)
            assert together[key].definition == alone.definition
            assert together[key].is_additive == alone.is_additive


def test_the_platform_may_choose_another_default():
    Setting.objects.create(key="metrics.basis", value="paid")
    Setting.objects.create(key="metrics.window", value="30")

    assert metric("orders").value == 4
    assert metric("orders", settings={"basis": "placed"}).value == 6
    assert metric("repurchase_rate").settings == {"window": "30", "basis": "paid"}


def test_a_number_knows_its_definition_unit_currency_and_parts():
    result = metric("aov", by=["shop"])

    assert (result.unit, result.currency, result.by) == ("money", "CNY", ("shop",))
    assert result.definition.en == (
        "GMV ÷ orders; orders counted: every order placed, paid or not, cancelled later or not."
    )
    row = result.rows[0]
    assert (row.dimensions, row.value, row.minor, row.numerator, row.denominator) == (
        {"shop": "mall"},
        "13.33",
        1333,
        2665,
        2,
    )


def test_an_order_placed_late_in_the_evening_counts_for_the_day_of_its_channel():
    accept([order("night", placed_at=NOW.replace(hour=16, minute=30) - DAY)], actor="test", now=NOW)
    write_lake()

    # 16:30 UTC is half past midnight in the channel's zone.
    assert values("orders", by=["day"], date_from=NOW.date()) == [("2026-11-18", 1)]
