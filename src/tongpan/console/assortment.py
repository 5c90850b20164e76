"""Which goods are listed where: gaps of core goods, and listings with their fit and truthfulness."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from tongpan.access.queries import can
from tongpan.catalog.contents import review_truth
from tongpan.catalog.coverage import choose_core_channels, core_channels, coverage, select_listings
from tongpan.catalog.models import Listing
from tongpan.catalog.roles import channel_roles
from tongpan.console import exports
from tongpan.console.access import Request, page, who
from tongpan.console.assortment_rows import FINDING_TEXTS
from tongpan.console.choices import local_name
from tongpan.console.lists import Column, FilterForm, listing, sort_of
from tongpan.console.saved_views import tabs_of
from tongpan.console.wording import localized
from tongpan.core.errors import Refusal

_STATES = (("", _("All")), ("on", _("On sale")), ("off", _("Off sale")))
_FITS = (("", _("All")), ("passed", _("Passed")), ("failed", _("Failed")), ("unchecked", _("Not checked")))
_ON_SALE = {True: _("On sale"), False: _("Off sale")}


class ListingFilters(FilterForm):
    channel = forms.ChoiceField(label=_("Channel"), required=False)
    state = forms.ChoiceField(label=_("Status"), required=False, choices=_STATES)
    fit = forms.ChoiceField(label=_("Fit standard"), required=False, choices=_FITS)

    def __init__(self, request: HttpRequest) -> None:
        super().__init__(request, {"channel": [("", _("All")), *((c.code, local_name(c)) for c in channel_roles())]})

    def rows(self) -> Any:
        given = self.values
        return select_listings(
            given.get("q", ""),
            channel=given.get("channel", ""),
            state=given.get("state", ""),
            fit=given.get("fit", ""),
        )


def _score(row: Listing) -> int | None:
    return row.fit.score if hasattr(row, "fit") else None


LISTING_COLUMNS = (
    Column("item", _("Item on the channel"), lambda row: row.external_item_id, sort="external_item_id"),
    Column("title", _("Title"), lambda row: row.title, sort="title"),
    Column("shop", _("Shop"), lambda row: row.shop.name, sort="shop__code"),
    Column("sku", _("SKU"), lambda row: row.sku.code, sort="sku__code"),
    Column("sale", _("Status"), lambda row: str(_ON_SALE[row.is_on_sale]), sort="is_on_sale"),
    Column("score", _("Fit"), _score, sort="fit__score", is_number=True),
)


@page("goods.view")
def listing_list(request: Request) -> HttpResponse:
    """All listings, with what the standard says of each."""
    filters = ListingFilters(request)
    rows = filters.rows()
    context = {
        "section": "goods",
        "tab": "listings",
        "filters": filters,
        "list": listing(
            request,
            LISTING_COLUMNS,
            default_sort="sku__code",
            fetch=lambda sort, offset, limit: list(rows.order_by(sort, "id")[offset : offset + limit]),
            count=lambda cap: rows.order_by()[:cap].count(),
        ),
        "views": tabs_of(request.user, "listings", request.META["QUERY_STRING"]),
    }
    return render(request, "console/goods/listings.html", context)


@page("data.export")
def listing_export(request: Request) -> HttpResponseBase:
    rows = ListingFilters(request).rows().order_by(sort_of(request.GET, LISTING_COLUMNS, "sku__code"), "id")
    return exports.respond("listings", LISTING_COLUMNS, rows.iterator(2000), request.GET.get("format", ""))


class TruthForm(forms.Form):
    passed = forms.ChoiceField(
        label=_("Result"), choices=[("yes", _("The page says what the goods are")), ("no", _("The page is untrue"))]
    )
    note = forms.CharField(
        label=_("What is untrue"), required=False, max_length=2000, widget=forms.Textarea(attrs={"rows": 3})
    )


@page("goods.view")
def listing_detail(request: Request, listing_id: int) -> HttpResponse:
    """What buyers see of a listing, what the standard says of it, and its truthfulness reviews."""
    row = select_listings().filter(pk=listing_id).first()
    if row is None:
        raise Http404
    may_edit = can(request.user, "goods.edit")
    form = TruthForm(request.POST or None)
    if request.method == "POST" and may_edit and form.is_valid():
        verdict = (form.cleaned_data["passed"] == "yes", form.cleaned_data["note"])
        given = who(request)
        try:
            off = review_truth({listing_id: verdict}, reviewer=given["actor"], now=given["now"])
        except Refusal as refusal:
            form.add_error(None, localized(refusal.sentence))
        else:
            messages.success(request, gettext("Saved. The listing went off sale.") if off else gettext("Saved."))
            return redirect("console:listing", listing_id)
    fit = getattr(row, "fit", None)
    context = {
        "section": "goods",
        "row": row,
        "content": getattr(row, "content", None),
        "fit": fit,
        "findings": [(one, *FINDING_TEXTS[one["check"]]) for one in fit.findings] if fit else [],
        "reviews": row.truth_reviews.order_by("-id"),
        "form": form,
        "can_edit": may_edit,
    }
    return render(request, "console/goods/listing.html", context)


class CoverageFilters(FilterForm):
    gaps = forms.ChoiceField(
        label=_("Shown"), required=False, choices=[("", _("All core products")), ("1", _("Only with gaps"))]
    )


@page("goods.view")
def coverage_matrix(request: Request) -> HttpResponse:
    """Core products × channels: where they are on sale, off sale or missing (PRD-01)."""
    filters = CoverageFilters(request)
    channels = core_channels()
    rows = coverage(channels, filters.values.get("q", ""), gaps_only=bool(filters.values.get("gaps")))
    columns = _coverage_columns(channels)
    context = {
        "section": "goods",
        "tab": "coverage",
        "filters": filters,
        "channels": channels,
        "choices": [(one.code, local_name(one)) for one in channel_roles()],
        "chosen": {channel.code for channel in channels},
        "list": listing(
            request,
            columns,
            default_sort="",
            fetch=lambda _sort, offset, limit: rows[offset : offset + limit],
            count=lambda _cap: len(rows),
        ),
        "complete": sum(not row.gaps for row in rows),
        "can_edit": can(request.user, "goods.edit"),
        "views": tabs_of(request.user, "coverage", request.META["QUERY_STRING"]),
    }
    return render(request, "console/goods/coverage.html", context)


_CELLS = {"on_sale": _("On sale"), "off_sale": _("Off sale"), "missing": _("Missing")}


def _coverage_columns(channels: list[Any]) -> tuple[Column, ...]:
    def cell(channel_id: int) -> Any:
        return lambda row: str(_CELLS[row.cells[channel_id]])

    return (
        Column("product", _("Product"), lambda row: row.product_code),
        Column("name", _("Name"), lambda row: row.product_name),
        *(Column(channel.code, local_name(channel), cell(channel.id)) for channel in channels),
        Column("gaps", _("Gaps"), lambda row: row.gaps, is_number=True),
    )


@page("data.export")
def coverage_export(request: Request) -> HttpResponseBase:
    filters, channels = CoverageFilters(request), core_channels()
    rows = coverage(channels, filters.values.get("q", ""), gaps_only=bool(filters.values.get("gaps")))
    return exports.respond("core-goods", _coverage_columns(channels), rows, request.GET.get("format", ""))


@page("goods.edit")
@require_POST
def coverage_channels(request: Request) -> HttpResponse:
    """Choose the channels on which core goods must be listed."""
    try:
        choose_core_channels(request.POST.getlist("channels"), **who(request))
        messages.success(request, gettext("Saved."))
    except Refusal as refusal:
        messages.error(request, localized(refusal.sentence))
    return redirect("console:coverage")
