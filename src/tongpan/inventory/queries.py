"""Reads of stock, and the proof that pool and levels are the sums of their movements."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from django.db.models import Model, Q, QuerySet

from tongpan.core.bulk import fetch_all
from tongpan.inventory.models import Level, Movement, Pool, Reservation
from tongpan.inventory.transit import transit_differences

M = TypeVar("M", bound=Model)


def free_levels(sku_ids: Collection[int], node_ids: Collection[int]) -> dict[int, dict[int, int]]:
    """Saleable units not pinned to any order by SKU id and node id, for levels above zero."""
    rows = fetch_all(
        """SELECT sku_id, node_id, on_hand - allocated FROM inventory_level
           WHERE sku_id = ANY(%s) AND node_id = ANY(%s) AND bucket = 'saleable' AND on_hand > allocated""",
        [list(sku_ids), list(node_ids)],
    )
    free: dict[int, dict[int, int]] = {}
    for sku_id, node_id, units in rows:
        free.setdefault(sku_id, {})[node_id] = units
    return free


def routing_floors(sku_ids: Collection[int], node_ids: Collection[int]) -> dict[int, dict[int, int]]:
    """The last units that routing leaves at a node, by SKU id and node id, where there are any."""
    return _floors("routing_floor", sku_ids, node_ids)


def safety_stocks(sku_ids: Collection[int], node_ids: Collection[int]) -> dict[int, dict[int, int]]:
    """The units that a node should keep, by SKU id and node id, where there are any."""
    return _floors("safety_stock", sku_ids, node_ids)


def _floors(
    column: Literal["routing_floor", "safety_stock"], sku_ids: Collection[int], node_ids: Collection[int]
) -> dict[int, dict[int, int]]:
    rows = fetch_all(
        f"""SELECT DISTINCT ON (s.sku_id, p.node_id) s.sku_id, p.node_id, p.{column}
           FROM inventory_nodepolicy p JOIN unnest(%s::bigint[]) AS s(sku_id) ON p.sku_id = s.sku_id OR p.sku_id IS NULL
           WHERE p.node_id = ANY(%s) ORDER BY s.sku_id, p.node_id, p.sku_id NULLS LAST""",
        [list(sku_ids), list(node_ids)],
    )
    floors: dict[int, dict[int, int]] = {}
    for sku_id, node_id, units in rows:
        if units:
            floors.setdefault(sku_id, {})[node_id] = units
    return floors


def book() -> dict[tuple[str, str], int]:
    """Saleable units on hand, by (node code, SKU code): every level of every node."""
    rows = fetch_all(
        """SELECT n.code, s.code, l.on_hand FROM inventory_level l
           JOIN network_node n ON n.id = l.node_id JOIN catalog_sku s ON s.id = l.sku_id
           WHERE l.bucket = 'saleable'"""
    )
    return {(node, sku): on_hand for node, sku, on_hand in rows}


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """checked: what was compared, by name. differences: one entry for each figure that does not add up."""

    checked: dict[str, int]
    differences: list[dict[str, Any]]


def reconcile() -> Reconciliation:
    """Compare every level and every pool with the sum of its movements, held units with reservations, and what is
    booked as on its way with the transfers on their way.

    Reads one snapshot when the caller's transaction is REPEATABLE READ; locks nothing.
    """
    levels = fetch_all(
        """SELECT s.code, n.code, bucket, l.on_hand, k.on_hand, l.allocated, k.allocated
           FROM (SELECT sku_id, node_id, bucket, sum(on_hand_delta)::bigint AS on_hand,
                        sum(allocated_delta)::bigint AS allocated
                 FROM inventory_movement WHERE node_id IS NOT NULL GROUP BY 1, 2, 3) k
           FULL JOIN inventory_level l USING (sku_id, node_id, bucket)
           JOIN catalog_sku s ON s.id = sku_id JOIN network_node n ON n.id = node_id
           WHERE coalesce(l.on_hand, 0) <> coalesce(k.on_hand, 0)
              OR coalesce(l.allocated, 0) <> coalesce(k.allocated, 0)
           ORDER BY 1, 2, 3"""
    )
    pools = fetch_all(
        """SELECT s.code, p.on_hand, k.on_hand, p.allocated, k.allocated, p.held, k.held
           FROM (SELECT sku_id, sum(on_hand_delta)::bigint AS on_hand, sum(allocated_delta)::bigint AS allocated,
                        sum(held_delta)::bigint AS held
                 FROM inventory_movement WHERE bucket = 'saleable' GROUP BY 1) k
           FULL JOIN inventory_pool p USING (sku_id) JOIN catalog_sku s ON s.id = sku_id
           WHERE (coalesce(p.on_hand, 0), coalesce(p.allocated, 0), coalesce(p.held, 0))
                 <> (coalesce(k.on_hand, 0), coalesce(k.allocated, 0), coalesce(k.held, 0))
           ORDER BY 1"""
    )
    held = fetch_all(
        """SELECT s.code, p.held, coalesce(r.qty, 0)
           FROM inventory_pool p
           LEFT JOIN (SELECT sku_id, sum(qty)::bigint AS qty FROM inventory_reservation
                      WHERE state = 'held' GROUP BY 1) r USING (sku_id)
           JOIN catalog_sku s ON s.id = p.sku_id
           WHERE p.held <> coalesce(r.qty, 0) ORDER BY 1"""
    )
    quotas = fetch_all(
        """SELECT c.code, s.code, q.used, coalesce(r.qty, 0)
           FROM inventory_quotause q JOIN inventory_channelpolicy p ON p.id = q.policy_id
           JOIN channels_channel c ON c.id = p.channel_id JOIN catalog_sku s ON s.id = q.sku_id
           LEFT JOIN (SELECT policy_id, sku_id, sum(qty) FILTER (WHERE state = 'shipped')::bigint AS shipped,
                             sum(qty) FILTER (WHERE state IN ('held', 'allocated'))::bigint AS open
                      FROM inventory_reservation WHERE policy_id IS NOT NULL GROUP BY 1, 2) u
                ON (u.policy_id, u.sku_id) = (q.policy_id, q.sku_id)
           CROSS JOIN LATERAL (SELECT coalesce(u.open, 0)
                                      + CASE p.mode WHEN 'percent' THEN 0 ELSE coalesce(u.shipped, 0) END AS qty) r
           WHERE q.used <> r.qty ORDER BY 1, 2"""
    )
    counts = fetch_all(
        """SELECT (SELECT count(*) FROM inventory_level), (SELECT count(*) FROM inventory_pool),
                  (SELECT count(*) FROM inventory_movement),
                  (SELECT count(*) FROM inventory_reservation WHERE state = 'held'),
                  (SELECT count(*) FROM inventory_transfer WHERE state = 'in_transit')"""
    )[0]
    differences: list[dict[str, Any]] = [
        {
            "what": "level", "sku": sku, "node": node, "bucket": bucket,
            "on_hand": on_hand, "movements_on_hand": moved, "allocated": allocated,
            "movements_allocated": moved_allocated,
        }
        for sku, node, bucket, on_hand, moved, allocated, moved_allocated in levels
    ]  # fmt: skip
    differences += [
        {
            "what": "pool", "sku": sku, "on_hand": on_hand, "movements_on_hand": moved, "allocated": allocated,
            "movements_allocated": moved_allocated, "held": pool_held, "movements_held": moved_held,
        }
        for sku, on_hand, moved, allocated, moved_allocated, pool_held, moved_held in pools
    ]  # fmt: skip
    differences += [
        {"what": "held", "sku": sku, "held": pool_held, "reservations": reserved} for sku, pool_held, reserved in held
    ]
    differences += [
        {"what": "quota", "channel": channel, "sku": sku, "used": used, "reservations": reserved}
        for channel, sku, used, reserved in quotas
    ]
    names = ("levels", "pools", "movements", "reservations", "transfers")
    return Reconciliation(dict(zip(names, counts, strict=True)), differences + transit_differences())


def select_pools(sku_code: str = "") -> QuerySet[Pool]:
    """The stock of each SKU over all nodes, with the SKU; of all SKUs, or of the one with that code."""
    rows = Pool.objects.select_related("sku")
    return rows.filter(sku__code=sku_code) if sku_code else rows


def select_levels(sku_code: str = "", node_code: str = "", bucket: str = "") -> QuerySet[Level]:
    """The stock of each SKU at each node, with both; an empty argument narrows nothing."""
    return _at(Level.objects.select_related("sku", "node"), sku_code, node_code, bucket)


def select_movements(sku_code: str = "", node_code: str = "", bucket: str = "") -> QuerySet[Movement]:
    """The movements of stock, with SKU and node; an empty argument narrows nothing."""
    return _at(Movement.objects.select_related("sku", "node"), sku_code, node_code, bucket)


def movements_caused_by(causes: Mapping[str, Collection[int]]) -> list[Movement]:
    """The movements of some documents, by cause type and ids, in the order they were booked. One statement."""
    wanted = Q(pk__in=[])
    for cause_type, ids in causes.items():
        if ids:
            wanted |= Q(cause_type=cause_type, cause_id__in=list(ids))
    return list(Movement.objects.filter(wanted).select_related("sku", "node").order_by("id"))


def reservations_of(order_id: int) -> list[Reservation]:
    """What the pool promised to an order, with SKU, ended promises too. One statement."""
    return list(Reservation.objects.filter(order_id=order_id).select_related("sku").order_by("id"))


def _at(rows: QuerySet[M], sku_code: str, node_code: str, bucket: str) -> QuerySet[M]:
    wanted = {"sku__code": sku_code, "node__code": node_code, "bucket": bucket}
    return rows.filter(**{name: value for name, value in wanted.items() if value})
