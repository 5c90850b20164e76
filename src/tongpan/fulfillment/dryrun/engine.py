"""Comparing two policies on the same orders. Pure.

Both see the same orders in the same order, each with its own stock and its own count of the day's orders at nodes. An
order counts for the business day on which it was placed. Sums are of whole numbers: tenths of a kilometre, minor units.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Literal

from tongpan.core.errors import Refusal
from tongpan.fulfillment.routing.basics import Kms, NodeView, Plan
from tongpan.fulfillment.routing.facts import OrderFacts, Snapshot
from tongpan.fulfillment.routing.ranking import cost_of
from tongpan.network.geography import distance_km

StockMode = Literal["now", "recorded", "unlimited"]
STOCKS: tuple[StockMode, ...] = ("now", "recorded", "unlimited")
"""now: every day begins with the stock that is there now. recorded: the stock of the beginning of the period, with the
receipts, counts and transfers as they came. unlimited: every node has enough of each SKU that it has ever kept."""
MAX_DAYS = 366


@dataclass(frozen=True, slots=True)
class Estimate:
    """When a parcel would have arrived: so many hours at the node, then so many kilometres a day.

    ship_hours: the promise of an order that has none of its own, from when it was placed.
    """

    handling_hours: int = 12
    km_per_day: int = 600
    ship_hours: int = 24

    def arrival(self, placed_at: datetime, farthest: int) -> datetime:
        """When the last parcel is there; ``farthest``: tenths of a kilometre."""
        return placed_at + timedelta(hours=self.handling_hours, minutes=farthest * 144 // self.km_per_day)

    def due(self, placed_at: datetime, promised_at: datetime | None) -> datetime:
        """When it must be there."""
        return promised_at or placed_at + timedelta(hours=self.ship_hours)


@dataclass(frozen=True, slots=True)
class Ask:
    """What to try, and on which orders: business days from ``day_from`` up to, not with, ``day_to``."""

    policy: str
    version: int
    document: Mapping[str, Any]
    day_from: date
    day_to: date
    stock: StockMode = "now"
    channel: str = ""


def check_ask(ask: Ask) -> None:
    """Raises Refusal dry_run.days or dry_run.stock for what cannot be tried."""
    if not timedelta(0) < ask.day_to - ask.day_from <= timedelta(days=MAX_DAYS):
        raise Refusal("dry_run.days", f"A dry run takes 1 to {MAX_DAYS} days; the end lies behind the beginning.")
    if ask.stock not in STOCKS:
        raise Refusal("dry_run.stock", f"{ask.stock!r} is none of the stocks {', '.join(STOCKS)}.")


@dataclass(frozen=True, slots=True)
class Result:
    """What one policy does with one order. distance: tenths of a kilometre over all parcels, None when one of them is
    not known; cost likewise, minor units. nodes: codes. is_on_time: None when the distance is not known. refusals: of
    nodes that were chosen and had refused the order when it was routed."""

    rule: str
    nodes: tuple[str, ...] = ()
    distance: int | None = None
    cost: int | None = None
    is_on_time: bool | None = None
    units: Mapping[int, int] = field(default_factory=dict)
    refusals: int = 0


def result_of(
    made: Plan,
    order: OrderFacts,
    placed_at: datetime,
    *,
    nodes: Mapping[int, NodeView],
    snapshot: Snapshot,
    estimate: Estimate,
    kms: Kms,
) -> Result:
    """``made`` in figures. kms: kilometres to the order's place by node id."""
    units: dict[int, int] = {}
    for pick in made.picks:
        units[pick.node_id] = units.get(pick.node_id, 0) + pick.qty
    if not units:
        return Result(made.rule)
    found, costs = [], []
    for node_id in units:
        facts, km = snapshot.facts.get(node_id), kms.get(node_id)
        if km is None and node_id not in kms:
            km = _km(order.place, nodes[node_id])
        found.append(None if km is None else round(km * 10))
        costs.append(cost_of(facts.base_cost, facts.cost_per_km, km) if facts else None)
    known = [tenths for tenths in found if tenths is not None]
    is_on_time = None
    if len(known) == len(found):
        is_on_time = estimate.arrival(placed_at, max(known)) <= estimate.due(placed_at, order.promised_at)
    paid = [cost for cost in costs if cost is not None]
    return Result(
        made.rule,
        tuple(sorted(nodes[node_id].code for node_id in units)),
        sum(known) if len(known) == len(found) else None,
        sum(paid) if len(paid) == len(costs) else None,
        is_on_time,
        units,
    )


def _km(place: tuple[float, float] | None, node: NodeView) -> float | None:
    """The distance of a node that the channel named: nobody measured it."""
    if place is None or node.latitude is None or node.longitude is None:
        return None
    return round(distance_km(*place, node.latitude, node.longitude), 1)


@dataclass(slots=True)
class Side:
    """What one policy did with all orders so far."""

    orders: int = 0
    routed: int = 0
    parcels: int = 0
    split: int = 0
    distance: int = 0
    cost: int = 0
    without_distance: int = 0
    without_cost: int = 0
    on_time: int = 0
    judged: int = 0
    refusals: int = 0
    rules: dict[str, int] = field(default_factory=dict)
    load: dict[str, int] = field(default_factory=dict)

    def add(self, result: Result) -> None:
        """Count one order."""
        self.orders += 1
        self.refusals += result.refusals
        self.rules[result.rule] = self.rules.get(result.rule, 0) + 1
        if not result.nodes:
            return
        self.routed += 1
        self.parcels += len(result.nodes)
        self.split += len(result.nodes) > 1
        self.distance += result.distance or 0
        self.cost += result.cost or 0
        self.without_distance += result.distance is None
        self.without_cost += result.cost is None
        self.on_time += result.is_on_time is True
        self.judged += result.is_on_time is not None
        for node in result.nodes:
            self.load[node] = self.load.get(node, 0) + 1

    def as_json(self) -> dict[str, Any]:
        """The figures, without the load of nodes; distance in tenths of a kilometre, cost in minor units."""
        return {
            name: getattr(self, name)
            for name in (
                "orders", "routed", "parcels", "split", "distance", "cost", "without_distance", "without_cost",
                "on_time", "judged", "refusals",
            )
        } | {"rules": dict(sorted(self.rules.items()))}  # fmt: skip


@dataclass(slots=True)
class Comparison:
    """Both sides, and how many orders go another way."""

    before: Side = field(default_factory=Side)
    after: Side = field(default_factory=Side)
    changed: int = 0

    def add(self, before: Result, after: Result) -> bool:
        """Count one order; True when it goes another way."""
        self.before.add(before)
        self.after.add(after)
        is_other = before.units != after.units
        self.changed += is_other
        return is_other

    def as_json(self, currency: str, estimate: Estimate) -> dict[str, Any]:
        """What is kept of a dry run."""
        codes = sorted(self.before.load.keys() | self.after.load.keys())
        return {
            "before": self.before.as_json(),
            "after": self.after.as_json(),
            "changed": self.changed,
            "nodes": [
                {"node": code, "before": self.before.load.get(code, 0), "after": self.after.load.get(code, 0)}
                for code in codes
            ],
            "currency": currency,
            "handling_hours": estimate.handling_hours,
            "km_per_day": estimate.km_per_day,
            "ship_hours": estimate.ship_hours,
        }


class Shelf(dict[int, Mapping[int, int]]):
    """Free units by SKU and node that one policy takes from; what it does not touch is shared with ``base``."""

    def __init__(self, base: Mapping[int, Mapping[int, int]]) -> None:
        super().__init__(base)
        self._own: dict[int, dict[int, int]] = {}

    def move(self, sku_id: int, node_id: int, qty: int) -> None:
        """Add ``qty`` units (negative: take them), never below zero."""
        at = self._own.get(sku_id)
        if at is None:
            at = self._own[sku_id] = dict(self.get(sku_id, {}))
            self[sku_id] = at
        at[node_id] = max(at.get(node_id, 0) + qty, 0)


def take(shelf: Shelf, given: dict[int, int], made: Plan, tracking: Sequence[int] | set[int]) -> None:
    """Book what a plan takes, as routing would have."""
    for pick in made.picks:
        if pick.node_id in tracking:
            shelf.move(pick.sku_id, pick.node_id, -pick.qty)
    for node_id in {pick.node_id for pick in made.picks}:
        given[node_id] = given.get(node_id, 0) + 1
