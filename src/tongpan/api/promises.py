"""Promises to buyers: how many are kept, at risk or broken by node, why, and how long each step takes."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from django.http import HttpRequest
from ninja import Query, Router
from pydantic import BaseModel, Field

from tongpan.api.operations import read
from tongpan.api.values import Instant, Out, Text60
from tongpan.core.clock import utc_now
from tongpan.core.errors import Refusal
from tongpan.fulfillment.keeping.queries import Kept, State, Wanted, board, promises, step_times

router = Router(tags=["promises"])
_DAYS = 30


class PromisesQuery(BaseModel):
    since: Instant | None = Field(None, description="Orders placed from then on; 30 days ago when it is missing")
    until: Instant | None = Field(None, description="Exclusive; now when it is missing")
    node: Text60 = ""
    channel: Text60 = ""


class PromiseRowsQuery(PromisesQuery):
    state: State | Literal[""] = Field("", description="late, at_risk and open are still running")
    reason: Text60 = ""
    limit: int = Field(200, ge=1, le=5000)


class KeptOut(Out):
    node: str | None = Field(description="null: over all nodes")
    promise: str | None = Field(description="pickup, ship, or dispatch (promised by the channel alone)")
    kept: int
    broken: int = Field(description="Over, and kept too late")
    late: int = Field(description="Past its time, and not kept yet")
    at_risk: int = Field(description="Less than a quarter of its time is left")
    open: int
    rate: float | None = Field(description="Kept, of those whose time has come")


class BrokenForOut(Out):
    reason: str = Field(description="rejected, stock, held, not_accepted, carrier, late_pick")
    number: int


class StepTimeOut(Out):
    step: str
    number: int
    mean_hours: float | None
    median_hours: float | None
    p90_hours: float | None


class PromisesOut(Out):
    total: KeptOut
    nodes: list[KeptOut]
    reasons: list[BrokenForOut]
    steps: list[StepTimeOut]


class PromiseOut(Out):
    order: int
    number: str
    shop: str
    node: str
    promise: str
    status: str
    state: State
    reason: str
    placed_at: Instant
    due: Instant
    reached: Instant | None


class PromiseRowsOut(Out):
    items: list[PromiseOut]


def _wanted(query: PromisesQuery) -> Wanted:
    until = query.until or utc_now()
    since = query.since or until - timedelta(days=_DAYS)
    if since >= until:
        raise Refusal("promises.period", "since must lie before until.")
    return Wanted(since, until, query.node, query.channel)


def _kept(row: Kept) -> KeptOut:
    return KeptOut(
        node=row.node or None,
        promise=row.promise or None,
        kept=row.kept,
        broken=row.broken,
        late=row.late,
        at_risk=row.at_risk,
        open=row.open,
        rate=row.rate,
    )


@read(router, "/promises", "orders.view", PromisesOut)
def get_promises(request: HttpRequest, query: Query[PromisesQuery]) -> PromisesOut:
    """How the promises of orders placed in the period stand now."""
    now, wanted = utc_now(), _wanted(query)
    found = board(wanted, now=now)
    return PromisesOut(
        total=_kept(found.total),
        nodes=[_kept(row) for row in found.rows],
        reasons=[BrokenForOut(reason=reason, number=number) for reason, number in found.reasons],
        steps=[
            StepTimeOut(step=s.step, number=s.number, mean_hours=s.mean, median_hours=s.median, p90_hours=s.p90)
            for s in step_times(wanted, now=now)
        ],
    )


@read(router, "/promises/rows", "orders.view", PromiseRowsOut)
def list_promises(request: HttpRequest, query: Query[PromiseRowsQuery]) -> PromiseRowsOut:
    """The promises behind the figures, those due first first."""
    wanted = _wanted(query)
    narrowed = Wanted(
        wanted.since,
        wanted.until,
        query.node,
        query.channel,
        states=[query.state] if query.state else [],
        reason=query.reason,
    )
    return PromiseRowsOut(
        items=[
            PromiseOut(
                order=one.order_id,
                number=one.number,
                shop=one.shop,
                node=one.node,
                promise=one.promise,
                status=one.status,
                state=one.state,
                reason=one.reason,
                placed_at=one.placed_at,
                due=one.due,
                reached=one.reached,
            )
            for one in promises(narrowed, now=utc_now(), limit=query.limit)
        ]
    )
