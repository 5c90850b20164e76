"""The catalogue's numbers of stock, speed and data quality are those of the queries that the desks show."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from tests.support.company import DAY, HOUR, NOW, goods, order_ids, paid, put, shipped
from tests.support.intake import take
from tests.support.lake import lake, write_lake
from tests.support.reading import read_once

from tongpan.analytics.actions import DailyReading, record_daily_values
from tongpan.analytics.lake.verify import verify
from tongpan.analytics.queries import drill, metric
from tongpan.analytics.queries.turnover import turnover
from tongpan.analytics.readers import LAKE
from tongpan.catalog.models import Category, Product
from tongpan.core.bulk import fetch_all
from tongpan.core.models import Setting
from tongpan.fulfillment.actions import route
from tongpan.inventory.actions import enter_counts, open_counts, submit_count
from tongpan.inventory.counts import accuracy_by_node
from tongpan.inventory.engine.counting import Found, SheetDoc
from tongpan.orders.models import Order
from tongpan.orders.queries.speed import processing_times
from tongpan.runtime.quality import history, remember

ZONE = ZoneInfo("Asia/Shanghai")
FIRST = (NOW - 4 * DAY).date()
LAST = (NOW + DAY).date()


def begins(day):
    return datetime(day.year, day.month, day.day, tzinfo=ZONE)


def values(key, **asked):
    return {tuple(row.dimensions.values()): row.value for row in metric(key, **asked).rows}


def stock_and_sales():
    put("sh", A=10, B=4)
    put("hz", "more", A=6)
    take(
        shipped("1", goods("A", 4), placed_at=NOW - 2 * DAY, dispatched_at=NOW - DAY),
        shipped("2", goods("B", 1), shop_code="mall", dispatched_at=NOW - 3 * HOUR),
        paid("3", goods("A", 1)),
    )
    route(order_ids(["1", "2", "3"]), actor="test", now=NOW)


@pytest.mark.parametrize("by", ["total", "node", "category", "channel"])
@pytest.mark.usefixtures("company")
def test_turnover_is_that_of_the_query_per_year(by):
    stock_and_sales()
    category = Category.objects.create(code="care", name="Care")
    Product.objects.filter(skus__code="B").update(category=category)
    write_lake()

    shown = values("stock_turnover", by=() if by == "total" else (by,), date_from=FIRST, date_to=LAST)

    days = (LAST - FIRST).days
    known = turnover(start=begins(FIRST), end=begins(LAST), by=by)
    key = (lambda row: ()) if by == "total" else (lambda row: (row.code or None,))
    assert {k: v and round(v * days / 365, 3) for k, v in shown.items()} == {
        key(row): None if row.turnover is None else float(row.turnover) for row in known
    }
    assert any(shown.values())


@pytest.mark.usefixtures("company")
def test_turnover_by_week_counts_the_days_of_the_range_alone():
    stock_and_sales()
    write_lake()

    weeks = values("stock_turnover", by=("week",), date_from=FIRST, date_to=LAST)

    monday = (NOW - 2 * DAY).date()  # NOW is a Wednesday
    (row,) = turnover(start=begins(monday), end=begins(LAST), by="total")
    assert round(weeks["2026-W47",] * (LAST - monday).days / 365, 3) == float(row.turnover)
    assert weeks.get(("2026-W46",)) in (None, 0)
    assert drill("stock_turnover", date_from=FIRST, date_to=LAST).total == 2


@pytest.mark.usefixtures("company")
def test_processing_time_and_dispatches_per_hour_are_those_of_the_query():
    stock_and_sales()
    take(
        shipped("early", paid_at=NOW - HOUR, dispatched_at=NOW - 2 * HOUR),
        shipped("cancelled", dispatched_at=NOW - 9 * HOUR),
    )
    Order.objects.filter(external_id="cancelled").update(status="cancelled")
    write_lake()

    known = {row.channel: row for row in processing_times(FIRST, LAST)}
    asked = {"date_from": FIRST, "date_to": LAST}
    hours = values("processing_hours", **asked) | values("processing_hours", by=("channel",), **asked)
    pace = values("dispatched_per_hour", **asked) | values("dispatched_per_hour", by=("channel",), **asked)

    for key in ((), ("tmall",), ("own",)):
        row = known[key[0] if key else ""]
        assert hours[key] == pytest.approx(row.mean, abs=1e-6)
        assert pace[key] == row.per_hour
    assert set(known) == {"", "tmall", "own"}


@pytest.mark.parametrize("mode", ["units", "lines"])
@pytest.mark.usefixtures("company")
def test_inventory_accuracy_is_that_of_the_query(mode):
    put("sh", A=100, B=50)
    put("hz", "more", A=10)
    Setting.objects.create(
        key="inventory.counts", value={"accuracy": mode, "tolerance_units": 99, "tolerance_percent": "99"}
    )
    for node, found in (("sh", {"A": 97, "B": 50}), ("hz", {"A": 15})):
        (sheet,) = open_counts([SheetDoc("test", node, node, "full")], actor="test", now=NOW - DAY)
        enter_counts(sheet.sheet_id, [Found(sku, qty) for sku, qty in found.items()], actor="a", now=NOW - DAY)
        assert submit_count(sheet.sheet_id, reason="shelves", actor="a", now=NOW - DAY).state == "accepted"
    write_lake()

    nodes, everything = accuracy_by_node(begins(FIRST), begins(LAST))
    names = dict(fetch_all("SELECT id, code FROM network_node"))
    asked = {"date_from": FIRST, "date_to": LAST}

    assert values("inventory_accuracy", by=("node",), **asked) == {
        (names[row.node_id],): pytest.approx(float(row.ratio)) for row in nodes
    }
    assert values("inventory_accuracy", **asked) == {(): pytest.approx(float(everything.ratio))}
    # both nodes serve both channels
    assert values("inventory_accuracy", by=("channel",), **asked) == {
        (code,): pytest.approx(float(everything.ratio)) for code in ("own", "tmall")
    }


def test_daily_readings_are_kept_once_a_day_and_reach_the_lake(live_company):
    take(paid("1"), paid("2", is_status_known=False), paid("3", shop_code="mall"))

    remember(NOW - DAY)
    made = remember(NOW)
    while read_once(LAKE):
        pass

    today = {"date_from": NOW.date(), "date_to": LAST}
    assert values("data_sync_error_rate", **today) == {(): 1 / 3}
    assert made["data_sync_error_rate"]["rate"] == round(1 / 3, 6)
    assert values("data_sync_error_rate", by=("channel",), **today) == {("own",): 0.0, ("tmall",): 0.5}
    assert values("customer_sync_rate", **today) == {(): None}
    assert [(day, errors) for day, errors, _ in history()] == [("2026-11-17", 0.333333), ("2026-11-18", 0.333333)]
    assert fetch_all("SELECT count(*) FROM analytics_dailyvalue WHERE day = %s", [NOW.date()]) == [(4,)]


def test_stock_and_counts_are_followed_as_they_happen(live_company):
    stock_and_sales()
    while read_once(LAKE):
        pass
    before = lake("sum(units), sum(unit_seconds) <> 0", "stock_moves")
    (sheet,) = open_counts([SheetDoc("test", "1", "sh", "cycle", ["B"])], actor="test", now=NOW)
    enter_counts(sheet.sheet_id, [Found("B", 3)], actor="a", now=NOW)

    submit_count(sheet.sheet_id, reason="", actor="a", now=NOW + timedelta(minutes=1))
    while read_once(LAKE):
        pass

    assert before == [(15, True)]
    assert lake("book_units, counted_units, is_exact", "count_lines") == [(3, 3, True)]
    assert verify() == []


@pytest.mark.usefixtures("company")
def test_a_reading_that_says_the_same_is_not_logged_again():
    reading = DailyReading("data_sync_error_rate", NOW.date(), "", 1, 2)

    assert record_daily_values([reading, DailyReading("data_sync_error_rate", NOW.date(), "tmall", 1, 2)]) == 2
    assert record_daily_values([reading]) == 0
    assert record_daily_values([DailyReading("data_sync_error_rate", NOW.date(), "", 0, 2)]) == 1
