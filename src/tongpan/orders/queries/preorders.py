"""Reads of pre-orders: what may be ordered ahead, and who waits for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Max, OuterRef, Prefetch, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from tongpan.orders.models import Preorder, PreorderLine, PreorderOffer, PreorderState
from tongpan.orders.queries.filters import OrderFilter, select_orders

WAITING = (PreorderState.ASKED, PreorderState.HELD)


@dataclass(frozen=True, slots=True)
class PreorderFilter:
    """state: one state, "waiting" for deposit or goods, "overdue" for those whose goods should be there, or "" for any.

    text: as ``OrderFilter.text``, with its sees_customers.
    """

    state: str = ""
    channel_id: int | None = None
    text: str = ""
    sees_customers: bool = False


def select_preorders(wanted: PreorderFilter, *, now: datetime) -> QuerySet[Preorder]:
    """Pre-orders with order, shop and lines, unordered; each has ``units``, ``expected_at`` (when the last of its goods
    should come, None when nobody said) and ``queued_at`` (its place in the queue)."""
    lines = Prefetch("lines", PreorderLine.objects.select_related("offer__sku").order_by("pk"))
    of_lines = PreorderLine.objects.filter(preorder=OuterRef("pk")).order_by().values("preorder")
    rows = Preorder.objects.select_related("order__shop__channel").prefetch_related(lines)
    rows = rows.annotate(
        units=Subquery(of_lines.annotate(n=Sum("qty")).values("n")),
        expected_at=Subquery(of_lines.annotate(at=Max("offer__expected_at")).values("at")),
        queued_at=Coalesce("deposit_paid_at", "placed_at"),
    )
    if wanted.state == "waiting":
        rows = rows.filter(state__in=WAITING)
    elif wanted.state == "overdue":
        rows = rows.filter(state__in=WAITING, expected_at__lt=now)
    elif wanted.state:
        rows = rows.filter(state=wanted.state)
    if wanted.channel_id is not None:
        rows = rows.filter(order__channel_id=wanted.channel_id)
    if wanted.text:
        found = select_orders(OrderFilter(text=wanted.text, sees_customers=wanted.sees_customers))
        rows = rows.filter(order_id__in=found.values("pk"))
    return rows


def select_offers(text: str = "", *, is_open: bool | None = None) -> QuerySet[PreorderOffer]:
    """What may be ordered ahead, with SKU and channel, unordered. text: a SKU code, or a part of its name."""
    rows = PreorderOffer.objects.select_related("sku", "channel")
    if is_open is not None:
        rows = rows.filter(is_open=is_open)
    return rows.filter(Q(sku__code=text) | Q(sku__name__icontains=text)) if text else rows
