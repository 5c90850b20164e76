"""Reads of the quotas that count at an instant."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from tongpan.core.bulk import fetch_all, whole_numbers
from tongpan.inventory.engine import Quota


class Quotas(NamedTuple):
    """asked: in the order in which they are asked. thresholds: of standing policies, by (channel id, SKU id)."""

    asked: list[Quota]
    thresholds: dict[tuple[int, int], int]
    is_segregated: bool


def quotas_at(sku_ids: Collection[int], now: datetime) -> Quotas:
    """The quotas of ``sku_ids`` at ``now`` with what is used of them. One statement.

    Their counters stand still only while the caller holds the pools.
    """
    rows = fetch_all(
        """SELECT c.mode, q.*
           FROM (SELECT (SELECT value->>'mode' FROM core_setting WHERE key = 'inventory.mode')) c(mode)
           LEFT JOIN (
             SELECT p.id, p.channel_id, s.sku_id, p.mode,
                    CASE p.mode WHEN 'percent' THEN p.value * coalesce(t.on_hand, 0) / 100 ELSE p.value END AS units,
                    coalesce(u.used, 0), p.may_exceed, p.session_id IS NOT NULL AS is_session, p.threshold,
                    p.sku_id IS NULL AS is_general, p.ends_at
             FROM inventory_channelpolicy p
             JOIN unnest(%s::bigint[]) AS s(sku_id) ON p.sku_id = s.sku_id OR p.sku_id IS NULL
             LEFT JOIN inventory_pool t ON t.sku_id = s.sku_id
             LEFT JOIN inventory_quotause u ON (u.policy_id, u.sku_id) = (p.id, s.sku_id)
             WHERE p.closed_at IS NULL AND (p.starts_at IS NULL OR p.starts_at <= %s)
               AND (p.ends_at IS NULL OR p.ends_at > %s)) q ON true
           ORDER BY q.is_session DESC, q.is_general, q.ends_at, q.id""",
        [whole_numbers(sorted(set(sku_ids))), now, now],
    )
    asked = [Quota(*row[1:9]) for row in rows if row[1] is not None]
    thresholds: dict[tuple[int, int], int] = {}
    for row in rows:
        if row[1] is not None and not row[8]:
            thresholds.setdefault((row[2], row[3]), row[9])
    return Quotas(asked, thresholds, rows[0][0] == "segregated")
