"""Reads of the ledger of shops' accounts."""

from __future__ import annotations

from django.db.models import QuerySet

from tongpan.orders.models import LedgerEntry, Order


def entries_of(order: Order) -> list[LedgerEntry]:
    """What the platform booked on the shop's account for ``order``, oldest first."""
    rows = LedgerEntry.objects.filter(shop_id=order.shop_id, order_number=order.external_id)
    return list(rows.order_by("occurred_at", "id"))


def select_entries(shop_code: str = "", order_number: str = "") -> QuerySet[LedgerEntry]:
    """Entries of a shop and of an order's number; an empty argument narrows nothing."""
    wanted = {"shop__code": shop_code, "order_number": order_number}
    rows = LedgerEntry.objects.select_related("shop")
    return rows.filter(**{name: value for name, value in wanted.items() if value})
