"""How metrics may be asked: filters, order, limits, currencies, names, and sentences for what cannot be."""

from datetime import date

import pytest
from tests.support.books import Books, Sale
from tests.support.company import ACTOR, DAY, NOW, goods, order
from tests.support.lake import write_lake

from tongpan.analytics.queries import catalogue, explain, freshness, labels, metric, metrics_many
from tongpan.channels.actions import save_channels, save_shops
from tongpan.channels.engine import ChannelSpec, ShopSpec
from tongpan.core.errors import Refusal
from tongpan.orders.actions import accept

BOOKS = Books(
    [
        Sale("1", "tm", 1, (("A", 1, 1000),), "ann", "浙江省"),
        Sale("2", "tm2", 2, (("B", 1, 3000),), "bob", "江苏省"),
        Sale("3", "mall", 3, (("A", 1, 2000), ("", 1, 500)), "", ""),
    ]
)


@pytest.fixture
def books(company):
    BOOKS.enter()
    write_lake()


def values(key, **asked):
    return [(*row.dimensions.values(), row.value) for row in metric(key, **asked).rows]


@pytest.mark.usefixtures("books")
@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"channel": "tmall"}, "40.00"),
        ({"channel": ["tmall", "own"]}, "65.00"),
        ({"shop": "tm"}, "10.00"),
        ({"channel": "tmall", "province": "江苏省"}, "30.00"),
        ({"province": None}, "25.00"),
        ({"province": [None, "浙江省"]}, "35.00"),
        ({"sku": "A"}, "30.00"),
        ({"sku": None}, "5.00"),
        ({"category": ["cat-A", "cat-B"]}, "60.00"),
        ({"category": None}, "5.00"),
        ({"day": "2026-11-17"}, "10.00"),
        ({"month": ["2026-11", "2026-10"]}, "65.00"),
        ({"year": "2025"}, "0.00"),
        ({"buyer_type": "anonymous"}, "25.00"),
        ({"province": "a province of nobody"}, "0.00"),
    ],
)
def test_filters_keep_what_they_name(filters, expected):
    assert metric("gmv", filters=filters).value == expected


@pytest.mark.usefixtures("books")
def test_rows_come_in_the_order_asked_for():
    assert values("gmv", by=["shop"]) == [("mall", "25.00"), ("tm", "10.00"), ("tm2", "30.00")]
    assert values("gmv", by=["shop"], order="-value") == [("tm2", "30.00"), ("mall", "25.00"), ("tm", "10.00")]
    assert values("gmv", by=["shop"], order="value", limit=2) == [("tm", "10.00"), ("mall", "25.00")]
    assert values("return_rate", by=["shop"], order="-value") == [("mall", 0.0), ("tm", 0.0), ("tm2", 0.0)]


@pytest.mark.usefixtures("books")
def test_a_range_is_half_open():
    asked = {"date_from": date(2026, 11, 15), "date_to": date(2026, 11, 17)}

    assert values("gmv", by=["day"], **asked) == [("2026-11-15", "25.00"), ("2026-11-16", "30.00")]


@pytest.mark.usefixtures("books")
@pytest.mark.parametrize(
    ("_case", "key", "asked", "code", "words"),
    [
        ("no such metric", "gmw", {}, "metric.unknown", "There is no metric 'gmw'; there are gmv, orders, "),
        (
            "no such dimension",
            "gmv",
            {"by": ["region"]},
            "metric.dimension",
            "no dimension 'region'; there are channel",
        ),
        ("a dimension not its own", "aov", {"by": ["sku"]}, "metric.dimension", "by sku; its dimensions are channel, "),
        ("twice the same", "gmv", {"by": ["shop", "shop"]}, "metric.dimension", "given twice in shop, shop"),
        ("a filter not its own", "new_buyers", {"filters": {"sku": "A"}}, "metric.dimension", "filtered by sku"),
        ("no such value", "gmv", {"filters": {"channel": "jd"}}, "metric.filter", "There is no channel 'jd'."),
        ("not a month", "gmv", {"filters": {"month": "11/2026"}}, "metric.filter", "write it as 2026-11"),
        ("an empty filter", "gmv", {"filters": {"shop": []}}, "metric.filter", "filter by shop has no value"),
        (
            "no such setting",
            "gmv",
            {"settings": {"window": "9"}},
            "metric.setting",
            "no setting 'window'; it has: basis",
        ),
        ("no such option", "gmv", {"settings": {"basis": "net"}}, "metric.setting", "placed, uncancelled, paid"),
        ("no window", "repurchase_rate", {"settings": {"window": "0"}}, "metric.setting", "days from 1 to 3660"),
        ("no days", "gmv", {"date_from": date(2026, 1, 2), "date_to": date(2026, 1, 2)}, "metric.range", "no day"),
        ("no such order", "gmv", {"order": "channel"}, "metric.order", "by value or -value"),
        ("no rows", "gmv", {"limit": 0}, "metric.limit", "between 1 and"),
        ("the wrong fact", "on_time_rate", {"by": ["node"]}, "metric.dimension", "setting unit (order, fulfillment)"),
        (
            "a window and a month",
            "repurchase_rate",
            {"filters": {"month": "2026-11"}},
            "metric.window",
            "bound it by days",
        ),
    ],
)
def test_what_cannot_be_asked_is_refused_with_what_can(_case, key, asked, code, words):
    with pytest.raises(Refusal) as refused:
        metric(key, **asked)

    assert refused.value.code == code
    assert words in refused.value.sentence


@pytest.mark.usefixtures("books")
def test_several_metrics_ignore_settings_that_only_some_have():
    answers = metrics_many(["gmv", "repurchase_rate"], settings={"window": "30"})

    assert answers["repurchase_rate"].settings == {"window": "30", "basis": "placed"}
    assert answers["gmv"].settings == {"basis": "placed"}


@pytest.mark.usefixtures("books")
def test_window_metrics_take_calendar_filters_that_they_are_grouped_by():
    assert values("repurchase_rate", by=["month"], filters={"month": "2026-11"}) == [("2026-11", 0.0)]
    assert values("repurchase_rate", by=["month"], filters={"month": "2026-01"}) == []


@pytest.mark.usefixtures("company")
def test_an_empty_lake_knows_nothing():
    write_lake()

    for key in catalogue().metrics:
        result = metric(key)
        assert [row.value for row in result.rows] == ([None] if not result.by else []), key
        assert metric(key, by=["channel", "month"]).rows == []
    assert [row.value for row in metrics_many(["gmv", "orders", "aov"])["gmv"].rows] == [None]


@pytest.mark.usefixtures("books")
def test_a_period_without_orders_is_zero_and_its_ratios_are_not_defined():
    asked = {"date_from": date(2026, 12, 1), "date_to": date(2027, 1, 1)}

    answers = metrics_many(["gmv", "orders", "buyers", "aov", "units", "return_rate", "new_buyers"], **asked)

    assert {key: result.value for key, result in answers.items()} == {
        "gmv": "0.00",
        "orders": 0,
        "buyers": 0,
        "aov": None,
        "units": 0,
        "return_rate": None,
        "new_buyers": 0,
    }


@pytest.fixture
def two_currencies(books):
    save_channels([ChannelSpec("olist", "奥利", "Olist", currency="JPY")], actor=ACTOR, now=NOW)
    save_shops([ShopSpec("ol", "olist", "Olist")], actor=ACTOR, now=NOW)
    accept(
        [order("J", goods("A", 2, 1500), shop_code="ol", currency="JPY", placed_at=NOW - DAY)], actor="test", now=NOW
    )
    write_lake()


@pytest.mark.usefixtures("two_currencies")
def test_amounts_of_two_currencies_never_meet():
    result = metric("gmv")

    assert result.currency is None
    assert result.as_json()["rows"] == [{"currency": "CNY", "value": "65.00"}, {"currency": "JPY", "value": "1500"}]
    assert [(row.currency, row.value) for row in metric("aov").rows] == [("CNY", "21.67"), ("JPY", "1500")]
    assert metric("gmv_share").as_json()["rows"] == [
        {"channel": "olist", "currency": "JPY", "value": 1.0},
        {"channel": "own", "currency": "CNY", "value": 2500 / 6500},
        {"channel": "tmall", "currency": "CNY", "value": 4000 / 6500},
    ]


@pytest.mark.usefixtures("two_currencies")
def test_one_currency_among_several_needs_no_column():
    result = metric("gmv", by=["shop"], filters={"channel": "olist"})

    assert result.currency == "JPY"
    assert result.as_json()["rows"] == [{"shop": "ol", "value": "1500"}]


@pytest.mark.usefixtures("two_currencies")
def test_counts_are_counted_over_all_currencies():
    answers = metrics_many(["gmv", "orders", "return_rate", "aov"], by=["month"])

    assert [row.value for row in answers["orders"].rows] == [4]
    assert [(row.currency, row.value) for row in answers["gmv"].rows] == [("CNY", "65.00"), ("JPY", "1500")]
    assert [(row.currency, row.value) for row in answers["return_rate"].rows] == [("CNY", 0.0), ("JPY", 0.0)]


@pytest.mark.usefixtures("books")
def test_values_have_names_in_both_languages():
    assert {code: (text.zh, text.en) for code, text in labels("channel", ["tmall", "own", None, "x"]).items()} == {
        "own": ("商城", "Mall"),
        "tmall": ("天猫", "Tmall"),
    }
    assert labels("sku", ["A"])["A"].en == "name of A"
    assert labels("buyer_type", ["new"])["new"].zh == "新客"
    assert labels("province", ["浙江省"]) == {}
    assert labels("sku", []) == {}


@pytest.mark.usefixtures("books")
def test_the_json_form_is_stable():
    shown = metric("orders", by=["channel"]).as_json("zh")

    assert {key: shown[key] for key in ("metric", "name", "unit", "currency", "settings", "rows")} == {
        "metric": "orders",
        "name": "订单数",
        "unit": "count",
        "currency": None,
        "settings": {"basis": "placed"},
        "rows": [{"channel": "own", "value": 1}, {"channel": "tmall", "value": 2}],
    }
    assert shown["definition"].startswith("期间内所下订单的数量")
    assert set(shown["fresh"]) == {"changed_at", "is_current"}


@pytest.mark.usefixtures("books")
def test_the_sql_can_be_shown_for_every_engine():
    for engine in ("duckdb", "clickhouse", "spark"):
        assert "total_minor" in explain("gmv", engine=engine, by=["channel"])
    with pytest.raises(Refusal, match="no engine 'oracle'; there are duckdb, clickhouse, spark"):
        explain("gmv", engine="oracle")


@pytest.mark.usefixtures("live_company")
def test_freshness_tells_whether_events_wait():
    from tests.support.reading import read_once

    from tongpan.analytics.readers import LAKE

    accept([order("1")], actor="test", now=NOW)
    read_once(LAKE)
    assert freshness().is_current is True
    moved = freshness().changed_at

    accept([order("2")], actor="test", now=NOW)
    read_once(LAKE)

    assert freshness().changed_at > moved
