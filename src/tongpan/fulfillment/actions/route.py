"""Routing a batch of orders: read a snapshot under lock, plan each order, write all plans."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from django.db import transaction

from tongpan.core.bulk import as_json, copy_rows, fetch_all, next_ids
from tongpan.core.eventlog import NewEvent, append
from tongpan.fulfillment.actions.dispatch import cancel, dispatch
from tongpan.fulfillment.engine import POLICY, POLICY_VERSION, Need, NodeView, Pick, Plan, plan
from tongpan.fulfillment.events import ROUTED
from tongpan.inventory.actions import pin, release
from tongpan.inventory.engine import Delta
from tongpan.inventory.ledger import post
from tongpan.inventory.locks import lock_pools
from tongpan.inventory.queries import free_levels
from tongpan.network.geography import distance_km
from tongpan.orders.actions import open_holds

SHIPPED = ("dispatched", "delivered", "completed")


@dataclass(slots=True)
class _Job:
    """One order to route. left_at: when its goods left, for an order that the channel has sent already."""

    order_id: int
    shop_id: int
    status: str
    place: tuple[float, float] | None
    day: date
    promised_at: datetime | None
    dispatched_at: datetime | None
    delivered_at: datetime | None
    left_at: datetime
    needs: list[Need] = field(default_factory=list)
    plan: Plan | None = None

    @property
    def is_shipped(self) -> bool:
        return self.status in SHIPPED


@transaction.atomic
def route(order_ids: Collection[int], *, actor: str, now: datetime) -> dict[int, str]:
    """Choose nodes for what ``order_ids`` still need and book it; the outcome ("routed", "unfillable") by order id.

    Paid orders are allocated at the chosen nodes. Orders that the channel has sent already are dispatched at
    once; what was allocated to them leaves now. Cancelled orders give back what has not left. An order whose
    goods cannot be found waits on a hold: out of stock, no node, or, when it has left already, unbooked. Orders
    that need nothing are not in the answer, and nothing is written for them.

    Deterministic: orders are planned in ascending order of id on one snapshot. Locks orders, fulfilments, then
    pools, each in ascending order. The number of statements does not grow with the batch.
    """
    jobs = _load(order_ids)
    cancel([job.order_id for job in jobs if job.status == "cancelled"], at=now, actor=actor)
    _dispatch_allocated([job for job in jobs if job.is_shipped], now=now, actor=actor)
    open_jobs = _load_needs([job for job in jobs if job.status == "paid" or job.is_shipped])
    if not open_jobs:
        return {}
    _plan_all(open_jobs)
    attempts = _attempts([job.order_id for job in open_jobs])
    _write(open_jobs, attempts, actor=actor, now=now)
    return {job.order_id: _plan_of(job).outcome for job in open_jobs}


def _load(order_ids: Collection[int]) -> list[_Job]:
    rows = fetch_all(
        """SELECT id, shop_id, status, ship_latitude, ship_longitude, business_date, promised_at, dispatched_at,
                  delivered_at, coalesce(dispatched_at, placed_at)
           FROM orders_order WHERE id = ANY(%s) ORDER BY id FOR UPDATE""",
        [sorted(order_ids)],
    )
    return [
        _Job(order_id, shop_id, status, None if lat is None or lon is None else (lat, lon), *rest)
        for order_id, shop_id, status, lat, lon, *rest in rows
    ]


def _dispatch_allocated(jobs: Sequence[_Job], *, now: datetime, actor: str) -> None:
    if not jobs:
        return
    rows = fetch_all(
        "SELECT id FROM fulfillment_fulfillment WHERE order_id = ANY(%s) AND status = 'allocated'",
        [[job.order_id for job in jobs]],
    )
    if rows:
        dispatch([i for (i,) in rows], at=now, actor=actor)


def _load_needs(jobs: Sequence[_Job]) -> list[_Job]:
    by_id = {job.order_id: job for job in jobs}
    rows = fetch_all(
        """SELECT l.order_id, l.id, l.sku_id, l.qty - coalesce(f.qty, 0), n.id, l.wanted_node
           FROM orders_orderline l
           LEFT JOIN (SELECT x.order_line_id, sum(x.qty)::int AS qty
                      FROM fulfillment_fulfillment o JOIN fulfillment_fulfillmentline x ON x.fulfillment_id = o.id
                      WHERE o.order_id = ANY(%s) AND o.status <> 'cancelled' GROUP BY 1) f ON f.order_line_id = l.id
           LEFT JOIN network_node n ON n.code = l.wanted_node AND l.wanted_node <> ''
           WHERE l.order_id = ANY(%s) AND l.kind = 'goods' AND l.qty > coalesce(f.qty, 0)
           ORDER BY l.order_id, l.line_no""",
        [list(by_id), list(by_id)],
    )
    for order_id, line_id, sku_id, qty, node_id, wanted in rows:
        # A node that the channel names and we do not know is still the channel's word: no search.
        by_id[order_id].needs.append(Need(line_id, sku_id, qty, node_id if node_id else (0 if wanted else None)))
    return [job for job in jobs if job.needs]


def _plan_all(jobs: Sequence[_Job]) -> None:
    sku_ids = {need.sku_id for job in jobs for need in job.needs}
    pools = lock_pools(sku_ids)
    nodes = _nodes_of_shops({job.shop_id for job in jobs})
    wanted = _nodes({need.wanted_node for job in jobs for need in job.needs if need.wanted_node})
    all_nodes = {node.id: node for views in nodes.values() for node in views} | wanted
    stock = free_levels(sku_ids, [node.id for node in all_nodes.values() if node.tracks_stock])
    reserved = _reserved([need.order_line_id for job in jobs for need in job.needs if not job.is_shipped])
    for job in jobs:
        serving = nodes.get(job.shop_id, [])
        if any(need.wanted_node is not None for need in job.needs):
            serving = [*serving, *(wanted[n.wanted_node] for n in job.needs if n.wanted_node in wanted)]
        job.plan = _within_pool(
            plan(job.needs, job.place, serving, stock, distance_km), job.needs, all_nodes, pools, reserved
        )
        for pick in job.plan.picks:
            if all_nodes[pick.node_id].tracks_stock:
                stock[(pick.sku_id, pick.node_id)] -= pick.qty
                if pick.order_line_id not in reserved:
                    pools[pick.sku_id] -= pick.qty


def _within_pool(
    made: Plan,
    needs: Sequence[Need],
    nodes: dict[int, NodeView],
    pools: dict[int, int],
    reserved: set[int],
) -> Plan:
    """Refuse a plan that takes units promised to other orders: what is free at a node may be held in the pool."""
    taken: dict[int, int] = {}
    for pick in made.picks:
        if nodes[pick.node_id].tracks_stock and pick.order_line_id not in reserved:
            taken[pick.sku_id] = taken.get(pick.sku_id, 0) + pick.qty
    short = [
        {"sku_id": sku_id, "have": max(pools[sku_id], 0), "need": qty}
        for sku_id, qty in taken.items()
        if pools[sku_id] < qty
    ]
    if not short:
        return made
    return Plan("unfillable", "promised-to-others", (), made.explanation | {"short": short})


def _nodes_of_shops(shop_ids: set[int]) -> dict[int, list[NodeView]]:
    serving: dict[int, list[NodeView]] = {}
    for shop_id, *node in fetch_all(
        """SELECT s.shop_id, n.id, n.code, n.latitude, n.longitude, n.tracks_stock
           FROM network_service s JOIN network_node n ON n.id = s.node_id
           WHERE s.shop_id = ANY(%s) AND n.is_active ORDER BY n.code""",
        [sorted(shop_ids)],
    ):
        serving.setdefault(shop_id, []).append(NodeView(*node))
    return serving


def _nodes(node_ids: set[int]) -> dict[int, NodeView]:
    rows = fetch_all(
        "SELECT id, code, latitude, longitude, tracks_stock FROM network_node WHERE id = ANY(%s)",
        [sorted(node_ids)],
    )
    return {row[0]: NodeView(*row) for row in rows}


def _reserved(order_line_ids: Sequence[int]) -> set[int]:
    rows = fetch_all(
        "SELECT order_line_id FROM inventory_reservation WHERE order_line_id = ANY(%s) AND state = 'held'",
        [list(order_line_ids)],
    )
    return {line_id for (line_id,) in rows}


def _plan_of(job: _Job) -> Plan:
    if job.plan is None:
        raise AssertionError("every open job is planned")
    return job.plan


def _attempts(order_ids: Sequence[int]) -> dict[int, tuple[int, str]]:
    rows = fetch_all(
        """SELECT DISTINCT ON (order_id) order_id, attempt, outcome FROM fulfillment_routingdecision
           WHERE order_id = ANY(%s) ORDER BY order_id, attempt DESC""",
        [list(order_ids)],
    )
    return {order_id: (attempt, outcome) for order_id, attempt, outcome in rows}


def _write(jobs: Sequence[_Job], attempts: dict[int, tuple[int, str]], *, actor: str, now: datetime) -> None:
    # A retry that fails again says nothing new.
    decided = [
        job
        for job in jobs
        if not (_plan_of(job).outcome == "unfillable" and attempts.get(job.order_id, (0, ""))[1] == "unfillable")
    ]
    decision_ids = dict(
        zip(
            [job.order_id for job in decided],
            next_ids("fulfillment_routingdecision", len(decided)),
            strict=True,
        )
    )
    copy_rows(
        "fulfillment_routingdecision",
        ("id", "order_id", "attempt", "policy", "policy_version", "outcome", "rule", "explanation"),
        (
            (
                decision_ids[job.order_id],
                job.order_id,
                attempts.get(job.order_id, (0, ""))[0] + 1,
                POLICY,
                POLICY_VERSION,
                _plan_of(job).outcome,
                _plan_of(job).rule,
                as_json(_plan_of(job).explanation),
            )
            for job in decided
        ),
    )
    routed = [job for job in decided if _plan_of(job).outcome == "routed"]
    _write_fulfillments(routed, decision_ids, actor=actor, now=now)
    _hold([job for job in jobs if _plan_of(job).outcome == "unfillable"], actor=actor, now=now)
    append(
        [
            NewEvent(
                ROUTED,
                str(job.order_id),
                {
                    "day": job.day.isoformat(),
                    "outcome": _plan_of(job).outcome,
                    "nodes": sorted({pick.node_id for pick in _plan_of(job).picks}),
                },
            )
            for job in decided
        ]
    )


def _write_fulfillments(jobs: Sequence[_Job], decision_ids: dict[int, int], *, actor: str, now: datetime) -> None:
    parts: list[tuple[_Job, int, list[Pick]]] = []
    for job in jobs:
        by_node: dict[int, list[Pick]] = {}
        for pick in _plan_of(job).picks:
            by_node.setdefault(pick.node_id, []).append(pick)
        parts.extend((job, node_id, picks) for node_id, picks in by_node.items())
    ids = next_ids("fulfillment_fulfillment", len(parts))
    copy_rows(
        "fulfillment_fulfillment",
        (
            "id",
            "order_id",
            "node_id",
            "decision_id",
            "status",
            "promised_at",
            "allocated_at",
            "dispatched_at",
            "delivered_at",
        ),
        (
            (
                i,
                job.order_id,
                node_id,
                decision_ids[job.order_id],
                _fulfillment_status(job),
                job.promised_at,
                job.left_at if job.is_shipped else now,
                job.dispatched_at,
                job.delivered_at,
            )
            for i, (job, node_id, _) in zip(ids, parts, strict=True)
        ),
    )
    copy_rows(
        "fulfillment_fulfillmentline",
        ("fulfillment_id", "order_line_id", "sku_id", "qty"),
        (
            (i, pick.order_line_id, pick.sku_id, pick.qty)
            for i, (_, _, picks) in zip(ids, parts, strict=True)
            for pick in picks
        ),
    )
    pinned = pin([need.order_line_id for job in jobs if not job.is_shipped for need in job.needs])
    tracking = _tracking({node_id for _, node_id, _ in parts})
    post(_deltas(ids, parts, pinned, tracking, now), actor=actor)


def _fulfillment_status(job: _Job) -> str:
    if not job.is_shipped:
        return "allocated"
    return "delivered" if job.delivered_at else "dispatched"


def _tracking(node_ids: set[int]) -> set[int]:
    rows = fetch_all("SELECT id FROM network_node WHERE id = ANY(%s) AND tracks_stock", [sorted(node_ids)])
    return {node_id for (node_id,) in rows}


def _deltas(
    ids: Sequence[int],
    parts: Sequence[tuple[_Job, int, list[Pick]]],
    pinned: dict[int, int],
    tracking: set[int],
    now: datetime,
) -> Iterator[Delta]:
    for i, (job, node_id, picks) in zip(ids, parts, strict=True):
        for pick in picks:
            if pick.order_line_id in pinned:
                yield Delta(
                    pick.sku_id,
                    None,
                    "saleable",
                    "released",
                    0,
                    0,
                    -pick.qty,
                    "fulfillment",
                    i,
                    now,
                    "pinned to a node",
                )
            if node_id not in tracking:
                continue
            if job.is_shipped:
                yield Delta(
                    pick.sku_id, node_id, "saleable", "dispatched", -pick.qty, 0, 0, "fulfillment", i, job.left_at
                )
            else:
                yield Delta(pick.sku_id, node_id, "saleable", "allocated", 0, pick.qty, 0, "fulfillment", i, now)


def _hold(jobs: Sequence[_Job], *, actor: str, now: datetime) -> None:
    left = [job.order_id for job in jobs if job.is_shipped]
    waiting = [job for job in jobs if not job.is_shipped]
    open_holds(left, "unbooked")
    open_holds([job.order_id for job in waiting if _plan_of(job).rule == "no-node"], "no_node")
    stuck = [job.order_id for job in waiting if _plan_of(job).rule != "no-node"]
    open_holds(stuck, "out_of_stock")
    release([job.order_id for job in waiting], actor=actor, now=now, reason="no node has the goods")


def retry_of(sku_ids: Collection[int], limit: int) -> list[int]:
    """Orders that wait for stock of ``sku_ids``, oldest first, at most ``limit``."""
    rows = fetch_all(
        """SELECT o.id FROM orders_order o
           WHERE o.id IN (SELECT h.order_id FROM orders_hold h
                          JOIN orders_orderline l ON l.order_id = h.order_id
                          WHERE h.reason = 'out_of_stock' AND h.released_at IS NULL AND l.sku_id = ANY(%s))
             AND o.status = 'paid'
           ORDER BY o.placed_at, o.id LIMIT %s""",
        [sorted(sku_ids), limit],
    )
    return [order_id for (order_id,) in rows]
