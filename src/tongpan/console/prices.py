"""The price book: every SKU on every channel beside its guide price, and everything of one SKU."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from tongpan.access.queries import can
from tongpan.catalog.models import Sku
from tongpan.channels.queries import channels
from tongpan.console import exports
from tongpan.console.access import Request, page, who
from tongpan.console.choices import category_choices, local_name
from tongpan.console.lists import Column, FilterForm, listing, sort_of
from tongpan.console.price_changes import log_text
from tongpan.console.price_charts import price_chart
from tongpan.console.price_words import CELL_STATES, LOGGED, REASONS
from tongpan.console.saved_views import tabs_of
from tongpan.console.wording import localized
from tongpan.core.clock import utc_now
from tongpan.core.errors import Refusal
from tongpan.core.money import to_decimal, to_minor
from tongpan.pricing.actions import CostSpec, FloorSpec, set_costs, set_floors
from tongpan.pricing.engine.cells import cell_of
from tongpan.pricing.models import PriceList
from tongpan.pricing.pages import BookRow, costs_of, entries_of, floors_of, matrix, select_log, steps_of
from tongpan.pricing.queries import price_book

_SHOWN_DAYS = 365


def _names() -> dict[str, Any]:
    return {one.code: one for one in channels()}


class BookFilters(FilterForm):
    category = forms.ChoiceField(label=_("Category"), required=False)
    state = forms.ChoiceField(label=_("State"), required=False, choices=[("", _("All")), *CELL_STATES.items()])
    channel = forms.ChoiceField(label=_("Channel"), required=False)

    def __init__(self, request: HttpRequest) -> None:
        named = [(code, local_name(one)) for code, one in _names().items()]
        super().__init__(
            request, {"channel": [("", _("All")), *named], "category": [("", _("All")), *category_choices()]}
        )

    def given(self) -> dict[str, Any]:
        values = self.values
        return {
            "at": utc_now(),
            "text": values.get("q", ""),
            "category": values.get("category", ""),
            "state": values.get("state", ""),
            "channels": [values["channel"]] if "channel" in values else None,
        }


def _amount(minor: int | None, currency: str = "CNY") -> object:
    return None if minor is None else to_decimal(minor, currency)


def _columns(codes: list[str], names: dict[str, Any]) -> list[Column]:
    columns = [
        Column("sku", _("SKU"), lambda row: row.sku, sort="code"),
        Column("guide", _("Guide price"), lambda row: _amount(row.guide_minor), is_number=True),
        Column("floor", _("Floor"), lambda row: _amount(row.floor_minor), is_number=True),
    ]
    for position, code in enumerate(codes):
        columns.append(Column(code, local_name(names[code]), _cell_value(position), is_number=True))
    columns.append(Column("worst", _("Furthest off"), lambda row: row.worst, "deviation", True, True))
    return columns


def _cell_value(position: int) -> Any:
    def value(row: BookRow) -> object:
        cell = row.cells[position]
        return _amount(cell.price.amount_minor, cell.currency) if cell.price else None

    return value


@page("prices.view")
def price_list(request: Request) -> HttpResponse:
    """Every SKU on every channel; the state of a price is told by its colour and in words."""
    filters, names = BookFilters(request), _names()
    given = filters.given()
    columns = _columns([code for code in names if not given["channels"] or code in given["channels"]], names)
    sort = sort_of(request.GET, columns, "code")
    # A state or a deviation is known only when every SKU is priced; then one look serves the count and the page.
    whole = matrix(**given, sort=sort).rows if given["state"] or "deviation" in sort else None
    context = {
        "section": "prices",
        "filters": filters,
        "states": CELL_STATES,
        "list": listing(
            request,
            columns,
            default_sort="code",
            fetch=lambda _sort, offset, limit: (
                matrix(**given, sort=sort, offset=offset, limit=limit).rows
                if whole is None
                else whole[offset : offset + limit]
            ),
            count=lambda _cap: matrix(**given, limit=0).total if whole is None else len(whole),
        ),
        "views": tabs_of(request.user, "prices", request.META["QUERY_STRING"]),
        "may_edit": can(request.user, "prices.edit"),
    }
    return render(request, "console/prices/book.html", context)


@page("data.export")
def price_export(request: Request) -> HttpResponseBase:
    filters, names = BookFilters(request), _names()
    given = filters.given()
    columns = _columns([code for code in names if not given["channels"] or code in given["channels"]], names)
    columns.insert(1, Column("name", _("Name"), lambda row: row.name))
    columns.append(Column("cost", _("Cost"), lambda row: _amount(row.cost_minor), is_number=True))
    rows = matrix(**given, sort=sort_of(request.GET, columns, "code")).rows
    return exports.respond("prices", columns, rows, request.GET.get("format", ""))


class AskForm(forms.Form):
    """Which price a buyer is asked, and why."""

    channel = forms.ChoiceField(label=_("Channel"))
    tier = forms.CharField(label=_("Tier"), max_length=40, required=False)
    region = forms.CharField(label=_("Province"), max_length=60, required=False)
    qty = forms.IntegerField(label=_("Units"), min_value=1, max_value=10_000_000, required=False)
    scopes = forms.MultipleChoiceField(
        label=_("The buyer is"),
        required=False,
        choices=[("live", _("in a live room")), ("community", _("in a community")), ("member", _("a member"))],
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(self, *args: Any, named: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["channel"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101 - declared above
        field.choices = named


class LimitForm(forms.Form):
    """The floor and the cost of a SKU; what is left empty stays."""

    region = forms.CharField(
        label=_("Province of the floor"), max_length=60, required=False, help_text=_("Empty: everywhere.")
    )
    floor = forms.DecimalField(label=_("Floor of list prices"), max_digits=12, decimal_places=2, required=False)
    least = forms.DecimalField(
        label=_("Least net price"),
        max_digits=12,
        decimal_places=2,
        required=False,
        help_text=_("After all discounts; empty: the floor."),
    )
    is_free = forms.BooleanField(label=_("Take this floor away"), required=False)
    cost = forms.DecimalField(label=_("Cost from now on"), max_digits=12, decimal_places=2, required=False, min_value=0)
    why = forms.CharField(label=_("Reason"), max_length=300, required=False)


@page("prices.view")
def price_sku(request: Request, code: str) -> HttpResponse:
    """Everything of one SKU: its prices on all channels, all its lists, how they came to be, floors, costs."""
    sku = Sku.objects.filter(code=code).select_related("product").first()
    if sku is None:
        raise Http404
    may_edit = can(request.user, "prices.edit")
    form = LimitForm(request.POST or None)
    if request.method == "POST":
        if not may_edit:
            return render(request, "console/no_permission.html", {"permission": "prices.edit"}, status=403)
        if form.is_valid() and _save_limits(request, code, form):
            return redirect("console:price_sku", code)
    now, names = utc_now(), _names()
    book = price_book([code], None, now)
    named = [(channel, local_name(one)) for channel, one in names.items()]
    asks = AskForm(request.GET if "channel" in request.GET else None, named=named)
    considered = []
    if asks.is_bound and asks.is_valid():
        said = asks.cleaned_data
        found = book.explain(
            code,
            said["channel"],
            tier=said["tier"].strip(),
            region=said["region"].strip(),
            qty=said["qty"] or 1,
            scopes=frozenset(said["scopes"]),
        )
        considered = [{"one": one, "reason": REASONS[one.reason]} for one in found]
    currency = next((c for c in dict.fromkeys(book.currencies.values()) if book.guide(code, c)), "CNY")
    context = {
        "section": "prices",
        "sku": sku,
        "cells": [(names[channel], cell_of(book, code, channel)) for channel in names],
        "states": CELL_STATES,
        "entries": entries_of(code)[:200],
        "now": now,
        "floors": floors_of(code),
        "costs": costs_of(code)[:20],
        "log": [(one, log_text(one.before), log_text(one.after)) for one in select_log(sku=code)[:20]],
        "words": LOGGED,
        "guide": book.guide(code, currency),
        "currency": currency,
        "chart": price_chart(steps_of(code, currency, now - timedelta(days=_SHOWN_DAYS)), currency, now),
        "asks": asks,
        "considered": considered,
        "form": form,
        "may_edit": may_edit,
        "lists": PriceList.objects.filter(is_active=True),
    }
    return render(request, "console/prices/sku.html", context)


def _save_limits(request: Request, code: str, form: LimitForm) -> bool:
    said, by = form.cleaned_data, {**who(request), "why": form.cleaned_data["why"]}
    try:
        if said["is_free"] or said["floor"] is not None:
            minor = None if said["is_free"] else to_minor(said["floor"], "CNY")
            least = None if said["is_free"] or said["least"] is None else to_minor(said["least"], "CNY")
            set_floors([FloorSpec(code, "CNY", minor, said["region"], least)], **by)
        if said["cost"] is not None:
            set_costs([CostSpec(code, "CNY", to_minor(said["cost"], "CNY"))], **by)
    except Refusal as refusal:
        form.add_error(None, localized(refusal.sentence))
        return False
    messages.success(request, gettext("Saved."))
    return True
