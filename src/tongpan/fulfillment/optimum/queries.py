"""The gap between the ladder and the optimum on the newest orders of this company (FUL-05)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from django.db import transaction

from tongpan.core.bulk import fetch_all
from tongpan.core.errors import Refusal
from tongpan.fulfillment.actions.situation import load_orders, load_snapshot
from tongpan.fulfillment.actions.snapshot import NEEDED, Job, load_jobs, nodes_by_id, nodes_of_shops
from tongpan.fulfillment.optimum.comparing import Gap, Turn, compare
from tongpan.fulfillment.optimum.model import by_distance
from tongpan.fulfillment.routing.basics import Need, NodeView
from tongpan.fulfillment.routing.choosing import policies_that_count
from tongpan.fulfillment.routing.ladder import Ladder
from tongpan.inventory.queries import free_levels
from tongpan.network.geography import distance_km

MOST_ORDERS = 10_000


class Replay(NamedTuple):
    """gap: costs are tenths of a kilometre. first, last: when the first and the last of the orders were placed.

    without_place: orders whose address is nowhere.
    """

    gap: Gap
    first: datetime
    last: datetime
    without_place: int


def measure_gap(*, last: int = 500, now: datetime) -> Replay:
    """Compare how today's policies and the optimum would route the newest ``last`` orders; writes nothing.

    Both find the stock that is free now and, besides, what these orders took. Raises Refusal gap.orders (none are
    routed) or gap.number. Holds locks on orders while it reads, not while it computes.
    """
    if not 0 < last <= MOST_ORDERS:
        raise Refusal("gap.number", f"Between 1 and {MOST_ORDERS:,} orders can be compared, not {last:,}.")
    with transaction.atomic():
        turns, nodes, stock = _read(_newest(last), now)
    placed = [turn.order.placed_at for turn in turns if turn.order.placed_at]
    gap = compare(turns, nodes, stock, by_distance(distance_km))
    return Replay(gap, min(placed), max(placed), sum(turn.order.place is None for turn in turns))


def _newest(last: int) -> list[int]:
    rows = fetch_all(
        """SELECT o.id FROM orders_order o
           WHERE o.merge_id IS NULL AND EXISTS (SELECT FROM fulfillment_fulfillment f
                 WHERE f.order_id = o.id AND f.status NOT IN ('cancelled', 'rejected'))
           ORDER BY o.placed_at DESC, o.id DESC LIMIT %s""",
        [last],
    )
    if not rows:
        raise Refusal("gap.orders", "No order has been routed yet; take orders in and let the readers route them.")
    return [order_id for (order_id,) in rows]


def _read(order_ids: Sequence[int], now: datetime) -> tuple[list[Turn], dict[int, NodeView], dict[int, dict[int, int]]]:
    jobs = [job for job in load_jobs(order_ids) if job.merge_id is None]
    _load_all_needs(jobs)
    jobs = [job for job in jobs if job.needs]
    policies = policies_that_count()
    serving = nodes_of_shops({job.shop_id for job in jobs})
    named = nodes_by_id(
        {need.wanted_node for job in jobs for need in job.needs if need.wanted_node}
        | {job.pickup_node for job in jobs if job.pickup_node is not None}
    )
    nodes = {node.id: node for views in serving.values() for node in views} | named
    sku_ids = {need.sku_id for job in jobs for need in job.needs}
    stock = free_levels(sku_ids, [node.id for node in nodes.values() if node.tracks_stock])
    for sku_id, node_id, units in _taken(order_ids):
        if node_id in nodes and nodes[node_id].tracks_stock:
            at = stock.setdefault(sku_id, {})
            at[node_id] = at.get(node_id, 0) + units
    snapshot = load_snapshot(policies, stock, sku_ids, nodes, now=now)
    orders = load_orders(jobs, policies, {}, now=now)
    ladders: dict[int, Ladder] = {}
    turns = []
    for job in jobs:
        if job.shop_id not in ladders:
            policy = policies.of(job.channel_id, job.shop_id)
            views = serving.get(job.shop_id, [])
            ladders[job.shop_id] = Ladder(policy, views, snapshot, distance_km, others=named, currency=job.currency)
        turns.append(Turn(orders[job.order_id], job.needs, ladders[job.shop_id]))
    return turns, nodes, stock


def _load_all_needs(jobs: Sequence[Job]) -> None:
    """What the orders need as if nothing of them had been routed."""
    by_id = {job.order_id: job for job in jobs}
    for order_id, line_id, sku_id, qty, node_id, wanted, kits in fetch_all(
        f"""WITH needed AS ({NEEDED})
            SELECT l.order_id, l.line_id, l.sku_id, l.qty, n.id, l.wanted_node, l.kits FROM needed l
            LEFT JOIN network_node n ON n.code = l.wanted_node AND l.wanted_node <> ''
            WHERE l.qty > 0 ORDER BY l.order_id, l.line_no, l.sku_id""",
        [list(by_id)],
    ):
        by_id[order_id].needs.append(Need(line_id, sku_id, qty, node_id if node_id else (0 if wanted else None), kits))


def _taken(order_ids: Sequence[int]) -> list[tuple[int, int, int]]:
    """(SKU id, node id, units) that fulfilments of the orders took."""
    return fetch_all(
        """SELECT x.sku_id, f.node_id, sum(x.qty)::bigint
           FROM fulfillment_fulfillment f JOIN fulfillment_fulfillmentline x ON x.fulfillment_id = f.id
           WHERE f.order_id = ANY(%s) AND f.status NOT IN ('cancelled', 'rejected') GROUP BY 1, 2""",
        [list(order_ids)],
    )
