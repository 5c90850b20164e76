"""What customers bought and brought back."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Max, Min, Sum

from tongpan.orders.models import Order, OrderLine, Return, Status


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
