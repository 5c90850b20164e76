"""Writes of what nodes keep back, and of what core goods never run below."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from tongpan.access.actions import Note, audit_many
from tongpan.catalog.actions import mark_core
from tongpan.core.bulk import execute, fetch_all
from tongpan.core.errors import Refusal
from tongpan.core.eventlog import NewEvent, append
from tongpan.core.races import run_in_transaction
from tongpan.inventory.actions.policies import ids_of
from tongpan.inventory.engine.policies import CoverSpec, NodePolicySpec, check_cover, check_floors
from tongpan.inventory.events import POLICY_CHANGED

SALES_DAYS = 28


def save_node_policies(specs: Sequence[NodePolicySpec], *, actor: str, now: datetime) -> None:
    """Give nodes these floors; one whose floors are all zero is taken away. All or none, in few statements.

    Raises Refusal policy.* (a floor out of range, an unknown node or SKU, the same twice).
    """
    if not specs:
        return
    keys = [(spec.node_code, spec.sku_code) for spec in specs]
    if len(set(keys)) != len(keys):
        raise Refusal("policy.twice", "The same node and SKU are named twice in one request.")
    for spec in specs:
        check_floors(spec)

    def save() -> None:
        nodes = ids_of("network_node", "node", {spec.node_code for spec in specs})
        skus = ids_of("catalog_sku", "SKU", {spec.sku_code for spec in specs if spec.sku_code})
        rows = sorted(
            ((nodes[s.node_code], skus.get(s.sku_code), s.safety_stock, s.routing_floor, s.safety_line) for s in specs),
            key=lambda row: (row[0], row[1] or 0),
        )
        columns = [list(column) for column in zip(*rows, strict=True)]
        execute(
            """INSERT INTO inventory_nodepolicy (node_id, sku_id, safety_stock, routing_floor, safety_line)
               SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::int[], %s::int[], %s::int[])
               ON CONFLICT (node_id, sku_id) DO UPDATE SET safety_stock = excluded.safety_stock,
                 routing_floor = excluded.routing_floor, safety_line = excluded.safety_line""",
            columns,
        )
        execute(
            """DELETE FROM inventory_nodepolicy p USING unnest(%s::bigint[], %s::bigint[]) AS k(node_id, sku_id)
               WHERE p.node_id = k.node_id AND p.sku_id IS NOT DISTINCT FROM k.sku_id AND p.sku_id IS NULL
                 AND (p.safety_stock, p.routing_floor, p.safety_line) = (0, 0, 0)""",
            columns[:2],
        )
        append(
            [
                NewEvent(POLICY_CHANGED, "" if sku_id is None else str(sku_id), {"channel": None, "node": node_id})
                for node_id, sku_id, *_ in rows
            ]
        )
        notes = [
            Note("floors.saved", "node", s.node_code,
                 {"sku": s.sku_code, "safety_stock": s.safety_stock, "routing_floor": s.routing_floor,
                  "safety_line": s.safety_line})
            for s in specs
        ]  # fmt: skip
        audit_many(notes, actor=actor, now=now)

    run_in_transaction(save)


def save_covers(specs: Sequence[CoverSpec], *, actor: str, now: datetime) -> None:
    """Say which SKUs are core, and what they never run below on the channels. All or none, in few statements.

    Days are counted in what was sold in a day over the last four weeks (``count_sales``). Raises Refusal policy.*
    (a cover out of range, an unknown SKU, the same twice).
    """
    if not specs:
        return
    codes = [spec.sku_code for spec in specs]
    if len(set(codes)) != len(codes):
        raise Refusal("policy.twice", "The same SKU is named twice in one request.")
    for spec in specs:
        check_cover(spec)

    def save() -> None:
        skus = ids_of("catalog_sku", "SKU", set(codes))
        mark_core({spec.sku_code: spec.is_core for spec in specs})
        rows = sorted((skus[s.sku_code], s.units, s.days) for s in specs)
        execute(
            """INSERT INTO inventory_cover (sku_id, units, days, daily)
               SELECT k.*, 0 FROM unnest(%s::bigint[], %s::int[], %s::int[]) AS k
               ON CONFLICT (sku_id) DO UPDATE SET units = excluded.units, days = excluded.days""",
            [list(column) for column in zip(*rows, strict=True)],
        )
        _count([row[0] for row in rows], now=now)
        append([NewEvent(POLICY_CHANGED, str(row[0]), {"channel": None, "node": None}) for row in rows])
        notes = [
            Note("cover.saved", "sku", s.sku_code, {"is_core": s.is_core, "units": s.units, "days": s.days})
            for s in specs
        ]
        audit_many(notes, actor=actor, now=now)

    run_in_transaction(save)


def count_sales(*, now: datetime) -> int:
    """Count anew what core goods sell in a day; how many figures changed. For a daily job."""

    def count() -> int:
        core = [i for (i,) in fetch_all("SELECT sku_id FROM inventory_cover WHERE days > 0 ORDER BY 1")]
        changed = _count(core, now=now)
        append([NewEvent(POLICY_CHANGED, str(sku_id), {"channel": None, "node": None}) for sku_id in changed])
        return len(changed)

    return run_in_transaction(count)


def _count(sku_ids: Sequence[int], *, now: datetime) -> list[int]:
    rows = fetch_all(
        """UPDATE inventory_cover c SET daily = coalesce(m.daily, 0), counted_at = %s
           FROM unnest(%s::bigint[]) AS k(sku_id)
           LEFT JOIN (SELECT sku_id, round(-sum(on_hand_delta)::numeric / %s, 4) AS daily FROM inventory_movement
                      WHERE sku_id = ANY(%s) AND kind = 'dispatched' AND bucket = 'saleable'
                        AND occurred_at > %s::timestamptz - make_interval(days => %s) AND occurred_at <= %s
                      GROUP BY 1) m USING (sku_id)
           WHERE c.sku_id = k.sku_id AND (c.counted_at IS NULL OR c.daily <> coalesce(m.daily, 0))
           RETURNING c.sku_id""",
        [now, list(sku_ids), SALES_DAYS, list(sku_ids), now, SALES_DAYS, now],
    )
    return sorted(sku_id for (sku_id,) in rows)
