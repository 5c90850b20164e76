"""Reads of routing and fulfilments, and the proof that fulfilments, order lines and stock movements agree."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db.models import Prefetch, QuerySet
from django.db.models.functions import Coalesce

from tongpan.core.bulk import fetch_all
from tongpan.fulfillment.models import (
    Fulfillment,
    FulfillmentEvent,
    FulfillmentLine,
    RoutingDecision,
    Shipment,
    TrackingEvent,
)
from tongpan.fulfillment.parcels import FINAL
from tongpan.fulfillment.states import ENDED
from tongpan.orders.queries import OrderFilter, select_orders


@dataclass(frozen=True, slots=True)
class Routed:
    """How one order was routed: decisions newest first, fulfilments with node and lines."""

    decisions: list[RoutingDecision]
    fulfillments: list[Fulfillment]


def routing_of(order_id: int) -> Routed:
    """Everything that routing did for one order. Three statements."""
    lines = FulfillmentLine.objects.select_related("sku").order_by("order_line_id")
    return Routed(
        list(RoutingDecision.objects.filter(order_id=order_id).order_by("-attempt")),
        list(
            Fulfillment.objects.filter(order_id=order_id)
            .select_related("node")
            .prefetch_related(Prefetch("lines", lines))
            .order_by("id")
        ),
    )


def steps_of(fulfillment_id: int) -> list[FulfillmentEvent]:
    """What was done with one fulfilment, by whom, where and when, in order. One statement."""
    return list(FulfillmentEvent.objects.filter(fulfillment_id=fulfillment_id).select_related("node").order_by("id"))


def steps_of_order(order_id: int) -> list[FulfillmentEvent]:
    """The steps of all fulfilments of one order, with node, in order. One statement."""
    rows = FulfillmentEvent.objects.filter(fulfillment__order_id=order_id).select_related("node")
    return list(rows.order_by("id"))


def orders_at_node(node_id: int) -> QuerySet[Fulfillment, Any]:
    """The ids of the orders that a node ships or shipped a part of, as a query for ``OrderFilter.within``."""
    parcels = Fulfillment.objects.filter(node_id=node_id).exclude(status__in=ENDED)
    return parcels.values("order_id")


def orders_of_parcel(tracking_number: str, limit: int = 200) -> list[int]:
    """The ids of the orders that a parcel with that tracking number carries goods of. One statement."""
    parcels = Shipment.objects.filter(tracking_number=tracking_number)
    return list(parcels.values_list("fulfillment__order_id", flat=True).distinct()[:limit])


def with_tracking(wanted: OrderFilter) -> OrderFilter:
    """``wanted``, or, when its text is the tracking number of a parcel and no order's number, the parcel's orders."""
    text = wanted.text.strip().replace("\x00", "")
    if not text or select_orders(OrderFilter()).filter(external_id=text).exists():
        return wanted
    order_ids = set(orders_of_parcel(text))
    if wanted.ids:
        order_ids &= set(wanted.ids)
    return replace(wanted, text="", ids=sorted(order_ids)) if order_ids else wanted


def nodes_of_orders(order_ids: Collection[int]) -> dict[int, list[str]]:
    """The names of the nodes that ship each order, in the order of its parcels. One statement."""
    rows = (
        Fulfillment.objects.filter(order_id__in=order_ids)
        .exclude(status__in=ENDED)
        .order_by("id")
        .values_list("order_id", "node__name")
    )
    named: dict[int, list[str]] = {}
    for order_id, name in rows:
        names = named.setdefault(order_id, [])
        if name not in names:
            names.append(name)
    return named


def reconcile() -> tuple[dict[str, int], list[dict[str, Any]]]:
    """Compare what nodes ship with what was ordered, and with what the movements took from their stock.

    Returns how many fulfilments were checked and one entry for each line shipped twice and each fulfilment whose
    movements differ. Locks nothing.
    """
    twice = fetch_all(
        """SELECT s.code, o.external_id, l.line_no, coalesce(r.qty, l.qty * coalesce(k.qty, 1)), f.qty
           FROM (SELECT x.order_line_id, x.sku_id, sum(x.qty)::bigint AS qty
                 FROM fulfillment_fulfillmentline x JOIN fulfillment_fulfillment d ON d.id = x.fulfillment_id
                 WHERE d.status NOT IN ('cancelled', 'rejected') GROUP BY 1, 2) f
           JOIN orders_orderline l ON l.id = f.order_line_id JOIN orders_order o ON o.id = l.order_id
           JOIN channels_shop s ON s.id = o.shop_id
           LEFT JOIN inventory_reservation r ON r.order_line_id = l.id AND r.sku_id = f.sku_id
                AND r.sku_id <> l.sku_id AND r.state IN ('allocated', 'shipped')
           LEFT JOIN catalog_kitpart k ON k.kit_id = l.sku_id AND k.part_id = f.sku_id
           WHERE f.qty > coalesce(r.qty, l.qty * coalesce(k.qty, 1)) ORDER BY 1, 2, 3"""
    )
    unequal = fetch_all(
        """SELECT d.id, n.code, d.status, l.qty, coalesce(m.gone, 0), coalesce(m.allocated, 0)
           FROM fulfillment_fulfillment d
           JOIN network_node n ON n.id = d.node_id AND n.tracks_stock
           JOIN (SELECT fulfillment_id, sum(qty)::bigint AS qty FROM fulfillment_fulfillmentline GROUP BY 1) l
                ON l.fulfillment_id = d.id
           LEFT JOIN (SELECT cause_id, -sum(on_hand_delta)::bigint AS gone, sum(allocated_delta)::bigint AS allocated
                      FROM inventory_movement WHERE cause_type = 'fulfillment' GROUP BY 1) m ON m.cause_id = d.id
           WHERE (coalesce(m.gone, 0), coalesce(m.allocated, 0)) <> CASE
                 WHEN d.status NOT IN ('dispatched', 'delivered', 'cancelled', 'rejected') THEN (0::bigint, l.qty)
                 WHEN d.status IN ('cancelled', 'rejected') THEN (0::bigint, 0::bigint)
                 ELSE (l.qty, 0::bigint) END
           ORDER BY 1"""
    )
    differences: list[dict[str, Any]] = [
        {"what": "order line", "shop": shop, "number": number, "line": line_no, "ordered": ordered, "shipped": shipped}
        for shop, number, line_no, ordered, shipped in twice
    ]
    differences += [
        {
            "what": "fulfillment",
            "id": i,
            "node": node,
            "status": status,
            "units": units,
            "movements_gone": gone,
            "movements_allocated": allocated,
        }
        for i, node, status, units, gone, allocated in unequal
    ]
    return {"fulfillments": fetch_all("SELECT count(*) FROM fulfillment_fulfillment")[0][0]}, differences


def journey(order_id: int) -> list[Shipment]:
    """The parcels of one order with node and ``told`` (their events, the latest first). Two statements."""
    told = Prefetch("events", TrackingEvent.objects.order_by("-at", "-id"), to_attr="told")
    rows = Shipment.objects.filter(fulfillment__order_id=order_id).select_related("fulfillment__node")
    return list(rows.prefetch_related(told).order_by("id"))


def under_way(*, silent_since: datetime | None = None, carrier: str = "", text: str = "") -> QuerySet[Shipment]:
    """Parcels that have neither arrived nor been sent back, with order, shop and node, unordered.

    silent_since: only those of which nothing was heard since then. text: a tracking number or an order number.
    """
    rows = Shipment.objects.exclude(status__in=FINAL).annotate(heard_at=Coalesce("last_event_at", "shipped_at"))
    if silent_since is not None:
        rows = rows.filter(heard_at__lt=silent_since, shipped_at__lt=silent_since)
    if carrier:
        rows = rows.filter(carrier=carrier)
    if text:
        rows = rows.filter(tracking_number=text) | rows.filter(fulfillment__order__external_id=text)
    return rows.select_related("fulfillment__node", "fulfillment__order__shop")


def carriers_under_way() -> list[str]:
    """The carriers of parcels that have not arrived, by name."""
    rows = Shipment.objects.exclude(status__in=FINAL).values_list("carrier", flat=True)
    return list(rows.distinct().order_by("carrier"))


def select_shipments(*, order_id: int | None = None, tracking_number: str = "") -> QuerySet[Shipment]:
    """Parcels with order, shop and node, unordered; of one order, or with one tracking number."""
    rows = Shipment.objects.select_related("fulfillment__node", "fulfillment__order__shop")
    if order_id is not None:
        rows = rows.filter(fulfillment__order_id=order_id)
    return rows.filter(tracking_number=tracking_number) if tracking_number else rows


def select_fulfillments(node_code: str = "", status: str = "") -> QuerySet[Fulfillment]:
    """Fulfilments with order, shop, node and lines with SKUs, unordered; of one node, or in one status."""
    lines = Prefetch("lines", FulfillmentLine.objects.select_related("sku").order_by("id"))
    rows = Fulfillment.objects.select_related("node", "order__shop").prefetch_related(lines)
    if node_code:
        rows = rows.filter(node__code=node_code)
    return rows.filter(status=status) if status else rows
