"""Parcels that are under way, and those that seem stuck."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _

from tongpan.console import exports
from tongpan.console.access import Request, page
from tongpan.console.lists import Column, FilterForm, listing, sort_of
from tongpan.core.clock import utc_now
from tongpan.fulfillment.queries import carriers_under_way, under_way

SILENT_HOURS = 48
_SORTS = {"heard": ("heard_at", "pk"), "shipped": ("shipped_at", "pk")}

COLUMNS = (
    Column("number", _("Tracking number"), lambda row: row.tracking_number),
    Column("carrier", _("Carrier"), lambda row: row.carrier),
    Column("order", _("Order"), lambda row: row.fulfillment.order.external_id),
    Column("shop", _("Shop"), lambda row: row.fulfillment.order.shop.name),
    Column("node", _("Node"), lambda row: row.fulfillment.node.name),
    Column("status", _("Status"), lambda row: row.get_status_display()),
    Column("shipped", _("Shipped at"), lambda row: row.shipped_at, sort="shipped"),
    Column("heard", _("Last heard of"), lambda row: row.heard_at, sort="heard"),
)


class ParcelFilters(FilterForm):
    """silent: hours without a word of the carrier. q: a tracking number or an order number."""

    silent = forms.ChoiceField(label=_("Nothing heard for"), required=False)
    carrier = forms.ChoiceField(label=_("Carrier"), required=False)

    def __init__(self, request: Request) -> None:
        hours = [
            ("", _("Any time")),
            ("24", _("1 day")),
            ("48", _("2 days")),
            ("72", _("3 days")),
            ("168", _("1 week")),
        ]
        carriers = [("", _("All")), *((name, name) for name in carriers_under_way())]
        super().__init__(request, {"silent": hours, "carrier": carriers})

    def wanted(self) -> Any:
        values = self.values
        since = utc_now() - timedelta(hours=int(values["silent"])) if values.get("silent") else None
        return under_way(silent_since=since, carrier=values.get("carrier", ""), text=values.get("q", "").strip())


def _sorted(rows: Any, sort: str) -> Any:
    sign = "-" if sort.startswith("-") else ""
    return rows.order_by(*(f"{sign}{name}" for name in _SORTS[sort.removeprefix("-")]))


@page("orders.view")
def parcel_list(request: Request) -> HttpResponse:
    """Parcels under way, those longest silent first."""
    filters = ParcelFilters(request)
    rows = filters.wanted()
    context = {
        "section": "parcels",
        "filters": filters,
        "silent_since": utc_now() - timedelta(hours=SILENT_HOURS),
        "list": listing(
            request,
            COLUMNS,
            default_sort="heard",
            fetch=lambda sort, offset, limit: list(_sorted(rows, sort)[offset : offset + limit]),
            count=lambda cap: rows[:cap].count(),
        ),
    }
    return render(request, "console/parcels/list.html", context)


@page("data.export")
def parcel_export(request: Request) -> HttpResponseBase:
    """All parcels of the filter."""
    sort = sort_of(request.GET, COLUMNS, "heard")
    rows: Any = _sorted(ParcelFilters(request).wanted(), sort).iterator(chunk_size=2000)
    return exports.respond("parcels", COLUMNS, rows, request.GET.get("format", ""))
