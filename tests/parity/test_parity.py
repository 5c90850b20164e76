"""Every metric means the same on every engine: the same rows in the same order, to the last unit.

DuckDB as the lake uses it is compared with DuckDB that has all its optimizers off and reads the files themselves,
and, when they are installed, with ClickHouse (chdb) and Spark over the same files. Rows are integers and texts:
ratios are compared by their two parts.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from tests.parity.engines import Files, Runner, installed
from tests.parity.fixture import write_fixture

from tongpan.analytics.catalogue import catalogue
from tongpan.analytics.engine.compile import to_sql
from tongpan.analytics.engine.drill import drill_query
from tongpan.analytics.engine.plan import plan
from tongpan.analytics.engine.request import Chosen, Filter, Request
from tongpan.core.errors import Refusal

pytestmark = pytest.mark.slow

HISTORY = (date(2024, 12, 29), date(2026, 2, 20))
RANGES = [(None, None), (date(2025, 1, 1), date(2025, 2, 1)), (date(2025, 6, 1), None), (date(2030, 1, 1), None)]
PAIRS = [("channel", "month"), ("province", "quarter"), ("shop", "day"), ("week", "domain"), ("month", "year")]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return write_fixture(tmp_path_factory.mktemp("lake"))


@pytest.fixture(scope="module")
def duck(files: Files, tmp_path_factory: pytest.TempPathFactory) -> Runner:
    return installed()["duckdb"](files, tmp_path_factory.mktemp("duckdb"))


@pytest.fixture(scope="module", params=[name for name in installed() if name != "duckdb"])
def other(request: pytest.FixtureRequest, files: Files, tmp_path_factory: pytest.TempPathFactory) -> Runner:
    """Every way to run a metric but the lake's own."""
    return installed()[request.param](files, tmp_path_factory.mktemp(request.param))


def choices(key: str) -> Iterator[tuple[tuple[str, str], ...]]:
    """Every combination of a metric's settings."""
    options = [
        [(setting.key, option.value) for option in setting.options]
        + [(setting.key, days) for days in ("30", "365") if setting.is_days]
        for setting in catalogue().metrics[key].settings
    ]
    yield from itertools.product(*options)


def requests(key: str) -> Iterator[Request]:
    """Every dimension alone and some in pairs, every setting, ranges, currencies, orders and limits."""
    metric, dimensions = catalogue().metrics[key], catalogue().dimensions
    own = [metric.share_of] if metric.share_of else []
    groups = [(), *((name,) for name in metric.dimensions), *PAIRS]
    for settings in choices(key):
        is_default = all(dict(settings)[s.key] in (s.default, "fulfillment") for s in metric.settings)
        for group in groups if is_default else [(), ("channel",), ("channel", "month")]:
            by = tuple(dimensions[name] for name in dict.fromkeys((*own, *group)))
            base = Request((Chosen(metric, settings),), by, HISTORY)
            yield base
            if is_default:
                yield Request(base.chosen, by, HISTORY, by_currency=True, order="-value", limit=7)
        for day_from, day_to in RANGES:
            yield Request(base.chosen, (dimensions["channel"],), HISTORY, day_from, day_to)
    some = Filter(dimensions["province"], ("浙江省", "a'b\"c", None))
    if "province" in metric.dimensions:
        yield Request(base.chosen, (dimensions["channel"],), HISTORY, filters=(some,), order="value")
    if "sku" in metric.dimensions:
        none = Filter(dimensions["sku"], (None, 3))
        yield Request(base.chosen, (dimensions["sku"],), HISTORY, filters=(none,))


def sqls(key: str, runner: Runner) -> Iterator[tuple[Request, str]]:
    for request in requests(key):
        try:
            planned = plan(request)
        except Refusal:  # a dimension that these settings do not have
            continue
        yield request, to_sql(planned.query, runner.engine)


@pytest.mark.parametrize("key", list(catalogue().metrics))
def test_every_metric_gives_the_same_rows_in_the_same_order(key: str, duck: Runner, other: Runner) -> None:
    compared = 0
    for (request, ours), (_, theirs) in zip(sqls(key, duck), sqls(key, other), strict=True):
        expected, found = duck.rows(ours), other.rows(theirs)
        assert found == expected, (other.engine.name, [d.key for d in request.by], theirs)
        compared += len(expected)
    assert compared > 100


def test_several_metrics_at_once_give_the_same_rows(duck: Runner, other: Runner) -> None:
    for group in [(), ("channel",), ("month", "channel"), ("province",)]:
        chosen = tuple(
            Chosen(metric, tuple((s.key, s.default) for s in metric.settings))
            for metric in catalogue().metrics.values()
            if not metric.share_of and set(group) <= set(metric.dimensions)
        )
        for by_currency in (False, True):
            by = tuple(catalogue().dimensions[name] for name in group)
            query = plan(Request(chosen, by, HISTORY, by_currency=by_currency)).query

            assert other.rows(to_sql(query, other.engine)) == duck.rows(to_sql(query, duck.engine)), group


@pytest.mark.parametrize("key", list(catalogue().metrics))
def test_the_documents_behind_a_number_are_the_same(key: str, duck: Runner, other: Runner) -> None:
    metric = catalogue().metrics[key]
    chosen = Chosen(metric, tuple((s.key, s.default) for s in metric.settings))
    for part in ("value", "base") if metric.denominator else ("value",):
        for query in drill_query(Request((chosen,), (), HISTORY), part, 50)[:2]:
            assert other.rows(to_sql(query, other.engine)) == duck.rows(to_sql(query, duck.engine))


def test_sums_leave_64_bits_unharmed(duck: Runner, other: Runner) -> None:
    metric = catalogue().metrics["gmv"]
    query = plan(Request((Chosen(metric, (("basis", "placed"),)),), (), HISTORY)).query

    ((total,),) = other.rows(to_sql(query, other.engine))

    assert total == _total_of_the_files(duck)
    assert total > 2**63


def _total_of_the_files(duck: Runner) -> int:
    amounts: list[tuple[Any]] = duck.rows("SELECT total_minor FROM lake.orders")
    return sum(amount for (amount,) in amounts)


def test_the_fixture_has_what_engines_disagree_about(duck: Runner, files: Files) -> None:
    ((anonymous, unpromised, negative, zero),) = duck.rows(
        "SELECT count(*) FILTER (customer_id IS NULL), count(*) FILTER (is_on_time IS NULL), "
        "count(*) FILTER (total_minor < 0), count(*) FILTER (total_minor = 0) FROM lake.orders"
    )

    assert min(anonymous, unpromised, negative, zero) > 0
    assert duck.rows("SELECT count(*) FROM lake.orders WHERE province = '浙江省'") > [(0,)]
    assert Path(files["orders"][-1]).exists()
    assert duck.rows(f"SELECT count(*) FROM read_parquet('{files['orders'][-1]}')") == [(0,)]
