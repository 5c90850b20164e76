"""How dealers do (DLR-05): sales, coverage, service, and what was found against them."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from tongpan.core.bulk import fetch_all
from tongpan.risk.queries.subjects import geography, judged


class Performance(NamedTuple):
    """Of one dealer in a window. orders, units, total_minor: of shops that it serves alone, not cancelled, by currency
    of the largest total. returned: units of them that came back. demand, covered: orders of all shops whose place is
    known, and those in its territory (None: its territory is everywhere). services, on_time: service orders it had to
    do by a time in the window, and those done by then.
    """

    orders: int
    units: int
    currency: str
    total_minor: int
    returned: int
    demand: int
    covered: int | None
    services: int
    on_time: int


def performances(node_ids: Collection[int], start: datetime, end: datetime) -> dict[int, Performance]:
    """How each dealer did in [start, end), by node id; every one asked for is there. Five statements."""
    wanted = sorted(node_ids)
    span = {"nodes": wanted, "start": start, "end": end}
    sold: dict[int, tuple[int, int, str, int]] = {}
    for node, orders, units, currency, total in fetch_all(
        """SELECT a.node_id, count(*), sum(o.units)::bigint, o.currency, sum(o.total_minor)::bigint
           FROM (SELECT v.shop_id, min(v.node_id) AS node_id FROM network_service v
                 JOIN network_node n ON n.id = v.node_id AND n.kind = 'dealer'
                 JOIN channels_shop s ON s.id = v.shop_id AND s.kind = 'dealer'
                 GROUP BY v.shop_id HAVING count(*) = 1) a
           JOIN orders_order o ON o.shop_id = a.shop_id
           WHERE a.node_id = ANY(%(nodes)s) AND o.placed_at >= %(start)s AND o.placed_at < %(end)s
             AND o.status <> 'cancelled'
           GROUP BY a.node_id, o.currency ORDER BY 5""",
        span,
    ):
        sold[node] = (orders, units, currency, total)
    returned = dict(
        fetch_all(
            """SELECT v.node_id, sum(r.units)::bigint FROM network_service v
               JOIN channels_shop s ON s.id = v.shop_id AND s.kind = 'dealer' JOIN orders_return r ON r.shop_id = s.id
               WHERE v.node_id = ANY(%(nodes)s) AND r.returned_at >= %(start)s AND r.returned_at < %(end)s
               GROUP BY 1""",
            span,
        )
    )
    served = {
        node: (number, on_time)
        for node, number, on_time in fetch_all(
            """SELECT node_id, count(*), count(*) FILTER (WHERE status = 'done' AND ends_at <= due_at)
               FROM fulfillment_serviceorder
               WHERE node_id = ANY(%(nodes)s) AND due_at >= %(start)s AND due_at < %(end)s AND status <> 'cancelled'
               GROUP BY 1""",
            span,
        )
    }
    places = fetch_all(
        """SELECT ship_province, ship_city, count(*) FROM orders_order
           WHERE placed_at >= %(start)s AND placed_at < %(end)s AND status <> 'cancelled' AND ship_province <> ''
           GROUP BY 1, 2""",
        span,
    )
    territories = geography().territories
    demand = sum(orders for *_, orders in places)
    made = {}
    for node in wanted:
        territory = territories.get(node) or None
        covered = (
            None
            if territory is None
            else sum(orders for province, city, orders in places if judged(territory, province, city))
        )
        orders, units, currency, total = sold.get(node, (0, 0, "CNY", 0))
        made[node] = Performance(
            orders, units, currency, total, returned.get(node, 0), demand, covered, *served.get(node, (0, 0))
        )
    return made
