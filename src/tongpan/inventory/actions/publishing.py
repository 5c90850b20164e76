"""Keeping the published stock of listings up to date."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction

from tongpan.core.bulk import as_json, fetch_all, whole_numbers
from tongpan.core.eventlog import NewEvent, append
from tongpan.inventory.engine import Quota
from tongpan.inventory.engine.publishing import Good, Offer, Shelf, Step, cover_units, publish
from tongpan.inventory.events import PUBLISHED
from tongpan.inventory.quotas import quotas_at

_AT_ONCE = 5000


@dataclass(frozen=True, slots=True)
class Concerned:
    """Whose published stock may have changed; several may be given, and all of them count."""

    listing_ids: Collection[int] = ()
    sku_ids: Collection[int] = ()
    channel_ids: Collection[int] = ()
    shop_ids: Collection[int] = ()
    everything: bool = False


@transaction.atomic
def republish(concerned: Concerned, *, now: datetime) -> int:
    """Compute anew what is published for the listings concerned, and store it; how many numbers changed.

    A kit is concerned by each of its parts. Logs one stock.published for each number that changed. A constant number
    of statements for each 5,000 listings, one when none is concerned. Locks nothing but the rows it changes: a
    change of stock that is committed later is logged later, and computed then.
    """
    changed = 0
    after = 0
    while listings := listings_of(concerned, after=after, limit=_AT_ONCE):
        after = listings[-1].id
        changed += _store(compute(listings, now=now), {one.id: one.shop_id for one in listings}, now=now)
    return changed


def _store(computed: dict[int, tuple[int, list[Step]]], shops: dict[int, int], *, now: datetime) -> int:
    ids = sorted(computed)
    rows = fetch_all(
        """WITH before AS (SELECT listing_id, qty FROM inventory_publishedstock WHERE listing_id = ANY(%s)),
                saved AS (
                  INSERT INTO inventory_publishedstock AS p (listing_id, qty, reason, computed_at, changed_at)
                  SELECT k.id, k.qty, k.reason::jsonb, %s, %s
                  FROM unnest(%s::bigint[], %s::bigint[], %s::text[]) AS k(id, qty, reason) ORDER BY k.id
                  ON CONFLICT (listing_id) DO UPDATE SET qty = excluded.qty, reason = excluded.reason,
                    computed_at = excluded.computed_at,
                    changed_at = CASE WHEN p.qty <> excluded.qty THEN excluded.changed_at ELSE p.changed_at END
                  WHERE p.qty <> excluded.qty OR p.reason <> excluded.reason
                  RETURNING p.listing_id, p.qty)
           SELECT s.listing_id, s.qty FROM saved s LEFT JOIN before b USING (listing_id)
           WHERE b.qty IS DISTINCT FROM s.qty ORDER BY 1""",
        [ids, now, now, ids, [computed[i][0] for i in ids], [as_json(computed[i][1]) for i in ids]],
    )
    append([NewEvent(PUBLISHED, str(i), {"shop": shops[i], "qty": qty}) for i, qty in rows])
    return len(rows)


@dataclass(frozen=True, slots=True)
class ListingRow:
    """A listing and what it sells: (part SKU id, code, units each); a plain SKU is its own only part."""

    id: int
    shop_id: int
    channel_id: int
    is_on_sale: bool
    is_kit: bool
    parts: list[tuple[int, str, int]] = field(default_factory=list)


def listings_of(concerned: Concerned, *, after: int = 0, limit: int = _AT_ONCE) -> list[ListingRow]:
    """The listings concerned behind the id ``after``, by id. One statement."""
    if not (
        concerned.everything
        or concerned.listing_ids
        or concerned.sku_ids
        or concerned.channel_ids
        or concerned.shop_ids
    ):
        return []
    skus = whole_numbers(sorted(set(concerned.sku_ids)))
    rows = fetch_all(
        """WITH wanted AS (
             SELECT l.id FROM catalog_listing l JOIN channels_shop h ON h.id = l.shop_id
             WHERE l.id > %s AND (%s OR l.id = ANY(%s::bigint[]) OR l.sku_id = ANY(%s::bigint[])
               OR l.sku_id IN (SELECT kit_id FROM catalog_kitpart WHERE part_id = ANY(%s::bigint[]))
               OR h.channel_id = ANY(%s::bigint[]) OR l.shop_id = ANY(%s::bigint[]))
             ORDER BY l.id LIMIT %s)
           SELECT l.id, l.shop_id, h.channel_id, l.is_on_sale AND h.is_active AND s.is_active, k.id IS NOT NULL,
                  p.id, p.code, coalesce(k.qty, 1)
           FROM wanted JOIN catalog_listing l USING (id) JOIN channels_shop h ON h.id = l.shop_id
           JOIN catalog_sku s ON s.id = l.sku_id LEFT JOIN catalog_kitpart k ON k.kit_id = l.sku_id
           JOIN catalog_sku p ON p.id = coalesce(k.part_id, l.sku_id)
           ORDER BY l.id, p.code""",
        [
            after,
            concerned.everything,
            whole_numbers(sorted(set(concerned.listing_ids))),
            skus,
            skus,
            whole_numbers(sorted(set(concerned.channel_ids))),
            whole_numbers(sorted(set(concerned.shop_ids))),
            limit,
        ],
    )
    found: dict[int, ListingRow] = {}
    for listing_id, shop_id, channel_id, is_on_sale, is_kit, part_id, part_code, each in rows:
        row = found.setdefault(listing_id, ListingRow(listing_id, shop_id, channel_id, is_on_sale, is_kit))
        row.parts.append((part_id, part_code, each))
    return list(found.values())


def compute(listings: Collection[ListingRow], *, now: datetime) -> dict[int, tuple[int, list[Step]]]:
    """The quantity to publish and its steps, by listing id. Six statements; writes and locks nothing."""
    sku_ids = {part_id for row in listings for part_id, _, _ in row.parts}
    shop_ids = {row.shop_id for row in listings}
    shelves = _shelves(sku_ids, shop_ids)
    goods = _goods(sku_ids)
    rules = quotas_at(sku_ids, now)
    quotas: dict[int, list[Quota]] = {}
    for quota in rules.asked:
        quotas.setdefault(quota.sku_id, []).append(quota)
    served = _served(shop_ids)
    here = _channels_of_the_same_nodes(shop_ids)
    held_by = _held_by_channel({sku_id for sku_id, (held, _, _) in goods.items() if held})

    def good(row: ListingRow, sku_id: int, code: str) -> Good:
        held, cover, free = goods.get(sku_id, (0, 0, 0))
        shelf = shelves.get((row.shop_id, sku_id), ())
        near = here.get(row.shop_id, frozenset()) | {0, row.channel_id}
        return Good(
            sku_id,
            code,
            shelf,
            held,
            cover,
            quotas.get(sku_id, ()),
            rules.thresholds.get((row.channel_id, sku_id), 0),
            rules.is_segregated,
            elsewhere=max(free - sum(s.on_hand - s.allocated for s in shelf), 0),
            held_here=sum(units for channel_id, units in held_by.get(sku_id, ()) if channel_id in near),
            here=near,
        )

    return {
        row.id: publish(
            Offer(
                row.channel_id,
                [(good(row, sku_id, code), each) for sku_id, code, each in row.parts],
                row.is_kit,
                row.is_on_sale,
                row.shop_id in served,
            )
        )
        for row in listings
    }


def _shelves(sku_ids: set[int], shop_ids: set[int]) -> dict[tuple[int, int], list[Shelf]]:
    """What lies at the nodes that serve each shop, by (shop id, SKU id), the nodes by code."""
    found: dict[tuple[int, int], list[Shelf]] = {}
    for shop_id, sku_id, *shelf in fetch_all(
        """SELECT v.shop_id, l.sku_id, n.code, l.on_hand, l.allocated,
                  coalesce(own.safety_stock, general.safety_stock, 0)
           FROM network_service v
           JOIN network_node n ON n.id = v.node_id AND n.is_active AND n.tracks_stock AND n.in_pool
           JOIN inventory_level l ON l.node_id = n.id AND l.bucket = 'saleable' AND l.on_hand > 0
           LEFT JOIN inventory_nodepolicy own ON own.node_id = n.id AND own.sku_id = l.sku_id
           LEFT JOIN inventory_nodepolicy general ON general.node_id = n.id AND general.sku_id IS NULL
           WHERE v.shop_id = ANY(%s) AND l.sku_id = ANY(%s::bigint[]) ORDER BY n.code""",
        [sorted(shop_ids), whole_numbers(sorted(sku_ids))],
    ):
        found.setdefault((shop_id, sku_id), []).append(Shelf(*shelf))
    return found


def _served(shop_ids: set[int]) -> set[int]:
    rows = fetch_all(
        """SELECT DISTINCT v.shop_id FROM network_service v JOIN network_node n ON n.id = v.node_id AND n.is_active
           WHERE v.shop_id = ANY(%s)""",
        [sorted(shop_ids)],
    )
    return {shop_id for (shop_id,) in rows}


def _channels_of_the_same_nodes(shop_ids: set[int]) -> dict[int, set[int]]:
    """Ids of the channels that have a shop which is served by a node of each of ``shop_ids``."""
    found: dict[int, set[int]] = {}
    for shop_id, channel_id in fetch_all(
        """SELECT DISTINCT v.shop_id, h.channel_id
           FROM network_service v JOIN network_node n ON n.id = v.node_id AND n.is_active AND n.tracks_stock
           JOIN network_service o ON o.node_id = n.id JOIN channels_shop h ON h.id = o.shop_id
           WHERE v.shop_id = ANY(%s)""",
        [sorted(shop_ids)],
    ):
        found.setdefault(shop_id, set()).add(channel_id)
    return found


def _held_by_channel(sku_ids: set[int]) -> dict[int, list[tuple[int, int]]]:
    """(channel id, units promised and not pinned to a node) of each SKU; channel 0: any node may send them."""
    found: dict[int, list[tuple[int, int]]] = {}
    if sku_ids:
        for sku_id, channel_id, units in fetch_all(
            """SELECT sku_id, channel_id, sum(qty)::bigint FROM inventory_reservation
               WHERE state = 'held' AND sku_id = ANY(%s::bigint[]) GROUP BY 1, 2""",
            [whole_numbers(sorted(sku_ids))],
        ):
            found.setdefault(sku_id, []).append((channel_id, units))
    return found


def _goods(sku_ids: set[int]) -> dict[int, tuple[int, int, int]]:
    """(held, minimum cover, units that are not pinned to orders) of each SKU that has a pool."""
    rows = fetch_all(
        """SELECT p.sku_id, p.held, p.on_hand - p.allocated, CASE WHEN s.is_core THEN c.units END, c.days, c.daily
           FROM inventory_pool p JOIN catalog_sku s ON s.id = p.sku_id LEFT JOIN inventory_cover c USING (sku_id)
           WHERE p.sku_id = ANY(%s::bigint[])""",
        [whole_numbers(sorted(sku_ids))],
    )
    return {
        sku_id: (held, 0 if units is None else cover_units(units, days, daily), free)
        for sku_id, held, free, units, days, daily in rows
    }
