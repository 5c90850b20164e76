"""How fast orders leave."""

from __future__ import annotations

from datetime import timedelta

from django.http import HttpRequest
from ninja import Query, Router
from pydantic import BaseModel, Field

from tongpan.api.operations import read
from tongpan.api.problems import Problem
from tongpan.api.values import Day, Out
from tongpan.orders.queries.speed import processing_times

router = Router(tags=["orders"])
_MOST_DAYS = 366


class SpeedQuery(BaseModel):
    first: Day = Field(alias="from", description="First business day of placing")
    last: Day = Field(alias="to", description="Last business day of placing, included")


class ProcessingOut(Out):
    channel: str | None = Field(description="null: all channels")
    orders: int = Field(description="Paid orders that have left")
    mean_hours: float | None = Field(description="From payment to dispatch")
    median_hours: float | None
    p90_hours: float | None
    p95_hours: float | None
    dispatched: int = Field(description="Orders that have left")
    per_hour: float | None = Field(description="Of them, for each hour in which any left")
    on_time_rate: float | None = Field(description="Of those with a promise; null when nothing was promised")


class ProcessingTimesOut(Out):
    rows: list[ProcessingOut]


@read(router, "/order-processing", "metrics.view", ProcessingTimesOut)
def get_processing(request: HttpRequest, query: Query[SpeedQuery]) -> ProcessingTimesOut:
    """Order processing time (KPI-11) and dispatch efficiency (KPI-75), over all and by channel."""
    if query.last < query.first or (query.last - query.first).days >= _MOST_DAYS:
        raise Problem(422, "days.range", f"Give 1 to {_MOST_DAYS} days, the first before the last.")
    rows = processing_times(query.first, query.last + timedelta(days=1))
    return ProcessingTimesOut(
        rows=[
            ProcessingOut(
                channel=r.channel or None,
                orders=r.orders,
                mean_hours=r.mean,
                median_hours=r.median,
                p90_hours=r.p90,
                p95_hours=r.p95,
                dispatched=r.dispatched,
                per_hour=r.per_hour,
                on_time_rate=r.on_time,
            )
            for r in rows
        ]
    )
