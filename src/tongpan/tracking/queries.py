"""Reads of visits and footfall."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.db.models import Prefetch, Q, QuerySet

from tongpan.core.bulk import fetch_all
from tongpan.tracking.models import Visit, VisitGoods


@dataclass(frozen=True, slots=True)
class VisitFilter:
    """text: part of a SKU code or name tried, of a member of staff or a note. Days are half-open."""

    text: str = ""
    kind: str = ""
    node_id: int | None = None
    day_from: date | None = None
    day_to: date | None = None
    customer_id: int | None = None


def select_visits(wanted: VisitFilter) -> QuerySet[Visit]:
    """The visits that fit with node, customer and, as ``tried``, the goods with their SKUs; unordered."""
    rows = Visit.objects.select_related("node", "customer").prefetch_related(
        Prefetch("goods", VisitGoods.objects.select_related("sku").order_by("pk"), to_attr="tried")
    )
    if wanted.text:
        tried = VisitGoods.objects.filter(
            Q(sku__code__icontains=wanted.text) | Q(sku__name__icontains=wanted.text)
        ).values("visit")
        rows = rows.filter(Q(staff__icontains=wanted.text) | Q(note__icontains=wanted.text) | Q(pk__in=tried))
    if wanted.kind:
        rows = rows.filter(kind=wanted.kind)
    if wanted.node_id is not None:
        rows = rows.filter(node=wanted.node_id)
    if wanted.day_from:
        rows = rows.filter(day__gte=wanted.day_from)
    if wanted.day_to:
        rows = rows.filter(day__lt=wanted.day_to)
    return rows if wanted.customer_id is None else rows.filter(customer=wanted.customer_id)


@dataclass(frozen=True, slots=True)
class Hour:
    """People who came in at a node from ``hour`` o'clock on (0 to 23, the clock of the node) on average of ``days``."""

    hour: int
    entered: int
    days: int


def footfall(node_id: int, first: date, end: date) -> list[Hour]:
    """The hours of [first, end) that door counters saw at a node, by the clock of the node."""
    rows = fetch_all(
        """SELECT extract(hour FROM d.hour AT TIME ZONE n.zone)::int, sum(d.entered)::bigint, count(DISTINCT d.day)
           FROM tracking_doorcount d JOIN network_node n ON n.id = d.node_id
           WHERE d.node_id = %s AND d.day >= %s AND d.day < %s GROUP BY 1 ORDER BY 1""",
        [node_id, first, end],
    )
    return [Hour(*row) for row in rows]
