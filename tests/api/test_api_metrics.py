"""Metrics through the API."""

from collections.abc import Iterator
from typing import Any

import pytest
from tests.api.calling import Api, client_with_every_scope, cny, make_company, order

from tongpan.runtime.lake import bring_up_to_date


@pytest.fixture
def lake(transactional_db: None) -> Iterator[Api]:
    """Two orders of November and one of October, in the lake. Readers see only what is committed."""
    make_company()
    api = client_with_every_scope()
    days = {"T1": "2026-10-31", "T2": "2026-11-17", "T3": "2026-11-18"}
    orders = [order(n, placed_at=f"{day}T10:00:00+08:00", paid_at=f"{day}T10:00:00+08:00") for n, day in days.items()]
    api.send("POST", "/orders", {"orders": orders})
    bring_up_to_date()
    yield api


def test_a_metric_is_told_with_its_definition_and_as_money(lake: Api) -> None:
    answer = lake.get("/metrics/gmv?by=channel,month&from=2026-10-01&to=2026-11-17")

    fresh = answer.pop("fresh")
    assert fresh["is_current"] is True
    assert fresh["changed_at"].endswith("Z")
    assert answer.pop("definition")
    assert answer.pop("settings") is not None
    assert answer == {
        "metric": "gmv",
        "name": "GMV",
        "unit": "money",
        "is_complete": True,
        "rows": [
            {"dimensions": {"channel": "tmall", "month": "2026-10"}, "value": cny("65.80")},
            {"dimensions": {"channel": "tmall", "month": "2026-11"}, "value": cny("65.80")},
        ],
    }


def test_the_last_day_is_included_and_counts_are_numbers(lake: Api) -> None:
    rows = lake.get("/metrics/orders?from=2026-11-17&to=2026-11-18")["rows"]

    assert rows == [{"dimensions": {}, "value": 2}]


def test_filters_narrow_and_limits_tell_that_they_cut(lake: Api) -> None:
    assert lake.get("/metrics/orders?filter=channel=jd")["rows"] == [{"dimensions": {}, "value": 0}]

    cut = lake.get("/metrics/orders?by=day&order=-value&limit=2")

    assert (len(cut["rows"]), cut["is_complete"]) == (2, False)


def test_the_catalogue_names_every_metric_in_both_languages(api: Api) -> None:
    english, chinese = api.get("/metrics"), api.get("/metrics?language=zh")

    assert [one["key"] for one in english["metrics"]] == [one["key"] for one in chinese["metrics"]]
    assert {"gmv", "orders", "aov", "units", "return_rate"} <= {one["key"] for one in english["metrics"]}
    assert english["metrics"][0]["formula"] != chinese["metrics"][0]["formula"]


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/metrics/nothing", 404, "metric.unknown"),
        ("/metrics/A", 422, "request.invalid"),
        ("/metrics/gmv?by=nothing", 422, "metric.dimension"),
        ("/metrics/gmv?by=channel,channel", 422, "metric.dimension"),
        ("/metrics/gmv?from=2026-11-18&to=2026-11-17", 422, "metric.range"),
        ("/metrics/gmv?from=2026-02-30", 422, "request.invalid"),
        ("/metrics/gmv?filter=channel", 422, "query.pair"),
        ("/metrics/gmv?filter=channel=nowhere", 422, "metric.filter"),
        ("/metrics/gmv?set=nothing=1", 422, "metric.setting"),
        ("/metrics/gmv?limit=10001", 422, "request.invalid"),
        ("/metrics/gmv?order=name", 422, "request.invalid"),
        ("/metrics/gmv?By=channel", 422, "query.unknown"),
    ],
)
def test_what_cannot_be_asked_is_refused(lake: Api, path: str, status: int, code: str) -> None:
    assert lake.refused(status, "GET", path)["code"] == code


def test_values_of_filters_never_reach_the_engine_as_sql(lake: Api) -> None:
    before: Any = lake.get("/metrics/orders")["rows"]

    lake.refused(422, "GET", "/metrics/orders?filter=channel=x'%20OR%20'1'='1")

    assert lake.get("/metrics/orders")["rows"] == before
