"""Reads of carts: one whole with what is there of it, and lists of open and abandoned ones."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Prefetch, Q, QuerySet

from tongpan.core.bulk import fetch_all
from tongpan.orders.actions.carts import abandoned_after
from tongpan.orders.models import Cart, CartLine


def select_carts(state: str, *, now: datetime) -> QuerySet[Cart]:
    """Carts that are "open", "abandoned" (open, and unchanged for a time), "ordered", or all for "". With their
    shop, customer, order and lines."""
    lines = Prefetch("lines", CartLine.objects.select_related("sku").order_by("pk"))
    carts = Cart.objects.select_related("shop__channel", "customer", "order").prefetch_related(lines)
    if state in ("open", "abandoned"):
        carts = carts.filter(order=None)
    if state == "abandoned":
        carts = carts.filter(changed_at__lte=now - abandoned_after())
    elif state == "ordered":
        carts = carts.exclude(order=None)
    return carts


@dataclass(frozen=True, slots=True)
class CartFilter:
    """state: as ``select_carts``. text: a SKU code in the cart, the number of the order that it became, or, for who
    sees_customers, a customer number."""

    state: str = ""
    shop_id: int | None = None
    text: str = ""
    sees_customers: bool = False


def found_carts(wanted: CartFilter, *, now: datetime) -> QuerySet[Cart]:
    """The carts of ``wanted`` as ``select_carts`` gives them, unordered."""
    carts = select_carts(wanted.state, now=now)
    if wanted.shop_id is not None:
        carts = carts.filter(shop_id=wanted.shop_id)
    if wanted.text:
        meant = Q(pk__in=CartLine.objects.filter(sku__code=wanted.text).values("cart_id"))
        meant |= Q(order__external_id=wanted.text)
        if wanted.sees_customers:
            meant |= Q(customer__code=wanted.text)
        carts = carts.filter(meant)
    return carts


@dataclass(frozen=True, slots=True)
class Available:
    """Of one SKU of a cart: how many units are wanted, and how many the pool has free now."""

    sku: str
    wanted: int
    free: int

    @property
    def is_enough(self) -> bool:
        return self.free >= self.wanted


def availability_of(cart_id: int) -> list[Available]:
    """What the pool has free of each SKU of a cart; of a kit as many as its scarcest part makes.

    A look, not a promise: what a channel's quota allows and what others buy meanwhile is decided at checkout.
    """
    rows = fetch_all(
        """SELECT s.code, l.qty, min(coalesce(p.on_hand - p.allocated - p.held, 0) / coalesce(k.qty, 1))::bigint
           FROM orders_cartline l JOIN catalog_sku s ON s.id = l.sku_id
           LEFT JOIN catalog_kitpart k ON k.kit_id = l.sku_id
           LEFT JOIN inventory_pool p ON p.sku_id = coalesce(k.part_id, l.sku_id)
           WHERE l.cart_id = %s GROUP BY l.id, s.code, l.qty ORDER BY l.id""",
        [cart_id],
    )
    return [Available(*row) for row in rows]
