"""Locking orders that a person or a rule is about to change."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date
from typing import NamedTuple

from tongpan.core.bulk import execute, fetch_all
from tongpan.core.eventlog import NewEvent, append
from tongpan.orders.events import CHANGED


class Locked(NamedTuple):
    """An order that this transaction holds."""

    id: int
    number: str
    status: str
    day: date
    revision: int
    merge_id: int | None = None


def lock_orders(order_ids: Collection[int]) -> dict[int, Locked]:
    """Lock those of ``order_ids`` that exist, in ascending order of id, until the end of the transaction."""
    rows = fetch_all(
        """SELECT id, external_id, status, business_date, revision, merge_id FROM orders_order
           WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE""",
        [sorted(set(order_ids))],
    )
    return {row[0]: Locked(*row) for row in rows}


def bump(order_ids: Collection[int]) -> dict[int, int]:
    """Count a change of each of ``order_ids``, which the caller holds; their revisions now."""
    if not order_ids:
        return {}
    return dict(
        fetch_all(
            "UPDATE orders_order SET revision = revision + 1 WHERE id = ANY(%s) RETURNING id, revision",
            [sorted(order_ids)],
        )
    )


def log_changed(orders: Sequence[Locked], *, route: bool) -> None:
    """Log order.changed for ``orders``; route: they may need goods, or give some back."""
    append([NewEvent(CHANGED, str(o.id), {"day": o.day.isoformat(), "route": route}) for o in orders])


def record(events: Sequence[tuple[int, str, str]], *, actor: str) -> None:
    """Append (order id, kind, plain JSON text) to the events of orders, at the time of the database.

    The clock of the database tells two events of one order and kind apart, which its key demands.
    """
    if events:
        execute(
            """INSERT INTO orders_orderevent (order_id, kind, at, actor, data)
               SELECT e.order_id, e.kind, clock_timestamp(), %s, e.data::jsonb
               FROM unnest(%s::bigint[], %s::text[], %s::text[]) AS e(order_id, kind, data)""",
            [actor, [e[0] for e in events], [e[1] for e in events], [e[2] for e in events]],
        )
