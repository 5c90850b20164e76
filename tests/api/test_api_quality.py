"""Data quality through the API."""

from __future__ import annotations

from tests.api.calling import Api


def test_the_report(company: None, api: Api) -> None:
    made = api.get("/quality")

    assert (made["data_sync_error_rate"]["kpi"], made["customer_sync_rate"]["target"]) == ("KPI-55", 1.0)
    assert made["mismatches"] == []
    assert {row["reader"] for row in made["reader_lag"]} >= {"routing", "webhooks"}
