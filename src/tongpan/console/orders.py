"""The order desk: the list, its export, and the page of one order."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _

from tongpan.console import exports, order_page
from tongpan.console.access import Request, page
from tongpan.console.choices import local_name, shop_choices
from tongpan.console.lists import Column, FilterForm, listing, sort_of
from tongpan.console.saved_views import tabs_of
from tongpan.core.money import to_decimal
from tongpan.fulfillment.queries import routing_of
from tongpan.orders.models import HoldReason, Status
from tongpan.orders.queries import OrderFilter, count_orders, fetch_orders, iterate_orders, order_whole

DEFAULT_SORT = "-placed"


COLUMNS = (
    Column("number", _("Order"), lambda order: order.external_id),
    Column("placed", _("Placed at"), lambda order: order.placed_at, sort="placed", starts_descending=True),
    Column("channel", _("Channel"), lambda order: local_name(order.channel)),
    Column("shop", _("Shop"), lambda order: order.shop.name),
    Column("status", _("Status"), lambda order: order.get_status_display()),
    Column("customer", _("Customer"), lambda order: order.customer.code if order.customer else ""),
    Column("city", _("Ship to"), lambda order: order.ship_city),
    Column("units", _("Units"), lambda order: order.units, is_number=True),
    Column(
        "total",
        _("Total"),
        lambda order: to_decimal(order.total_minor, order.currency),
        sort="total",
        is_number=True,
        starts_descending=True,
    ),
)
EXPORT_COLUMNS = (
    *COLUMNS,
    Column("currency", _("Currency"), lambda order: order.currency),
    Column("goods", _("Goods amount"), lambda order: to_decimal(order.goods_minor, order.currency), is_number=True),
    Column("charges", _("Charges"), lambda order: to_decimal(order.charges_minor, order.currency), is_number=True),
    Column("refunded", _("Refunded"), lambda order: to_decimal(order.refunded_minor, order.currency), is_number=True),
    Column("business_date", _("Business day"), lambda order: order.business_date),
    Column("simulated", _("Simulated"), lambda order: int(order.is_simulated)),
)


class OrderFilters(FilterForm):
    shop = forms.ChoiceField(label=_("Channel or shop"), required=False)
    status = forms.ChoiceField(label=_("Status"), required=False)
    hold = forms.ChoiceField(label=_("Waiting for"), required=False)
    day_from = forms.DateField(label=_("From day"), required=False)
    day_to = forms.DateField(label=_("To day"), required=False)
    batch = forms.IntegerField(label=_("Import"), required=False, min_value=1, widget=forms.HiddenInput)

    def __init__(self, request: HttpRequest) -> None:
        super().__init__(
            request,
            {
                "shop": [("", _("All")), *shop_choices()],
                "status": [("", _("All")), ("open", _("Not yet sent")), *Status.choices],
                "hold": [("", _("All")), ("any", _("Anything")), *HoldReason.choices],
            },
        )

    def wanted(self, ids: list[int] | None = None) -> OrderFilter:
        """What the address asks for. The last day is included."""
        given = self.values
        kind, _sep, key = given.get("shop", "").partition(":")
        return OrderFilter(
            text=given.get("q", ""),
            channel_id=int(key) if kind == "channel" else None,
            shop_id=int(key) if kind == "shop" else None,
            status=given.get("status", ""),
            hold=given.get("hold", ""),
            import_id=given.get("batch"),
            day_from=given.get("day_from"),
            day_to=given["day_to"] + timedelta(days=1) if "day_to" in given else None,
            ids=ids or (),
        )


@page("orders.view")
def order_list(request: Request) -> HttpResponse:
    filters = OrderFilters(request)
    wanted = filters.wanted()
    context: dict[str, Any] = {
        "section": "orders",
        "filters": filters,
        "list": listing(
            request,
            COLUMNS,
            default_sort=DEFAULT_SORT,
            fetch=lambda sort, offset, limit: fetch_orders(wanted, sort, offset, limit),
            count=lambda cap: count_orders(wanted, cap),
        ),
        "views": tabs_of(request.user, "orders", request.META["QUERY_STRING"]),
    }
    return render(request, "console/orders/list.html", context)


@page("data.export")
def order_export(request: Request) -> HttpResponseBase:
    """The rows of the same filter in the same order; with ``id`` parameters only the chosen ones."""
    chosen = [int(text) for text in request.GET.getlist("id") if text.isdecimal()]
    wanted = OrderFilters(request).wanted(chosen)
    rows = iterate_orders(wanted, sort_of(request.GET, COLUMNS, DEFAULT_SORT))
    return exports.respond("orders", EXPORT_COLUMNS, rows, request.GET.get("format", ""))


@page("orders.view")
def order_detail(request: Request, order_id: int) -> HttpResponse:
    order = order_whole(order_id)
    if order is None:
        raise Http404
    routing = routing_of(order_id)
    context = {
        "section": "orders",
        "order": order,
        "routing": routing,
        "zone": order.channel.zone,
        "money": order_page.money_rows(order),
        "timeline": order_page.timeline(order, routing),
        "decisions": order_page.decisions(routing),
        "digest": bytes(order.digest).hex(),
    }
    return render(request, "console/orders/detail.html", context)
