"""Carts of own channels: those that are open, those left behind, and what became of the others."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _

from tongpan.access.queries import can
from tongpan.channels.queries import shops
from tongpan.console import exports
from tongpan.console.access import Request, page
from tongpan.console.lists import Column, FilterForm, listing, sort_of
from tongpan.core.clock import utc_now
from tongpan.core.money import to_decimal
from tongpan.orders.models import Cart
from tongpan.orders.queries.carts import CartFilter, availability_of, found_carts

_SORTS = {"changed": ("changed_at", "pk"), "made": ("created_at", "pk")}


def goods_minor(cart: Cart) -> int:
    """What the goods of a cart cost together, in minor units."""
    return sum(line.qty * line.unit_minor for line in cart.lines.all())


def _state(cart: Cart) -> str:
    return "ordered" if cart.order_id else "open"


COLUMNS = (
    Column("cart", _("Cart"), lambda cart: cart.pk),
    Column("shop", _("Shop"), lambda cart: cart.shop.name),
    Column("state", _("Status"), _state),
    Column("order", _("Order"), lambda cart: cart.order.external_id if cart.order else ""),
    Column("units", _("Units"), lambda cart: sum(line.qty for line in cart.lines.all()), is_number=True),
    Column("goods", _("Goods"), lambda cart: to_decimal(goods_minor(cart), cart.shop.channel.currency), is_number=True),
    Column("currency", _("Currency"), lambda cart: cart.shop.channel.currency),
    Column("made", _("Made at"), lambda cart: cart.created_at, sort="made", starts_descending=True),
    Column("changed", _("Changed at"), lambda cart: cart.changed_at, sort="changed", starts_descending=True),
)
SHOWN = tuple(column for column in COLUMNS if column.key != "currency")


class CartFilters(FilterForm):
    state = forms.ChoiceField(
        label=_("Status"),
        required=False,
        choices=[("", _("All")), ("open", _("Open")), ("abandoned", _("Left behind")), ("ordered", _("Ordered"))],
    )
    shop = forms.ChoiceField(label=_("Shop"), required=False)

    def __init__(self, request: Request) -> None:
        self._sees_customers = can(request.user, "customers.view")
        super().__init__(request, {"shop": [("", _("All")), *((str(shop.pk), shop.name) for shop in shops())]})

    def wanted(self) -> CartFilter:
        given = self.values
        shop_id = int(given["shop"]) if "shop" in given else None
        return CartFilter(given.get("state", ""), shop_id, given.get("q", ""), self._sees_customers)


def _sorted(rows: Any, sort: str) -> Any:
    sign = "-" if sort.startswith("-") else ""
    return rows.order_by(*(f"{sign}{name}" for name in _SORTS[sort.removeprefix("-")]))


@page("orders.view")
def cart_list(request: Request) -> HttpResponse:
    """Carts, those changed last first."""
    filters = CartFilters(request)
    rows = found_carts(filters.wanted(), now=utc_now())

    def fetch(sort: str, offset: int, limit: int) -> list[Cart]:
        found: list[Cart] = list(_sorted(rows, sort)[offset : offset + limit])
        for cart in found:
            cart.goods = goods_minor(cart)  # type: ignore[attr-defined]
            cart.units = sum(line.qty for line in cart.lines.all())  # type: ignore[attr-defined]
        return found

    context = {
        "section": "carts",
        "filters": filters,
        "list": listing(
            request,
            SHOWN,
            default_sort="-changed",
            fetch=fetch,
            count=lambda cap: rows.order_by()[:cap].count(),
        ),
    }
    return render(request, "console/carts/list.html", context)


@page("data.export")
def cart_export(request: Request) -> HttpResponseBase:
    """All carts of the filter."""
    rows: Any = _sorted(
        found_carts(CartFilters(request).wanted(), now=utc_now()), sort_of(request.GET, COLUMNS, "-changed")
    )
    return exports.respond("carts", COLUMNS, rows.iterator(chunk_size=2000), request.GET.get("format", ""))


@page("orders.view")
def cart_detail(request: Request, cart_id: int) -> HttpResponse:
    """One cart: its lines, and what of them could be had now."""
    cart = found_carts(CartFilter(), now=utc_now()).filter(pk=cart_id).first()
    if cart is None:
        raise Http404
    there = {} if cart.order_id else {one.sku: one for one in availability_of(cart.pk)}
    lines = [(line, line.qty * line.unit_minor, there.get(line.sku.code)) for line in cart.lines.all()]
    context = {
        "section": "carts",
        "cart": cart,
        "lines": lines,
        "goods": goods_minor(cart),
        "currency": cart.shop.channel.currency,
        "sees_customers": can(request.user, "customers.view"),
    }
    return render(request, "console/carts/detail.html", context)
