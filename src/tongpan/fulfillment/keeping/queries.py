"""Reads of promises: pickups ready within their hours, parcels there or gone within theirs.

A promise is a deadline of a fulfilment: ``ready_by`` of a pickup; ``due_at`` of a parcel, which is kept by arriving or
by leaving, as ``fulfillment.clocks`` says, and of an instant delivery, which is kept by arriving; and where a channel
alone promised, its time for leaving. What was cancelled or rejected promises nothing any more. At risk: not kept yet,
with less than a quarter of its time left.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from tongpan.core.bulk import fetch_all
from tongpan.core.stored import stored
from tongpan.fulfillment.promises import SETTING, parse_clocks

State = Literal["kept", "broken", "late", "at_risk", "open"]
"""kept, broken: over. late: not kept yet, and past its time. at_risk, open: there is still time."""
STATES: tuple[State, ...] = ("late", "at_risk", "open", "broken", "kept")
RUNNING = ("late", "at_risk", "open")
REASONS = ("rejected", "stock", "held", "not_accepted", "carrier", "late_pick")
"""Why a promise is broken, late or at risk; the first that fits.

rejected: another node had it first and gave it back. stock: the order waited for goods. held: the order is held back.
not_accepted: the node has not answered. carrier: it left in time, and is or was not there. late_pick: the node's work.
"""

_PROMISES = """
    WITH p AS (
      SELECT f.id, o.id AS order_id, o.external_id, s.code AS shop, c.code AS channel, n.id AS node_id,
             n.code AS node, n.name AS node_name, n.kind AS node_kind, f.status, o.placed_at, f.dispatched_at,
             CASE WHEN o.delivery_method = 'pickup' THEN 'pickup' WHEN f.due_at IS NULL THEN 'dispatch'
                  WHEN o.delivery_method = 'instant' THEN 'instant' ELSE 'ship' END AS promise,
             CASE WHEN o.delivery_method = 'pickup' THEN f.ready_by
                  ELSE coalesce(f.due_at, f.promised_at, o.promised_at) END AS due,
             CASE WHEN o.delivery_method = 'pickup' THEN coalesce(f.ready_at, f.collected_at)
                  WHEN f.due_at IS NULL OR %(clock)s = 'dispatched' AND o.delivery_method <> 'instant'
                    THEN f.dispatched_at
                  ELSE f.delivered_at END AS reached
      FROM orders_order o
      JOIN fulfillment_fulfillment f ON f.order_id = o.id JOIN network_node n ON n.id = f.node_id
      JOIN channels_shop s ON s.id = o.shop_id JOIN channels_channel c ON c.id = o.channel_id
      WHERE o.placed_at >= %(since)s AND o.placed_at < %(until)s AND o.status <> 'cancelled'
        AND f.status NOT IN ('cancelled', 'rejected')
        AND (%(node)s = '' OR n.code = %(node)s) AND (%(channel)s = '' OR c.code = %(channel)s)
        AND (%(everywhere)s OR n.id = ANY(%(nodes)s::bigint[]))),
      judged AS (
        SELECT p.*, CASE WHEN reached IS NOT NULL THEN CASE WHEN reached <= due THEN 'kept' ELSE 'broken' END
                         WHEN due < %(now)s THEN 'late'
                         WHEN due - %(now)s < (due - placed_at) / 4 THEN 'at_risk' ELSE 'open' END AS state
        FROM p WHERE due IS NOT NULL),
      explained AS (
        SELECT j.*, CASE
          WHEN state IN ('kept', 'open') THEN ''
          WHEN EXISTS (SELECT FROM fulfillment_fulfillment r WHERE r.order_id = j.order_id AND r.status = 'rejected')
            THEN 'rejected'
          WHEN EXISTS (SELECT FROM fulfillment_routingdecision d
                       WHERE d.order_id = j.order_id AND d.outcome = 'unfillable') THEN 'stock'
          WHEN reached IS NULL AND dispatched_at IS NULL AND EXISTS (
            SELECT FROM orders_hold h WHERE h.order_id = j.order_id AND h.released_at IS NULL) THEN 'held'
          WHEN status = 'offered' THEN 'not_accepted'
          WHEN (promise = 'ship' AND %(clock)s = 'delivered' OR promise = 'instant') AND dispatched_at <= due
            THEN 'carrier'
          ELSE 'late_pick' END AS reason
        FROM judged j)"""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which promises: of orders placed in [since, until), of one node or channel ("" for all).

    nodes: the ids of the nodes that the person may see, None for all. states, reason: "" and () narrow nothing.
    """

    since: datetime
    until: datetime
    node: str = ""
    channel: str = ""
    nodes: Collection[int] | None = None
    states: Collection[str] = ()
    reason: str = ""

    def arguments(self, now: datetime) -> dict[str, Any]:
        return {
            "now": now,
            "since": self.since,
            "until": self.until,
            "node": self.node,
            "channel": self.channel,
            "everywhere": self.nodes is None,
            "nodes": sorted(self.nodes or ()),
            "clock": parse_clocks(stored(SETTING) or {}).ship_clock,
            "states": list(self.states or STATES),
            "reason": self.reason,
        }


@dataclass(frozen=True, slots=True)
class Kept:
    """How many promises stand where, of one node and promise, or of all ("")."""

    node: str
    node_name: str
    promise: str
    kept: int = 0
    broken: int = 0
    late: int = 0
    at_risk: int = 0
    open: int = 0

    @property
    def due(self) -> int:
        """Promises whose time has come: kept, broken, or late."""
        return self.kept + self.broken + self.late

    @property
    def rate(self) -> float | None:
        """The share of them that were kept."""
        return self.kept / self.due if self.due else None


@dataclass(frozen=True, slots=True)
class Board:
    """By node and promise, over all, and the reasons of what is broken, late or at risk, the most frequent first."""

    rows: list[Kept]
    total: Kept
    reasons: list[tuple[str, int]]


def board(wanted: Wanted, *, now: datetime) -> Board:
    """How promises stand, those nodes first that have most to hurry for. One statement."""
    counted = fetch_all(
        f"""{_PROMISES} SELECT node, node_name, promise, state, reason, count(*) FROM explained
            WHERE state = ANY(%(states)s) AND (%(reason)s = '' OR reason = %(reason)s) GROUP BY 1, 2, 3, 4, 5""",
        wanted.arguments(now),
    )
    rows: dict[tuple[str, str], Kept] = {}
    reasons: dict[str, int] = {}
    total = Kept("", "", "")
    for node, name, promise, state, reason, number in counted:
        row = rows.get((node, promise), Kept(node, name, promise))
        rows[node, promise] = replace(row, **{state: getattr(row, state) + number})
        total = replace(total, **{state: getattr(total, state) + number})
        if reason:
            reasons[reason] = reasons.get(reason, 0) + number
    return Board(
        sorted(rows.values(), key=lambda row: (-row.late, -row.at_risk, -row.broken, row.node, row.promise)),
        total,
        sorted(reasons.items(), key=lambda one: (-one[1], one[0])),
    )


@dataclass(frozen=True, slots=True)
class Promise:
    """One promise. reached: when it was kept or broken, None while it runs. reason: one of REASONS or ""."""

    order_id: int
    number: str
    shop: str
    channel: str
    node: str
    node_name: str
    promise: str
    status: str
    state: State
    reason: str
    placed_at: datetime
    due: datetime
    reached: datetime | None


def promises(wanted: Wanted, *, now: datetime, offset: int = 0, limit: int = 100_000) -> list[Promise]:
    """The promises themselves, those due first first. One statement."""
    rows = fetch_all(
        f"""{_PROMISES} SELECT order_id, external_id, shop, channel, node, node_name, promise, status, state, reason,
                   placed_at, due, reached FROM explained
            WHERE state = ANY(%(states)s) AND (%(reason)s = '' OR reason = %(reason)s)
            ORDER BY due, id OFFSET %(offset)s LIMIT %(limit)s""",
        wanted.arguments(now) | {"offset": offset, "limit": limit},
    )
    return [Promise(*row) for row in rows]


def count_promises(wanted: Wanted, cap: int, *, now: datetime) -> int:
    """How many there are, counting no further than ``cap``."""
    rows = fetch_all(
        f"""{_PROMISES} SELECT count(*) FROM (SELECT FROM explained
            WHERE state = ANY(%(states)s) AND (%(reason)s = '' OR reason = %(reason)s) LIMIT %(cap)s) x""",
        wanted.arguments(now) | {"cap": cap},
    )
    return int(rows[0][0])


STEPS = ("routed", "accepted", "picked", "packed", "gone", "arrived")
"""Each from the step before it that was taken: the first from payment. gone: left, or ready for pickup."""


@dataclass(frozen=True, slots=True)
class StepTime:
    """How long a step took, in hours, and how often it was taken. "whole": from payment until it was gone."""

    step: str
    number: int
    mean: float | None
    median: float | None
    p90: float | None


def step_times(wanted: Wanted, *, now: datetime) -> list[StepTime]:
    """How long the steps of fulfilments took, in their order, then the whole. One statement.

    A step that a clerk skipped is not counted, and the next one is measured from the last that was taken.
    """
    rows = fetch_all(
        """SELECT x.step, count(x.took), avg(x.took),
                  percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY x.took)
           FROM orders_order o
           JOIN fulfillment_fulfillment f ON f.order_id = o.id JOIN network_node n ON n.id = f.node_id
           JOIN channels_channel c ON c.id = o.channel_id
           CROSS JOIN LATERAL (SELECT coalesce(f.ready_at, f.dispatched_at) AS gone,
                                      coalesce(f.collected_at, f.delivered_at) AS arrived) g
           CROSS JOIN LATERAL (VALUES
             ('routed', o.paid_at, f.allocated_at), ('accepted', f.allocated_at, f.accepted_at),
             ('picked', coalesce(f.accepted_at, f.allocated_at), f.picked_at),
             ('packed', coalesce(f.picked_at, f.accepted_at, f.allocated_at), f.packed_at),
             ('gone', coalesce(f.packed_at, f.picked_at, f.accepted_at, f.allocated_at), g.gone),
             ('arrived', g.gone, g.arrived), ('whole', o.paid_at, g.gone)) AS t(step, since, until)
           CROSS JOIN LATERAL (SELECT t.step, CASE WHEN t.until >= t.since
                                 THEN extract(epoch FROM t.until - t.since)::float8 / 3600 END AS took) x
           WHERE o.placed_at >= %(since)s AND o.placed_at < %(until)s AND o.status <> 'cancelled'
             AND f.status NOT IN ('cancelled', 'rejected') AND x.took IS NOT NULL
             AND (%(node)s = '' OR n.code = %(node)s) AND (%(channel)s = '' OR c.code = %(channel)s)
             AND (%(everywhere)s OR n.id = ANY(%(nodes)s::bigint[]))
           GROUP BY 1""",
        wanted.arguments(now),
    )
    found = {step: StepTime(step, number, mean, *(shares or (None, None))) for step, number, mean, shares in rows}
    return [found.get(step, StepTime(step, 0, None, None, None)) for step in (*STEPS, "whole")]
