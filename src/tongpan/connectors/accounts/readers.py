"""Puts into the outbox what platforms must hear of. Sending is the worker's."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued

from tongpan.connectors.accounts.outbox import NewPush, enqueue
from tongpan.core.bulk import fetch_all
from tongpan.core.clock import utc_now
from tongpan.core.eventlog import Event, Reader
from tongpan.fulfillment.events import DISPATCHED

PUSH_TASK = "connectors.push_account"


def start_pushing(account_ids: Sequence[int]) -> None:
    """Let a worker send for the accounts soon, in the transaction of the caller."""
    for account_id in account_ids:
        job = app.configure_task(
            PUSH_TASK, queue="platforms", queueing_lock=f"push-{account_id}", lock=f"push-{account_id}"
        )
        try:
            with transaction.atomic():
                job.defer(account_id=account_id)
        except AlreadyEnqueued:
            continue


def _shipments(batch: Sequence[Event]) -> None:
    """Fulfilments that left after they were allocated; goods that were gone when their order came in are the
    channel's own news."""
    ids = sorted({int(event.key) for event in batch})
    rows = fetch_all(
        """SELECT o.shop_id, f.id FROM fulfillment_fulfillment f
           JOIN orders_order o ON o.id = f.order_id
           JOIN connectors_account a ON a.shop_id = o.shop_id AND a.is_active
           WHERE f.id = ANY(%s) AND f.dispatched_at > f.allocated_at ORDER BY f.id""",
        [ids],
    )
    start_pushing(enqueue([NewPush(shop, "shipment", key, {}) for shop, key in rows], now=utc_now()))


SHIPMENTS = Reader("push-shipments", (DISPATCHED,), _shipments, batch=1000)
READERS = (SHIPMENTS,)
