"""Targets of metrics, how they are attained, and the alerts of those that were missed."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Annotated, Literal

from django.http import HttpRequest
from ninja import Query, Router
from pydantic import BaseModel, Field

from tongpan.analytics.engine.calendar import Grain
from tongpan.analytics.models import TargetAlert
from tongpan.analytics.targets.actions import save_targets
from tongpan.analytics.targets.engine import EACH_CHANNEL, State, TargetSpec
from tongpan.analytics.targets.queries import Attainment, attainments, select_alerts
from tongpan.api.operations import actor_of, read, write
from tongpan.api.pages import Page, PageQuery, page_of
from tongpan.api.problems import Problem
from tongpan.api.values import Day, Flag, Id, In, Instant, Out, Text60, Text120
from tongpan.core.clock import DEFAULT_ZONE, business_day, utc_now

router = Router(tags=["targets"])
Figure = Annotated[Decimal, Field(max_digits=18, decimal_places=6, allow_inf_nan=False)]
Kind = Literal["value", "change"]


class TargetsQuery(BaseModel):
    metric: Text60 = ""
    first: Day | None = Field(None, alias="from", description="First business day of the period that is judged")
    last: Day | None = Field(None, alias="to", description="Its last business day, included")


class AttainmentOut(Out):
    metric: str
    name: str
    kpis: list[str]
    unit: str
    direction: str
    channel: str | None = Field(description="null: over all channels")
    kind: Kind = Field(description="value: of the metric; change: relative, against the baseline")
    period: Grain
    first_day: date
    last_day: date = Field(description="Included")
    commitment: Decimal
    stretch: Decimal | None
    value: float | None
    baseline: float | None
    wanted: float | None = Field(description="The value that the commitment stands for")
    attained: float | None = Field(description="How much of the target is reached; 1 is all of it")
    state: State = Field(description="near: missed by at most a tenth of what is wanted")
    is_stretch_met: bool
    is_default: bool = Field(description="Of the catalogue: nobody stored another")
    source: str


class AttainmentsOut(Out):
    items: list[AttainmentOut]


class TargetIn(In):
    metric: Text60
    channel: Text60 = Field(
        "", description='A channel\'s code, "" for the total, "*" for every channel without its own'
    )
    kind: Kind
    period: Grain = "month"
    commitment: Figure = Field(description="0.98 of a share is 98 %; of a change, 0.2 is +20 %")
    stretch: Figure | None = None
    baseline_from: Day | None = Field(None, description="Without it: the first whole period that has a value")
    baseline_to: Day | None = Field(None, description="Last day of the baseline, included")
    source: Text120 = ""
    valid_from: Day | None = Field(None, description="Without it: the beginning of the last period that is over")
    valid_to: Day | None = Field(None, description="Last day, included")
    is_off: Flag = Field(False, description="There shall be no target, not even the default")


class TargetsIn(In):
    targets: list[TargetIn] = Field(min_length=1, max_length=100)


class StoredTargetsOut(Out):
    ids: list[Id]


class AlertsQuery(PageQuery):
    metric: Text60 = ""
    state: Literal["open", "closed", ""] = "open"


class TargetAlertOut(Out):
    id: int
    metric: str
    channel: str | None
    period: Grain
    first_day: date
    last_day: date = Field(description="Included")
    value: Decimal
    wanted: Decimal
    opened_at: Instant
    closed_at: Instant | None


@read(router, "/targets", "metrics.view", AttainmentsOut)
def list_targets(request: HttpRequest, query: Query[TargetsQuery]) -> AttainmentsOut:
    """Every target in force and how it is attained: in its last period that is over, or in the days asked for."""
    if (query.first is None) != (query.last is None) or (query.first and query.last and query.last < query.first):
        raise Problem(422, "days.range", "Give both days, the first not after the last.")
    days = (query.first, query.last + timedelta(days=1)) if query.first and query.last else None
    found = attainments(today=business_day(utc_now(), DEFAULT_ZONE), metric=query.metric, days=days)
    return AttainmentsOut(items=[_out(one) for one in found])


def _float(value: Decimal | None) -> float | None:
    return None if value is None else float(value)


def _out(one: Attainment) -> AttainmentOut:
    return AttainmentOut(
        metric=one.metric.key,
        name=one.metric.name.en,
        kpis=list(one.metric.kpis),
        unit=one.metric.unit,
        direction=one.metric.direction,
        channel=one.channel or None,
        kind=one.spec.kind,
        period=one.spec.period,
        first_day=one.period_from,
        last_day=one.period_to - timedelta(days=1),
        commitment=one.spec.commitment,
        stretch=one.spec.stretch,
        value=_float(one.value),
        baseline=_float(one.baseline),
        wanted=_float(one.verdict.wanted),
        attained=_float(one.verdict.attained),
        state=one.verdict.state,
        is_stretch_met=one.verdict.is_stretch_met,
        is_default=one.is_default,
        source=one.spec.source,
    )


@write(router, "POST", "/targets", "metrics.edit", StoredTargetsOut)
def post_targets(request: HttpRequest, body: TargetsIn) -> StoredTargetsOut:
    """Store targets. Nothing is overwritten: what was in force before stays as history."""
    following = timedelta(days=1)
    specs = [
        TargetSpec(
            t.metric,
            EACH_CHANNEL if t.channel == "*" else t.channel,
            t.kind,
            t.period,
            t.commitment,
            t.stretch,
            t.baseline_from,
            t.baseline_to and t.baseline_to + following,
            t.source,
            t.valid_from,
            t.valid_to and t.valid_to + following,
            t.is_off,
        )
        for t in body.targets
    ]
    return StoredTargetsOut(ids=save_targets(specs, actor=actor_of(request), now=utc_now()))


@read(router, "/alerts", "metrics.view", Page[TargetAlertOut])
def list_target_alerts(request: HttpRequest, query: Query[AlertsQuery]) -> Page[TargetAlertOut]:
    """Targets that were missed, the last opened first; judged once a day."""
    rows = select_alerts(is_open={"open": True, "closed": False}.get(query.state), metric=query.metric)
    return page_of(rows, ["-opened_at", "-id"], query, _alert)


def _alert(row: TargetAlert) -> TargetAlertOut:
    return TargetAlertOut(
        id=row.pk,
        metric=row.metric,
        channel=row.channel.code if row.channel else None,
        period=row.period,  # type: ignore[arg-type]
        first_day=row.period_from,
        last_day=row.period_to - timedelta(days=1),
        value=row.value,
        wanted=row.wanted,
        opened_at=row.opened_at,
        closed_at=row.closed_at,
    )
