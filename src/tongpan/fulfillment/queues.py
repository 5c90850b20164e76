"""What waits at nodes for which work, the most urgent first, and how much a node has to do."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Case, DateTimeField, F, Prefetch, Q, QuerySet, When
from django.db.models.functions import Coalesce

from tongpan.core.bulk import fetch_all
from tongpan.fulfillment.models import Fulfillment, FulfillmentLine
from tongpan.fulfillment.states import AT_NODE, QUEUES

MOST_AT_ONCE = 200
"""So many fulfilments at once are picked, printed or changed."""


@dataclass(frozen=True, slots=True)
class NodeWork:
    """What one node has to do. late: what is past its clock. today: orders that came to it on its day, of ``limit``
    (None: no limit). later: what waits for the slots of its buyers."""

    node_id: int
    code: str
    name: str
    offered: int
    pick: int
    pack: int
    dispatch: int
    collect: int
    later: int
    late: int
    today: int
    limit: int | None


@dataclass(frozen=True, slots=True)
class PickLine:
    """Units of one SKU to gather at one node, and for which parcels: (fulfilment id, order number, units)."""

    node: str
    sku: str
    name: str
    qty: int
    parcels: Sequence[tuple[int, str, int]]


def queue(
    stage: str, nodes: Collection[int] | None = None, *, text: str = "", method: str = ""
) -> QuerySet[Fulfillment]:
    """What waits in one of ``states.QUEUES`` ("" for all), with order, shop, node, lines and ``due``, unordered.

    nodes: ids, None for all. text: an order number, or the id of a fulfilment. method: how it reaches its buyer.
    due: until when the next step should be taken; None is never. rush: 0 for instant deliveries, 1 for others.
    """
    rows = Fulfillment.objects.filter(status__in=QUEUES[stage] if stage else AT_NODE)
    if nodes is not None:
        rows = rows.filter(node_id__in=list(nodes))
    if method:
        rows = rows.filter(order__delivery_method=method)
    if text:
        mine = Q(pk=int(text)) if text.isascii() and text.isdigit() and len(text) < 18 else Q()
        rows = rows.filter(Q(order__external_id=text) | mine)
    due = Case(
        When(status="offered", then=F("accept_by")),
        When(status="ready", then=F("collect_by")),
        When(status="on_hold", then=F("offer_from")),
        default=Coalesce("ready_by", "due_at", "promised_at"),
        output_field=DateTimeField(),
    )
    lines = Prefetch("lines", FulfillmentLine.objects.select_related("sku", "order_line").order_by("id"))
    rush = Case(When(Q(order__delivery_method="instant") & ~Q(status="on_hold"), then=0), default=1)
    return rows.annotate(due=due, rush=rush).select_related("node", "order__shop").prefetch_related(lines)


def most_urgent(rows: QuerySet[Fulfillment]) -> QuerySet[Fulfillment]:
    """``rows`` of ``queue``: instant deliveries, then the others, of each what is due first first."""
    return rows.order_by(F("rush").asc(), F("due").asc(nulls_last=True), "pk")


def work_of_nodes(nodes: Collection[int] | None, now: datetime) -> list[NodeWork]:
    """What each active node that has anything to do has to do, by code; ``nodes``: ids, None for all. One statement."""
    rows = fetch_all(
        """SELECT n.id, n.code, n.name, w.offered, w.pick, w.pack, w.dispatch, w.collect, w.later, w.late, w.today,
                  n.order_limit
           FROM network_node n JOIN (
             SELECT f.node_id, count(*) FILTER (WHERE f.status = 'offered') AS offered,
                    count(*) FILTER (WHERE f.status IN ('allocated', 'accepted')) AS pick,
                    count(*) FILTER (WHERE f.status = 'picking') AS pack,
                    count(*) FILTER (WHERE f.status = 'packed') AS dispatch,
                    count(*) FILTER (WHERE f.status = 'ready') AS collect,
                    count(*) FILTER (WHERE f.status = 'on_hold') AS later,
                    count(*) FILTER (WHERE CASE f.status WHEN 'offered' THEN f.accept_by WHEN 'ready' THEN f.collect_by
                                           ELSE coalesce(f.ready_by, f.due_at, f.promised_at) END <= %(now)s) AS late,
                    count(DISTINCT f.order_id) FILTER (WHERE f.allocated_at > %(now)s - %(day)s) AS today
             FROM fulfillment_fulfillment f
             WHERE f.status NOT IN ('dispatched', 'delivered', 'cancelled', 'rejected') GROUP BY 1) w
           ON w.node_id = n.id
           WHERE %(nodes)s::bigint[] IS NULL OR n.id = ANY(%(nodes)s::bigint[]) ORDER BY n.code""",
        {"now": now, "day": timedelta(days=1), "nodes": None if nodes is None else list(nodes)},
    )
    return [NodeWork(*row) for row in rows]


def chosen(fulfillment_ids: Sequence[int], nodes: Collection[int] | None = None) -> list[Fulfillment]:
    """These fulfilments as ``queue`` gives them, whatever their state, in the order named; only those of ``nodes``.

    At most MOST_AT_ONCE.
    """
    lines = Prefetch("lines", FulfillmentLine.objects.select_related("sku", "order_line").order_by("id"))
    rows = Fulfillment.objects.filter(pk__in=list(fulfillment_ids)[:MOST_AT_ONCE])
    if nodes is not None:
        rows = rows.filter(node_id__in=list(nodes))
    found = {row.pk: row for row in rows.select_related("node", "order__shop").prefetch_related(lines)}
    return [found[i] for i in fulfillment_ids if i in found]


def pick_list(rows: Sequence[Fulfillment]) -> list[PickLine]:
    """What is to be gathered for ``rows`` of ``chosen``: each SKU of a node once, by node and code."""
    gathered: dict[tuple[str, str], tuple[str, list[tuple[int, str, int]]]] = {}
    for row in rows:
        for line in row.lines.all():
            name = line.order_line.name or line.sku.name
            _, parcels = gathered.setdefault((row.node.code, line.sku.code), (name, []))
            parcels.append((row.pk, row.order.external_id, line.qty))
    return [
        PickLine(node, sku, name, sum(qty for *_, qty in parcels), parcels)
        for (node, sku), (name, parcels) in sorted(gathered.items())
    ]
