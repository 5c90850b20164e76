"""Reads of customers. Names stay sealed: who may see one asks ``access.vault`` for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.db.models import Q, QuerySet

from tongpan.access.vault import blind_index
from tongpan.core.bulk import fetch_all
from tongpan.customers.models import Customer, Identifier

SORTS = {"seen": ("first_seen_at", "id"), "code": ("code", "id")}


@dataclass(frozen=True, slots=True)
class CustomerFilter:
    """What a list of customers is narrowed to; an empty field narrows nothing.

    text: a customer number or its beginning, or a whole identifier (a buyer id of a shop), which is looked up
    by its keyed hash.
    """

    text: str = ""
    province: str = ""


def select_customers(wanted: CustomerFilter) -> QuerySet[Customer]:
    """The customers of ``wanted``, unordered."""
    customers = Customer.objects.all()
    if wanted.province:
        customers = customers.filter(province=wanted.province)
    if wanted.text:
        found = customer_ids_of(wanted.text)
        customers = customers.filter(Q(code__startswith=wanted.text.upper()) | Q(pk__in=found))
    return customers


def customer_ids_of(value: str) -> list[int]:
    """The customers that ``value`` identifies in any scope, by its blind index."""
    digests = [blind_index(kind, scope, value) for kind, scope in _scopes()]
    return list(Identifier.objects.filter(digest__in=digests).values_list("customer_id", flat=True))


def _scopes() -> list[tuple[str, str]]:
    """Every (kind, scope) in use. Jumps from one to the next through the index: its time grows with the number
    of scopes, not of identifiers."""
    rows = fetch_all(
        """WITH RECURSIVE scopes AS (
               (SELECT kind, scope FROM customers_identifier ORDER BY kind, scope LIMIT 1)
               UNION ALL
               SELECT next.kind, next.scope FROM scopes CROSS JOIN LATERAL (
                   SELECT i.kind, i.scope FROM customers_identifier i
                   WHERE (i.kind, i.scope) > (scopes.kind, scopes.scope) ORDER BY i.kind, i.scope LIMIT 1
               ) AS next
           )
           SELECT kind, scope FROM scopes"""
    )
    return [(kind, scope) for kind, scope in rows]


def _sorted(customers: QuerySet[Customer], sort: str) -> QuerySet[Customer]:
    sign = "-" if sort.startswith("-") else ""
    return customers.order_by(*(f"{sign}{name}" for name in SORTS[sort.removeprefix("-")]))


def fetch_customers(wanted: CustomerFilter, sort: str, offset: int, limit: int) -> list[Customer]:
    """One page of customers. ``sort`` is a key of SORTS, with "-" for descending."""
    return list(_sorted(select_customers(wanted), sort)[offset : offset + limit])


def count_customers(wanted: CustomerFilter, cap: int) -> int:
    """How many customers ``wanted`` has; counting stops at ``cap``."""
    return select_customers(wanted).order_by()[:cap].count()


def iterate_customers(wanted: CustomerFilter, sort: str) -> Iterator[Customer]:
    """All customers of ``wanted`` through a cursor."""
    return _sorted(select_customers(wanted), sort).iterator(chunk_size=2000)


def customer_with_identifiers(customer_id: int) -> Customer | None:
    """One customer with ``identifiers`` fetched along."""
    return Customer.objects.filter(pk=customer_id).prefetch_related("identifiers").first()
