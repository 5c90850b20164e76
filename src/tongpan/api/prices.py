"""Prices: lists, the book, requests to change it, floors, costs, the log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from django.db.models import Q
from django.http import HttpRequest
from ninja import Path, Query, Router
from pydantic import BaseModel, Field

from tongpan.api.operations import actor_of, read, write
from tongpan.api.pages import Page, PageQuery, page_of
from tongpan.api.problems import Problem, not_found
from tongpan.api.values import (
    Currency,
    Flag,
    Id,
    In,
    Instant,
    MoneyIn,
    MoneyOut,
    Name120,
    Out,
    Qty,
    Text40,
    Text60,
    Text80,
    Text120,
    Text300,
    money,
    money_or_none,
)
from tongpan.catalog.models import Sku
from tongpan.core.clock import utc_now
from tongpan.core.errors import Refusal
from tongpan.pricing.actions import (
    CostSpec,
    FloorSpec,
    ListSpec,
    PlannedRow,
    PriceChange,
    Requested,
    preview_changes,
    request_changes,
    save_lists,
    set_costs,
    set_floors,
    withdraw_request,
)
from tongpan.pricing.engine.cells import cell_of
from tongpan.pricing.models import ChangeRequest, ChangeRow, PriceEntry, PriceFloor, PriceList, PriceLog, SkuCost
from tongpan.pricing.pages import list_currencies, rows_of, select_log, select_requests
from tongpan.pricing.queries import price_book, price_settings

router = Router(tags=["prices"])
Kind = Literal["guide", "channel", "tier", "region", "quantity", "live", "community", "member", "seasonal", "dynamic"]


class PriceListIn(In):
    """A price list. Kind, channel, tier, province and currency cannot change once it is made."""

    code: Annotated[str, Field(strict=True, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$")]
    kind: Kind
    name_zh: Text80 = ""
    name_en: Text80 = ""
    channel: Text40 = ""
    tier: Text40 = ""
    province: Text60 = ""
    currency: Annotated[str, Field(strict=True, pattern=r"^([A-Z]{3})?$")] = ""
    priority: Annotated[int, Field(strict=True, ge=0, le=1000)] | None = None
    starts_at: Instant | None = None
    ends_at: Instant | None = Field(None, description="Live, community and seasonal lists need one")
    is_active: Flag = True
    note: Text300 = ""


class PriceListsIn(In):
    lists: list[PriceListIn] = Field(min_length=1, max_length=500)


class PriceListOut(Out):
    code: str
    kind: Kind
    name_zh: str
    name_en: str
    channel: str
    tier: str
    province: str
    currency: str
    priority: int
    starts_at: Instant | None
    ends_at: Instant | None
    is_active: bool


class PricesCountOut(Out):
    count: int


class PriceEntryOut(Out):
    """A price of a list. It is ended, never edited: who reads the list again sees the same id with an end."""

    id: int
    list: str
    sku: str
    from_units: int
    price: MoneyOut
    starts_at: Instant | None
    ends_at: Instant | None


class EntryQuery(PageQuery):
    list: Text40 = ""
    sku: Text120 = ""
    is_current: bool | None = Field(None, description="Only those that count now, or only those that do not")


class ChannelPriceOut(Out):
    """The list price of a SKU on a channel. deviation: from the guide price in percent."""

    channel: str
    price: MoneyOut | None
    list: str
    guide: MoneyOut | None
    low: MoneyOut | None
    high: MoneyOut | None
    deviation: str | None
    state: Literal["inside", "outside", "under_floor", "no_guide", "none"]


class SkuPricesOut(Out):
    sku: str
    channels: list[ChannelPriceOut]


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


class PriceFloorIn(In):
    sku: Name120
    currency: Currency
    floor: MoneyIn | None = Field(description="The least list price of one unit; null takes the floor away")
    least_net: MoneyIn | None = Field(None, description="The least after all discounts; empty: the floor")
    province: Text60 = Field("", description="Empty: everywhere")


class PriceFloorsIn(In):
    floors: list[PriceFloorIn] = Field(min_length=1, max_length=5000)
    why: Text300 = ""


class PriceFloorOut(Out):
    id: int
    sku: str
    province: str
    floor: MoneyOut
    least_net: MoneyOut | None


class SkuCostIn(In):
    sku: Name120
    currency: Currency
    cost: MoneyIn | None = Field(description="null: not known from then on")
    starts_at: Instant | None = Field(None, description="Empty: now")


class SkuCostsIn(In):
    costs: list[SkuCostIn] = Field(min_length=1, max_length=5000)
    why: Text300 = ""


class SkuCostOut(Out):
    id: int
    sku: str
    cost: MoneyOut
    starts_at: Instant | None
    ends_at: Instant | None


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


class PriceSettingsOut(Out):
    """The settings of prices; people with the permission to approve prices change them in the console."""

    mode: str
    band_lower_pct: str
    band_upper_pct: str
    band_applies_to: str
    outside_band: str
    under_floor: str
    use_purchasing_power: bool
    alarm_pct: str
    dynamic_mode: str
    dynamic_step_pct: str


def _minor(amount: MoneyIn | None, currency: str, where: str) -> int | None:
    try:
        return None if amount is None else amount.minor(currency, where)
    except ValueError as error:
        raise Problem(422, "money.invalid", f"{error}.") from None


@read(router, "/prices/settings", "prices.view", PriceSettingsOut)
def get_price_settings(request: HttpRequest) -> PriceSettingsOut:
    """The settings of prices."""
    return PriceSettingsOut(**price_settings().as_json())


@read(router, "/prices/lists", "prices.view", Page[PriceListOut])
def list_price_lists(request: HttpRequest, query: Query[PageQuery]) -> Page[PriceListOut]:
    """The price lists."""
    return page_of(PriceList.objects.select_related("channel"), ["code"], query, _list_out)


def _list_out(one: PriceList) -> PriceListOut:
    return PriceListOut(
        code=one.code,
        kind=one.kind,  # type: ignore[arg-type]
        name_zh=one.name_zh,
        name_en=one.name_en,
        channel=one.channel.code if one.channel else "",
        tier=one.tier,
        province=one.region,
        currency=one.currency,
        priority=one.priority,
        starts_at=one.valid.lower,
        ends_at=one.valid.upper,
        is_active=one.is_active,
    )


@write(router, "PUT", "/prices/lists", "prices.edit", PricesCountOut)
def put_price_lists(request: HttpRequest, body: PriceListsIn) -> PricesCountOut:
    """Make price lists or change them, all of them or none."""
    specs = [
        ListSpec(
            one.code,
            one.kind,
            one.name_zh,
            one.name_en,
            one.channel,
            one.tier,
            one.province,
            one.currency,
            one.priority,
            one.starts_at,
            one.ends_at,
            one.is_active,
            one.note,
        )
        for one in body.lists
    ]
    if len({spec.code for spec in specs}) < len(specs):
        raise Refusal("price_list.twice", "The same list is named twice in one request.")
    return PricesCountOut(count=len(save_lists(specs, actor=actor_of(request), now=utc_now())))


@read(router, "/prices/entries", "prices.view", Page[PriceEntryOut])
def list_price_entries(request: HttpRequest, query: Query[EntryQuery]) -> Page[PriceEntryOut]:
    """The prices of lists: what counts, what will, and what did."""
    rows = PriceEntry.objects.exclude(valid__isempty=True).select_related("price_list", "sku")
    if query.list:
        rows = rows.filter(price_list__code=query.list)
    if query.sku:
        rows = rows.filter(sku__code=query.sku)
    if query.is_current is not None:
        current = Q(valid__contains=utc_now())
        rows = rows.filter(current if query.is_current else ~current)
    return page_of(rows, ["id"], query, _entry_out)


def _entry_out(one: PriceEntry) -> PriceEntryOut:
    return PriceEntryOut(
        id=one.pk,
        list=one.price_list.code,
        sku=one.sku.code,
        from_units=one.min_qty,
        price=money(one.amount_minor, one.price_list.currency),
        starts_at=one.valid.lower,
        ends_at=one.valid.upper,
    )


class SkuPricesQuery(BaseModel):
    at: Instant | None = Field(None, description="Empty: now")


@read(router, "/prices/skus/{code}", "prices.view", SkuPricesOut)
def get_sku_prices(request: HttpRequest, code: Path[Name120], query: Query[SkuPricesQuery]) -> SkuPricesOut:
    """What a SKU costs on every channel at an instant (now), beside its guide price and band."""
    if not Sku.objects.filter(code=code).exists():
        raise not_found("SKU", code)
    book = price_book([code], None, query.at or utc_now())
    found = []
    for channel in book.currencies:
        cell = cell_of(book, code, channel)
        found.append(
            ChannelPriceOut(
                channel=channel,
                price=money(cell.price.amount_minor, cell.currency) if cell.price else None,
                list=cell.price.list_code if cell.price else "",
                guide=money_or_none(cell.guide_minor, cell.currency),
                low=money_or_none(cell.low_minor, cell.currency),
                high=money_or_none(cell.high_minor, cell.currency),
                deviation=None if cell.deviation is None else str(cell.deviation),
                state=cell.state,  # type: ignore[arg-type]
            )
        )
    return SkuPricesOut(sku=code, channels=found)


def _changes(given: Sequence[PriceChangeIn]) -> list[PriceChange]:
    currencies = list_currencies()
    return [
        PriceChange(
            one.list,
            one.sku,
            _minor(one.price, currencies.get(one.list, "CNY"), f"changes.{position}.price"),
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


@read(router, "/prices/floors", "prices.view", Page[PriceFloorOut])
def list_price_floors(request: HttpRequest, query: Query[PageQuery]) -> Page[PriceFloorOut]:
    """The floors of prices, those set first first."""
    return page_of(
        PriceFloor.objects.select_related("sku"),
        ["id"],
        query,
        lambda f: PriceFloorOut(
            id=f.pk,
            sku=f.sku.code,
            province=f.region,
            floor=money(f.floor_minor, f.currency),
            least_net=money_or_none(f.min_net_minor, f.currency),
        ),
    )


@write(router, "PUT", "/prices/floors", "prices.edit", PricesCountOut)
def put_price_floors(request: HttpRequest, body: PriceFloorsIn) -> PricesCountOut:
    """Set or take away floors of prices, all of them or none."""
    specs = [
        FloorSpec(
            one.sku,
            one.currency,
            _minor(one.floor, one.currency, f"floors.{position}.floor"),
            one.province,
            _minor(one.least_net, one.currency, f"floors.{position}.least_net"),
        )
        for position, one in enumerate(body.floors)
    ]
    return PricesCountOut(count=set_floors(specs, actor=actor_of(request), why=body.why, now=utc_now()))


@read(router, "/prices/costs", "prices.view", Page[SkuCostOut])
def list_sku_costs(request: HttpRequest, query: Query[PageQuery]) -> Page[SkuCostOut]:
    """What SKUs cost the company, and did."""
    return page_of(
        SkuCost.objects.exclude(valid__isempty=True).select_related("sku"),
        ["id"],
        query,
        lambda k: SkuCostOut(
            id=k.pk,
            sku=k.sku.code,
            cost=money(k.amount_minor, k.currency),
            starts_at=k.valid.lower,
            ends_at=k.valid.upper,
        ),
    )


@write(router, "PUT", "/prices/costs", "prices.edit", PricesCountOut)
def put_sku_costs(request: HttpRequest, body: SkuCostsIn) -> PricesCountOut:
    """Set costs from an instant on, all of them or none; how many changed."""
    specs = [
        CostSpec(one.sku, one.currency, _minor(one.cost, one.currency, f"costs.{position}.cost"), one.starts_at)
        for position, one in enumerate(body.costs)
    ]
    return PricesCountOut(count=set_costs(specs, actor=actor_of(request), why=body.why, now=utc_now()))


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
