from decimal import Decimal

import pytest

from tongpan.console.cards import Delta, Series, Unit, delta, funnel, over_time, ranking


@pytest.mark.parametrize(
    ("now", "before", "options", "expected"),
    [
        (110, 100, {}, ("+10.0%", "good", "up")),
        (90, 100, {}, ("−10.0%", "bad", "down")),
        (90, 100, {"more_is_good": False}, ("−10.0%", "good", "down")),
        (90, 100, {"more_is_good": None}, ("−10.0%", "flat", "down")),
        (100, 100, {}, ("0.0%", "flat", "")),
        (Decimal("0.25"), Decimal("0.20"), {"in_points": True}, ("+5.0 pp", "good", "up")),
        (5, 0, {}, ("—", "flat", "")),
        (None, 5, {}, ("—", "flat", "")),
        (5, None, {}, ("—", "flat", "")),
        (50, -100, {}, ("+150.0%", "good", "up")),
    ],
)
def test_a_change_says_how_much_and_whether_it_is_good(now, before, options, expected):
    assert delta("against before", now, before, **options) == Delta("against before", *expected)


def test_a_chart_over_time_carries_the_same_figures_as_a_table():
    chart = over_time(
        "gmv",
        "GMV",
        axis_title="Month",
        categories=["2026-10", "2026-11"],
        series=[Series("Tmall", [Decimal("10.50"), None]), Series("JD", [3, 4])],
        unit=Unit("money", "CNY", 2),
        stacked=True,
    )

    assert list(chart.table_head) == ["Month", "Tmall", "JD"]
    assert chart.table_rows == [["2026-10", "10.50 CNY", "3.00 CNY"], ["2026-11", "—", "4.00 CNY"]]
    assert [one["data"] for one in chart.option["series"]] == [[10.5, None], [3, 4]]
    assert all(one["stack"] == "all" for one in chart.option["series"])
    assert chart.spec["unit"] == {"kind": "money", "currency": "CNY", "digits": 2}


def test_bars_of_a_ranking_lead_to_what_they_stand_for():
    chart = ranking(
        "top",
        "Top goods",
        axis_title="SKU",
        names=["A"],
        one=Series("Units", [7]),
        unit=Unit(),
        links=["/goods/sku/A/"],
    )

    assert chart.option["series"][0]["data"] == [{"value": 7, "link": "/goods/sku/A/"}]
    assert chart.table_rows == [["A", "7"]]


def test_a_funnel_tells_each_step_with_its_rate():
    chart = funnel("f", "Funnel", "Step", [("Placed", 100, ""), ("Paid", 80, "80.0%")], Unit())

    assert chart.table_rows == [["Placed", "100", ""], ["Paid", "80", "80.0%"]]
