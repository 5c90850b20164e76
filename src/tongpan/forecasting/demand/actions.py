"""Making the forecasts, and ordering by them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction

from tongpan.core.bulk import copy_rows, execute
from tongpan.forecasting.demand.engine import forecast
from tongpan.forecasting.demand.queries import Expected, history
from tongpan.inventory.actions import order_from_suppliers
from tongpan.inventory.engine.counting import CountOutcome
from tongpan.inventory.engine.replenishing import UrgentDoc

SOURCE = "forecast"


def compute_forecasts(*, now: datetime) -> int:
    """Forecast the demand of every SKU with enough history, and replace the forecasts of before; how many there are.

    One transaction; readers see the forecasts of before until it ends.
    """
    made = []
    for series in history(now=now):
        if found := forecast(series.days, series.first_day.weekday()):
            begins = series.first_day + timedelta(days=len(series.days))
            observed = sum(units is not None for units in series.days)
            made.append(
                (
                    series.sku_id, begins, found.method, list(found.week), found.weekly_error, found.wape,
                    found.tested_weeks, observed, now,
                )
            )  # fmt: skip
    with transaction.atomic():
        execute("LOCK TABLE forecasting_demand IN SHARE ROW EXCLUSIVE MODE")
        execute("DELETE FROM forecasting_demand")
        copy_rows(
            "forecasting_demand",
            (
                "sku_id", "first_day", "method", "week", "weekly_error", "wape", "tested_weeks", "observed_days",
                "computed_at",
            ),
            made,
        )  # fmt: skip
    return len(made)


def order_missing(rows: Sequence[Expected], *, node_code: str, actor: str, now: datetime) -> list[CountOutcome]:
    """Propose that suppliers deliver to ``node_code`` what each of ``rows`` lacks to its order point.

    What was proposed counts as on order, so a list read afterwards asks for nothing more; the same list taken up
    twice on one day (UTC) proposes once.
    """
    docs = [
        UrgentDoc(
            SOURCE,
            f"{now:%Y%m%d}-{_name(row)}",
            node_code,
            row.sku_code,
            row.outlook.to_order,
            f"{row.outlook.expected:.1f} expected, {row.free} free, {row.on_order} on order",
        )
        for row in rows
        if row.outlook.to_order
    ]
    return order_from_suppliers(docs, actor=actor, now=now)


def _name(row: Expected) -> str:
    return hashlib.blake2b(f"{row.sku_code} {row.on_order}".encode(), digest_size=8).hexdigest()
