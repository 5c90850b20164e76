"""What pricing a cart needs to know of its goods: what they are, what they cost, how low they may go. One statement."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from tongpan.core.bulk import fetch_all, texts
from tongpan.pricing.engine import Floor, ListRef, Offer, PriceBook

CORE = "core"
"""The tag of core goods; the others are the roles of a product in the channel (``catalog.RoleKind``)."""


class Goods(NamedTuple):
    """A SKU as rules name it. categories: its own and all above. roles: by channel code."""

    sku: str
    name: str
    product: str
    categories: tuple[str, ...]
    is_core: bool
    roles: Mapping[str, tuple[str, ...]]

    def tags(self, channel: str) -> frozenset[str]:
        return frozenset((*self.roles.get(channel, ()), *((CORE,) if self.is_core else ())))


@dataclass(frozen=True, slots=True)
class Facts:
    """goods: by SKU code; prices: a book that knows offers, floors and costs of them, and nothing of bands."""

    goods: Mapping[str, Goods]
    prices: PriceBook


def facts_of(skus: Collection[str], channels: Mapping[str, str], at: datetime) -> Facts:
    """Goods and prices of ``skus`` in ``channels`` (code → currency) at ``at``. SKUs that do not exist are left out."""
    rows = fetch_all(
        """WITH RECURSIVE wanted AS (
             SELECT s.id, s.code, s.name, s.is_core, p.id AS product_id, p.code AS product, p.category_id
             FROM catalog_sku s JOIN catalog_product p ON p.id = s.product_id WHERE s.code = ANY(%(skus)s::text[])),
           path AS (
             SELECT DISTINCT c.id AS leaf, 0 AS depth, c.code, c.parent_id
             FROM catalog_category c JOIN wanted w ON w.category_id = c.id
             UNION ALL
             SELECT path.leaf, path.depth + 1, c.code, c.parent_id
             FROM path JOIN catalog_category c ON c.id = path.parent_id WHERE path.depth < 50)
           SELECT w.code, w.name, w.product, w.is_core,
             ARRAY(SELECT code FROM path WHERE path.leaf = w.category_id ORDER BY depth),
             (SELECT json_agg(json_build_array(h.code, r.role))::text FROM catalog_product_role r
                JOIN channels_channel h ON h.id = r.channel_id
              WHERE r.product_id = w.product_id AND h.code = ANY(%(channels)s::text[])),
             (SELECT json_agg(json_build_array(l.code, l.kind, l.priority, l.currency, coalesce(h.code, ''), l.tier,
                                               l.region, e.min_qty, e.amount_minor) ORDER BY l.code, e.min_qty)::text
              FROM pricing_priceentry e JOIN pricing_pricelist l ON l.id = e.price_list_id
              LEFT JOIN channels_channel h ON h.id = l.channel_id
              WHERE e.sku_id = w.id AND e.valid @> %(at)s::timestamptz AND l.is_active
                AND l.valid @> %(at)s::timestamptz AND (h.id IS NULL OR h.code = ANY(%(channels)s::text[]))),
             (SELECT json_agg(json_build_array(f.region, f.currency, f.floor_minor,
                                               coalesce(f.min_net_minor, f.floor_minor)))::text
              FROM pricing_pricefloor f WHERE f.sku_id = w.id),
             (SELECT json_agg(json_build_array(k.currency, k.amount_minor))::text FROM pricing_skucost k
              WHERE k.sku_id = w.id AND k.valid @> %(at)s::timestamptz)
           FROM wanted w""",
        {"skus": texts(sorted(skus)), "channels": texts(sorted(channels)), "at": at},
    )
    goods: dict[str, Goods] = {}
    offers: dict[str, list[Offer]] = {}
    floors: dict[tuple[str, str, str], Floor] = {}
    costs: dict[tuple[str, str], int] = {}
    lists: dict[str, ListRef] = {}
    for sku, name, product, is_core, categories, roles, asked, least, paid in rows:
        by_channel: defaultdict[str, list[str]] = defaultdict(list)
        for channel, role in json.loads(roles or "[]"):
            by_channel[channel].append(role)
        held = {channel: tuple(found) for channel, found in by_channel.items()}
        goods[sku] = Goods(sku, name, product, tuple(categories), is_core, held)
        if asked:
            offers[sku] = [
                Offer(lists.setdefault(entry[0], ListRef(*entry[:7])), *entry[7:]) for entry in json.loads(asked)
            ]
        for region, currency, floor, net in json.loads(least or "[]"):
            floors[sku, region, currency] = Floor(floor, net)
        for currency, amount in json.loads(paid or "[]"):
            costs[sku, currency] = amount
    prices = PriceBook(at, offers=offers, currencies=dict(channels), floors=floors, costs=costs)
    return Facts(goods, prices)
