"""One order or one return with everything that belongs to it."""

from __future__ import annotations

import zlib

from django.db.models import Prefetch, QuerySet

from tongpan.access.vault import open_bytes
from tongpan.orders.models import Discount, Hold, Order, OrderLine, OrderNote, OrderTag, RawPayload, Return, ReturnLine


def order_whole(order_id: int) -> Order | None:
    """One order with shop, channel, customer, lines with SKUs, payments, discounts, tags, events, holds, returns."""
    return (
        Order.objects.filter(pk=order_id)
        .select_related("shop", "channel", "customer")
        .prefetch_related(
            Prefetch("lines", OrderLine.objects.select_related("sku").order_by("line_no")),
            "payments",
            Prefetch("discounts", Discount.objects.order_by("pk")),
            Prefetch("tags", OrderTag.objects.order_by("tag")),
            Prefetch("notes", OrderNote.objects.order_by("at", "pk")),
            "events",
            Prefetch("holds", Hold.objects.order_by("opened_at")),
            Prefetch("returns", Return.objects.order_by("returned_at")),
        )
        .first()
    )


def payload_of(order_id: int) -> bytes:
    """The payload in which an order came last, as it came; empty bytes when none was kept. Personal data."""
    digest = Order.objects.filter(pk=order_id).values_list("raw_digest", flat=True).first()
    kept = None if digest is None else RawPayload.objects.filter(pk=digest).first()
    return b"" if kept is None else zlib.decompress(open_bytes(kept.content))


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
