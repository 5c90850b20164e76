"""What routing looks at before it decides: the orders, what they still need, and the nodes with their stock."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from tongpan.core.bulk import fetch_all
from tongpan.fulfillment.routing.basics import Move, Need, NodeView, Plan
from tongpan.inventory.engine import Granted
from tongpan.orders.actions.holding import blocked_orders
from tongpan.orders.review import BLOCKING

SHIPPED = ("dispatched", "delivered", "completed")
NEEDED = """
SELECT l.order_id, l.id AS line_id, l.line_no, l.part, l.wanted_node, coalesce(r.sku_id, k.part_id, l.sku_id) AS sku_id,
       CASE WHEN r.sku_id <> l.sku_id THEN r.qty ELSE l.qty * coalesce(k.qty, 1) END AS qty,
       CASE WHEN coalesce(r.sku_id, k.part_id, l.sku_id) <> l.sku_id THEN l.qty ELSE 0 END AS kits
FROM orders_orderline l
LEFT JOIN inventory_reservation r ON r.order_line_id = l.id AND r.state IN ('held', 'allocated', 'shipped')
LEFT JOIN catalog_kitpart k ON k.kit_id = l.sku_id AND r.id IS NULL
WHERE l.order_id = ANY(%s) AND l.kind = 'goods'"""
"""What the lines of orders take from stock. A kit is its parts: those it was promised, else those it has now."""


@dataclass(slots=True)
class Job:
    """One order to route. left_at: when its goods left, for an order that the channel has sent already.

    is_blocked: it has an open hold that keeps it from being routed (``orders.review.BLOCKING``).
    granted: what it takes of the pool without having been promised it. moves: transfers that gather its goods.
    policy: code and version of what decided.
    merge_id: of the orders that it is sent together with. parts: the part of each line, by order line id.
    failed: the rule by which something of it found no node, "" when all did.
    method, pickup_node: how it reaches the buyer, and the id of the node that it names: 0 for one that is not known,
    None when it names none. value: of its goods, minor units of currency.
    """

    order_id: int
    shop_id: int
    channel_id: int
    status: str
    place: tuple[float, float] | None
    day: date
    placed_at: datetime
    promised_at: datetime | None
    dispatched_at: datetime | None
    delivered_at: datetime | None
    is_blocked: bool = field(default=False, kw_only=True)
    merge_id: int | None = field(default=None, kw_only=True)
    parts: dict[int, int] = field(default_factory=dict, kw_only=True)
    failed: str = field(default="", kw_only=True)
    channel: str = field(default="", kw_only=True)
    shop: str = field(default="", kw_only=True)
    currency: str = field(default="", kw_only=True)
    province: str = field(default="", kw_only=True)
    city: str = field(default="", kw_only=True)
    value: int = field(default=0, kw_only=True)
    method: str = field(default="ship", kw_only=True)
    pickup_node: int | None = field(default=None, kw_only=True)
    needs: list[Need] = field(default_factory=list)
    made: Plan | None = None
    granted: list[Granted] = field(default_factory=list)
    moves: list[Move] = field(default_factory=list)
    policy: tuple[str, int] = ("", 0)

    @property
    def is_shipped(self) -> bool:
        return self.status in SHIPPED

    @property
    def left_at(self) -> datetime:
        return self.dispatched_at or self.placed_at

    @property
    def plan(self) -> Plan:
        if self.made is None:
            raise AssertionError("every open job is planned")
        return self.made


def load_jobs(order_ids: Collection[int]) -> list[Job]:
    """The orders and those that are sent together with them, those placed first first.

    Locks them in ascending order of id.
    """
    rows = fetch_all(
        """SELECT o.id, o.shop_id, o.channel_id, o.status, o.ship_latitude, o.ship_longitude, o.merge_id,
                  c.code, s.code, o.currency, o.ship_province, o.ship_city, o.goods_minor,
                  o.delivery_method, CASE WHEN o.delivery_node <> '' THEN coalesce(chosen.id, 0) END,
                  o.business_date, o.placed_at, o.promised_at, o.dispatched_at, o.delivered_at
           FROM orders_order o JOIN channels_channel c ON c.id = o.channel_id JOIN channels_shop s ON s.id = o.shop_id
           LEFT JOIN network_node chosen ON chosen.code = o.delivery_node AND o.delivery_node <> ''
           WHERE o.id = ANY(%s) OR o.merge_id IN (
                   SELECT merge_id FROM orders_order WHERE id = ANY(%s) AND merge_id IS NOT NULL)
           ORDER BY o.id FOR NO KEY UPDATE OF o""",
        [sorted(order_ids), sorted(order_ids)],
    )
    # Once they are locked: a hold that is opened meanwhile waits for us, and sees what was allocated.
    blocked = blocked_orders([row[0] for row in rows])
    jobs = []
    for order_id, shop_id, channel_id, status, lat, lon, merge_id, *named, day, placed, due, left, came in rows:
        channel, shop, currency, province, city, value, method, pickup_node = named
        jobs.append(
            Job(
                order_id,
                shop_id,
                channel_id,
                status,
                None if lat is None or lon is None else (lat, lon),
                day,
                placed,
                due,
                left,
                came,
                is_blocked=order_id in blocked,
                merge_id=merge_id,
                channel=channel,
                shop=shop,
                currency=currency,
                province=province,
                city=city,
                value=value,
                method=method,
                pickup_node=pickup_node,
            )
        )
    jobs.sort(key=lambda job: (job.placed_at, job.order_id))
    return jobs


def load_needs(jobs: Sequence[Job]) -> list[Job]:
    """The jobs that still need goods, with what they need."""
    by_id = {job.order_id: job for job in jobs}
    rows = fetch_all(
        f"""WITH needed AS ({NEEDED})
            SELECT l.order_id, l.line_id, l.sku_id, l.qty - coalesce(f.qty, 0), n.id, l.wanted_node, l.kits, l.part
            FROM needed l
            LEFT JOIN (SELECT x.order_line_id, x.sku_id, sum(x.qty)::int AS qty
                       FROM fulfillment_fulfillment o JOIN fulfillment_fulfillmentline x ON x.fulfillment_id = o.id
                       WHERE o.order_id = ANY(%s) AND o.status NOT IN ('cancelled', 'rejected') GROUP BY 1, 2) f
                 ON (f.order_line_id, f.sku_id) = (l.line_id, l.sku_id)
            LEFT JOIN network_node n ON n.code = l.wanted_node AND l.wanted_node <> ''
            WHERE l.qty > coalesce(f.qty, 0)
            ORDER BY l.order_id, l.line_no, l.sku_id""",
        [list(by_id), list(by_id)],
    )
    for order_id, line_id, sku_id, qty, node_id, wanted, kits, part in rows:
        # A node that the channel names and we do not know is still the channel's word: no search.
        by_id[order_id].parts[line_id] = part
        by_id[order_id].needs.append(Need(line_id, sku_id, qty, node_id if node_id else (0 if wanted else None), kits))
    return [job for job in jobs if job.needs]


def goods_of(order_ids: Collection[int]) -> set[int]:
    """The SKU ids of all goods of ``order_ids``, of a kit those of its parts."""
    rows = fetch_all(f"SELECT DISTINCT sku_id FROM ({NEEDED}) l", [sorted(order_ids)])
    return {sku_id for (sku_id,) in rows}


def nodes_of_shops(shop_ids: Iterable[int]) -> dict[int, list[NodeView]]:
    """The active nodes that serve each shop, by code; a shop that none serves is absent."""
    serving: dict[int, list[NodeView]] = {}
    for shop_id, *node in fetch_all(
        """SELECT s.shop_id, n.id, n.code, n.latitude, n.longitude, n.tracks_stock
           FROM network_service s JOIN network_node n ON n.id = s.node_id
           WHERE s.shop_id = ANY(%s) AND n.is_active ORDER BY n.code""",
        [sorted(shop_ids)],
    ):
        serving.setdefault(shop_id, []).append(NodeView(*node))
    return serving


def nodes_by_id(node_ids: Iterable[int]) -> dict[int, NodeView]:
    """The nodes with these ids; no statement when there is none."""
    wanted = sorted(node_ids)
    if not wanted:
        return {}
    rows = fetch_all(
        "SELECT id, code, latitude, longitude, tracks_stock FROM network_node WHERE id = ANY(%s)", [wanted]
    )
    return {row[0]: NodeView(*row) for row in rows}


def held_lines(order_line_ids: Sequence[int]) -> set[tuple[int, int]]:
    """(order line id, SKU id) of the units that the pool has promised to ``order_line_ids``."""
    return set(
        fetch_all(
            "SELECT order_line_id, sku_id FROM inventory_reservation WHERE order_line_id = ANY(%s) AND state = 'held'",
            [sorted(set(order_line_ids))],
        )
    )


def last_decisions(order_ids: Sequence[int]) -> dict[int, tuple[int, str, str, datetime]]:
    """(attempt, outcome, rule, when) of the newest decision of each order that has one."""
    rows = fetch_all(
        """SELECT DISTINCT ON (order_id) order_id, attempt, outcome, rule, decided_at FROM fulfillment_routingdecision
           WHERE order_id = ANY(%s) ORDER BY order_id, attempt DESC""",
        [list(order_ids)],
    )
    return {order_id: (attempt, outcome, rule, at) for order_id, attempt, outcome, rule, at in rows}


def waiting_for(sku_ids: Collection[int], after: tuple[datetime, int] | None, limit: int) -> list[tuple[datetime, int]]:
    """(placed, order id) of paid orders on an out-of-stock hold that need one of ``sku_ids`` and that the pool
    could serve now; those placed first first, at most ``limit`` behind ``after``."""
    return fetch_all(
        """SELECT o.placed_at, o.id FROM orders_order o
           WHERE o.id IN (SELECT h.order_id FROM orders_hold h
                          JOIN orders_orderline l ON l.order_id = h.order_id
                          LEFT JOIN catalog_kitpart k ON k.kit_id = l.sku_id
                          WHERE h.reason IN ('out_of_stock', 'quota') AND h.released_at IS NULL
                            AND coalesce(k.part_id, l.sku_id) = ANY(%s))
             AND o.status = 'paid'
             AND NOT EXISTS (SELECT FROM orders_hold b
                             WHERE b.order_id = o.id AND b.released_at IS NULL AND b.reason = ANY(%s))
             AND (%s::timestamptz IS NULL OR (o.placed_at, o.id) > (%s, %s))
             AND NOT EXISTS (
               SELECT FROM orders_orderline l
               LEFT JOIN catalog_kitpart k ON k.kit_id = l.sku_id
               LEFT JOIN inventory_pool p ON p.sku_id = coalesce(k.part_id, l.sku_id)
               WHERE l.order_id = o.id AND l.kind = 'goods'
                 AND coalesce(p.on_hand - p.allocated - p.held, 0) < l.qty * coalesce(k.qty, 1)
                 AND NOT EXISTS (SELECT FROM inventory_reservation r WHERE r.order_line_id = l.id AND r.state = 'held')
                 AND NOT EXISTS (
                   SELECT FROM fulfillment_fulfillment f JOIN fulfillment_fulfillmentline x ON x.fulfillment_id = f.id
                   WHERE f.order_id = o.id AND f.status NOT IN ('cancelled', 'rejected') AND x.order_line_id = l.id))
           ORDER BY o.placed_at, o.id LIMIT %s""",
        [sorted(sku_ids), list(BLOCKING), *([None, None, None] if after is None else [after[0], *after]), limit],
    )


def orders_without_node() -> list[int]:
    """Paid orders that wait because no node may send them, those placed first first."""
    rows = fetch_all(
        """SELECT o.id FROM orders_hold h JOIN orders_order o ON o.id = h.order_id
           WHERE h.reason = 'no_node' AND h.released_at IS NULL AND o.status = 'paid' ORDER BY o.placed_at, o.id"""
    )
    return [order_id for (order_id,) in rows]


def wanted_skus() -> set[int]:
    """The SKU ids of everything that orders with an open hold for a quota need."""
    order_ids = [
        i
        for (i,) in fetch_all(
            "SELECT order_id FROM orders_hold WHERE reason = 'quota' AND released_at IS NULL ORDER BY 1"
        )
    ]
    return goods_of(order_ids) if order_ids else set()
