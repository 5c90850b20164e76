"""Reads of transfers, and of the goods that are on their way."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, F, Prefetch, Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from tongpan.core.bulk import fetch_all, whole_numbers
from tongpan.inventory.models import Transfer, TransferLine

OPEN_STATES = ("draft", "ready", "in_transit")
_ARRIVED = Coalesce(F("lines__good") + F("lines__damaged"), 0)


@dataclass(frozen=True, slots=True)
class TransferFilter:
    """state: one state, "open" for all that are not closed, or "" for any. node_id: sent from or going to it."""

    state: str = ""
    node_id: int | None = None
    text: str = ""


def select_transfers(wanted: TransferFilter) -> QuerySet[Transfer]:
    """The transfers that ``wanted`` describes, with both nodes."""
    rows = Transfer.objects.select_related("from_node", "to_node")
    if wanted.state == "open":
        rows = rows.filter(state__in=OPEN_STATES)
    elif wanted.state:
        rows = rows.filter(state=wanted.state)
    if wanted.node_id is not None:
        rows = rows.filter(Q(from_node=wanted.node_id) | Q(to_node=wanted.node_id))
    if wanted.text:
        of_sku = TransferLine.objects.filter(sku__code=wanted.text).values("transfer_id")
        rows = rows.filter(Q(number__icontains=wanted.text) | Q(pk__in=of_sku))
    return rows


def fetch_transfers(wanted: TransferFilter, offset: int, limit: int) -> list[Transfer]:
    """A page of transfers, newest first, with ``line_count`` and ``units`` asked for."""
    rows = select_transfers(wanted).annotate(line_count=Count("lines"), units=Sum("lines__qty"))
    return list(rows.order_by("-created_at", "-id")[offset : offset + limit])


def count_transfers(wanted: TransferFilter, cap: int) -> int:
    return select_transfers(wanted).order_by()[:cap].count()


def transfer_by_id(transfer_id: int) -> Transfer | None:
    """One transfer with its nodes and, as ``shown_lines``, its lines with their SKUs."""
    return with_lines(Transfer.objects.filter(pk=transfer_id)).first()


def with_lines(rows: QuerySet[Transfer]) -> QuerySet[Transfer]:
    lines = TransferLine.objects.select_related("sku").order_by("line_no")
    return rows.select_related("from_node", "to_node").prefetch_related(Prefetch("lines", lines, to_attr="shown_lines"))


def incoming(sku_ids: Collection[int]) -> dict[tuple[int, int], int]:
    """Units on their way, by (SKU id, id of the node they go to)."""
    rows = fetch_all(
        """SELECT l.sku_id, t.to_node_id, sum(l.sent - coalesce(l.good + l.damaged, 0))::bigint
           FROM inventory_transferline l JOIN inventory_transfer t ON t.id = l.transfer_id
           WHERE t.state = 'in_transit' AND l.sku_id = ANY(%s::bigint[]) AND l.sent > coalesce(l.good + l.damaged, 0)
           GROUP BY 1, 2""",
        [whole_numbers(sku_ids)],
    )
    return {(sku_id, node_id): units for sku_id, node_id, units in rows}


def incoming_of(sku_id: int) -> list[Transfer]:
    """The transfers on their way that bring a SKU, what is expected first at the top, with ``units`` of it."""
    rows = Transfer.objects.filter(state="in_transit", lines__sku=sku_id, lines__sent__gt=_ARRIVED)
    rows = rows.select_related("from_node", "to_node").annotate(units=Sum(F("lines__sent") - _ARRIVED))
    return list(rows.order_by("expected_at", "sent_at", "id")[:50])


def units_in_transit() -> int:
    """All units that are on their way now."""
    moving = Transfer.objects.filter(state="in_transit")
    return int(moving.aggregate(units=Sum(F("lines__sent") - _ARRIVED))["units"] or 0)


def transit_differences() -> list[dict[str, Any]]:
    """Each SKU of which other units are booked as on their way than transfers are moving."""
    rows = fetch_all(
        """SELECT s.code, coalesce(b.units, 0), coalesce(t.units, 0)
           FROM (SELECT sku_id, sum(on_hand)::bigint AS units FROM inventory_level
                 WHERE bucket = 'in_transit' GROUP BY 1) b
           FULL JOIN (SELECT l.sku_id, sum(l.sent - coalesce(l.good + l.damaged, 0))::bigint AS units
                      FROM inventory_transferline l
                      JOIN inventory_transfer t ON t.id = l.transfer_id WHERE t.state = 'in_transit' GROUP BY 1) t
             USING (sku_id)
           JOIN catalog_sku s ON s.id = sku_id
           WHERE coalesce(b.units, 0) <> coalesce(t.units, 0) ORDER BY 1"""
    )
    return [{"what": "transit", "sku": sku, "on_hand": booked, "transfers": moving} for sku, booked, moving in rows]
