"""What a dry run reads: past orders in chunks, and stock as it is, was, or without end."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import date, datetime

from tongpan.core.bulk import fetch_all
from tongpan.fulfillment.actions.snapshot import Job
from tongpan.fulfillment.dryrun.engine import StockMode
from tongpan.fulfillment.routing.basics import ENDLESS, Need

CHUNK = 2_000
Book = dict[int, dict[int, int]]

_WHERE = """o.business_date >= %s AND o.business_date < %s AND o.paid_at IS NOT NULL AND o.status <> 'cancelled'
            AND (%s::bigint IS NULL OR o.channel_id = %s)"""


def count_orders(day_from: date, day_to: date, channel_id: int | None) -> int:
    """How many orders a dry run of these days takes: paid and not cancelled."""
    wanted = [day_from, day_to, channel_id, channel_id]
    return int(fetch_all(f"SELECT count(*) FROM orders_order o WHERE {_WHERE}", wanted)[0][0])


def busiest_day(day_from: date, day_to: date, channel_id: int | None) -> date | None:
    """The business day with the most of these orders, the first of equals; None without orders."""
    rows = fetch_all(
        f"""SELECT o.business_date FROM orders_order o WHERE {_WHERE}
            GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1""",
        [day_from, day_to, channel_id, channel_id],
    )
    return rows[0][0] if rows else None


def past_orders(day_from: date, day_to: date, channel_id: int | None) -> Iterator[list[Job]]:
    """The orders of these business days with what they asked for, by day and time, a few thousand at a time.

    Two statements a chunk; nothing is locked, and no chunk is kept.
    """
    after: tuple[date, datetime, int] | None = None
    while True:
        rows = fetch_all(
            f"""SELECT o.id, o.shop_id, o.channel_id, o.ship_latitude, o.ship_longitude, c.code, s.code, o.currency,
                       o.ship_province, o.ship_city, o.goods_minor, o.delivery_method,
                       CASE WHEN o.delivery_node <> '' THEN coalesce(chosen.id, 0) END, o.business_date,
                       o.placed_at, o.promised_at
                FROM orders_order o JOIN channels_channel c ON c.id = o.channel_id
                JOIN channels_shop s ON s.id = o.shop_id
                LEFT JOIN network_node chosen ON chosen.code = o.delivery_node AND o.delivery_node <> ''
                WHERE {_WHERE} AND (%s::date IS NULL OR (o.business_date, o.placed_at, o.id) > (%s, %s, %s))
                ORDER BY o.business_date, o.placed_at, o.id LIMIT {CHUNK}""",
            [day_from, day_to, channel_id, channel_id, *((after[0], *after) if after else (None,) * 4)],
        )
        if not rows:
            return
        jobs = [_job(row) for row in rows]
        _fill(jobs)
        yield jobs
        after = (rows[-1][13], rows[-1][14], rows[-1][0])
        day_from = rows[-1][13]


def _job(row: tuple[object, ...]) -> Job:
    order_id, shop_id, channel_id, lat, lon, channel, shop, currency, province, city, value, method, node, *times = row
    day, placed_at, promised_at = times
    return Job(
        order_id,  # type: ignore[arg-type]
        shop_id,  # type: ignore[arg-type]
        channel_id,  # type: ignore[arg-type]
        "paid",
        None if lat is None or lon is None else (lat, lon),  # type: ignore[arg-type]
        day,  # type: ignore[arg-type]
        placed_at,  # type: ignore[arg-type]
        promised_at,  # type: ignore[arg-type]
        None,
        None,
        channel=channel,  # type: ignore[arg-type]
        shop=shop,  # type: ignore[arg-type]
        currency=currency,  # type: ignore[arg-type]
        province=province,  # type: ignore[arg-type]
        city=city,  # type: ignore[arg-type]
        value=value,  # type: ignore[arg-type]
        method=method,  # type: ignore[arg-type]
        pickup_node=node,  # type: ignore[arg-type]
    )


def _fill(jobs: Sequence[Job]) -> None:
    """What each order asked for. A kit is the parts that it has now."""
    by_id = {job.order_id: job for job in jobs}
    rows = fetch_all(
        """SELECT l.order_id, l.id, coalesce(k.part_id, l.sku_id), l.qty * coalesce(k.qty, 1), n.id, l.wanted_node,
                  CASE WHEN k.part_id IS NULL THEN 0 ELSE l.qty END
           FROM orders_orderline l
           LEFT JOIN catalog_kitpart k ON k.kit_id = l.sku_id
           LEFT JOIN network_node n ON n.code = l.wanted_node AND l.wanted_node <> ''
           WHERE l.order_id = ANY(%s) AND l.kind = 'goods' AND l.qty > 0
           ORDER BY l.order_id, l.line_no, 3""",
        [list(by_id)],
    )
    for order_id, line_id, sku_id, qty, node_id, wanted, kits in rows:
        by_id[order_id].needs.append(Need(line_id, sku_id, qty, node_id if node_id else (0 if wanted else None), kits))


def stock_for(mode: StockMode, node_ids: Collection[int], *, since: datetime) -> Book:
    """Free units by SKU id and node id that a dry run begins with. since: the beginning of its period."""
    if mode == "unlimited":
        rows = fetch_all(
            "SELECT sku_id, node_id, %s FROM inventory_level WHERE bucket = 'saleable' AND node_id = ANY(%s)",
            [ENDLESS, list(node_ids)],
        )
    elif mode == "now":
        rows = fetch_all(
            """SELECT sku_id, node_id, on_hand - allocated FROM inventory_level
               WHERE bucket = 'saleable' AND node_id = ANY(%s) AND on_hand > allocated""",
            [list(node_ids)],
        )
    else:
        rows = fetch_all(
            """SELECT l.sku_id, l.node_id, greatest(l.on_hand - l.allocated - coalesce(m.moved, 0), 0)
               FROM inventory_level l
               LEFT JOIN (SELECT sku_id, node_id, sum(on_hand_delta - allocated_delta)::bigint AS moved
                          FROM inventory_movement
                          WHERE occurred_at >= %s AND bucket = 'saleable' AND node_id IS NOT NULL GROUP BY 1, 2) m
                    ON m.sku_id = l.sku_id AND m.node_id = l.node_id
               WHERE l.bucket = 'saleable' AND l.node_id = ANY(%s)""",
            [since, list(node_ids)],
        )
    book: Book = {}
    for sku_id, node_id, units in rows:
        book.setdefault(sku_id, {})[node_id] = units
    return book


def moved_without_orders(since: datetime, until: datetime, zone: str) -> dict[date, list[tuple[int, int, int]]]:
    """(SKU id, node id, units) that came or went otherwise than by orders, by local day: receipts, counts, transfers,
    returns. One statement."""
    rows = fetch_all(
        """SELECT (occurred_at AT TIME ZONE %s)::date, sku_id, node_id, sum(on_hand_delta)::bigint
           FROM inventory_movement
           WHERE occurred_at >= %s AND occurred_at < %s AND bucket = 'saleable' AND node_id IS NOT NULL
             AND on_hand_delta <> 0 AND cause_type <> 'fulfillment'
           GROUP BY 1, 2, 3 ORDER BY 1, 2, 3""",
        [zone, since, until],
    )
    moved: dict[date, list[tuple[int, int, int]]] = {}
    for day, sku_id, node_id, units in rows:
        moved.setdefault(day, []).append((sku_id, node_id, units))
    return moved
