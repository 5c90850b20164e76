"""Reads: which goods there is too much of, and where central stock should go."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction

from tongpan.core.bulk import fetch_all
from tongpan.core.money import allocate
from tongpan.forecasting.engine import Claim, Limits, Supply, fair_share, supply_of


@dataclass(frozen=True, slots=True)
class SkuSupply:
    """The supply of one SKU over all nodes, or at one. free: saleable units not promised to any order.

    sold: units that left in the window. last_sold_at: when a unit last left, None when none ever did.
    """

    sku_code: str
    sku_name: str
    category: str
    free: int
    sold: int
    last_sold_at: datetime | None
    idle_days: int
    supply: Supply


def supply_list(
    *, now: datetime, limits: Limits, states: Collection[str] = (), node_code: str = "", text: str = ""
) -> list[SkuSupply]:
    """Every SKU that is free to sell or sold in the window, and how long it lasts, most surplus first, then by code.

    states: keep only these (``forecasting.engine.SupplyState``); none keeps all. node_code: at that node alone,
    "" over the whole pool. text: the beginning of a code, or words of a name. One statement.
    """
    rows = fetch_all(
        """SELECT s.code, s.name, coalesce(c.name, ''), k.free, k.sold, k.last_sold, k.first_in
           FROM (SELECT sku_id, sum(free)::bigint AS free, sum(sold)::bigint AS sold, max(last_sold) AS last_sold,
                        min(first_in) AS first_in
                 FROM (SELECT l.sku_id, l.on_hand - l.allocated AS free, 0 AS sold, NULL::timestamptz AS last_sold,
                              NULL::timestamptz AS first_in
                       FROM inventory_level l JOIN network_node n ON n.id = l.node_id
                       WHERE l.bucket = 'saleable' AND n.kind <> 'in_transit' AND %(node)s IN ('', n.code)
                       UNION ALL
                       SELECT p.sku_id, -p.held, 0, NULL, NULL FROM inventory_pool p WHERE %(node)s = ''
                       UNION ALL
                       SELECT m.sku_id, 0,
                              CASE WHEN m.kind = 'dispatched' AND m.occurred_at >= %(since)s
                                   THEN -m.on_hand_delta ELSE 0 END,
                              CASE WHEN m.kind = 'dispatched' THEN m.occurred_at END,
                              CASE WHEN m.on_hand_delta > 0 THEN m.occurred_at END
                       FROM inventory_movement m JOIN network_node n ON n.id = m.node_id
                       WHERE m.bucket = 'saleable' AND m.on_hand_delta <> 0 AND n.kind <> 'in_transit'
                         AND m.occurred_at < %(now)s AND %(node)s IN ('', n.code)) x
                 GROUP BY 1) k
           JOIN catalog_sku s ON s.id = k.sku_id JOIN catalog_product p ON p.id = s.product_id
           LEFT JOIN catalog_category c ON c.id = p.category_id
           WHERE %(text)s = '' OR starts_with(s.code, %(text)s) OR strpos(lower(s.name), lower(%(text)s)) > 0""",
        {
            "now": now,
            "since": now - timedelta(days=limits.window),
            "node": node_code,
            "text": text,
        },
    )
    found = []
    for code, name, category, free, sold, last_sold, first_in in rows:
        since = last_sold or first_in
        idle = (now - since).days if since else 0
        supply = supply_of(max(0, free), sold, idle, limits)
        if (free > 0 or sold) and (not states or supply.state in states):
            found.append(SkuSupply(code, name, category, max(0, free), sold, last_sold, idle, supply))
    return sorted(found, key=lambda row: (-row.supply.surplus, row.sku_code))


@dataclass(frozen=True, slots=True)
class Proposal:
    """Send ``units`` of a SKU from a central warehouse to a node (INV-04).

    have: free units there now. sold: units that its channels sold of it in the window. before, after: days of
    supply there without and with the units.
    """

    sku_id: int
    sku_code: str
    sku_name: str
    from_code: str
    to_code: str
    to_name: str
    units: int
    have: int
    sold: int
    before: Fraction
    after: Fraction


def allocation(
    *, now: datetime, window: int = 28, target_days: int = 30, text: str = "", node_code: str = ""
) -> list[Proposal]:
    """Where the free stock of the central warehouses should go, by each channel's sales, largest first.

    What a shop sold counts for the node that shipped it. What a central warehouse shipped for it counts for the
    shop's sub-warehouses, in proportion to what they shipped of the SKU, evenly when they shipped none; without
    a sub-warehouse it counts for the central warehouse itself, which keeps its share. Then
    ``forecasting.engine.fair_share`` per SKU; several central warehouses give in the order of their codes.
    Units promised to orders never move. text: the beginning of a SKU code. node_code: only what goes there.
    Four statements.
    """
    nodes = {
        node_id: _Node(node_id, code, name, kind)
        for node_id, code, name, kind in fetch_all(
            """SELECT id, code, name, kind FROM network_node
               WHERE is_active AND tracks_stock AND kind IN ('central', 'sub_warehouse', 'store', 'counter', 'dealer')
               ORDER BY code"""
        )
    }
    central = [node for node in nodes.values() if node.kind == "central"]
    sold = _demand(nodes, since=now - timedelta(days=window), now=now)
    wanted = {sku_id for sku_id, _ in sold}
    if not central or not wanted:
        return []
    free, names = _free(wanted, nodes), _names(wanted, text)
    proposals: list[Proposal] = []
    for sku_id in sorted(names):
        code, name, available = names[sku_id]
        for giver in central:
            supply = min(free.get((sku_id, giver.id), 0), available)
            claims = [
                Claim(node.id, 0 if node is giver else free.get((sku_id, node.id), 0), sold.get((sku_id, node.id), 0))
                for node in nodes.values()
                if node is giver or node.kind != "central"
            ]
            shares = fair_share(supply, claims, window=window, target_days=target_days)
            for claim in claims:
                units = shares.get(claim.key, 0)
                if not units or claim.key == giver.id:
                    continue
                to = nodes[claim.key]
                rate = Fraction(claim.sold, window)
                if node_code in ("", to.code):
                    proposals.append(
                        Proposal(
                            sku_id, code, name, giver.code, to.code, to.name, units, claim.have, claim.sold,
                            claim.have / rate, (claim.have + units) / rate,
                        )
                    )  # fmt: skip
                free[(sku_id, to.id)] = claim.have + units
                available -= units
    return sorted(proposals, key=lambda p: (-p.units, p.sku_code, p.to_code))


@dataclass(frozen=True, slots=True)
class _Node:
    id: int
    code: str
    name: str
    kind: str


def _demand(nodes: Mapping[int, _Node], *, since: datetime, now: datetime) -> dict[tuple[int, int], int]:
    """Units sold in the window by (SKU id, node id), attributed as ``allocation`` says."""
    shipped = fetch_all(
        """SELECT o.shop_id, f.node_id, x.sku_id, sum(x.qty)::bigint
           FROM fulfillment_fulfillment f JOIN orders_order o ON o.id = f.order_id
           JOIN fulfillment_fulfillmentline x ON x.fulfillment_id = f.id
           WHERE f.status IN ('dispatched', 'delivered') AND f.dispatched_at >= %s AND f.dispatched_at < %s
           GROUP BY 1, 2, 3 ORDER BY 1, 2, 3""",
        [since, now],
    )
    branches = defaultdict(list)
    for shop_id, node_id in fetch_all("SELECT shop_id, node_id FROM network_service ORDER BY shop_id, node_id"):
        if node_id in nodes and nodes[node_id].kind == "sub_warehouse":
            branches[shop_id].append(node_id)
    own = {(shop_id, node_id, sku_id): units for shop_id, node_id, sku_id, units in shipped}
    demand: dict[tuple[int, int], int] = defaultdict(int)
    for shop_id, node_id, sku_id, units in shipped:
        if node_id not in nodes:
            continue
        targets: Sequence[int] = branches[shop_id] if nodes[node_id].kind == "central" else ()
        if not targets:
            demand[(sku_id, node_id)] += units
            continue
        weights = [own.get((shop_id, target, sku_id), 0) for target in targets]
        for target, share in zip(targets, allocate(units, weights), strict=True):
            demand[(sku_id, target)] += share
    return {key: units for key, units in demand.items() if units}


def _free(sku_ids: Collection[int], nodes: Mapping[int, _Node]) -> dict[tuple[int, int], int]:
    rows = fetch_all(
        """SELECT sku_id, node_id, on_hand - allocated FROM inventory_level
           WHERE sku_id = ANY(%s) AND node_id = ANY(%s) AND bucket = 'saleable' AND on_hand > allocated""",
        [sorted(sku_ids), list(nodes)],
    )
    return {(sku_id, node_id): units for sku_id, node_id, units in rows}


def _names(sku_ids: Collection[int], text: str) -> dict[int, tuple[str, str, int]]:
    """(code, name, available in the pool) by SKU id."""
    rows = fetch_all(
        """SELECT s.id, s.code, s.name, coalesce(p.on_hand - p.allocated - p.held, 0)
           FROM catalog_sku s LEFT JOIN inventory_pool p ON p.sku_id = s.id
           WHERE s.id = ANY(%s) AND starts_with(s.code, %s)""",
        [sorted(sku_ids), text],
    )
    return {sku_id: (code, name, available) for sku_id, code, name, available in rows}
