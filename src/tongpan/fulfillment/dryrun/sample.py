"""A batch of a dry run beside its optimum: how much better than the tried policy anyone could have done.

The batch is the first orders of the busiest day of the run, on the shelves with which that day began. All of its orders
are known at once to the optimum, which no policy can know; refusals of nodes are left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from tongpan.fulfillment.actions.snapshot import Job
from tongpan.fulfillment.optimum.comparing import Gap, Turn, compare_by
from tongpan.fulfillment.optimum.model import by_cost, by_distance
from tongpan.fulfillment.routing.basics import NodeView
from tongpan.fulfillment.routing.choosing import Policies
from tongpan.fulfillment.routing.facts import OrderFacts, Snapshot, holds
from tongpan.fulfillment.routing.ladder import Ladder
from tongpan.network.geography import distance_km

LARGEST = 200
"""Orders of the batch, so that a run takes seconds longer and not minutes."""
MOST = 4_000
"""Variables of a part that is solved whole (``optimum.engine.MOST`` is more, for whom has the time)."""


class Sample:
    """The batch of ``day``, gathered while the run goes by it."""

    def __init__(self, day: date) -> None:
        self.day = day
        self.seen: list[tuple[Job, OrderFacts, Policies]] = []
        self.snapshot: Snapshot | None = None

    def see(self, job: Job, order: OrderFacts, policies: Policies, snapshot: Snapshot) -> None:
        """Keep an order of the day, and with the first what is on the shelves then."""
        if job.day != self.day or len(self.seen) >= LARGEST:
            return
        if self.snapshot is None:
            stock = {sku_id: dict(at) for sku_id, at in snapshot.stock.items()}
            self.snapshot = Snapshot(
                stock, snapshot.floors, snapshot.minimums, snapshot.ages, snapshot.facts, closed=snapshot.closed
            )
        batch = policies.of(job.channel_id, job.shop_id).batch
        if holds(batch.include, order) and not (batch.exclude is not None and holds(batch.exclude, order)):
            self.seen.append((job, order, policies))

    def measured(
        self, serving: Mapping[int, list[NodeView]], nodes: Mapping[int, NodeView], currency: str
    ) -> dict[str, Any]:
        """The gap by distance and, when nodes have costs in one ``currency``, by cost; {} without orders.

        {"day", "orders", "by": [{"by", "policy", "best", "bound": [orders left out, parcels, tenths of a kilometre or
        minor units], "shares": how much more the policy has than the best, "is_proven", "parts", "open"}]}
        """
        if self.snapshot is None or not self.seen:
            return {}
        ladders: dict[int, Ladder] = {}
        turns = []
        for job, order, policies in self.seen:
            if job.shop_id not in ladders:
                policy = policies.of(job.channel_id, job.shop_id)
                ladders[job.shop_id] = Ladder(
                    policy, serving[job.shop_id], self.snapshot, distance_km, others=nodes, currency=job.currency
                )
            turns.append(Turn(order, job.needs, ladders[job.shop_id]))
        costs = {"distance": by_distance(distance_km)}
        if currency:
            costs["cost"] = by_cost(self.snapshot.facts, distance_km, currency)
        wanted = {need.sku_id for turn in turns for need in turn.needs}
        stock = {sku_id: dict(self.snapshot.stock.get(sku_id, {})) for sku_id in wanted}
        self.snapshot.stock = stock
        gaps = compare_by(turns, nodes, stock, list(costs.values()), most=MOST)
        return {
            "day": self.day.isoformat(),
            "orders": len(turns),
            "by": [{"by": name} | _as_json(gap) for name, gap in zip(costs, gaps, strict=True)],
        }


def _as_json(gap: Gap) -> dict[str, Any]:
    best = gap.best
    return {
        "policy": list(gap.ladder),
        "best": list(best.score),
        "bound": list(best.bound),
        "shares": list(gap.shares),
        "is_proven": best.is_proven,
        "parts": best.parts,
        "open": best.open,
    }
