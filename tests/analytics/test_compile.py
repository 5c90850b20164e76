"""Plans become SQL of whitelisted nodes only, the same text for the same plan, one dialect per engine."""

from datetime import date

import pytest
from sqlglot import exp, parse_one

from tongpan.analytics.catalogue import catalogue
from tongpan.analytics.engine import compile as module
from tongpan.analytics.engine import ir
from tongpan.analytics.engine.compile import ALLOWED, to_sql
from tongpan.analytics.engine.plan import plan
from tongpan.analytics.engine.registry import CLICKHOUSE, DUCKDB, ENGINES, SPARK
from tongpan.analytics.engine.request import Chosen, Filter, Request
from tongpan.core.errors import Refusal

HISTORY = (date(2026, 1, 1), date(2026, 11, 19))


def request(*keys, by=(), **more):
    metrics, dimensions = catalogue().metrics, catalogue().dimensions
    chosen = [Chosen(metrics[k], tuple((s.key, s.default) for s in metrics[k].settings)) for k in keys]
    return Request(tuple(chosen), tuple(dimensions[d] for d in by), HISTORY, **more)


def sql(*keys, engine=DUCKDB, **more):
    return to_sql(plan(request(*keys, **more)).query, engine)


def test_a_simple_metric_reads_one_table_once():
    assert sql("gmv") == (
        "WITH of_orders AS (SELECT SUM(f.total_minor) AS v_gmv FROM lake.orders AS f) "
        "SELECT m.v_gmv AS v_gmv FROM of_orders AS m"
    )


def test_a_grouped_metric_groups_by_keys_and_looks_codes_up_afterwards():
    assert sql("orders", by=("channel", "month"), day_from=date(2026, 1, 1), day_to=date(2026, 4, 1)) == (
        "WITH of_orders AS (SELECT f.channel_id AS k_channel, f.month AS k_month, COUNT(*) AS v_orders "
        "FROM lake.orders AS f "
        "WHERE f.business_date >= CAST('2026-01-01' AS DATE) AND f.business_date < CAST('2026-04-01' AS DATE) "
        "GROUP BY f.channel_id, f.month) "
        "SELECT l_channel.channel_code AS d_channel, m.k_month AS d_month, m.v_orders AS v_orders FROM of_orders AS m "
        "LEFT JOIN lake.dim_channel AS l_channel ON m.k_channel = l_channel.channel_id "
        "ORDER BY l_channel.channel_code ASC, m.k_month ASC"
    )


def test_several_metrics_over_one_fact_take_one_scan():
    text = sql("gmv", "orders", "buyers", "aov", "units", by=("month",))

    assert text.count("FROM lake.orders") == 1
    assert "UNION" not in text


def test_metrics_over_several_facts_are_merged_by_their_keys():
    text = sql("gmv", "return_rate", by=("month",))

    assert (text.count("FROM lake.orders "), text.count("FROM lake.returns "), text.count("UNION ALL")) == (1, 1, 1)


def test_goods_dimensions_are_measured_on_lines_and_never_joined_to_orders():
    text = sql("gmv", by=("category",))

    assert "lake.orders" not in text
    assert "FROM lake.order_lines AS f LEFT JOIN lake.dim_sku" in text


def test_the_filter_of_a_share_leaves_its_total_whole():
    only = Filter(catalogue().dimensions["channel"], (7,))

    text = sql("gmv_share", by=("channel", "month"), filters=(only,))

    inner, _, outer = text.rpartition("FROM shares")
    assert "7" not in inner
    assert "WHERE m.k_channel IN (7)" in outer


def test_quotes_in_values_stay_values():
    wanted = Filter(catalogue().dimensions["province"], ("'; DROP TABLE x --",))

    assert "IN ('''; DROP TABLE x --')" in sql("gmv", filters=(wanted,))


@pytest.mark.parametrize("engine", ENGINES.values(), ids=ENGINES)
def test_every_metric_compiles_for_every_engine_into_allowed_nodes(engine):
    for metric in catalogue().metrics.values():
        for dimension in metric.dimensions:
            settings = {"unit": "fulfillment"} if dimension == "node" else {}
            chosen = Chosen(metric, tuple((s.key, settings.get(s.key, s.default)) for s in metric.settings))
            by = [catalogue().dimensions[dimension]]
            if metric.share_of and metric.share_of != dimension:
                by.append(catalogue().dimensions[metric.share_of])
            planned = plan(Request((chosen,), tuple(by), HISTORY, order="-value", limit=5))

            tree = parse_one(to_sql(planned.query, engine), dialect=engine.dialect)

            assert not tree.find(exp.Avg, exp.Having, exp.Anonymous)


def test_every_order_by_says_where_nulls_go_or_the_engine_puts_them_last():
    assert "NULLS LAST" in sql("gmv", by=("channel",), engine=SPARK)
    assert "NULLS" not in sql("gmv", by=("channel",), engine=CLICKHOUSE)  # its own order: nulls last


def test_sums_are_wide_where_the_engine_stops_at_64_bits():
    assert "SUM(CAST(f.total_minor AS DECIMAL(38, 0)))" in sql("gmv", engine=SPARK)
    assert "Decimal(38, 0)" in sql("gmv", engine=CLICKHOUSE).replace("DECIMAL", "Decimal")


def test_a_node_outside_the_whitelist_is_refused(monkeypatch):
    monkeypatch.setattr(module, "ALLOWED", tuple(kind for kind in ALLOWED if kind is not exp.Sum))

    with pytest.raises(ValueError, match="Sum is not a node that metrics may use"):
        sql("gmv")


def test_negative_numbers_and_flags_are_literals():
    select = ir.Select((("a", ir.Literal_(-5)), ("b", ir.Literal_(True)), ("c", ir.Null("text"))))

    assert to_sql(ir.Query((), select), DUCKDB) == "SELECT -5 AS a, TRUE AS b, CAST(NULL AS TEXT) AS c"


def test_rolling_windows_refuse_weeks_beside_months():
    with pytest.raises(Refusal, match="weeks cross their ends"):
        sql("repurchase_rate", by=("week", "month"))


def test_shares_are_asked_alone():
    with pytest.raises(Refusal, match="ask for it alone"):
        sql("gmv_share", "gmv", by=("channel",))
