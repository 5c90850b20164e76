"""Data quality: how well the channels' data and ours agree."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja import Router
from pydantic import Field

from tongpan.api.operations import read
from tongpan.api.values import Instant, Out
from tongpan.core.clock import utc_now
from tongpan.runtime.quality import latest

router = Router(tags=["quality"])


class ChannelRateOut(Out):
    channel: str
    number: int
    base: int
    rate: float | None


class RateOut(Out):
    kpi: str
    formula: str
    number: int
    base: int
    rate: float | None = Field(description="null when nothing came")
    target: float
    is_met: bool | None
    channels: list[ChannelRateOut]


class RowsOut(Out):
    channel: str = Field(description="Empty for files of several channels")
    kind: str
    seen: int
    rejected: int
    rate: float | None
    last_at: Instant | None


class MismatchOut(Out):
    channel: str
    shop: str
    number: str
    order_id: int | None
    reasons: list[str]
    detail: str


class ChannelLagOut(Out):
    channel: str
    last_placed_at: Instant | None
    last_recorded_at: Instant | None
    hours_since_last: float | None
    median_delay_seconds: float | None


class ReaderLagOut(Out):
    reader: str
    events: int


class QualityOut(Out):
    computed_at: Instant
    days: int
    data_sync_error_rate: RateOut
    customer_sync_rate: RateOut
    rows: list[RowsOut]
    mismatches: list[MismatchOut]
    channel_lag: list[ChannelLagOut]
    reader_lag: list[ReaderLagOut]


@read(router, "/quality", "metrics.view", QualityOut)
def get_quality(request: HttpRequest) -> QualityOut:
    """The report that a job keeps every ten minutes, over the last 30 days."""
    found: dict[str, Any] = latest(utc_now())
    return QualityOut.model_validate(found)
