"""Reads of published stock, and the proof that it is what the stock makes it."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet

from tongpan.core.clock import utc_now
from tongpan.core.eventlog import lag
from tongpan.inventory.actions.publishing import Concerned, compute, listings_of
from tongpan.inventory.engine.publishing import Step, same
from tongpan.inventory.models import PublishedStock
from tongpan.inventory.readers import PUBLISHED_STOCK


def select_published(shop_code: str = "", sku_code: str = "") -> QuerySet[PublishedStock]:
    """What is published of each listing, with listing, shop and SKU; an empty argument narrows nothing."""
    wanted = {"listing__shop__code": shop_code, "listing__sku__code": sku_code}
    rows = PublishedStock.objects.select_related("listing__shop", "listing__sku")
    return rows.filter(**{name: value for name, value in wanted.items() if value})


def reconcile() -> tuple[dict[str, int], list[dict[str, Any]]]:
    """Compare what is published of every listing with what its stock makes now.

    While the reader that follows stock is behind, what is published may be too: then only what it lacks is counted.
    Locks nothing.
    """
    behind = lag(PUBLISHED_STOCK)
    checked, differences, after = 0, [], 0
    now = utc_now()
    while listings := listings_of(Concerned(everything=True), after=after):
        after = listings[-1].id
        checked += len(listings)
        if behind:
            continue
        computed = compute(listings, now=now)
        stored: dict[int, tuple[int, list[Step]]] = {
            i: (qty, [])
            for i, qty in PublishedStock.objects.filter(listing_id__in=list(computed)).values_list("listing_id", "qty")
        }
        differences += [
            {
                "what": "published",
                "listing": i,
                "published": stored[i][0] if i in stored else None,
                "computed": computed[i][0],
            }
            for i in same(stored, computed)
        ]
    return {"listings": checked, "published_events_behind": behind}, differences


def find_published(text: str) -> QuerySet[PublishedStock]:
    """What is published of the listings whose SKU code or item id begins with ``text``, or whose shop has that code;
    those that changed last first."""
    rows = select_published()
    if text:
        rows = rows.filter(
            Q(listing__sku__code__istartswith=text)
            | Q(listing__external_item_id__istartswith=text)
            | Q(listing__shop__code=text)
        )
    return rows.order_by("-changed_at", "listing_id")
