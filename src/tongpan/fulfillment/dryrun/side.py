"""Two policies that route the same past orders, each with its own shelves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime

from tongpan.core.clock import DEFAULT_ZONE, utc_now
from tongpan.core.stored import stored
from tongpan.fulfillment.actions.situation import facts_for_routing, past_facts, rejections
from tongpan.fulfillment.actions.snapshot import Job, nodes_by_id, nodes_of_shops
from tongpan.fulfillment.dryrun.engine import Estimate, Result, Shelf, StockMode, result_of, take
from tongpan.fulfillment.dryrun.reading import moved_without_orders, stock_for
from tongpan.fulfillment.dryrun.sample import Sample
from tongpan.fulfillment.promises import SETTING as CLOCKS
from tongpan.fulfillment.routing.basics import Kms, NodeView
from tongpan.fulfillment.routing.choosing import Policies
from tongpan.fulfillment.routing.facts import OrderFacts, Snapshot, holds
from tongpan.fulfillment.routing.ladder import Ladder
from tongpan.fulfillment.routing.planning import plan_order
from tongpan.inventory.ages import oldest_units
from tongpan.inventory.queries import routing_floors, safety_stocks
from tongpan.network.dealers import services_owed
from tongpan.network.geography import distance_km
from tongpan.network.queries import hours_of, node_facts

_PLACES = 2_000


class Rehearsal:
    """Plays past orders through two sets of policies. period: for stock as it was recorded."""

    def __init__(
        self,
        policies: tuple[Policies, Policies],
        stock: StockMode,
        period: tuple[datetime, datetime],
        estimate: Estimate,
        sample: Sample | None = None,
    ) -> None:
        self.sample = sample
        self.estimate = _with_promise(estimate)
        self.serving: dict[int, list[NodeView]] = {}
        known = node_facts()
        self.views = nodes_by_id(known)
        self.tracking = {i for i, node in self.views.items() if node.tracks_stock}
        asked = [policy for both in policies for policy in both.all]
        self.asked = asked
        self.mode = stock
        self.base = stock_for(stock, self.tracking, since=period[0])
        self.moves = moved_without_orders(*period, DEFAULT_ZONE) if stock == "recorded" else {}
        skus = list(self.base)
        now = utc_now()
        shared = Snapshot({}, routing_floors(skus, self.tracking), facts=facts_for_routing(known, services_owed(now)))
        if any(policy.asks_for("store_minimum") for policy in asked):
            shared.minimums = safety_stocks(skus, self.tracking)
        rules = [rule for policy in asked for rule in policy.rules]
        if any(p.asks_for("stock_age") for p in asked) or any(r.nodes.min_stock_age is not None for r in rules):
            shared.ages = oldest_units(skus, self.tracking, now=now)
        self.hours = hours_of(list(known)) if any(rule.nodes.open == "now" for rule in rules) else {}
        self.sides = [_Side(one, shared, self) for one in policies]
        self.day: date | None = None
        self.hour: datetime | None = None
        self.kms: dict[tuple[float, float] | None, Kms] = {}

    def play(self, jobs: Sequence[Job]) -> Iterator[tuple[int, Result, Result]]:
        """(order id, with the first policies, with the second) of each order, which come in the order of their days."""
        missing = {job.shop_id for job in jobs} - self.serving.keys()
        if missing:
            self.serving |= {shop_id: [] for shop_id in missing} | nodes_of_shops(missing)
        orders = past_facts(jobs, self.asked)
        refused = rejections([job.order_id for job in jobs])
        for job in jobs:
            self._turn(job)
            order = orders[job.order_id]
            if self.sample is not None:
                self.sample.see(job, order, self.sides[1].policies, self.sides[1].snapshot)
            before, after = (side.route(job, order, refused.get(job.order_id, {})) for side in self.sides)
            yield job.order_id, before, after

    def kms_to(self, place: tuple[float, float] | None) -> Kms:
        """Kilometres to a place by node id, remembered for the places that orders went to lately."""
        known = self.kms.get(place)
        if known is None:
            if len(self.kms) >= _PLACES:
                self.kms.clear()
            known = self.kms[place] = {}
        return known

    def _turn(self, job: Job) -> None:
        """Begin a new day, and a new hour where opening hours count."""
        if job.day != self.day:
            for side in self.sides:
                side.begin(job.day)
            self.day = job.day
        if self.hours and (self.hour is None or abs((job.placed_at - self.hour).total_seconds()) >= 3600):
            self.hour = job.placed_at.replace(minute=0, second=0, microsecond=0)
            closed = {i: one.next_open(self.hour) for i, one in self.hours.items() if not one.is_open(job.placed_at)}
            for side in self.sides:
                side.close(closed)


class _Side:
    """One of the two: its shelves, and the orders that its nodes were given today."""

    def __init__(self, policies: Policies, shared: Snapshot, rehearsal: Rehearsal) -> None:
        self.policies = policies
        self.rehearsal = rehearsal
        self.shelf = Shelf(rehearsal.base)
        self.snapshot = Snapshot(
            self.shelf, shared.floors, shared.minimums, shared.ages, shared.facts, given={}, closed={}
        )
        self.ladders: dict[tuple[int, str], Ladder] = {}
        self.moved_until: date | None = None

    def begin(self, day: date) -> None:
        """A new day: other capacity, and the stock that the mode says."""
        self.snapshot.given.clear()
        if self.rehearsal.mode != "recorded":
            self.shelf = self.snapshot.stock = Shelf(self.rehearsal.base)
            return
        for moved_on, moves in self.rehearsal.moves.items():
            if (self.moved_until is None or moved_on > self.moved_until) and moved_on <= day:
                for sku_id, node_id, units in moves:
                    self.shelf.move(sku_id, node_id, units)
        self.moved_until = day

    def close(self, closed: dict[int, datetime | None]) -> None:
        """Only these nodes are closed now."""
        if closed != self.snapshot.closed:
            self.snapshot.closed = closed
            self.ladders.clear()

    def route(self, job: Job, order: OrderFacts, refused: Mapping[int, str]) -> Result:
        """Route one order and book it on the shelves. refused: why nodes refused it when it was routed; those that are
        chosen refuse it again, and it is routed without them."""
        policy, rehearsal = self.policies.of(job.channel_id, job.shop_id), self.rehearsal
        batch = policy.batch
        if not holds(batch.include, order) or (batch.exclude is not None and holds(batch.exclude, order)):
            return Result("batch")
        key = (job.shop_id, policy.code)
        ladder = self.ladders.get(key)
        if ladder is None:
            ladder = self.ladders[key] = Ladder(
                policy,
                rehearsal.serving[job.shop_id],
                self.snapshot,
                distance_km,
                others=rehearsal.views,
                currency=job.currency,
            )
        kms = rehearsal.kms_to(job.place)
        made = plan_order(ladder, order, job.needs, named=rehearsal.views, explained=False, kms=kms)
        refusals = 0
        while again := {pick.node_id for pick in made.picks} & refused.keys():
            refusals += len(again)
            order = replace(order, rejected={**order.rejected, **{i: refused[i] for i in again}})
            made = plan_order(ladder, order, job.needs, named=rehearsal.views, explained=False, kms=kms)
        if made.outcome == "routed":
            take(self.shelf, self.snapshot.given, made, rehearsal.tracking)
        result = result_of(
            made,
            order,
            job.placed_at,
            nodes=rehearsal.views,
            snapshot=self.snapshot,
            estimate=rehearsal.estimate,
            kms=kms,
        )
        return replace(result, refusals=refusals) if refusals else result


def _with_promise(estimate: Estimate) -> Estimate:
    """``estimate`` with the hours that the company promises."""
    hours = (stored(CLOCKS) or {}).get("ship_hours", estimate.ship_hours)
    return Estimate(estimate.handling_hours, estimate.km_per_day, hours)
