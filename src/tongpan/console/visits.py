"""Visits to stores: who came in, what was tried, and who bought on the same day."""

from __future__ import annotations

from datetime import timedelta

from django import forms
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _

from tongpan.analytics.queries.visits import store_days, with_bought
from tongpan.console import exports
from tongpan.console.access import Request, page
from tongpan.console.choices import node_choices
from tongpan.console.lists import Column, FilterForm, listing
from tongpan.core.clock import DEFAULT_ZONE, business_day, utc_now
from tongpan.tracking.models import Visit, VisitKind
from tongpan.tracking.queries import VisitFilter, select_visits

DAYS = 30
SHOWN_DAYS = 60


def _goods(visit: Visit) -> str:
    return ", ".join(one.sku.code for one in visit.tried)  # type: ignore[attr-defined]


COLUMNS = (
    Column("at", _("When"), lambda row: row.at),
    Column("node", _("Store"), lambda row: row.node.name),
    Column("kind", _("Kind"), lambda row: row.get_kind_display()),
    Column("goods", _("Goods tried"), _goods),
    Column("customer", _("Customer"), lambda row: row.customer.code if row.customer else ""),
    Column("bought", _("Bought that day"), lambda row: "1" if row.bought else "0" if row.customer_id else ""),
    Column("staff", _("Staff"), lambda row: row.staff),
    Column("note", _("Note"), lambda row: row.note),
)


class VisitFilters(FilterForm):
    node = forms.ChoiceField(label=_("Store"), required=False)
    kind = forms.ChoiceField(label=_("Kind"), required=False, choices=[("", _("All")), *VisitKind.choices])
    day_from = forms.DateField(label=_("From day"), required=False)
    day_to = forms.DateField(label=_("To day"), required=False)

    def __init__(self, request: HttpRequest) -> None:
        super().__init__(request, {"node": [("", _("All")), *node_choices()]})

    def wanted(self) -> VisitFilter:
        given = self.values
        node_id = int(given["node"]) if "node" in given else None
        first, last = given.get("day_from"), given.get("day_to")
        return VisitFilter(
            given.get("q", ""),
            given.get("kind", ""),
            node_id,
            first,
            last + timedelta(days=1) if last else None,
        )


@page("customers.view")
def visit_list(request: Request) -> HttpResponse:
    """All visits, and from the door to the till by store and day."""
    filters = VisitFilters(request)
    wanted = filters.wanted()
    rows = with_bought(select_visits(wanted))
    end = wanted.day_to or business_day(utc_now(), DEFAULT_ZONE) + timedelta(days=1)
    first = wanted.day_from or end - timedelta(days=DAYS)
    context = {
        "section": "visits",
        "filters": filters,
        "days": store_days(first, end, wanted.node_id, SHOWN_DAYS),
        "first": first,
        "last": end - timedelta(days=1),
        "list": listing(
            request,
            COLUMNS,
            default_sort="",
            fetch=lambda _sort, offset, limit: list(rows.order_by("-at", "-id")[offset : offset + limit]),
            count=lambda cap: select_visits(wanted).order_by()[:cap].count(),
        ),
    }
    return render(request, "console/visits/list.html", context)


@page("data.export")
def visit_export(request: Request) -> HttpResponseBase:
    """All visits of the filter."""
    rows = with_bought(select_visits(VisitFilters(request).wanted())).order_by("-at", "-id")
    return exports.respond("visits", COLUMNS, rows.iterator(chunk_size=2000), request.GET.get("format", ""))
