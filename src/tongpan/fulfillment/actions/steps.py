"""What every step of a node's work shares: the fulfilments locked, the steps written down and logged."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from tongpan.core.bulk import as_json, execute, fetch_all
from tongpan.core.eventlog import NewEvent, append
from tongpan.fulfillment.states import StepOutcome, Work, refusal_of_step, unknown_step
from tongpan.orders.actions.holding import blocked_orders


class Held(NamedTuple):
    """A fulfilment that this transaction holds, with its order."""

    work: Work
    order_id: int
    day: date


def hold(fulfillment_ids: Collection[int]) -> dict[int, Held]:
    """Lock the orders of ``fulfillment_ids`` and then themselves, in ascending order of id; those that exist."""
    wanted = sorted(set(fulfillment_ids))
    orders = fetch_all(
        """SELECT id FROM orders_order
           WHERE id IN (SELECT order_id FROM fulfillment_fulfillment WHERE id = ANY(%s))
           ORDER BY id FOR NO KEY UPDATE""",
        [wanted],
    )
    blocked = blocked_orders([order_id for (order_id,) in orders])
    rows = fetch_all(
        """SELECT f.id, o.external_id, f.node_id, n.code, f.status, o.delivery_method, f.worked_by, o.id,
                  o.business_date
           FROM fulfillment_fulfillment f JOIN orders_order o ON o.id = f.order_id
           JOIN network_node n ON n.id = f.node_id
           WHERE f.id = ANY(%s) ORDER BY f.id FOR NO KEY UPDATE OF f""",
        [wanted],
    )
    return {
        i: Held(Work(i, number, node_id, node, status, method, order_id in blocked, by), order_id, day)
        for i, number, node_id, node, status, method, by, order_id, day in rows
    }


def sort_out(
    step: str, fulfillment_ids: Sequence[int], held: Mapping[int, Held], nodes: Collection[int] | None
) -> tuple[list[int], dict[int, StepOutcome]]:
    """Of ``fulfillment_ids`` those with which ``step`` can be taken, and the outcome of every other."""
    outcomes: dict[int, StepOutcome] = {}
    for i in dict.fromkeys(fulfillment_ids):
        outcome = refusal_of_step(step, held[i].work, nodes) if i in held else unknown_step(i)
        if outcome:
            outcomes[i] = outcome
    return sorted({i for i in fulfillment_ids if i not in outcomes}), outcomes


def note(
    kind: str,
    event: str,
    fulfillment_ids: Sequence[int],
    held: Mapping[int, Held],
    *,
    actor: str,
    now: datetime,
    data: Mapping[int, Mapping[str, Any]] | None = None,
) -> None:
    """Write one step of each fulfilment down, and log it as ``event``; data: what is told beside it, by id."""
    if not fulfillment_ids:
        return
    told = data or {}
    execute(
        """INSERT INTO fulfillment_fulfillmentevent (fulfillment_id, kind, at, actor, node_id, data)
           SELECT s.id, %s, %s, %s, s.node_id, s.data::jsonb
           FROM unnest(%s::bigint[], %s::bigint[], %s::text[]) AS s(id, node_id, data)""",
        [
            kind,
            now,
            actor,
            list(fulfillment_ids),
            [held[i].work.node_id for i in fulfillment_ids],
            [as_json(dict(told.get(i, {}))) for i in fulfillment_ids],
        ],
    )
    append(
        [
            NewEvent(
                event,
                str(i),
                {"order": held[i].order_id, "node": held[i].work.node_id, "day": f"{held[i].day}", **told.get(i, {})},
            )
            for i in fulfillment_ids
        ]
    )
