"""Watching that core goods never run below their minimum cover for a channel (INV-13)."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from tongpan.core.bulk import fetch_all
from tongpan.core.eventlog import NewEvent, append
from tongpan.core.races import run_in_transaction
from tongpan.inventory.covers import STOCK_OF_CHANNELS, about
from tongpan.inventory.events import COVER_BROKEN


def watch_covers(sku_ids: Collection[int] | None, *, now: datetime) -> tuple[int, int]:
    """Hold the stock of ``sku_ids`` (of all core goods with None) against their covers: alerts opened, closed.

    One alert for a SKU and a channel from the moment that it falls below until it is back, no longer core, or no
    longer sold there. Three statements. Takes no stock locks: it is run again whenever stock changes.
    """
    if sku_ids is not None and not sku_ids:
        return 0, 0
    return run_in_transaction(lambda: _watch(sku_ids, now))


def _watch(sku_ids: Collection[int] | None, now: datetime) -> tuple[int, int]:
    arguments = about(sku_ids) | {"now": now}
    closed = fetch_all(
        f"""WITH g AS MATERIALIZED ({STOCK_OF_CHANNELS})
            UPDATE inventory_coveralert a SET closed_at = %(now)s
            WHERE a.closed_at IS NULL AND (%(every)s OR a.sku_id = ANY(%(skus)s::bigint[]))
              AND NOT EXISTS (SELECT FROM g WHERE (g.sku_id, g.channel_id) = (a.sku_id, a.channel_id)
                                              AND g.free < g.cover)
            RETURNING a.id""",
        arguments,
    )
    opened = fetch_all(
        f"""INSERT INTO inventory_coveralert (sku_id, channel_id, units, cover, opened_at)
            SELECT sku_id, channel_id, free, cover, %(now)s FROM ({STOCK_OF_CHANNELS}) g
            WHERE free < cover ORDER BY 1, 2
            ON CONFLICT DO NOTHING RETURNING id, sku_id, channel_id, units, cover""",
        arguments,
    )
    append(
        [
            NewEvent(COVER_BROKEN, str(i), {"channel": channel_id, "sku": sku_id, "units": units, "cover": cover})
            for i, sku_id, channel_id, units, cover in opened
        ]
    )
    return len(opened), len(closed)
