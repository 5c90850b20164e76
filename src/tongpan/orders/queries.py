"""Reads of the order hub: lists by filter, one order whole, sums of customers, and the proof that totals add up."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.db.models import Count, Exists, Max, Min, OuterRef, Prefetch, QuerySet, Sum

from tongpan.catalog.models import Sku
from tongpan.channels.models import Shop
from tongpan.core.bulk import fetch_all
from tongpan.customers.models import Customer
from tongpan.orders.models import Hold, Order, OrderLine, Return, ReturnLine, Status

SORTS: dict[str, tuple[str, ...]] = {
    "placed": ("placed_at", "id"),
    "total": ("total_minor", "id"),
}
OPEN = (Status.PLACED, Status.PAID)
_WORDS = re.compile(r"[\s,;，；、]+")
# A business day begins at most 14 hours before and ends at most 12 hours after the same day of UTC.
_EARLIEST, _LATEST = timedelta(hours=14), timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class OrderFilter:
    """What a list of orders is narrowed to; an empty field narrows nothing.

    text: several words are that many order numbers. One word is an order number if there is one, else a SKU code
    or a customer number if there is one, else the beginning of order numbers. day_from, day_to: business days,
    half-open. status: a Status or "open" for those not yet sent.
    hold: a HoldReason or "any". ids: these orders only.
    """

    text: str = ""
    channel_id: int | None = None
    shop_id: int | None = None
    status: str = ""
    hold: str = ""
    customer_id: int | None = None
    sku_id: int | None = None
    import_id: int | None = None
    day_from: date | None = None
    day_to: date | None = None
    ids: Sequence[int] = field(default=())


def select_orders(wanted: OrderFilter) -> QuerySet[Order]:
    """The orders of ``wanted``, unordered, without any related row."""
    orders = Order.objects.all()
    exact: dict[str, Any] = {
        "channel_id": wanted.channel_id,
        "shop_id": wanted.shop_id,
        "customer_id": wanted.customer_id,
        "import_id": wanted.import_id,
    }
    orders = orders.filter(**{name: value for name, value in exact.items() if value is not None})
    if wanted.shop_id is not None:
        # An index leads from the channel to its orders in time; a shop alone would be looked for in all of them.
        orders = orders.filter(channel_id__in=Shop.objects.filter(pk=wanted.shop_id).values("channel_id"))
    if wanted.ids:
        orders = orders.filter(pk__in=wanted.ids)
    if wanted.status == "open":
        orders = orders.filter(status__in=OPEN)
    elif wanted.status:
        orders = orders.filter(status=wanted.status)
    if wanted.hold:
        holds = Hold.objects.filter(order=OuterRef("pk"), released_at=None)
        orders = orders.filter(Exists(holds if wanted.hold == "any" else holds.filter(reason=wanted.hold)))
    if wanted.sku_id is not None:
        orders = orders.filter(pk__in=OrderLine.objects.filter(sku_id=wanted.sku_id).values("order_id"))
    orders = _within_days(orders, wanted.day_from, wanted.day_to)
    return _matching(orders, wanted.text) if wanted.text else orders


def _within_days(orders: QuerySet[Order], day_from: date | None, day_to: date | None) -> QuerySet[Order]:
    """Days as business days, and as instants too, so that the index that sorts the list also narrows it."""
    if day_from is not None:
        start = datetime.combine(day_from, time(), UTC) - _EARLIEST
        orders = orders.filter(business_date__gte=day_from, placed_at__gte=start)
    if day_to is not None:
        end = datetime.combine(day_to, time(), UTC) + _LATEST
        orders = orders.filter(business_date__lt=day_to, placed_at__lt=end)
    return orders


def _matching(orders: QuerySet[Order], text: str) -> QuerySet[Order]:
    words = [word for word in _WORDS.split(text) if word]
    if len(words) > 1:
        return orders.filter(external_id__in=words)
    if not words:
        return orders
    word = words[0]
    # One meaning at a time: "this number or that SKU" in one condition would read every order.
    if not Order.objects.filter(external_id=word).exists():
        if skus := list(Sku.objects.filter(code=word).values_list("pk", flat=True)):
            return orders.filter(pk__in=OrderLine.objects.filter(sku_id__in=skus).values("order_id"))
        if customers := list(Customer.objects.filter(code=word).values_list("pk", flat=True)):
            return orders.filter(customer_id__in=customers)
    return orders.filter(external_id__startswith=word)


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


def order_whole(order_id: int) -> Order | None:
    """One order with its shop, channel, customer, lines with SKUs, payments, events, holds and returns."""
    return (
        Order.objects.filter(pk=order_id)
        .select_related("shop", "channel", "customer")
        .prefetch_related(
            Prefetch("lines", OrderLine.objects.select_related("sku").order_by("line_no")),
            "payments",
            "events",
            Prefetch("holds", Hold.objects.order_by("opened_at")),
            Prefetch("returns", Return.objects.order_by("returned_at")),
        )
        .first()
    )


def select_returns(shop_id: int | None = None, number: str = "") -> QuerySet[Return]:
    """Returns of one shop (of all with None) whose number begins with ``number``, with what they belong to."""
    rows = Return.objects.select_related("shop", "channel", "order", "customer")
    if shop_id is not None:
        rows = rows.filter(shop_id=shop_id)
    return rows.filter(external_id__startswith=number) if number else rows


def return_whole(return_id: int) -> Return | None:
    """One return with its lines and their SKUs. Two statements."""
    lines = ReturnLine.objects.select_related("sku").order_by("line_no")
    return select_returns().filter(pk=return_id).prefetch_related(Prefetch("lines", lines)).first()


@dataclass(frozen=True, slots=True)
class Bought:
    """What one customer bought in one currency. Cancelled orders do not count; refunds are not taken off."""

    orders: int
    units: int
    total_minor: int
    currency: str
    first_at: datetime
    last_at: datetime


def bought_by(customer_ids: Collection[int]) -> dict[int, Bought]:
    """The sums of each customer who has orders; of several currencies the one of most orders."""
    rows = (
        Order.objects.filter(customer_id__in=customer_ids)
        .exclude(status=Status.CANCELLED)
        .values("customer_id", "currency")
        .annotate(
            orders=Count("id"),
            bought=Sum("units"),
            total=Sum("total_minor"),
            first=Min("placed_at"),
            last=Max("placed_at"),
        )
        .order_by("orders")
    )
    return {
        row["customer_id"]: Bought(
            row["orders"], row["bought"], int(row["total"]), row["currency"], row["first"], row["last"]
        )
        for row in rows
    }


def returns_of_customer(customer_id: int, limit: int = 20) -> list[Return]:
    """The newest returns of one customer, with shop and order."""
    rows = Return.objects.filter(customer_id=customer_id).select_related("shop", "order")
    return list(rows.order_by("-returned_at", "-id")[:limit])


def favourites_of_customer(customer_id: int, limit: int = 10) -> list[dict[str, Any]]:
    """The SKUs this customer bought most units of: sku_id, sku__code, sku__name, units, orders."""
    rows = (
        OrderLine.objects.filter(order__customer_id=customer_id, sku__isnull=False)
        .exclude(order__status=Status.CANCELLED)
        .values("sku_id", "sku__code", "sku__name")
        .annotate(units=Sum("qty"), orders=Count("order_id", distinct=True))
        .order_by("-units", "sku__code")
    )
    return [dict(row) for row in rows[:limit]]


def open_hold_counts() -> dict[str, int]:
    """How many orders wait, by the reason of their open holds."""
    rows = Hold.objects.filter(released_at=None).values("reason").annotate(n=Count("order_id"))
    return {row["reason"]: row["n"] for row in rows.order_by("reason")}


def reconcile() -> tuple[dict[str, int], list[dict[str, Any]]]:
    """Compare the totals of every order and return that has lines with the sums of its lines.

    Returns how many were checked, by name, and one entry for each document that does not add up. Locks nothing.
    """
    differences: list[dict[str, Any]] = []
    for what, table, line_table, key in (
        ("order", "orders_order", "orders_orderline", "order_id"),
        ("return", "orders_return", "orders_returnline", "return_doc_id"),
    ):
        rows = fetch_all(
            f"""SELECT s.code, d.external_id, d.goods_minor, l.goods, d.charges_minor, l.charges, d.units, l.units
                FROM (SELECT {key} AS id,
                             coalesce(sum(amount_minor) FILTER (WHERE kind = 'goods'), 0)::bigint AS goods,
                             coalesce(sum(amount_minor) FILTER (WHERE kind = 'charge'), 0)::bigint AS charges,
                             coalesce(sum(qty) FILTER (WHERE kind = 'goods'), 0)::bigint AS units
                      FROM {line_table} GROUP BY 1) l
                JOIN {table} d USING (id) JOIN channels_shop s ON s.id = d.shop_id
                WHERE (d.goods_minor, d.charges_minor, d.units) <> (l.goods, l.charges, l.units) ORDER BY 1, 2"""
        )
        differences += [
            {
                "what": what,
                "shop": shop,
                "number": number,
                "goods_minor": goods,
                "lines_goods_minor": line_goods,
                "charges_minor": charges,
                "lines_charges_minor": line_charges,
                "units": units,
                "lines_units": line_units,
            }
            for shop, number, goods, line_goods, charges, line_charges, units, line_units in rows
        ]
    orders, returns = fetch_all("SELECT (SELECT count(*) FROM orders_order), (SELECT count(*) FROM orders_return)")[0]
    return {"orders": orders, "returns": returns}, differences
