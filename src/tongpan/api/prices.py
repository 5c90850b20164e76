"""Prices: the settings, the lists with their entries, and what a SKU costs on every channel."""

from __future__ import annotations

from typing import Annotated, Literal

from django.db.models import Q
from django.http import HttpRequest
from ninja import Path, Query, Router
from pydantic import BaseModel, Field

from tongpan.api.operations import actor_of, read, write
from tongpan.api.pages import Page, PageQuery, page_of
from tongpan.api.problems import not_found
from tongpan.api.values import (
    Flag,
    In,
    Instant,
    MoneyOut,
    Name120,
    Out,
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
    ListSpec,
    save_lists,
)
from tongpan.pricing.engine.cells import cell_of
from tongpan.pricing.models import PriceEntry, PriceList
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
