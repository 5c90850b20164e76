"""What the pages of prices read: the book as a matrix, all of one SKU, requests, the log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import Count, Q, QuerySet

from tongpan.catalog.models import Sku
from tongpan.core.bulk import fetch_all
from tongpan.pricing.engine import PriceBook
from tongpan.pricing.engine.cells import Cell, cell_of
from tongpan.pricing.models import (
    ChangeRequest,
    ChangeRow,
    PersonalPrice,
    PriceEntry,
    PriceFloor,
    PriceList,
    PriceLog,
    SkuCost,
)
from tongpan.pricing.queries import price_book


@dataclass(frozen=True, slots=True)
class BookRow:
    """A SKU in the book; cells by channel, in the order of the channels."""

    sku: str
    name: str
    guide_minor: int | None
    floor_minor: int | None
    cost_minor: int | None
    cells: Sequence[Cell]

    @property
    def worst(self) -> Decimal:
        """The largest deviation of any channel, in percent."""
        return max((abs(cell.deviation) for cell in self.cells if cell.deviation is not None), default=Decimal(-1))


@dataclass(frozen=True, slots=True)
class Matrix:
    rows: Sequence[BookRow]
    total: int


def matrix(
    *,
    at: datetime,
    text: str = "",
    category: str = "",
    state: str = "",
    channels: Sequence[str] | None = None,
    sort: str = "code",
    offset: int = 0,
    limit: int | None = None,
) -> Matrix:
    """The prices of active SKUs at ``at``, a page of them.

    state: only SKUs with a channel in that state of ``cells.STATES``. sort: code, or deviation (the SKU that is
    furthest from its guide price on any channel); "-" before it turns it round. Without both only the SKUs of the
    page are priced; the statements are constant either way.
    """
    skus = Sku.objects.filter(is_active=True)
    if text:
        skus = skus.filter(Q(code__icontains=text) | Q(name__icontains=text) | Q(product__name__icontains=text))
    if category:
        skus = skus.filter(product__category__code=category)
    named = list(skus.order_by("-code" if sort == "-code" else "code").values_list("code", "name"))
    if not state and sort.removeprefix("-") == "code":
        shown = named[offset : None if limit is None else offset + limit]
        rows = _rows(price_book([code for code, _ in shown], channels, at), shown) if shown else []
        return Matrix(rows, len(named))
    codes = None if not (text or category) else [code for code, _ in named]
    rows = _rows(price_book(codes, channels, at), named)
    if state:
        rows = [row for row in rows if any(cell.state == state for cell in row.cells)]
    if sort.removeprefix("-") == "deviation":
        rows = sorted(rows, key=lambda row: row.worst, reverse=sort.startswith("-"))
    return Matrix(rows[offset : None if limit is None else offset + limit], len(rows))


def _rows(book: PriceBook, named: Sequence[tuple[str, str]]) -> list[BookRow]:
    channels = list(book.currencies)
    return [
        BookRow(
            code,
            name,
            book.guide(code),
            book.floor(code),
            book.cost(code),
            [cell_of(book, code, channel) for channel in channels],
        )
        for code, name in named
    ]


def entries_of(sku_code: str) -> QuerySet[PriceEntry]:
    """Every entry a SKU ever had that counted or will count, the latest first."""
    return (
        PriceEntry.objects.filter(sku__code=sku_code)
        .exclude(valid__isempty=True)
        .select_related("price_list", "price_list__channel")
        .order_by("price_list__code", "min_qty", "-id")
    )


def floors_of(sku_code: str) -> QuerySet[PriceFloor]:
    return PriceFloor.objects.filter(sku__code=sku_code).order_by("currency", "region")


def costs_of(sku_code: str) -> QuerySet[SkuCost]:
    return SkuCost.objects.filter(sku__code=sku_code).exclude(valid__isempty=True).order_by("currency", "-id")


@dataclass(frozen=True, slots=True)
class Step:
    """A price that began to count. label: the code of its list; "floor" and "cost" for those."""

    label: str
    at: datetime | None
    until: datetime | None
    amount_minor: int


def steps_of(sku_code: str, currency: str, since: datetime) -> list[Step]:
    """The single-unit prices and costs of a SKU that counted after ``since``, by list and time. One statement."""
    return [
        Step(*row)
        for row in fetch_all(
            """SELECT l.code, lower(e.valid), upper(e.valid), e.amount_minor
               FROM pricing_priceentry e JOIN pricing_pricelist l ON l.id = e.price_list_id
               JOIN catalog_sku s ON s.id = e.sku_id
               WHERE s.code = %(sku)s AND e.min_qty = 1 AND l.currency = %(currency)s AND NOT isempty(e.valid)
                 AND (upper(e.valid) IS NULL OR upper(e.valid) > %(since)s)
               UNION ALL
               SELECT 'cost', lower(k.valid), upper(k.valid), k.amount_minor
               FROM pricing_skucost k JOIN catalog_sku s ON s.id = k.sku_id
               WHERE s.code = %(sku)s AND k.currency = %(currency)s AND NOT isempty(k.valid)
                 AND (upper(k.valid) IS NULL OR upper(k.valid) > %(since)s)
               ORDER BY 1, 2 NULLS FIRST""",
            {"sku": sku_code, "currency": currency, "since": since},
        )
    ]


def list_currencies() -> dict[str, str]:
    """The currency of the prices of every list, and of every channel that could have one, by code. One statement."""
    return dict(
        fetch_all(
            """SELECT code, currency FROM channels_channel WHERE code NOT IN (SELECT code FROM pricing_pricelist)
               UNION ALL SELECT code, currency FROM pricing_pricelist"""
        )
    )


def lists_with_counts(at: datetime) -> QuerySet[PriceList]:
    """All lists, the highest priority first, with ``prices``: how many SKUs each has a price for at ``at``."""
    return PriceList.objects.select_related("channel").annotate(
        prices=Count("entries__sku", filter=Q(entries__valid__contains=at), distinct=True)
    )


def select_requests(
    *, text: str = "", state: str = "", source: str = "", actor: str = "", sku: str = ""
) -> QuerySet[ChangeRequest]:
    """Requests, the newest first, with ``count`` and ``waiting`` rows. text: in the reason or who asked."""
    found = ChangeRequest.objects.annotate(
        count=Count("rows"), waiting=Count("rows", filter=Q(rows__outcome="pending"))
    ).order_by("-id")
    if text:
        wanted = Q(why__icontains=text) | Q(requested_by__icontains=text)
        found = found.filter(wanted | Q(pk=int(text)) if text.isascii() and text.isdecimal() else wanted)
    if state:
        found = found.filter(state=state)
    if source:
        found = found.filter(source=source)
    if actor:
        found = found.filter(requested_by=actor)
    if sku:
        found = found.filter(pk__in=ChangeRow.objects.filter(sku__code=sku).values("request_id"))
    return found


def rows_of(request_id: int, outcome: str = "") -> QuerySet[ChangeRow]:
    """The rows of a request in their order."""
    found = ChangeRow.objects.filter(request_id=request_id).select_related("price_list", "sku").order_by("number")
    return found.filter(outcome=outcome) if outcome else found


def select_log(
    *,
    text: str = "",
    what: str = "",
    sku: str = "",
    channel: str = "",
    since: datetime | None = None,
    until: datetime | None = None,
) -> QuerySet[PriceLog]:
    """The log, the newest first. text: in a SKU code, who, who approved, or the reason."""
    found = PriceLog.objects.select_related("sku", "price_list", "channel").order_by("-id")
    if text:
        found = found.filter(
            Q(sku__code__icontains=text)
            | Q(actor__icontains=text)
            | Q(approved_by__icontains=text)
            | Q(why__icontains=text)
        )
    if what:
        found = found.filter(what=what)
    if sku:
        found = found.filter(sku__code=sku)
    if channel:
        found = found.filter(Q(channel__code=channel) | Q(price_list__channel__code=channel))
    if since:
        found = found.filter(at__gte=since)
    if until:
        found = found.filter(at__lt=until)
    return found


def select_personal(*, subject: str = "", sku: str = "") -> QuerySet[PersonalPrice]:
    """Personalised prices and their inputs, the newest first (SEC-08)."""
    found = PersonalPrice.objects.select_related("sku", "channel").order_by("-id")
    if subject:
        found = found.filter(subject=subject)
    return found.filter(sku__code=sku) if sku else found
