"""What becomes of fulfilments after routing: dispatched, delivered or cancelled."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from django.db import transaction

from tongpan.core.bulk import as_json, execute, fetch_all
from tongpan.core.eventlog import NewEvent, append
from tongpan.fulfillment.actions.snapshot import NEEDED
from tongpan.fulfillment.events import CANCELLED, DISPATCHED
from tongpan.inventory.actions import ship, unpin, unpin_goods
from tongpan.inventory.engine import Delta
from tongpan.inventory.ledger import post
from tongpan.inventory.locks import lock_pools
from tongpan.orders.actions import record_dispatch
from tongpan.orders.actions.holding import blocked_orders


class _Line(NamedTuple):
    """A line of a fulfilment whose goods are still at their node."""

    fulfillment_id: int
    order_id: int
    node_id: int
    order_line_id: int
    sku_id: int
    qty: int
    tracks_stock: bool


def _allocated(fulfillment_ids: Collection[int]) -> list[_Line]:
    """The lines of those of ``fulfillment_ids`` that are still allocated. Locks the fulfilments."""
    rows = fetch_all(
        """SELECT f.id, f.order_id, f.node_id, l.order_line_id, l.sku_id, l.qty, n.tracks_stock
           FROM fulfillment_fulfillment f
           JOIN fulfillment_fulfillmentline l ON l.fulfillment_id = f.id
           JOIN network_node n ON n.id = f.node_id
           WHERE f.id = ANY(%s) AND f.status NOT IN ('dispatched', 'delivered', 'cancelled', 'rejected')
           ORDER BY f.id, l.id FOR NO KEY UPDATE OF f""",
        [sorted(fulfillment_ids)],
    )
    return [_Line(*row) for row in rows]


@transaction.atomic
def dispatch(fulfillment_ids: Collection[int], *, at: datetime, actor: str) -> list[int]:
    """The goods of ``fulfillment_ids`` left at ``at`` (aware). Returns the ids that were dispatched by this call.

    A fulfilment that is not allocated (gone already, cancelled), or whose order is held back
    (``orders.review.BLOCKING``), is left alone. What the same node ships for orders that are sent together leaves
    together. When the last goods of an order leave, the order is dispatched.
    Locks the orders, the fulfilments, then the pools.
    """
    orders = _lock_orders_of(_with_what_goes_along(fulfillment_ids))
    held = blocked_orders(set(orders.values()))
    return depart({i: at for i, order_id in orders.items() if order_id not in held}, actor=actor)


def _with_what_goes_along(fulfillment_ids: Collection[int]) -> set[int]:
    """``fulfillment_ids`` and what the same node ships for orders that are sent together with theirs."""
    rows = fetch_all(
        """SELECT DISTINCT other.id
           FROM fulfillment_fulfillment f JOIN orders_order o ON o.id = f.order_id AND o.merge_id IS NOT NULL
           JOIN orders_order beside ON beside.merge_id = o.merge_id
           JOIN fulfillment_fulfillment other ON other.order_id = beside.id AND other.node_id = f.node_id
           WHERE f.id = ANY(%s) AND other.status NOT IN ('dispatched', 'delivered', 'cancelled', 'rejected')""",
        [sorted(fulfillment_ids)],
    )
    return set(fulfillment_ids) | {i for (i,) in rows}


def _lock_orders_of(fulfillment_ids: Collection[int]) -> dict[int, int]:
    """Lock the orders of ``fulfillment_ids`` in ascending order of id; order ids by fulfilment id."""
    rows = fetch_all(
        """SELECT f.id, o.id FROM fulfillment_fulfillment f JOIN orders_order o ON o.id = f.order_id
           WHERE f.id = ANY(%s) ORDER BY o.id, f.id FOR NO KEY UPDATE OF o""",
        [sorted(fulfillment_ids)],
    )
    return dict(rows)


@transaction.atomic
def depart(left_at: Mapping[int, datetime], *, actor: str) -> list[int]:
    """What is known to have left at instants of their own, by fulfilment id: as ``dispatch``, holds or not."""
    orders = _lock_orders_of(left_at)
    lines = _allocated(left_at)
    gone = sorted({line.fulfillment_id for line in lines})
    if not gone:
        return []
    _book(lines, "dispatched", left_at, actor=actor)
    ship([(line.order_line_id, line.sku_id) for line in lines])
    moved = fetch_all(
        """WITH moved AS (UPDATE fulfillment_fulfillment f SET status = 'dispatched', dispatched_at = g.at
                          FROM unnest(%s::bigint[], %s::timestamptz[]) AS g(id, at)
                          WHERE f.id = g.id RETURNING f.id, f.order_id, f.node_id, f.dispatched_at),
                noted AS (INSERT INTO fulfillment_fulfillmentevent (fulfillment_id, kind, at, actor, node_id)
                          SELECT id, 'dispatched', dispatched_at, %s, node_id FROM moved ORDER BY id)
           SELECT m.id, o.id, o.business_date FROM moved m JOIN orders_order o ON o.id = m.order_id ORDER BY m.id""",
        [gone, [left_at[i] for i in gone], actor],
    )
    append([NewEvent(DISPATCHED, str(i), {"order": order_id, "day": f"{day}"}) for i, order_id, day in moved])
    record_dispatch(_complete(sorted(set(orders.values()))), actor=actor)
    return gone


def _complete(order_ids: Sequence[int]) -> dict[int, datetime]:
    """When the last goods left, for those of ``order_ids`` of which nothing is left to send."""
    rows = fetch_all(
        f"""WITH needed AS ({NEEDED})
            SELECT f.order_id, max(f.dispatched_at) FROM fulfillment_fulfillment f
            WHERE f.order_id = ANY(%s) AND f.status NOT IN ('cancelled', 'rejected') GROUP BY 1
            HAVING bool_and(f.status IN ('dispatched', 'delivered'))
               AND NOT EXISTS (
                 SELECT FROM needed l
                 WHERE l.order_id = f.order_id AND l.qty > (
                   SELECT coalesce(sum(x.qty), 0)
                   FROM fulfillment_fulfillment d JOIN fulfillment_fulfillmentline x ON x.fulfillment_id = d.id
                   WHERE d.order_id = l.order_id AND d.status NOT IN ('cancelled', 'rejected')
                     AND (x.order_line_id, x.sku_id) = (l.line_id, l.sku_id)))""",
        [list(order_ids), list(order_ids)],
    )
    return dict(rows)


def _book(lines: Sequence[_Line], kind: str, at: Mapping[int, datetime], *, actor: str) -> None:
    """Book that allocated goods left ("dispatched") or are free again ("deallocated"). Locks the pools."""
    tracked = [line for line in lines if line.tracks_stock]
    lock_pools({line.sku_id for line in lines})
    post(
        (
            Delta(
                line.sku_id,
                line.node_id,
                "saleable",
                kind,
                -line.qty if kind == "dispatched" else 0,
                -line.qty,
                0,
                "fulfillment",
                line.fulfillment_id,
                at[line.fulfillment_id],
            )
            for line in tracked
        ),
        actor=actor,
    )


@transaction.atomic
def cancel(order_ids: Collection[int], *, at: datetime, actor: str, why: str = "cancelled") -> list[int]:
    """Take back what is allocated to ``order_ids`` and has not left; the ids of the cancelled fulfilments.

    The goods are free again at their nodes. why: the order is "cancelled", "changed" or "rerouted".
    Locks the fulfilments, then the pools; the caller holds the orders.
    """
    lines = _allocated(allocated_to(order_ids))
    cancelled = sorted({line.fulfillment_id for line in lines})
    if not cancelled:
        return []
    _book(lines, "deallocated", dict.fromkeys(cancelled, at), actor=actor)
    unpin({line.order_id for line in lines})
    ended = fetch_all(
        """WITH ended AS (UPDATE fulfillment_fulfillment SET status = 'cancelled' WHERE id = ANY(%s)
                          RETURNING id, order_id, node_id),
                noted AS (INSERT INTO fulfillment_fulfillmentevent (fulfillment_id, kind, at, actor, node_id, data)
                          SELECT id, 'cancelled', %s, %s, node_id, %s::jsonb FROM ended ORDER BY id)
           SELECT e.id, e.order_id, e.node_id, o.business_date
           FROM ended e JOIN orders_order o ON o.id = e.order_id ORDER BY e.id""",
        [cancelled, at, actor, as_json({"why": why})],
    )
    append(
        [
            NewEvent(CANCELLED, str(i), {"order": order_id, "node": node_id, "day": f"{day}", "why": why})
            for i, order_id, node_id, day in ended
        ]
    )
    return cancelled


def give_up(fulfillment_ids: Collection[int], *, at: datetime, actor: str) -> None:
    """The goods of these fulfilments, which have not left, are free again at their nodes; nothing else is written.

    What other fulfilments of their orders have stays. The caller holds orders, fulfilments and pools.
    """
    lines = _allocated(fulfillment_ids)
    if not lines:
        return
    _book(lines, "deallocated", {line.fulfillment_id: at for line in lines}, actor=actor)
    mine = {(line.order_line_id, line.sku_id) for line in lines}
    # A line whose units come from several nodes keeps its promise until the last of them gives up.
    shared = fetch_all(
        """SELECT DISTINCT x.order_line_id, x.sku_id FROM fulfillment_fulfillment f
           JOIN fulfillment_fulfillmentline x ON x.fulfillment_id = f.id
           WHERE f.order_id = ANY(%s) AND f.id <> ALL(%s) AND f.status NOT IN ('cancelled', 'rejected')""",
        [sorted({line.order_id for line in lines}), sorted(fulfillment_ids)],
    )
    unpin_goods(mine - set(shared))


def promise(order_id: int, promised_at: datetime) -> None:
    """Promise what is allocated to an order, which the caller holds, for another instant (aware)."""
    execute(
        """UPDATE fulfillment_fulfillment SET promised_at = %s
           WHERE order_id = %s AND status NOT IN ('dispatched', 'delivered', 'cancelled', 'rejected')""",
        [promised_at, order_id],
    )


def lock_allocated(order_ids: Collection[int]) -> None:
    """Lock what is allocated to ``order_ids``, before pools are locked; the caller holds the orders."""
    _allocated(allocated_to(order_ids))


def allocated_to(order_ids: Collection[int]) -> dict[int, int]:
    """Order ids by the ids of the fulfilments that are allocated to ``order_ids`` and have not left."""
    if not order_ids:
        return {}
    return dict(
        fetch_all(
            """SELECT id, order_id FROM fulfillment_fulfillment
               WHERE order_id = ANY(%s) AND status NOT IN ('dispatched', 'delivered', 'cancelled', 'rejected')""",
            [sorted(order_ids)],
        )
    )


def deliver(order_ids: Collection[int]) -> None:
    """What left for ``order_ids`` has arrived when their channel says so. The caller holds the orders."""
    if order_ids:
        execute(
            """UPDATE fulfillment_fulfillment f SET status = 'delivered', delivered_at = o.delivered_at
               FROM orders_order o
               WHERE o.id = f.order_id AND o.id = ANY(%s) AND o.delivered_at IS NOT NULL AND f.status = 'dispatched'""",
            [sorted(order_ids)],
        )
