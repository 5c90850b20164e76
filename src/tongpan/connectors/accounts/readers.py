"""Puts into the outbox what platforms must hear of. Sending is the worker's."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued

from tongpan.catalog.events import LISTING_PRICED
from tongpan.connectors.accounts.outbox import NewPush, enqueue
from tongpan.core.bulk import fetch_all
from tongpan.core.clock import utc_now
from tongpan.core.eventlog import Event, Reader
from tongpan.fulfillment.events import DISPATCHED
from tongpan.inventory.events import PUBLISHED

PUSH_TASK = "connectors.push_account"
PRICES_OPTION, TELL = "prices", "push"
"""Prices are a seller's own affair: a platform is told of them only where its account has this option."""


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


def push_all_stock(shop_id: int) -> int:
    """Tell the shop's platform every number that is published for it; how many (0: no account can be told).

    For a connection that is new or was away: afterwards the platform is told what changes. In the transaction of
    the caller.
    """
    rows = fetch_all(
        """SELECT l.id, l.external_item_id, l.external_sku_id, p.qty FROM catalog_listing l
           JOIN inventory_publishedstock p ON p.listing_id = l.id WHERE l.shop_id = %s ORDER BY l.id""",
        [shop_id],
    )
    pushes = [NewPush(shop_id, "stock", key, {"item": item, "sku": sku, "qty": qty}) for key, item, sku, qty in rows]
    started = enqueue(pushes, now=utc_now())
    start_pushing(started)
    return len(pushes) if started else 0


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


def _stock(batch: Sequence[Event]) -> None:
    """The newest number of each listing; platforms know it by their own ids."""
    newest = {int(event.key): int(event.payload["qty"]) for event in batch}
    rows = fetch_all(
        """SELECT l.id, l.shop_id, l.external_item_id, l.external_sku_id FROM catalog_listing l
           JOIN connectors_account a ON a.shop_id = l.shop_id AND a.is_active
           WHERE l.id = ANY(%s) ORDER BY l.id""",
        [sorted(newest)],
    )
    pushes = [
        NewPush(shop, "stock", key, {"item": item, "sku": sku, "qty": newest[key]}) for key, shop, item, sku in rows
    ]
    start_pushing(enqueue(pushes, now=utc_now()))


def _prices(batch: Sequence[Event]) -> None:
    """The prices that listings have now, where the account's option says that prices are told."""
    rows = fetch_all(
        """SELECT l.shop_id, l.id, l.external_item_id, l.external_sku_id, l.price_minor, l.currency
           FROM catalog_listing l JOIN connectors_account a ON a.shop_id = l.shop_id AND a.is_active
           WHERE l.id = ANY(%s) AND l.price_minor IS NOT NULL AND a.options ->> %s = %s ORDER BY l.id""",
        [sorted({int(event.key) for event in batch}), PRICES_OPTION, TELL],
    )
    pushes = [
        NewPush(shop, "price", key, {"item": item, "sku": sku, "price": price, "currency": currency})
        for shop, key, item, sku, price, currency in rows
    ]
    start_pushing(enqueue(pushes, now=utc_now()))


STOCK = Reader("push-stock", (PUBLISHED,), _stock, batch=5000)
SHIPMENTS = Reader("push-shipments", (DISPATCHED,), _shipments, batch=1000)
PRICES = Reader("push-prices", (LISTING_PRICED,), _prices, batch=5000)
READERS = (STOCK, SHIPMENTS, PRICES)
