"""Goods: the list of SKUs and the page of one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _

from tongpan.access.queries import can
from tongpan.catalog.models import Sku
from tongpan.catalog.queries import SkuFilter, count_skus, fetch_skus, iterate_skus, sku_by_code
from tongpan.catalog.regions import regions_of
from tongpan.catalog.reviews import ratings_of, shown_reviews
from tongpan.console import exports
from tongpan.console.access import Request, page
from tongpan.console.choices import category_choices
from tongpan.console.lists import Column, FilterForm, listing, sort_of
from tongpan.console.saved_views import tabs_of
from tongpan.inventory.matrix import StockRow, levels_of_sku, pool_rows
from tongpan.orders.queries import OrderFilter, fetch_orders

DEFAULT_SORT = "code"
_CHUNK = 1000
_RECENT_ORDERS = 10
_SHOWN_REVIEWS = 10
COLUMNS = (
    Column("code", _("SKU"), lambda row: row[0].code, sort="code"),
    Column("name", _("Name"), lambda row: row[0].name, sort="name"),
    Column("category", _("Category"), lambda row: row[0].product.category.name if row[0].product.category else ""),
    Column("barcode", _("Barcode"), lambda row: row[0].barcode),
    Column("available", _("Available"), lambda row: row[1].available, is_number=True),
    Column("on_hand", _("On hand"), lambda row: row[1].on_hand, is_number=True),
    Column("state", _("Status"), lambda row: "active" if row[0].is_active else "inactive"),
)


class GoodsFilters(FilterForm):
    category = forms.ChoiceField(label=_("Category"), required=False)
    state = forms.ChoiceField(
        label=_("Status"),
        required=False,
        choices=[("", _("All")), ("active", _("Active")), ("inactive", _("Not active"))],
    )

    def __init__(self, request: HttpRequest) -> None:
        super().__init__(request, {"category": [("", _("All")), *category_choices()]})

    def wanted(self) -> SkuFilter:
        given = self.values
        category = given.get("category")
        return SkuFilter(given.get("q", ""), int(category) if category else None, given.get("state", ""))


def _with_stock(skus: list[Sku]) -> list[tuple[Sku, StockRow]]:
    stock = pool_rows([sku.pk for sku in skus])
    return [(sku, stock[sku.pk]) for sku in skus]


@page("goods.view")
def goods_list(request: Request) -> HttpResponse:
    filters = GoodsFilters(request)
    wanted = filters.wanted()
    context = {
        "section": "goods",
        "filters": filters,
        "list": listing(
            request,
            COLUMNS,
            default_sort=DEFAULT_SORT,
            fetch=lambda sort, offset, limit: _with_stock(fetch_skus(wanted, sort, offset, limit)),
            count=lambda cap: count_skus(wanted, cap),
        ),
        "views": tabs_of(request.user, "goods", request.META["QUERY_STRING"]),
    }
    return render(request, "console/goods/list.html", context)


@page("data.export")
def goods_export(request: Request) -> HttpResponseBase:
    filters = GoodsFilters(request)

    def rows() -> Iterator[Any]:
        chunk: list[Sku] = []
        for sku in iterate_skus(filters.wanted(), sort_of(request.GET, COLUMNS, DEFAULT_SORT)):
            chunk.append(sku)
            if len(chunk) == _CHUNK:
                yield from _with_stock(chunk)
                chunk = []
        yield from _with_stock(chunk)

    return exports.respond("goods", COLUMNS, rows(), request.GET.get("format", ""))


@page("goods.view")
def sku_detail(request: Request, code: str) -> HttpResponse:
    sku = sku_by_code(code)
    if sku is None:
        raise Http404
    context = {
        "section": "goods",
        "sku": sku,
        "provinces": regions_of([sku.pk]).get(sku.pk, []),
        "siblings": [other for other in sku.product.skus.all() if other.pk != sku.pk],
        "pool": pool_rows([sku.pk])[sku.pk],
        "levels": levels_of_sku(sku.pk),
        "reviews": shown_reviews(sku.pk, _SHOWN_REVIEWS),
        "rating": ratings_of([sku.pk]).get(sku.pk),
        "orders": fetch_orders(OrderFilter(sku_id=sku.pk), "-placed", 0, _RECENT_ORDERS)
        if can(request.user, "orders.view")
        else [],
    }
    return render(request, "console/goods/detail.html", context)
