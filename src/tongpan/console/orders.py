"""The order desk: the list, its views with counts, its sums, and its export."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _

from tongpan.console import exports
from tongpan.console.access import Request, page
from tongpan.console.bulk_actions import offered
from tongpan.console.keyset import Stretch, stretch, wish_of
from tongpan.console.layouts import layout_of
from tongpan.console.lists import COUNT_CAP, sort_of
from tongpan.console.order_columns import ALL_COLUMNS, COLUMNS, EXPORT_COLUMNS, NUMBER, chosen_columns
from tongpan.console.order_filters import STANDARD_VIEWS, OrderFilters
from tongpan.console.saved_views import ViewTabs, query_of, tabs_of
from tongpan.core.clock import utc_now
from tongpan.fulfillment.queries import nodes_of_orders
from tongpan.orders.queries import OrderFilter, count_quickly, iterate_orders, page_of_orders, sums_of_orders

DEFAULT_SORT = "-placed"
# Beyond it a view's count is "999+": nobody works through that many one by one.
VIEW_CAP = 999


def _list(request: Request, wanted: OrderFilter, columns: list[Any]) -> Stretch:
    wish = wish_of(request.GET, COLUMNS, DEFAULT_SORT)
    found = page_of_orders(wanted, wish.sort, wish.size, after=wish.after, before=wish.before)
    return stretch(request, columns, wish, found.rows, has_before=found.has_before, has_after=found.has_after)


@page("orders.view")
def order_list(request: Request) -> HttpResponse:
    filters = OrderFilters(request)
    wanted = filters.wanted()
    columns = chosen_columns(layout_of(request.user, "orders"))
    shown = {column.key for column in columns}
    listed = _list(request, wanted, columns)
    context: dict[str, Any] = {
        "section": "orders",
        "filters": filters,
        "list": listed,
        "sums": sums_of_orders(wanted, COUNT_CAP),
        "columns": shown,
        "all_columns": [column for column in ALL_COLUMNS if column is not NUMBER],
        "nodes": nodes_of_orders([order.pk for order in listed.rows]) if "nodes" in shown else {},
        "views": _views(request),
        "bulk_actions": offered(request.user),
        "now": utc_now(),
    }
    return render(request, "console/orders/list.html", context)


def _views(request: Request) -> ViewTabs:
    standard = [(view.key, str(view.name), view.query, str(view.why)) for view in STANDARD_VIEWS]
    return tabs_of(request.user, "orders", request.META["QUERY_STRING"], standard)


@page("orders.view")
def order_views(request: Request) -> HttpResponse:
    """The tabs of the views with how many orders each holds; asked for when the list is there already."""
    views = _views(request)
    wanted = [OrderFilters(request, query_of(tab.query)).wanted() for tab in views.tabs]
    counts = count_quickly(wanted, VIEW_CAP + 1)
    shown = [
        "" if count is None else _("%(cap)d+") % {"cap": VIEW_CAP} if count > VIEW_CAP else str(count)
        for count in counts
    ]
    context = {"views": views, "counts": dict(zip([tab.key for tab in views.tabs], shown, strict=True))}
    return render(request, "console/parts/saved_views.html", context)


@page("orders.view")
def order_sums(request: Request) -> HttpResponse:
    """The count and the totals of the whole filter, however many orders it holds."""
    sums = sums_of_orders(OrderFilters(request).wanted(), None)
    return render(request, "console/orders/sums.html", {"sums": sums})


@page("data.export")
def order_export(request: Request) -> HttpResponseBase:
    """The rows of the same filter in the same order; with ``id`` parameters only the chosen ones."""
    chosen = [int(text) for text in request.GET.getlist("id") if text.isdecimal()]
    wanted = OrderFilters(request).wanted(chosen)
    rows = iterate_orders(wanted, sort_of(request.GET, COLUMNS, DEFAULT_SORT))
    return exports.respond("orders", EXPORT_COLUMNS, rows, request.GET.get("format", ""))
