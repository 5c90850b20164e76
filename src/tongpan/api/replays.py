"""Replays: past orders through a rulebook before it counts."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from django.http import HttpRequest
from ninja import Path, Query, Router
from pydantic import Field, StringConstraints

from tongpan.api.operations import actor_of, read, write
from tongpan.api.pages import Page, PageQuery, page_of
from tongpan.api.problems import Problem
from tongpan.api.values import Day, Id, In, Instant, Out, Text40, Text60, Text80
from tongpan.core.clock import utc_now
from tongpan.core.errors import Refusal
from tongpan.orders.models import ReplayOrder, ReplayRun
from tongpan.orders.replaying.actions import ask_replay, stop_replay
from tongpan.orders.replaying.basics import Ask
from tongpan.orders.replaying.queries import orders_of, replay_by_id, replays

router = Router(tags=["promotions"])
Rulebook = Annotated[str, StringConstraints(strict=True, pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
Amount = Annotated[int, Field(strict=True, ge=0, le=10**15)]


class ReplayIn(In):
    rulebook: Rulebook = Field(description="A draft's name, or the number of a version")
    day_from: Day
    day_to: Day = Field(description="The day behind the last one")
    prices: Literal["recorded", "book"] = Field(
        "recorded", description="What goods cost before discounts: as recorded, or as the price lists ask now"
    )
    coupons: Literal["brought", "all"] = Field(
        "brought", description="The coupons that orders had, or one of each rule that needs one for every order"
    )
    channel: Text40 = ""
    tiers: dict[Text40, Amount] = Field(
        default_factory=dict, description="From which amount spent before (minor units) a buyer has which tier"
    )
    name: Text80 = ""


class ReplayOut(Out):
    id: int
    name: str
    rulebook: str
    day_from: date
    day_to: date
    prices: str
    coupons: str
    channel: str
    tiers: dict[str, int]
    state: Literal["waiting", "running", "done", "failed"]
    done: int
    total: int
    error: str
    created_by: str
    created_at: Instant
    finished_at: Instant | None
    result: dict[str, Any] | None = Field(
        description="orders, changed, untouched, skipped; before and after, in all and by channels and tiers: "
        "list_minor, revenue_minor, margin_minor (lines of known cost), unknown_minor, offs by payer, under_floor, "
        "outside_band; rules: orders and off_minor; null until it is over"
    )


class ReplayOrderOut(Out):
    id: int
    shop: str
    number: str
    channel: str
    tier: str
    is_changed: bool
    before_minor: int
    after_minor: int
    margin_before: int
    margin_after: int
    breaks_before: int
    breaks_after: int
    rules: list[str]
    lines: list[list[Any]] = Field(
        description="[number, SKU, units, list, before, after, [[rule, payer, amount]] before, and after]; minor units"
    )
    gifts: list[list[Any]]


class ReplayQuery(PageQuery):
    q: Text60 = ""


class ReplayOrderQuery(PageQuery):
    channel: Text40 = ""
    tier: Text40 | None = None
    rule: Text60 = ""
    payer: Text40 = ""
    side: Literal["", "changed", "cheaper", "dearer", "broken"] = ""


@read(router, "/replays", "promotions.view", Page[ReplayOut])
def list_replays(request: HttpRequest, query: Query[ReplayQuery]) -> Page[ReplayOut]:
    """Replays with their results, the newest first."""
    return page_of(replays(query.q), ("-id",), query, _run)


@write(router, "POST", "/replays", "promotions.edit", ReplayOut)
def start_replay(request: HttpRequest, body: ReplayIn) -> ReplayOut:
    """Put past orders through a rulebook as it is now; a job does it, and its address gives the progress."""
    ask = Ask(body.rulebook, body.day_from, body.day_to, body.prices, body.coupons, body.channel, body.tiers, body.name)
    return _run(ask_replay(ask, actor=actor_of(request), now=utc_now()))


@read(router, "/replays/{run_id}", "promotions.view", ReplayOut)
def one_replay(request: HttpRequest, run_id: Path[Id]) -> ReplayOut:
    """One replay: how far it is, and what came of it."""
    return _run(_known(run_id))


@write(router, "POST", "/replays/{run_id}/stop", "promotions.edit", ReplayOut)
def stop_one_replay(request: HttpRequest, run_id: Path[Id]) -> ReplayOut:
    """Call a replay off; it ends after the orders that it is at."""
    _known(run_id)
    stop_replay(run_id, actor=actor_of(request), now=utc_now())
    return _run(_known(run_id))


@read(router, "/replays/{run_id}/orders", "promotions.view", Page[ReplayOrderOut])
def list_replay_orders(request: HttpRequest, run_id: Path[Id], query: Query[ReplayOrderQuery]) -> Page[ReplayOrderOut]:
    """The orders behind the numbers, with their lines; those that nothing touches are only counted."""
    _known(run_id)
    found = orders_of(
        run_id, channel=query.channel, tier=query.tier, rule=query.rule, payer=query.payer, side=query.side
    )
    return page_of(found, ("id",), query, _order)


def _known(run_id: int) -> ReplayRun:
    try:
        return replay_by_id(run_id)
    except Refusal as refusal:
        raise Problem(404, refusal.code, refusal.sentence) from refusal


def _run(run: ReplayRun) -> ReplayOut:
    state: Literal["waiting", "running", "done", "failed"] = "waiting"
    if run.error:
        state = "failed"
    elif run.finished_at:
        state = "done"
    elif run.started_at:
        state = "running"
    return ReplayOut(
        id=run.pk,
        name=run.name,
        rulebook=run.rulebook,
        day_from=run.day_from,
        day_to=run.day_to,
        prices=run.prices,
        coupons=run.coupons,
        channel=run.channel,
        tiers=run.tiers,
        state=state,
        done=run.done,
        total=run.total,
        error=run.error,
        created_by=run.created_by,
        created_at=run.created_at,
        finished_at=run.finished_at,
        result=run.result or None,
    )


def _order(row: ReplayOrder) -> ReplayOrderOut:
    return ReplayOrderOut(
        id=row.pk,
        shop=row.order.shop.code,
        number=row.order.external_id,
        channel=row.channel,
        tier=row.tier,
        is_changed=row.is_changed,
        before_minor=row.before_minor,
        after_minor=row.after_minor,
        margin_before=row.margin_before,
        margin_after=row.margin_after,
        breaks_before=row.breaks_before,
        breaks_after=row.breaks_after,
        rules=row.rules,
        lines=row.lines,
        gifts=row.gifts,
    )
