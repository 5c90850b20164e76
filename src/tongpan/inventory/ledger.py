"""Posting: the one way in which pool and levels change."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from tongpan.core.bulk import copy_rows, execute, whole_numbers
from tongpan.core.clock import DEFAULT_ZONE, business_day
from tongpan.core.eventlog import NewEvent, append
from tongpan.inventory.engine import Delta, Granted, level_sums, merge, pool_sums
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
    days = _days_on_hand(moves)
    append(
        [
            NewEvent(
                CHANGED, str(sku_id), (_GAINED if on_hand - allocated - held > 0 else _LOST) | days.get(sku_id, {})
            )
            for sku_id, (on_hand, allocated, held) in pools
        ]
    )


def _days_on_hand(moves: Sequence[Delta]) -> dict[int, dict[str, list[str]]]:
    """{"days": the days on which saleable units on hand moved}, by SKU id: whoever keeps days has to look at them."""
    at: dict[int, set[datetime]] = defaultdict(set)
    for move in moves:
        if move.on_hand and move.bucket == "saleable":
            at[move.sku_id].add(move.occurred_at)
    names = {t: business_day(t, DEFAULT_ZONE).isoformat() for instants in at.values() for t in instants}
    return {sku_id: {"days": sorted({names[t] for t in instants})} for sku_id, instants in at.items()}


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


# A quota is used up by what is promised under it. Its limit is the policy's when the first unit is promised.
_USE_QUOTAS = """
    used AS (
        INSERT INTO inventory_quotause AS q (policy_id, sku_id, used, limit_units)
        SELECT m.policy_id, m.sku_id, sum(m.qty)::bigint,
               CASE WHEN p.mode IN ('cap', 'reserved') AND NOT p.may_exceed THEN p.value END
        FROM made m JOIN inventory_channelpolicy p ON p.id = m.policy_id
        GROUP BY m.policy_id, m.sku_id, p.mode, p.may_exceed, p.value ORDER BY m.policy_id, m.sku_id
        ON CONFLICT (policy_id, sku_id) DO UPDATE SET used = q.used + excluded.used)"""
_MAKE = """
    made AS (
        INSERT INTO inventory_reservation
            (order_id, order_line_id, sku_id, qty, channel_id, policy_id, expires_at, state)
        SELECT g.*, %s FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::int[], %s::bigint[], %s::bigint[],
                                   %s::timestamptz[])
             AS g(order_id, order_line_id, sku_id, qty, channel_id, policy_id, expires_at)
        RETURNING id, sku_id, qty, policy_id)"""


def book_reservations(
    granted: Sequence[Granted], *, actor: str, now: datetime, expires_at: Mapping[int, datetime] | None = None
) -> None:
    """Store a held reservation for each of ``granted`` and book it, as ``post`` would; one statement.

    expires_at: when the promise ends by itself, by order id. The caller holds the pools of all SKUs concerned and
    has checked that the stock is there. Raises django.db.IntegrityError when a line was reserved before, or a pool
    would be oversold or a quota exceeded.
    """
    if not granted:
        return
    execute(
        f"""WITH {_MAKE}, {_USE_QUOTAS},
           moved AS (
             INSERT INTO inventory_movement (sku_id, node_id, bucket, kind, on_hand_delta, allocated_delta, held_delta,
                                             cause_type, cause_id, occurred_at, reason, actor)
             SELECT sku_id, NULL, 'saleable', 'reserved', 0, 0, qty, 'reservation', id, %s, '', %s FROM made),
           sums AS (SELECT sku_id, sum(qty)::bigint AS qty FROM made GROUP BY sku_id),
           pooled AS (
             UPDATE inventory_pool p SET held = p.held + s.qty FROM sums s WHERE p.sku_id = s.sku_id
             RETURNING p.sku_id)
           INSERT INTO core_event (name, key, payload)
           SELECT %s, sku_id::text, '{{"gained": false}}' FROM pooled ORDER BY sku_id""",
        ["held", *_columns(granted, expires_at or {}), now, actor, CHANGED],
    )


def book_allocations(granted: Sequence[Granted]) -> None:
    """Store a reservation that is pinned to its nodes from the start for each of ``granted``; one statement.

    A line that has a live one keeps it: some of its units came from a node that has given them up since. The caller
    holds the pools and books the movements in the same transaction.
    """
    if granted:
        make = _MAKE.replace("RETURNING", "ON CONFLICT DO NOTHING RETURNING")
        execute(f"WITH {make}, {_USE_QUOTAS} SELECT count(*) FROM made", ["allocated", *_columns(granted, {})])


def _columns(granted: Sequence[Granted], expires_at: Mapping[int, datetime]) -> list[Any]:
    return [
        *(whole_numbers(g.demand[i] for g in granted) for i in range(4)),
        whole_numbers(0 if g.demand.is_named else g.demand.channel_id for g in granted),
        [g.policy_id for g in granted],
        [expires_at.get(g.demand.order_id) for g in granted],
    ]
