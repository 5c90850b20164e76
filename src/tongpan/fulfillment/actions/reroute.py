"""Choosing the nodes of orders again, because stock or nodes are not what they were when the orders were routed."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from tongpan.core.races import run_in_transaction
from tongpan.fulfillment.actions.dispatch import allocated_to, cancel
from tongpan.fulfillment.actions.route import route
from tongpan.fulfillment.actions.snapshot import goods_of, load_jobs
from tongpan.inventory.locks import lock_pools


def reroute(order_ids: Collection[int], *, actor: str, now: datetime) -> dict[int, str]:
    """Take back what is allocated to paid orders and has not left, and route them anew; the outcome by order id.

    "routed" and "unfillable" as ``route`` says them; "gone" for an order that has left wholly or is cancelled,
    "unpaid" for one that is not paid yet: both stay as they are. The earlier decision stays in the order's story.
    Locks orders, fulfilments, then pools, each in ascending order of id; the statements do not grow with the batch.
    """
    return run_in_transaction(lambda: _reroute(order_ids, actor=actor, now=now)) if order_ids else {}


def _reroute(order_ids: Collection[int], *, actor: str, now: datetime) -> dict[int, str]:
    jobs = load_jobs(order_ids)
    outcomes = {job.order_id: "unpaid" if job.status == "placed" else "gone" for job in jobs}
    paid = [job.order_id for job in jobs if job.status == "paid"]
    if paid:
        lock_pools(goods_of(paid))
        if allocated_to(paid):
            cancel(paid, at=now, actor=actor)
        outcomes |= route(paid, actor=actor, now=now)
    return outcomes
