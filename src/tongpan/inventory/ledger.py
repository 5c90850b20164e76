"""Posting: the one way in which pool and levels change."""

from __future__ import annotations

from collections.abc import Iterable

from tongpan.core.bulk import copy_rows, execute
from tongpan.core.eventlog import NewEvent, append
from tongpan.inventory.engine import Delta, level_sums, merge, pool_sums
from tongpan.inventory.events import CHANGED


def post(deltas: Iterable[Delta], *, actor: str) -> None:
    """Book ``deltas``: movements, levels, pool, and one stock.changed per SKU, in the caller's transaction.

    The caller holds the pools of all SKUs concerned (``locks.lock_pools``) and has checked that the stock is
    there. Raises django.db.IntegrityError when a movement was booked before or a level would be oversold: the
    constraints stand behind every caller. Four statements, whatever the number of deltas.
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
    levels = sorted(level_sums(moves).items())
    if levels:
        keys = [
            [key[0] for key, _ in levels],
            [key[1] for key, _ in levels],
            [key[2] for key, _ in levels],
        ]
        execute(
            """INSERT INTO inventory_level (sku_id, node_id, bucket, on_hand, allocated)
               SELECT k.*, 0, 0 FROM unnest(%s::bigint[], %s::bigint[], %s::text[]) AS k(sku_id, node_id, bucket)
               WHERE NOT EXISTS (SELECT FROM inventory_level l WHERE (l.sku_id, l.node_id, l.bucket)
                                 = (k.sku_id, k.node_id, k.bucket))
               ORDER BY k.sku_id, k.node_id, k.bucket
               ON CONFLICT DO NOTHING""",
            keys,
        )
        execute(
            """UPDATE inventory_level l SET on_hand = l.on_hand + k.on_hand, allocated = l.allocated + k.allocated
               FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::bigint[], %s::bigint[])
                    AS k(sku_id, node_id, bucket, on_hand, allocated)
               WHERE (l.sku_id, l.node_id, l.bucket) = (k.sku_id, k.node_id, k.bucket)""",
            [*keys, [change[0] for _, change in levels], [change[1] for _, change in levels]],
        )
    pools = sorted(pool_sums(moves).items())
    if pools:
        execute(
            """UPDATE inventory_pool p SET on_hand = p.on_hand + k.on_hand, allocated = p.allocated + k.allocated,
                      held = p.held + k.held
               FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[])
                    AS k(sku_id, on_hand, allocated, held)
               WHERE p.sku_id = k.sku_id""",
            [
                [sku_id for sku_id, _ in pools],
                [change[0] for _, change in pools],
                [change[1] for _, change in pools],
                [change[2] for _, change in pools],
            ],
        )
    append(
        [
            NewEvent(CHANGED, str(sku_id), {"gained": on_hand - allocated - held > 0})
            for sku_id, (on_hand, allocated, held) in pools
        ]
    )
