"""What a policy wants done at once with orders that it found no node for: goods gathered, a word on the order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from tongpan.catalog.queries import codes_of_skus
from tongpan.fulfillment.actions.snapshot import Job
from tongpan.fulfillment.routing.choosing import Policies
from tongpan.fulfillment.stockout.engine import PREORDER
from tongpan.inventory.actions import create_transfers
from tongpan.inventory.engine.transfers import TransferDoc, Wanted
from tongpan.orders.actions.marking import add_tags


def after_routing(
    jobs: Sequence[Job],
    policies: Policies,
    attempts: Mapping[int, int],
    nodes: Mapping[int, str],
    *,
    actor: str,
    now: datetime,
) -> None:
    """Ask for the goods that transfers gather, and mark backorders. jobs: those that were decided just now.

    attempts: of the decisions, by order id; a transfer is asked for once for each. nodes: codes by id.
    """
    stuck = [job for job in jobs if job.plan.outcome == "unfillable" and not job.is_shipped]
    marked = [job.order_id for job in stuck if policies.of(job.channel_id, job.shop_id).after.is_backorder]
    if marked:
        add_tags(marked, [PREORDER], actor=actor, now=now)
    moved = [job for job in stuck if job.moves]
    if not moved:
        return
    codes = codes_of_skus({move.sku_id for job in moved for move in job.moves})
    docs = []
    for job in moved:
        rule = next(r for r in policies.of(job.channel_id, job.shop_id).rules if r.name == job.failed)
        days = rule.transfer.max_wait_days if rule.transfer else 1
        lines: dict[tuple[int, int], list[Wanted]] = {}
        for move in job.moves:
            lines.setdefault((move.from_id, move.to_id), []).append(Wanted(codes[move.sku_id], move.qty))
        for (giver, to), wanted in sorted(lines.items()):
            docs.append(
                TransferDoc(
                    "routing",
                    f"order-{job.order_id}-{attempts[job.order_id]}-{nodes[giver]}-{nodes[to]}",
                    nodes[giver],
                    nodes[to],
                    wanted,
                    note=f"Gathers the goods of order {job.order_id}.",
                    expected_at=now + timedelta(days=days),
                )
            )
    create_transfers(docs, actor=actor, now=now)
