"""One order or one return with everything that belongs to it."""

from __future__ import annotations

from django.db.models import Prefetch, QuerySet

from tongpan.orders.models import Hold, Order, OrderLine, Return, ReturnLine


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
