"""Posting: the one way in which pool and levels change."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from tongpan.core.bulk import copy_rows, execute, whole_numbers
from tongpan.core.eventlog import NewEvent, append
from tongpan.inventory.engine import Delta, Demand, level_sums, merge, pool_sums
from tongpan.inventory.events import CHANGED

_GAINED, _LOST = {"gained": True}, {"gained": False}
_FROM_CHANGES = """FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::bigint[], %s::bigint[])
                        AS k(sku_id, node_id, bucket, on_hand, allocated)"""


def post(deltas: Iterable[Delta], *, actor: str) -> None:
    """Book ``deltas``: movements, levels, pool, and one stock.changed per SKU, in the caller's transaction.

    The caller holds the pools of all SKUs concerned (``locks.lock_pools``) and has checked that the stock is
    there. Raises django.db.IntegrityError when a movement was booked before or a level would be oversold: the
    constraints stand behind every caller. Four statements, one more when a level is new, whatever the number of deltas.
    """
    moves = merge(deltas)
    if not moves:
        return
    copy_rows(
        "inventory_movement",
        (
            "sku_id",
            "node_id",
            "bucket",
            "kind",
            "on_hand_delta",
            "allocated_delta",
            "held_delta",
            "cause_type",
            "cause_id",
            "occurred_at",
            "reason",
            "actor",
        ),
        ((*move, actor) for move in moves),
    )
    _change_levels(sorted(level_sums(moves).items()))
    pools = sorted(pool_sums(moves).items())
    if pools:
        execute(
            """UPDATE inventory_pool p SET on_hand = p.on_hand + k.on_hand, allocated = p.allocated + k.allocated,
                      held = p.held + k.held
               FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[])
                    AS k(sku_id, on_hand, allocated, held)
               WHERE p.sku_id = k.sku_id""",
            [
                whole_numbers(sku_id for sku_id, _ in pools),
                *(whole_numbers(change[i] for _, change in pools) for i in range(3)),
            ],
        )
    append(
        [
            NewEvent(CHANGED, str(sku_id), _GAINED if on_hand - allocated - held > 0 else _LOST)
            for sku_id, (on_hand, allocated, held) in pools
        ]
    )


def _change_levels(levels: Sequence[tuple[tuple[int, int, str], tuple[int, int]]]) -> None:
    """Add the changes to the levels; those that are not there yet are made. The caller holds their pools."""
    if not levels:
        return
    changes = [
        whole_numbers(key[0] for key, _ in levels),
        whole_numbers(key[1] for key, _ in levels),
        [key[2] for key, _ in levels],
        whole_numbers(change[0] for _, change in levels),
        whole_numbers(change[1] for _, change in levels),
    ]
    changed = execute(
        f"""UPDATE inventory_level l SET on_hand = l.on_hand + k.on_hand, allocated = l.allocated + k.allocated
            {_FROM_CHANGES} WHERE (l.sku_id, l.node_id, l.bucket) = (k.sku_id, k.node_id, k.bucket)""",
        changes,
    )
    if changed < len(levels):
        execute(
            f"""INSERT INTO inventory_level (sku_id, node_id, bucket, on_hand, allocated)
                SELECT k.sku_id, k.node_id, k.bucket, k.on_hand, k.allocated {_FROM_CHANGES}
                WHERE NOT EXISTS (SELECT FROM inventory_level l WHERE (l.sku_id, l.node_id, l.bucket)
                                  = (k.sku_id, k.node_id, k.bucket))
                ORDER BY k.sku_id, k.node_id, k.bucket""",
            changes,
        )


def book_reservations(granted: Sequence[Demand], *, actor: str, now: datetime) -> None:
    """Store a held reservation for each of ``granted`` and book it, as ``post`` would; one statement.

    The caller holds the pools of all SKUs concerned and has checked that the stock is there. Raises
    django.db.IntegrityError when a line was reserved before or a pool would be oversold.
    """
    if not granted:
        return
    execute(
        """WITH made AS (
             INSERT INTO inventory_reservation (order_id, order_line_id, sku_id, qty, state)
             SELECT g.*, 'held' FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::int[])
                  AS g(order_id, order_line_id, sku_id, qty)
             RETURNING id, sku_id, qty),
           moved AS (
             INSERT INTO inventory_movement (sku_id, node_id, bucket, kind, on_hand_delta, allocated_delta, held_delta,
                                             cause_type, cause_id, occurred_at, reason, actor)
             SELECT sku_id, NULL, 'saleable', 'reserved', 0, 0, qty, 'reservation', id, %s, '', %s FROM made),
           sums AS (SELECT sku_id, sum(qty)::bigint AS qty FROM made GROUP BY sku_id),
           pooled AS (
             UPDATE inventory_pool p SET held = p.held + s.qty FROM sums s WHERE p.sku_id = s.sku_id
             RETURNING p.sku_id)
           INSERT INTO core_event (name, key, payload)
           SELECT %s, sku_id::text, '{"gained": false}' FROM pooled ORDER BY sku_id""",
        [
            whole_numbers(d.order_id for d in granted),
            whole_numbers(d.order_line_id for d in granted),
            whole_numbers(d.sku_id for d in granted),
            whole_numbers(d.qty for d in granted),
            now,
            actor,
            CHANGED,
        ],
    )
