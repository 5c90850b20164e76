"""Routing a batch of orders: read a snapshot under lock, plan each order, write all plans."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime

from tongpan.core.bulk import as_json, copy_rows, next_ids
from tongpan.core.eventlog import NewEvent, append
from tongpan.core.races import run_in_transaction
from tongpan.fulfillment.actions.afterwards import after_routing
from tongpan.fulfillment.actions.dispatch import allocated_to, cancel, deliver, depart
from tongpan.fulfillment.actions.grouping import Group, groups_of, in_turn, waits_for_others
from tongpan.fulfillment.actions.offering import offer
from tongpan.fulfillment.actions.situation import load_orders, load_snapshot
from tongpan.fulfillment.actions.snapshot import (
    Job,
    goods_of,
    held_lines,
    last_decisions,
    load_jobs,
    load_needs,
    nodes_by_id,
    nodes_of_shops,
)
from tongpan.fulfillment.events import ROUTED
from tongpan.fulfillment.routing import ways
from tongpan.fulfillment.routing.basics import NodeView, Pick, Plan
from tongpan.fulfillment.routing.choosing import Policies, policies_that_count
from tongpan.fulfillment.routing.facts import OrderFacts, holds
from tongpan.fulfillment.routing.ladder import Ladder
from tongpan.fulfillment.routing.planning import plan_order
from tongpan.inventory.actions import pin, release, ship
from tongpan.inventory.engine import Delta, Demand, Refused, Shares
from tongpan.inventory.ledger import book_allocations, post
from tongpan.inventory.locks import lock_pools, lock_shares
from tongpan.inventory.queries import free_levels
from tongpan.network.geography import distance_km
from tongpan.orders.actions import wait_for

Last = tuple[int, str, str, datetime]
"""Attempt, outcome, rule and time of an order's newest decision."""
NO_NODE = ("no-node", "no-rule", "all-rejected", "batch", *ways.NAMES)
"""Rules of decisions that more stock would not change."""
SENTENCES = {
    "no-rule": "No rule of the routing policy finds a node; the decision says why for each.",
    "all-rejected": "Every node that has the goods refused the order; send it by hand or change the order.",
    "batch": "The routing policy leaves orders like this one out.",
    ways.DEALER_OF_PLACE: "No dealer who owes home delivery at the address has the goods.",
    ways.INSTANT_NAMED: "The node that the order names for instant delivery does not have all of the goods.",
    ways.INSTANT_OPEN: "No open node near the address has all of the goods; send the order another way.",
    ways.INSTANT_NEAR: "No node near the address has all of the goods; send the order another way.",
}
"""What people read on the hold of an order that no node may send."""


def route(
    order_ids: Collection[int], *, actor: str, now: datetime, anew: Collection[int] = frozenset()
) -> dict[int, str]:
    """Choose nodes for what ``order_ids`` still need and book it; the outcome ("routed", "unfillable") by order id.

    Paid orders are allocated at the chosen nodes, unless a hold blocks them. Orders that the channel has sent
    already are dispatched at once; what was allocated to them leaves now. Cancelled orders give back what has not
    left. An order whose goods cannot be found waits on a hold: out of stock, no node, or, when it has left already,
    unbooked; an order that waits for nothing any more leaves such holds. Orders that need nothing are not in the
    answer, and nothing is written for them. Of those in ``anew``, whose channel wants fewer units than it did, what is
    allocated and has not left is given back first. Parts of a split order are routed apart; orders that are sent
    together are routed as one, and wait for one another.

    Deterministic: orders are planned in the order they were placed, on one snapshot. Locks orders, fulfilments,
    then pools, each in ascending order of id. The number of statements does not grow with the batch.
    """
    return run_in_transaction(lambda: _route(order_ids, actor=actor, now=now, anew=anew))


def _route(order_ids: Collection[int], *, actor: str, now: datetime, anew: Collection[int]) -> dict[int, str]:
    jobs = load_jobs(order_ids)
    _settle(jobs, anew, now=now, actor=actor)
    waiting = waits_for_others(jobs) | {job.order_id for job in jobs if job.is_blocked and not job.is_shipped}
    open_jobs = load_needs(
        [job for job in jobs if job.is_shipped or (job.status == "paid" and job.order_id not in waiting)]
    )
    if open_jobs:
        last = last_decisions([job.order_id for job in open_jobs])
        policies = policies_that_count()
        nodes = _plan_all(open_jobs, policies, last, now=now)
        tracking = {node.id for node in nodes.values() if node.tracks_stock}
        decided = _write(open_jobs, last, tracking, actor=actor, now=now)
        attempts = {job.order_id: last.get(job.order_id, (0,))[0] + 1 for job in decided}
        codes = {node.id: node.code for node in nodes.values()}
        after_routing(decided, policies, attempts, codes, actor=actor, now=now)
    waits = {job.order_id: _wait(job) for job in open_jobs}
    settled = [job for job in jobs if job.order_id not in waiting]
    wait_for(
        {job.order_id: waits.get(job.order_id, "") for job in settled},
        details={job.order_id: SENTENCES[job.failed] for job in open_jobs if job.failed in SENTENCES},
        actor=actor,
        now=now,
    )
    return {job.order_id: job.plan.outcome for job in open_jobs}


def _wait(job: Job) -> str:
    if not job.failed:
        return ""
    if job.is_shipped:
        return "unbooked"
    return {"quota": "quota"}.get(job.failed, "no_node" if job.failed in NO_NODE else "out_of_stock")


def _settle(jobs: Sequence[Job], anew: Collection[int], *, now: datetime, actor: str) -> None:
    """Give back what cancelled orders and those of ``anew`` have at nodes; let go what the channel says has left."""
    cancelled = [job.order_id for job in jobs if job.status == "cancelled"]
    changed = [job.order_id for job in jobs if job.status != "cancelled" and job.order_id in anew]
    shipped = {job.order_id: job for job in jobs if job.is_shipped}
    leaving = {i: shipped[order_id].dispatched_at or now for i, order_id in allocated_to(shipped).items()}
    if cancelled or changed or leaving:
        # They lock pools before planning does: all at once, so that they are locked in one order.
        lock_pools(goods_of([job.order_id for job in jobs]))
    if cancelled:
        cancel(cancelled, at=now, actor=actor)
    if changed:
        cancel(changed, at=now, actor=actor, why="changed")
    if leaving:
        depart(leaving, actor=actor)
    deliver([job.order_id for job in shipped.values() if job.delivered_at])


def _plan_all(
    jobs: Sequence[Job], policies: Policies, last: Mapping[int, Last], *, now: datetime
) -> dict[int, NodeView]:
    """Plan every job on one snapshot; the nodes that were looked at, by id."""
    sku_ids = {need.sku_id for job in jobs for need in job.needs}
    shares = lock_shares(sku_ids, now=now)
    serving = nodes_of_shops({job.shop_id for job in jobs})
    wanted = {need.wanted_node for job in jobs for need in job.needs if need.wanted_node}
    named = nodes_by_id(wanted | {job.pickup_node for job in jobs if job.pickup_node is not None})
    nodes = {node.id: node for views in serving.values() for node in views} | named
    tracking = {node.id for node in nodes.values() if node.tracks_stock}
    stock = free_levels(sku_ids, tracking)
    methods = {job.method for job in jobs}
    snapshot = load_snapshot(policies, stock, sku_ids, nodes, now=now, methods=methods)
    orders = load_orders(jobs, policies, last, now=now)
    held = held_lines([need.order_line_id for job in jobs for need in job.needs])
    outside = {node.id for node in nodes.values() if not snapshot.facts_of(node).in_pool}
    ladders: dict[tuple[int, str, bool], Ladder] = {}
    for group, policy in in_turn(groups_of(jobs), policies, orders):
        first = group.jobs[0]
        key = (first.shop_id, policy.code, first.is_shipped)
        if key not in ladders:
            ladders[key] = Ladder(
                policy,
                serving.get(first.shop_id, []),
                snapshot,
                distance_km,
                others=named,
                keeps_floors=not first.is_shipped,
                currency=first.currency,
            )
        made = _planned(ladders[key], group, orders[first.order_id], named)
        made = _within_pool(group, made, tracking, shares, held, outside=outside)
        group.take(made, policy)
        for pick in made.picks:
            if pick.node_id in tracking:
                stock[pick.sku_id][pick.node_id] -= pick.qty
        for node_id in {pick.node_id for pick in made.picks}:
            snapshot.given[node_id] = snapshot.given.get(node_id, 0) + 1
    return nodes


def _planned(ladder: Ladder, group: Group, order: OrderFacts, named: Mapping[int, NodeView]) -> Plan:
    batch = ladder.policy.batch
    is_kept_back = not holds(batch.include, order) or (batch.exclude is not None and holds(batch.exclude, order))
    if is_kept_back and not group.jobs[0].is_shipped:
        return Plan("unfillable", "batch", (), {"candidates": [], "queue": ladder.policy.after.queue})
    return plan_order(ladder, order, group.needs, named=named)


def _within_pool(
    group: Group,
    made: Plan,
    tracking: set[int],
    shares: Shares,
    held: set[tuple[int, int]],
    *,
    outside: set[int],
) -> Plan:
    """Refuse a plan that takes what is promised to others: what is free at a node may be held in the pool, or be
    fenced off for another channel. Goods that have left are taken whatever the quotas say. outside: nodes whose stock
    is not in the pool, which an order may have named."""
    taken: dict[tuple[int, int], int] = {}
    own: set[tuple[int, int]] = set()
    for pick in made.picks:
        key = (pick.order_line_id, pick.sku_id)
        if pick.node_id in tracking and key not in held:
            taken[key] = taken.get(key, 0) + pick.qty
            if pick.node_id in outside:
                own.add(key)
    job, owner = group.jobs[0], group.owners()
    demands = [
        Demand(owner[line].order_id, line, sku, qty, job.channel_id, (line, sku) in own)
        for (line, sku), qty in taken.items()
    ]
    need: dict[int, int] = {}
    for demand in demands:
        need[demand.sku_id] = need.get(demand.sku_id, 0) + demand.qty
    is_own = {demand.sku_id for demand in demands if demand.is_named}
    lacking = [sku for sku, qty in need.items() if shares.open_to(sku, is_named=sku in is_own) < qty]
    rule = "promised-to-others"
    if not lacking and not job.is_shipped:
        served = shares.serve(demands)
        if isinstance(served, Refused):
            rule, lacking = "quota", sorted({demand.sku_id for demand in served.demands})
        else:
            for granted in served:
                owner[granted.demand.order_line_id].granted.append(granted)
    if lacking:
        short = [{"sku_id": s, "have": max(_have(job, shares, s, rule), 0), "need": need[s]} for s in lacking]
        return Plan("unfillable", rule, (), made.explanation | {"short": short})
    if job.is_shipped:
        for sku_id, qty in need.items():
            shares.take(sku_id, qty)
    return made


def _have(job: Job, shares: Shares, sku_id: int, rule: str) -> int:
    return shares.most(job.channel_id, sku_id) if rule == "quota" else shares.open_to(sku_id, is_named=False)


def _write(
    jobs: Sequence[Job], last: Mapping[int, Last], tracking: set[int], *, actor: str, now: datetime
) -> list[Job]:
    """Write what was decided; the jobs of which it says something new."""
    # A retry that fails again for the same reason says nothing new.
    decided = [
        job
        for job in jobs
        if job.plan.outcome == "routed" or last.get(job.order_id, (0,))[1:3] != (job.plan.outcome, job.plan.rule)
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
                last.get(job.order_id, (0,))[0] + 1,
                job.policy[0],
                job.policy[1],
                job.plan.outcome,
                job.plan.rule,
                as_json(job.plan.explanation),
            )
            for job in decided
        ),
    )
    routed = [job for job in decided if job.plan.outcome == "routed"]
    if routed:
        _write_fulfillments(routed, decision_ids, tracking, actor=actor, now=now)
    unfillable = [job.order_id for job in jobs if job.plan.outcome == "unfillable"]
    release(unfillable, actor=actor, now=now, reason="no node has the goods")
    append(
        [
            NewEvent(
                ROUTED,
                str(job.order_id),
                {
                    "day": job.day.isoformat(),
                    "outcome": job.plan.outcome,
                    "nodes": sorted({pick.node_id for pick in job.plan.picks}),
                },
            )
            for job in decided
        ]
    )
    return decided


_Part = tuple[Job, int, list[Pick]]
"""What one node ships of one part of an order: (job, node id, picks)."""


def _write_fulfillments(
    jobs: Sequence[Job], decision_ids: Mapping[int, int], tracking: set[int], *, actor: str, now: datetime
) -> None:
    parts: list[_Part] = []
    for job in jobs:
        by_node: dict[tuple[int, int], list[Pick]] = {}
        for pick in job.plan.picks:
            by_node.setdefault((job.parts.get(pick.order_line_id, 1), pick.node_id), []).append(pick)
        parts.extend((job, node_id, picks) for (_, node_id), picks in by_node.items())
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
    book_allocations([granted for job in jobs for granted in job.granted])
    pinned = pin([pick.order_line_id for _, _, picks in parts for pick in picks])
    ship([(pick.order_line_id, pick.sku_id) for job in jobs if job.is_shipped for pick in job.plan.picks])
    post(_deltas(ids, parts, pinned, tracking, now), actor=actor)
    offer([i for i, (job, _, _) in zip(ids, parts, strict=True) if not job.is_shipped], actor=actor, now=now)


def _fulfillment_status(job: Job) -> str:
    if not job.is_shipped:
        return "allocated"
    return "delivered" if job.delivered_at else "dispatched"


def _deltas(
    ids: Sequence[int], parts: Sequence[_Part], pinned: Mapping[tuple[int, int], int], tracking: set[int], now: datetime
) -> Iterator[Delta]:
    for i, (job, node_id, picks) in zip(ids, parts, strict=True):
        for pick in picks:
            sku_id, qty = pick.sku_id, pick.qty
            if (pick.order_line_id, sku_id) in pinned:
                yield Delta(sku_id, None, "saleable", "released", 0, 0, -qty, "fulfillment", i, now, "pinned to a node")
            if node_id not in tracking:
                continue
            if job.is_shipped:
                yield Delta(sku_id, node_id, "saleable", "dispatched", -qty, 0, 0, "fulfillment", i, job.left_at)
            else:
                yield Delta(sku_id, node_id, "saleable", "allocated", 0, qty, 0, "fulfillment", i, now)
