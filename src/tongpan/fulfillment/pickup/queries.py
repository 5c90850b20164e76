"""Reads of pickups: the code of a buyer, and who should be reminded."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import QuerySet

from tongpan.core.bulk import fetch_all
from tongpan.fulfillment.actions.desk import made_code
from tongpan.fulfillment.actions.offering import current_clocks
from tongpan.fulfillment.models import Fulfillment, FulfillmentStatus


def codes_for(order_id: int) -> dict[int, str]:
    """The codes of the pickups of one order that wait for their buyer, by fulfilment id. One statement."""
    rows = fetch_all(
        """SELECT f.id, c.salt FROM fulfillment_pickupcode c JOIN fulfillment_fulfillment f ON f.id = c.fulfillment_id
           WHERE f.order_id = %s AND f.status = 'ready' AND c.used_at IS NULL ORDER BY f.id""",
        [order_id],
    )
    return {i: made_code(i, bytes(salt)) for i, salt in rows}


def code_for(fulfillment_id: int) -> str:
    """The code of a pickup that waits for its buyer, "" for any other. One statement."""
    rows = fetch_all(
        """SELECT c.salt FROM fulfillment_pickupcode c JOIN fulfillment_fulfillment f ON f.id = c.fulfillment_id
           WHERE f.id = %s AND f.status = 'ready' AND c.used_at IS NULL""",
        [fulfillment_id],
    )
    return made_code(fulfillment_id, bytes(rows[0][0])) if rows else ""


def to_remind(now: datetime) -> QuerySet[Fulfillment]:
    """Pickups whose buyers should be told soon that their time ends, the most urgent first, with order and node."""
    until = now + timedelta(hours=current_clocks().remind_hours)
    rows = Fulfillment.objects.filter(
        status=FulfillmentStatus.READY, reminded_at__isnull=True, collect_by__gt=now, collect_by__lte=until
    )
    return rows.select_related("order", "node").order_by("collect_by", "id")
