"""Requests to change prices, seen before they count, and the log of what came of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from django.http import HttpRequest
from ninja import Path, Query, Router
from pydantic import Field

from tongpan.api.operations import actor_of, read, write
from tongpan.api.pages import Page, PageQuery, page_of
from tongpan.api.price_limits import minor_of
from tongpan.api.problems import not_found
from tongpan.api.values import (
    Id,
    In,
    Instant,
    MoneyIn,
    MoneyOut,
    Name120,
    Out,
    Qty,
    Text40,
    Text120,
    Text300,
    money_or_none,
)
from tongpan.core.clock import utc_now
from tongpan.pricing.actions import (
    PlannedRow,
    PriceChange,
    Requested,
    preview_changes,
    request_changes,
    withdraw_request,
)
from tongpan.pricing.models import ChangeRequest, ChangeRow, PriceLog
from tongpan.pricing.pages import list_currencies, rows_of, select_log, select_requests

router = Router(tags=["prices"])


class PriceChangeIn(In):
    """A price to count in [starts_at, ends_at). price null: the price of the list ends there."""

    list: Text40 = Field(description='"guide", the code of a channel, or that of a price list')
    sku: Name120
    price: MoneyIn | None
    from_units: Qty = 1
    starts_at: Instant | None = Field(None, description="Empty: now")
    ends_at: Instant | None = None


class PriceChangesIn(In):
    changes: list[PriceChangeIn] = Field(min_length=1, max_length=5000)
    why: Text300 = ""


class PriceFindingOut(Out):
    code: str
    level: Literal["refuse", "approve", "notice"]
    sentence: str


class PriceRowOut(Out):
    """What became of one price, at the position at which it was sent."""

    list: str
    sku: str
    from_units: int
    price: MoneyOut | None
    before: MoneyOut | None
    low: MoneyOut | None
    high: MoneyOut | None
    floor: MoneyOut | None
    starts_at: Instant
    ends_at: Instant | None
    outcome: Literal["applied", "pending", "refused", "rejected", "unchanged"]
    findings: Sequence[PriceFindingOut]


class PriceRequestedOut(Out):
    """id: of the request; null for a preview, which changed nothing."""

    id: int | None
    state: str
    rows: list[PriceRowOut]


class PriceRequestOut(Out):
    id: int
    state: str
    source: str
    why: str
    requested_by: str
    requested_at: Instant
    decided_by: str
    decided_at: Instant | None
    note: str


class PriceRequestQuery(PageQuery):
    state: Text40 = ""
    sku: Text120 = ""


class PriceLogOut(Out):
    """Something that changed. before, after: the values that changed, as JSON text."""

    id: int
    at: Instant
    what: str
    sku: str
    list: str
    channel: str
    before: dict[str, object] | None
    after: dict[str, object] | None
    actor: str
    approved_by: str
    why: str


def _changes(given: Sequence[PriceChangeIn]) -> list[PriceChange]:
    currencies = list_currencies()
    return [
        PriceChange(
            one.list,
            one.sku,
            minor_of(one.price, currencies.get(one.list, "CNY"), f"changes.{position}.price"),
            one.from_units,
            one.starts_at,
            one.ends_at,
        )
        for position, one in enumerate(given)
    ]


def _row_out(row: PlannedRow) -> PriceRowOut:
    return PriceRowOut(
        list=row.change.list_code,
        sku=row.change.sku_code,
        from_units=row.change.min_qty,
        price=money_or_none(row.change.amount_minor, row.currency),
        before=money_or_none(row.before_minor, row.currency),
        low=money_or_none(row.low_minor, row.currency),
        high=money_or_none(row.high_minor, row.currency),
        floor=money_or_none(row.floor_minor, row.currency),
        starts_at=row.starts_at,
        ends_at=row.change.ends_at,
        outcome=row.outcome,  # type: ignore[arg-type]
        findings=[
            PriceFindingOut(code=one.code, level=one.level, sentence=one.sentence)  # type: ignore[arg-type]
            for one in row.findings
        ],
    )


def _requested_out(done: Requested) -> PriceRequestedOut:
    return PriceRequestedOut(id=done.id, state=done.state, rows=[_row_out(row) for row in done.rows])


@write(router, "POST", "/prices/preview", "prices.view", PriceRequestedOut)
def post_price_preview(request: HttpRequest, body: PriceChangesIn) -> PriceRequestedOut:
    """What would become of prices if they were asked for now; nothing is changed."""
    return _requested_out(preview_changes(_changes(body.changes), now=utc_now()))


@write(router, "POST", "/prices/requests", "prices.edit", PriceRequestedOut)
def post_price_request(request: HttpRequest, body: PriceChangesIn) -> PriceRequestedOut:
    """Ask for prices: inside the rules they count at once, others are refused or wait for a person."""
    return _requested_out(
        request_changes(_changes(body.changes), why=body.why, source="api", actor=actor_of(request), now=utc_now())
    )


@read(router, "/prices/requests", "prices.view", Page[PriceRequestOut])
def list_price_requests(request: HttpRequest, query: Query[PriceRequestQuery]) -> Page[PriceRequestOut]:
    """Requests to change prices, the newest first."""
    return page_of(select_requests(state=query.state, sku=query.sku), ["-id"], query, _request_out)


def _request_out(one: ChangeRequest) -> PriceRequestOut:
    return PriceRequestOut(
        id=one.pk,
        state=one.state,
        source=one.source,
        why=one.why,
        requested_by=one.requested_by,
        requested_at=one.requested_at,
        decided_by=one.decided_by,
        decided_at=one.decided_at,
        note=one.decision_note,
    )


@read(router, "/prices/requests/{request_id}/rows", "prices.view", Page[PriceRowOut])
def list_price_request_rows(request: HttpRequest, request_id: Path[Id], query: Query[PageQuery]) -> Page[PriceRowOut]:
    """The prices of a request and what became of each."""
    if not ChangeRequest.objects.filter(pk=request_id).exists():
        raise not_found("price request", request_id)
    return page_of(rows_of(request_id), ["id"], query, _kept_out)


def _kept_out(row: ChangeRow) -> PriceRowOut:
    currency = row.price_list.currency
    return PriceRowOut(
        list=row.price_list.code,
        sku=row.sku.code,
        from_units=row.min_qty,
        price=money_or_none(row.amount_minor, currency),
        before=money_or_none(row.before_minor, currency),
        low=money_or_none(row.low_minor, currency),
        high=money_or_none(row.high_minor, currency),
        floor=money_or_none(row.floor_minor, currency),
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        outcome=row.outcome,  # type: ignore[arg-type]
        findings=[
            PriceFindingOut(code=one["code"], level=one["level"], sentence=one["sentence"]) for one in row.findings
        ],
    )


@write(router, "POST", "/prices/requests/{request_id}/withdraw", "prices.edit", PriceRequestOut)
def post_price_withdraw(request: HttpRequest, request_id: Path[Id]) -> PriceRequestOut:
    """Take back what waits of the key's own request. People approve and reject in the console."""
    withdraw_request(request_id, actor=actor_of(request), now=utc_now())
    return _request_out(ChangeRequest.objects.get(pk=request_id))


class PriceLogQuery(PageQuery):
    what: Text40 = ""
    sku: Text120 = ""


@read(router, "/prices/log", "prices.view", Page[PriceLogOut])
def list_price_log(request: HttpRequest, query: Query[PriceLogQuery]) -> Page[PriceLogOut]:
    """Everything that changed in the price book, the newest first."""
    return page_of(select_log(what=query.what, sku=query.sku), ["-id"], query, _log_out)


def _log_out(one: PriceLog) -> PriceLogOut:
    return PriceLogOut(
        id=one.pk,
        at=one.at,
        what=one.what,
        sku=one.sku.code if one.sku else "",
        list=one.price_list.code if one.price_list else "",
        channel=one.channel.code if one.channel else "",
        before=one.before,
        after=one.after,
        actor=one.actor,
        approved_by=one.approved_by,
        why=one.why,
    )
