"""The only place that locks stock.

The pool row of a SKU is the lock of that SKU: of its pool and of its levels at every node. Rows are locked in
ascending order of SKU id, so that two batches never wait for each other in a circle.

Here and everywhere rows are locked FOR NO KEY UPDATE: a transaction that books a row referring to a locked one
(an order line to its SKU, a return to its order) checks the reference when it commits, while it holds pools, and
must not wait for the lock then.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from tongpan.core.bulk import fetch_all, whole_numbers
from tongpan.inventory.engine import Shares
from tongpan.inventory.quotas import quotas_at


def lock_pools(sku_ids: Collection[int]) -> dict[int, int]:
    """Lock the pools of ``sku_ids`` until the end of the transaction; available units by SKU id."""
    return _lock(sku_ids)[0]


def lock_shares(sku_ids: Collection[int], *, now: datetime) -> Shares:
    """``lock_pools``, and what each channel may take of them at ``now``.

    One statement, one more where channels have policies, and one where nodes keep their stock out of the pool:
    quotas and levels are read once the pools are locked, for only who holds the pools changes them.
    """
    available, has_policies, has_outside = _lock(sku_ids)
    outside = _outside(sku_ids) if has_outside else {}
    if not has_policies:
        return Shares(available, outside=outside)
    quotas = quotas_at(sku_ids, now)
    return Shares(available, quotas.asked, is_segregated=quotas.is_segregated, outside=outside)


def _lock(sku_ids: Collection[int]) -> tuple[dict[int, int], bool, bool]:
    wanted = set(sku_ids)
    ordered = whole_numbers(sorted(wanted))
    found: dict[int, int] = {}
    has_policies = has_outside = False
    while len(found) < len(wanted):
        # A pool that another transaction made after this statement began is there at the next look.
        for sku_id, free, has_policies, has_outside in fetch_all(_MAKE_AND_LOCK, [ordered, ordered]):  # noqa: B007
            found[sku_id] = free
    return found, has_policies, has_outside


def _outside(sku_ids: Collection[int]) -> dict[int, int]:
    """Free units at nodes whose stock is not in the pool (a dealer's own), by SKU id."""
    return dict(
        fetch_all(
            """SELECT l.sku_id, sum(l.on_hand - l.allocated)::bigint
               FROM network_node n JOIN inventory_level l ON l.node_id = n.id AND l.bucket = 'saleable'
               WHERE NOT n.in_pool AND l.sku_id = ANY(%s::bigint[]) GROUP BY 1""",
            [whole_numbers(set(sku_ids))],
        )
    )


# Pools are made before any is locked, as the parts of a UNION ALL run one after the other: whoever waits for
# another one's new pool holds no lock that the other could wait for.
_MAKE_AND_LOCK = """
    WITH made AS (
        INSERT INTO inventory_pool (sku_id, on_hand, allocated, held)
        SELECT s, 0, 0, 0 FROM unnest(%s::bigint[]) AS s
        WHERE NOT EXISTS (SELECT FROM inventory_pool p WHERE p.sku_id = s) ORDER BY s
        ON CONFLICT DO NOTHING RETURNING sku_id),
    rules AS (
        SELECT EXISTS (SELECT FROM inventory_channelpolicy WHERE closed_at IS NULL)
            OR EXISTS (SELECT FROM core_setting WHERE key = 'inventory.mode' AND value->>'mode' = 'segregated') AS are,
               EXISTS (SELECT FROM network_node WHERE NOT in_pool) AS outside)
    SELECT sku_id, 0, (SELECT are FROM rules), (SELECT outside FROM rules) FROM made
    UNION ALL
    SELECT sku_id, free, (SELECT are FROM rules), (SELECT outside FROM rules) FROM (
        SELECT sku_id, on_hand - allocated - held AS free FROM inventory_pool
        WHERE sku_id = ANY(%s::bigint[]) ORDER BY sku_id FOR NO KEY UPDATE) AS locked"""
