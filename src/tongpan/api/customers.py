"""Customers, masked: the API never shows personal data in the clear."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja import Path, Query, Router
from pydantic import Field

from tongpan.access.vault import mask, open_sealed
from tongpan.api.operations import read
from tongpan.api.pages import Page, PageQuery, page_of
from tongpan.api.problems import not_found
from tongpan.api.values import Id, Instant, MoneyOut, Out, Text60, Text120, money
from tongpan.customers.models import Customer
from tongpan.customers.queries import CustomerFilter, customer_with_identifiers, select_customers
from tongpan.orders.queries import bought_by

router = Router(tags=["customers"])


class CustomerQuery(PageQuery):
    search: Text120 = Field("", description="A customer number or its beginning, or a whole identifier")
    province: Text60 = ""


class CustomerSummaryOut(Out):
    id: int
    number: str
    name: str = Field(description="Masked")
    province: str
    city: str
    first_seen_at: Instant


class IdentifierOut(Out):
    kind: str
    scope: str
    value: str = Field(description="Masked")
    first_seen_at: Instant


class BoughtOut(Out):
    """What the customer bought, without cancelled orders; returns are not taken off."""

    orders: int
    units: int
    total: MoneyOut
    first_at: Instant
    last_at: Instant


class CustomerOut(CustomerSummaryOut):
    identifiers: list[IdentifierOut]
    bought: BoughtOut | None


def _head(row: Customer) -> dict[str, Any]:
    return {
        "id": row.pk,
        "number": row.code,
        "name": mask(open_sealed(row.name_sealed)),
        "province": row.province,
        "city": row.city,
        "first_seen_at": row.first_seen_at,
    }


@read(router, "/customers", "customers.view", Page[CustomerSummaryOut])
def list_customers(request: HttpRequest, query: Query[CustomerQuery]) -> Page[CustomerSummaryOut]:
    """Customers, the last that were seen first."""
    rows = select_customers(CustomerFilter(text=query.search.strip(), province=query.province))
    return page_of(rows, ["-first_seen_at", "-id"], query, lambda row: CustomerSummaryOut(**_head(row)))


@read(router, "/customers/{customer_id}", "customers.view", CustomerOut)
def get_customer(request: HttpRequest, customer_id: Path[Id]) -> CustomerOut:
    """One customer with identifiers and what was bought."""
    row = customer_with_identifiers(customer_id)
    if row is None:
        raise not_found("customer", customer_id)
    sums = bought_by([customer_id]).get(customer_id)
    identifiers = [
        IdentifierOut(
            kind=found.kind,
            scope=found.scope,
            value=mask(open_sealed(found.value_sealed)),
            first_seen_at=found.first_seen_at,
        )
        for found in row.identifiers.all()
    ]
    bought = None
    if sums is not None:
        bought = BoughtOut(
            orders=sums.orders,
            units=sums.units,
            total=money(sums.total_minor, sums.currency),
            first_at=sums.first_at,
            last_at=sums.last_at,
        )
    return CustomerOut(**_head(row), identifiers=identifiers, bought=bought)
