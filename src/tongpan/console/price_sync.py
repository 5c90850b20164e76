"""What the shops ask beside the price book, what platforms were told, and putting its prices on listings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from tongpan.access.queries import can
from tongpan.channels.queries import shops
from tongpan.connectors.accounts.prices import price_pushes
from tongpan.console import exports
from tongpan.console.access import Request, page, who
from tongpan.console.lists import Column, FilterForm, listing, sort_of
from tongpan.console.saved_views import tabs_of
from tongpan.console.wording import localized
from tongpan.core.clock import utc_now
from tongpan.core.errors import Refusal
from tongpan.core.money import to_decimal
from tongpan.pricing.actions.watching import put_prices
from tongpan.pricing.models import PriceAlert
from tongpan.pricing.sync import ListingPrice, listing_prices

SYNC_STATES = {
    "differs": _("Differs"),
    "unknown": _("Not known"),
    "no_price": _("No price in the book"),
    "in_sync": _("In sync"),
    "pending": _("Being told to the platform"),
    "failed": _("The platform could not be told"),
}
_ORDER = ("failed", "differs", "pending", "unknown", "no_price", "in_sync")


@dataclass(frozen=True, slots=True)
class SyncRow:
    """A listing, and what it is with what platforms were told; state of ``SYNC_STATES``."""

    one: ListingPrice
    state: str
    is_alarmed: bool


class SyncFilters(FilterForm):
    state = forms.ChoiceField(label=_("State"), required=False, choices=[("", _("All")), *SYNC_STATES.items()])
    shop = forms.ChoiceField(label=_("Shop"), required=False)

    def __init__(self, request: HttpRequest) -> None:
        super().__init__(request, {"shop": [("", _("All")), *[(one.code, one.name) for one in shops()]]})

    def rows(self, sort: str) -> list[SyncRow]:
        given = self.values
        wanted = [given["shop"]] if "shop" in given else None
        found = listing_prices(utc_now(), shops=wanted, text=given.get("q", ""))
        pushes = price_pushes([one.listing_id for one in found])
        alarmed = set(PriceAlert.objects.filter(closed_at=None).values_list("listing_id", flat=True))
        rows = [
            SyncRow(
                one,
                # What the platform was told or could not be told of concerns a price that is the book's here.
                push if one.state == "in_sync" and (push := pushes.get(one.listing_id)) in SYNC_STATES else one.state,
                one.listing_id in alarmed,
            )
            for one in found
        ]
        if "state" in given:
            rows = [row for row in rows if row.state == given["state"]]
        return sorted(rows, key=_KEYS[sort.removeprefix("-")], reverse=sort.startswith("-"))


_KEYS: dict[str, Callable[[SyncRow], Any]] = {
    "state": lambda row: (_ORDER.index(row.state), -abs(row.one.deviation or Decimal(0)), row.one.sku),
    "sku": lambda row: (row.one.sku, row.one.shop),
    "deviation": lambda row: abs(row.one.deviation or Decimal(0)),
}


def _amount(minor: int | None, currency: str) -> object:
    return None if minor is None else to_decimal(minor, currency)


COLUMNS = (
    Column("choose", _("Choose"), None),
    Column("sku", _("SKU"), lambda row: row.one.sku, sort="sku"),
    Column("shop", _("Shop"), lambda row: row.one.shop),
    Column("item", _("Item on the channel"), lambda row: f"{row.one.item} {row.one.variant}".strip()),
    Column("asked", _("Asked in the shop"), lambda row: _amount(row.one.asked_minor, row.one.currency), is_number=True),
    Column("book", _("Price book"), lambda row: _amount(row.one.book_minor, row.one.currency), is_number=True),
    Column("deviation", _("Deviation"), lambda row: row.one.deviation, "deviation", True, True),
    Column("state", _("State"), lambda row: str(SYNC_STATES[row.state]), sort="state"),
)


@page("prices.view")
def price_sync(request: Request) -> HttpResponse:
    """Every listing on sale beside the price book, those first that need somebody."""
    filters = SyncFilters(request)
    rows = filters.rows(sort_of(request.GET, COLUMNS, "state"))
    context = {
        "section": "price_sync",
        "filters": filters,
        "words": SYNC_STATES,
        "list": listing(
            request,
            COLUMNS,
            default_sort="state",
            fetch=lambda _sort, offset, limit: rows[offset : offset + limit],
            count=lambda _cap: len(rows),
        ),
        "views": tabs_of(request.user, "price_sync", request.META["QUERY_STRING"]),
        "may_edit": can(request.user, "prices.edit"),
    }
    return render(request, "console/prices/sync.html", context)


@page("data.export")
def price_sync_export(request: Request) -> HttpResponseBase:
    rows = SyncFilters(request).rows(sort_of(request.GET, COLUMNS, "state"))
    return exports.respond("price-sync", COLUMNS, rows, request.GET.get("format", ""))


@page("prices.edit")
@require_POST
def price_put(request: Request) -> HttpResponse:
    """Put the book's prices on the listings that are ticked."""
    ids = [int(text) for text in request.POST.getlist("listing") if text.isdecimal() and len(text) < 19]
    try:
        count = put_prices(ids, **who(request))
        messages.success(request, gettext("%(count)s listings ask the price of the book now.") % {"count": count})
    except Refusal as refusal:
        messages.error(request, localized(refusal.sentence))
    return redirect("console:price_sync")
