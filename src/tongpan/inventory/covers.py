"""Reads of core goods: what each of them has for each channel, against its minimum cover (INV-13)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from tongpan.core.bulk import fetch_all, whole_numbers

# Of every core SKU and every channel that sells from nodes: what is free for it, and what it should never run below.
STOCK_OF_CHANNELS = """
    SELECT k.sku_id, v.channel_id, k.cover,
           greatest(0, coalesce(sum(l.on_hand - l.allocated), 0) - coalesce(max(p.held), 0))::bigint AS free
    FROM (SELECT c.sku_id, greatest(c.units, ceil(c.days * c.daily))::bigint AS cover
          FROM inventory_cover c JOIN catalog_sku s ON s.id = c.sku_id
          WHERE s.is_core AND s.is_active AND (%(every)s OR c.sku_id = ANY(%(skus)s::bigint[]))) k
    CROSS JOIN (SELECT DISTINCT h.channel_id, w.node_id FROM network_service w
                JOIN channels_shop h ON h.id = w.shop_id AND h.is_active
                JOIN network_node n ON n.id = w.node_id AND n.is_active AND n.tracks_stock) v
    LEFT JOIN inventory_level l ON (l.sku_id, l.node_id, l.bucket) = (k.sku_id, v.node_id, 'saleable')
    LEFT JOIN inventory_pool p ON p.sku_id = k.sku_id
    GROUP BY k.sku_id, v.channel_id, k.cover"""


def about(sku_ids: Collection[int] | None) -> dict[str, object]:
    """The arguments of STOCK_OF_CHANNELS for ``sku_ids``, or for all core goods with None."""
    return {"every": sku_ids is None, "skus": whole_numbers(sorted(sku_ids or ()))}


@dataclass(frozen=True, slots=True)
class CoreGood:
    """A core SKU for one channel.

    cover: units that it never runs below, from ``units`` or ``days`` of its sales of ``daily`` a day. free: at the
    nodes that serve the channel and not promised. published: over the channel's listings, None without one.
    since: when it fell below its cover, None when it is not, or the reader has not looked yet.
    """

    sku_code: str
    sku_name: str
    channel_code: str
    cover: int
    units: int
    days: int
    daily: float
    free: int
    published: int | None
    since: datetime | None

    @property
    def gap(self) -> int:
        """Units above the cover; below zero, those that are missing."""
        return self.free - self.cover

    @property
    def is_below(self) -> bool:
        return self.free < self.cover


def core_goods(text: str = "", channel_code: str = "", *, is_below: bool | None = None) -> list[CoreGood]:
    """Core goods by channel, those furthest below their cover first; an empty argument narrows nothing.

    text: the beginning of a SKU code, or a part of the name. One statement.
    """
    rows = fetch_all(
        f"""SELECT s.code, s.name, h.code, g.cover, c.units, c.days, c.daily, g.free, p.qty, a.opened_at
            FROM ({STOCK_OF_CHANNELS}) g
            JOIN catalog_sku s ON s.id = g.sku_id JOIN channels_channel h ON h.id = g.channel_id
            JOIN inventory_cover c ON c.sku_id = g.sku_id
            LEFT JOIN inventory_coveralert a
              ON (a.sku_id, a.channel_id) = (g.sku_id, g.channel_id) AND a.closed_at IS NULL
            LEFT JOIN (SELECT l.sku_id, o.channel_id, sum(q.qty)::bigint AS qty FROM inventory_publishedstock q
                       JOIN catalog_listing l ON l.id = q.listing_id JOIN channels_shop o ON o.id = l.shop_id
                       GROUP BY 1, 2) p ON (p.sku_id, p.channel_id) = (g.sku_id, g.channel_id)
            WHERE (s.code ILIKE %(start)s OR s.name ILIKE %(part)s) AND (%(channel)s = '' OR h.code = %(channel)s)
              AND (%(below)s::bool IS NULL OR (g.free < g.cover) = %(below)s)
            ORDER BY g.free - g.cover, s.code, h.position, h.code""",
        about(None)
        | {"start": f"{_plain(text)}%", "part": f"%{_plain(text)}%", "channel": channel_code, "below": is_below},
    )
    return [
        CoreGood(sku, name, channel, cover, units, days, float(daily), free, published, since)
        for sku, name, channel, cover, units, days, daily, free, published, since in rows
    ]


def _plain(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
