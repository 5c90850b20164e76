"""Targets and their alerts through the API."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from tests.api.calling import NOW, Api

from tongpan.analytics.models import TargetAlert

TARGET = {"metric": "data_sync_error_rate", "kind": "value", "period": "day", "commitment": "0.02"}


def test_the_targets_of_the_plans_are_listed_and_others_can_be_set(company: None, api: Api) -> None:
    before = {(one["metric"], one["channel"]): one for one in api.get("/targets")["items"]}
    made = api.send("POST", "/targets", {"targets": [TARGET]})
    after = {(one["metric"], one["channel"]): one for one in api.get("/targets?metric=data_sync_error_rate")["items"]}

    assert before["stock_turnover", None]["commitment"] == "0.2"
    assert before["data_sync_error_rate", None]["is_default"] is True
    assert len(made["ids"]) == 1
    mine = after["data_sync_error_rate", None]
    assert (mine["is_default"], mine["state"], Decimal(mine["commitment"])) == (False, "unknown", Decimal("0.02"))


def test_a_target_of_something_unknown_is_refused(company: None, api: Api) -> None:
    refusal = api.refused(422, "POST", "/targets", {"targets": [TARGET | {"metric": "luck"}]})

    assert (refusal["code"], refusal["detail"]) == ("target.invalid", "There is no metric 'luck'.")
    assert api.refused(422, "GET", "/targets?from=2026-11-02&to=2026-11-01")["code"] == "days.range"


def test_alerts_are_listed_with_their_period(company: None, api: Api) -> None:
    day = NOW.date()
    TargetAlert.objects.create(
        metric="inventory_accuracy",
        period="day",
        period_from=day,
        period_to=day + timedelta(days=1),
        value=Decimal("0.9"),
        wanted=Decimal("0.98"),
        opened_at=NOW,
    )

    (alert,) = api.get("/alerts")["items"]

    assert (alert["metric"], alert["first_day"], alert["last_day"], alert["channel"]) == (
        "inventory_accuracy",
        day.isoformat(),
        day.isoformat(),
        None,
    )
    assert api.get("/alerts?state=closed")["items"] == []


def test_core_goods_are_listed_with_their_cover(company: None, api: Api) -> None:
    from tests.support.company import put

    put("sh", A=3)
    api.send("POST", "/stock/covers", {"covers": [{"sku": "A", "is_core": True, "units": 5, "days": 0}]})

    items = api.get("/stock/core-goods?below=true")["items"]

    assert {(one["sku"], one["cover"], one["free"], one["is_below"]) for one in items} == {("A", 5, 3, True)}
    assert api.get("/stock/core-goods?below=false")["items"] == []


def test_promises_are_counted_and_listed(company: None, api: Api) -> None:
    found = api.get("/promises")

    assert (found["total"]["late"], found["nodes"], found["reasons"]) == (0, [], [])
    assert found["steps"][0]["step"] == "routed"
    assert api.get("/promises/rows?state=late")["items"] == []
    later = "since=2026-11-02T00:00:00Z&until=2026-11-01T00:00:00Z"
    assert api.refused(422, "GET", f"/promises?{later}")["code"] == "promises.period"
