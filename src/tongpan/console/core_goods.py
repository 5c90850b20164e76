"""Core goods: what never runs out on any channel, what is published of it, and what has less than its cover."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from tongpan.access.queries import can
from tongpan.channels.queries import channels
from tongpan.console import exports
from tongpan.console.access import Request, page, who
from tongpan.console.choices import local_name
from tongpan.console.lists import Column, FilterForm, listing, sort_of
from tongpan.console.saved_views import tabs_of
from tongpan.console.wording import localized
from tongpan.core.errors import Refusal
from tongpan.inventory.actions.floors import save_covers
from tongpan.inventory.covers import CoreGood, core_goods
from tongpan.inventory.engine.policies import MAX_DAYS, MAX_UNITS, CoverSpec

STATES = (("below", _("Below its cover")), ("fine", _("Covered")))


class CoreFilters(FilterForm):
    state = forms.ChoiceField(label=_("State"), required=False, choices=[("", _("All")), *STATES])
    channel = forms.ChoiceField(label=_("Channel"), required=False)

    def __init__(self, request: HttpRequest) -> None:
        named = [(one.code, local_name(one)) for one in channels()]
        super().__init__(request, {"channel": [("", _("All")), *named]})

    def rows(self, sort: str) -> list[CoreGood]:
        given = self.values
        is_below = {"below": True, "fine": False}.get(given.get("state", ""))
        found = core_goods(given.get("q", ""), given.get("channel", ""), is_below=is_below)
        return sorted(found, key=_KEYS[sort.removeprefix("-")], reverse=sort.startswith("-"))


_KEYS: dict[str, Callable[[CoreGood], Any]] = {
    "gap": lambda row: row.gap,
    "code": lambda row: (row.sku_code, row.channel_code),
    "free": lambda row: row.free,
    "cover": lambda row: row.cover,
}
COLUMNS = (
    Column("sku", _("SKU"), lambda row: row.sku_code, sort="code"),
    Column("name", _("Name"), lambda row: row.sku_name),
    Column("channel", _("Channel"), lambda row: row.channel_code),
    Column("cover", _("Minimum cover"), lambda row: row.cover, "cover", True, True),
    Column("free", _("Free for the channel"), lambda row: row.free, "free", True, True),
    Column("published", _("Published"), lambda row: row.published, is_number=True),
    Column("gap", _("Above the cover"), lambda row: row.gap, "gap", True),
    Column("since", _("Below since"), lambda row: row.since),
)


@page("stock.view")
def core_list(request: Request) -> HttpResponse:
    """Every core SKU on every channel, those furthest below their cover first."""
    filters = CoreFilters(request)
    rows = filters.rows(sort_of(request.GET, COLUMNS, "gap"))
    context = {
        "section": "core_goods",
        "filters": filters,
        "names": {one.code: one for one in channels()},
        "list": listing(
            request,
            COLUMNS,
            default_sort="gap",
            fetch=lambda _sort, offset, limit: rows[offset : offset + limit],
            count=lambda _cap: len(rows),
        ),
        "views": tabs_of(request.user, "core_goods", request.META["QUERY_STRING"]),
        "may_edit": can(request.user, "stock.edit"),
    }
    return render(request, "console/stock/core.html", context)


@page("data.export")
def core_export(request: Request) -> HttpResponseBase:
    rows = CoreFilters(request).rows(sort_of(request.GET, COLUMNS, "gap"))
    return exports.respond("core-goods", COLUMNS, rows, request.GET.get("format", ""))


class CoverForm(forms.Form):
    sku = forms.CharField(label=_("SKU"), max_length=120)
    is_core = forms.BooleanField(label=_("It is core: channels must never run out of it"), required=False)
    units = forms.IntegerField(label=_("Minimum cover in units"), min_value=0, max_value=MAX_UNITS, initial=0)
    days = forms.IntegerField(
        label=_("and in days of its sales"),
        min_value=0,
        max_value=MAX_DAYS,
        initial=0,
        help_text=_("Whichever of the two is more."),
    )


@page("stock.edit")
def cover_edit(request: Request) -> HttpResponse:
    """Say that a SKU is core, and what it never runs below."""
    given = {name: request.GET[name] for name in ("sku", "units", "days") if name in request.GET}
    form = CoverForm(request.POST or None, initial={"is_core": True, **given})
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        try:
            save_covers([CoverSpec(said["sku"].strip(), said["is_core"], said["units"], said["days"])], **who(request))
        except Refusal as refusal:
            form.add_error(None, localized(refusal.sentence))
        else:
            messages.success(request, gettext("Saved."))
            return redirect("console:core_goods")
    return render(request, "console/stock/core_edit.html", {"section": "core_goods", "form": form})
