"""Lists of orders: pages, counts, and whole lists through a cursor."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Prefetch, QuerySet

from tongpan.orders.models import Hold, Order
from tongpan.orders.queries.filters import OrderFilter, select_orders

SORTS: dict[str, tuple[str, ...]] = {
    "placed": ("placed_at", "id"),
    "total": ("total_minor", "id"),
}


def _sorted(orders: QuerySet[Order], sort: str) -> QuerySet[Order]:
    """``sort`` is a key of SORTS, with "-" for descending; the id makes the order total."""
    sign = "-" if sort.startswith("-") else ""
    fields = SORTS[sort.removeprefix("-")]
    return orders.order_by(*(f"{sign}{name}" for name in fields))


def fetch_orders(wanted: OrderFilter, sort: str, offset: int, limit: int) -> list[Order]:
    """One page of orders with shop, channel, customer and ``open_holds`` (a list of Hold). Three statements.

    The page is found first, by index alone, and only its rows are joined: a late page stays cheap.
    """
    ids = list(_sorted(select_orders(wanted), sort).values_list("pk", flat=True)[offset : offset + limit])
    holds = Prefetch("holds", Hold.objects.filter(released_at=None), to_attr="open_holds")
    rows = Order.objects.filter(pk__in=ids).select_related("shop", "channel", "customer").prefetch_related(holds)
    found = {order.pk: order for order in rows}
    return [found[order_id] for order_id in ids if order_id in found]


def count_orders(wanted: OrderFilter, cap: int) -> int:
    """How many orders ``wanted`` has; counting stops at ``cap``."""
    return select_orders(wanted).order_by()[:cap].count()


def iterate_orders(wanted: OrderFilter, sort: str) -> Iterator[Order]:
    """All orders of ``wanted`` with shop, channel and customer, through a cursor: memory stays level."""
    rows = _sorted(select_orders(wanted), sort).select_related("shop", "channel", "customer")
    return rows.iterator(chunk_size=2000)


def listed_orders(wanted: OrderFilter) -> QuerySet[Order]:
    """The orders of ``wanted``, unordered, with shop, channel, customer and ``open_holds`` (two statements)."""
    holds = Prefetch("holds", Hold.objects.filter(released_at=None), to_attr="open_holds")
    return select_orders(wanted).select_related("shop", "channel", "customer").prefetch_related(holds)
