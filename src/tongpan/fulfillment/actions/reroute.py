"""Choosing the nodes of orders again, because stock or nodes are not what they were when the orders were routed."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from tongpan.core.races import run_in_transaction
from tongpan.fulfillment.actions.dispatch import allocated_to, cancel
from tongpan.fulfillment.actions.rejecting import keep_away
from tongpan.fulfillment.actions.route import route
from tongpan.fulfillment.actions.snapshot import goods_of, load_jobs
from tongpan.inventory.locks import lock_pools


def reroute(
    order_ids: Collection[int],
    *,
    excluding: Mapping[int, Collection[int]] | None = None,
    reason: str = "",
    actor: str,
    now: datetime,
) -> dict[int, str]:
    """Take back what is allocated to paid orders and has not left, and route them anew; the outcome by order id.

    excluding: node ids by order id that refused it, for ``reason``; they are kept, so that the order never goes there
    again. "routed" and "unfillable" as ``route`` says them; "gone" for an order that has left wholly or is cancelled,
    "unpaid" for one that is not paid yet: both stay as they are. The earlier decision stays in the order's story.
    Locks orders, fulfilments, then pools, each in ascending order of id; the statements do not grow with the batch.
    """
    away = excluding or {}
    return run_in_transaction(lambda: _reroute(order_ids, away, reason, actor=actor, now=now)) if order_ids else {}


def _reroute(
    order_ids: Collection[int], excluding: Mapping[int, Collection[int]], reason: str, *, actor: str, now: datetime
) -> dict[int, str]:
    jobs = load_jobs(order_ids)
    outcomes = {job.order_id: "unpaid" if job.status == "placed" else "gone" for job in jobs}
    keep_away({i: excluding[i] for i in outcomes if i in excluding}, reason, actor=actor, now=now)
    paid = [job.order_id for job in jobs if job.status == "paid"]
    if paid:
        lock_pools(goods_of(paid))
        if allocated_to(paid):
            cancel(paid, at=now, actor=actor, why="rerouted")
        outcomes |= route(paid, actor=actor, now=now)
    return outcomes
