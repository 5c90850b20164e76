"""Customers: the list and the page of one. Personal data is masked; who may see it says why, and it is logged."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django import forms
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _

from tongpan.access.actions import audit
from tongpan.access.queries import can
from tongpan.access.vault import mask, open_sealed
from tongpan.console import exports
from tongpan.console.access import Request, page
from tongpan.console.lists import Column, FilterForm, listing, sort_of
from tongpan.console.saved_views import tabs_of
from tongpan.core.clock import utc_now
from tongpan.core.money import to_decimal
from tongpan.customers.models import Customer
from tongpan.customers.queries import (
    CustomerFilter,
    count_customers,
    customer_with_identifiers,
    fetch_customers,
    iterate_customers,
)
from tongpan.orders.queries import (
    Bought,
    OrderFilter,
    bought_by,
    count_orders,
    favourites_of_customer,
    fetch_orders,
    returns_of_customer,
)

DEFAULT_SORT = "-seen"
_CHUNK = 1000
_SHOWN_ORDERS = 20
_COUNT_CAP = 10_000
Row = tuple[Customer, Bought | None]


def _bought(row: Row, value: str) -> Any:
    return getattr(row[1], value) if row[1] else None


def _total(row: Row) -> Any:
    return to_decimal(row[1].total_minor, row[1].currency) if row[1] else None


COLUMNS = (
    Column("code", _("Customer number"), lambda row: row[0].code, sort="code"),
    Column("place", _("City"), lambda row: f"{row[0].province} {row[0].city}".strip()),
    Column("seen", _("First seen"), lambda row: row[0].first_seen_at, sort="seen", starts_descending=True),
    Column("orders", _("Orders"), lambda row: _bought(row, "orders") or 0, is_number=True),
    Column("units", _("Units"), lambda row: _bought(row, "units") or 0, is_number=True),
    Column("total", _("Bought for"), _total, is_number=True),
    Column("last", _("Last order"), lambda row: _bought(row, "last_at")),
)


class CustomerFilters(FilterForm):
    province = forms.CharField(label=_("Province"), required=False, max_length=60)

    def wanted(self) -> CustomerFilter:
        return CustomerFilter(self.values.get("q", ""), self.values.get("province", ""))


class RevealForm(forms.Form):
    reason = forms.CharField(label=_("Reason"), min_length=5, max_length=200)


def _with_orders(customers: list[Customer]) -> list[Row]:
    bought = bought_by([customer.pk for customer in customers])
    return [(customer, bought.get(customer.pk)) for customer in customers]


@page("customers.view")
def customer_list(request: Request) -> HttpResponse:
    filters = CustomerFilters(request)
    wanted = filters.wanted()
    context = {
        "section": "customers",
        "filters": filters,
        "list": listing(
            request,
            COLUMNS,
            default_sort=DEFAULT_SORT,
            fetch=lambda sort, offset, limit: _with_orders(fetch_customers(wanted, sort, offset, limit)),
            count=lambda cap: count_customers(wanted, cap),
        ),
        "views": tabs_of(request.user, "customers", request.META["QUERY_STRING"]),
    }
    return render(request, "console/customers/list.html", context)


@page("data.export")
def customer_export(request: Request) -> HttpResponseBase:
    """Numbers, places and sums; no personal data."""
    wanted = CustomerFilters(request).wanted()

    def rows() -> Iterator[Row]:
        chunk: list[Customer] = []
        for customer in iterate_customers(wanted, sort_of(request.GET, COLUMNS, DEFAULT_SORT)):
            chunk.append(customer)
            if len(chunk) == _CHUNK:
                yield from _with_orders(chunk)
                chunk = []
        yield from _with_orders(chunk)

    return exports.respond("customers", COLUMNS, rows(), request.GET.get("format", ""))


@page("customers.view")
def customer_detail(request: Request, customer_id: int) -> HttpResponse:
    """The customer page. A POST with a reason shows name and identifiers in the clear, once, and logs it."""
    customer = customer_with_identifiers(customer_id)
    if customer is None:
        raise Http404
    may_reveal = can(request.user, "customers.reveal")
    form = RevealForm(request.POST or None)
    is_revealed = request.method == "POST" and may_reveal and form.is_valid()
    if is_revealed:
        audit(
            f"user:{request.user.get_username()}",
            "customer.revealed",
            "customer",
            str(customer.pk),
            {"reason": form.cleaned_data["reason"]},
            now=utc_now(),
        )
    show = _clear if is_revealed else _masked
    wanted = OrderFilter(customer_id=customer.pk)
    context = {
        "section": "customers",
        "customer": customer,
        "name": show(customer.name_sealed),
        "identifiers": [(one, show(one.value_sealed)) for one in customer.identifiers.all()],
        "is_revealed": is_revealed,
        "may_reveal": may_reveal,
        "form": form,
        "bought": bought_by([customer.pk]).get(customer.pk),
        "orders": fetch_orders(wanted, "-placed", 0, _SHOWN_ORDERS),
        "order_count": count_orders(wanted, _COUNT_CAP),
        "returns": returns_of_customer(customer.pk),
        "favourites": favourites_of_customer(customer.pk),
    }
    response = render(request, "console/customers/detail.html", context)
    if is_revealed:
        response.headers["Cache-Control"] = "no-store"
    return response


def _clear(sealed: bytes | memoryview) -> str:
    return open_sealed(sealed) if sealed else ""


def _masked(sealed: bytes | memoryview) -> str:
    return mask(open_sealed(sealed)) if sealed else ""
