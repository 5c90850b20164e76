"""The data quality report: what the channels' data is like, and how far behind the readers are (CDP-06)."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from tongpan.analytics.actions import DailyReading, record_daily_values
from tongpan.analytics.queries import daily_totals
from tongpan.connectors.quality import (
    as_json,
    channel_lags,
    customer_agreement,
    disagreements,
    flows,
    mismatches,
    rate,
)
from tongpan.core.clock import DEFAULT_ZONE, business_day
from tongpan.core.eventlog import lag
from tongpan.core.stored import store, stored
from tongpan.runtime.readers import READERS

DAYS = 30
TARGETS = {"data_sync_error_rate": 0.05, "customer_sync_rate": 1.0}
"""KPI-55 at most, KPI-13 at least; the setting ``quality.targets`` holds others."""
REPORT, TARGET_SETTING = "quality.report", "quality.targets"
KEPT_DAYS = 400
FORMULAS = {
    "data_sync_error_rate": "orders that differ from the channel's copy or did not get in / orders that came",
    "customer_sync_rate": (
        "customers of several channels whose place, recipient and phone are the same on each / "
        "customers of several channels"
    ),
    "row_error_rate": "rows refused / rows seen",
}


def targets() -> dict[str, float]:
    """The targets in force, by metric."""
    return TARGETS | (stored(TARGET_SETTING) or {})


def report(now: datetime, days: int = DAYS) -> dict[str, Any]:
    """The whole report over the last ``days``, as plain JSON. Reads only; takes seconds on a large database."""
    since = now - timedelta(days=days)
    errors = disagreements(since)
    customers, customers_by_channel = customer_agreement(since)
    wanted = targets()
    error_rate = rate(sum(one.number for one in errors), sum(one.base for one in errors))
    customer_rate = rate(customers.number, customers.base)
    return {
        "computed_at": now.isoformat(),
        "days": days,
        "data_sync_error_rate": {
            "kpi": "KPI-55",
            "formula": FORMULAS["data_sync_error_rate"],
            "number": sum(one.number for one in errors),
            "base": sum(one.base for one in errors),
            "rate": error_rate,
            "target": wanted["data_sync_error_rate"],
            "is_met": None if error_rate is None else error_rate <= wanted["data_sync_error_rate"],
            "channels": [as_json(one) for one in errors],
        },
        "customer_sync_rate": {
            "kpi": "KPI-13",
            "formula": FORMULAS["customer_sync_rate"],
            "number": customers.number,
            "base": customers.base,
            "rate": customer_rate,
            "target": wanted["customer_sync_rate"],
            "is_met": None if customer_rate is None else customer_rate >= wanted["customer_sync_rate"],
            "channels": [as_json(one) for one in customers_by_channel],
        },
        "rows": [
            asdict(one) | {"rate": rate(one.rejected, one.seen), "last_at": one.last_at and one.last_at.isoformat()}
            for one in flows(since)
        ],
        "mismatches": [asdict(one) | {"reasons": list(one.reasons)} for one in mismatches(since)],
        "channel_lag": [
            {
                "channel": one.channel,
                "last_placed_at": one.last_placed_at and one.last_placed_at.isoformat(),
                "last_recorded_at": one.last_recorded_at and one.last_recorded_at.isoformat(),
                "hours_since_last": one.last_placed_at and round((now - one.last_placed_at).total_seconds() / 3600, 1),
                "median_delay_seconds": one.median_delay_seconds,
            }
            for one in channel_lags(since)
        ],
        "reader_lag": [{"reader": reader.name, "events": lag(reader)} for reader in READERS],
    }


def remember(now: datetime) -> dict[str, Any]:
    """Compute the report and keep it, and of each day the last readings of both rates for the metric catalogue."""
    made = report(now)
    store(REPORT, made)
    day = business_day(now, DEFAULT_ZONE)
    record_daily_values(
        [
            DailyReading(name, day, one.get("channel", ""), one["number"], one["base"])
            for name in TARGETS
            for one in (made[name], *made[name]["channels"])
        ]
    )
    return made


def latest(now: datetime) -> dict[str, Any]:
    """The report that was kept last; computed now when there is none yet."""
    return stored(REPORT) or report(now)


def history() -> list[tuple[str, float | None, float | None]]:
    """(day, data sync error rate, customer sync rate) of the days that were kept, oldest first."""
    days = daily_totals(list(TARGETS), KEPT_DAYS)
    return [
        (day.isoformat(), *(rate(*read[name]) if name in read else None for name in TARGETS))  # type: ignore[misc]
        for day, read in days.items()
    ]
