"""Looking goods up in a store: what they are, what they cost, where they lie, what buyers say (OFF-03)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from django.db.models import Case, IntegerField, Q, Value, When

from tongpan.catalog.models import Review, Sku
from tongpan.catalog.queries import SkuFilter, select_skus
from tongpan.catalog.reviews import Rating, ratings_of, shown_reviews
from tongpan.core.bulk import fetch_all
from tongpan.inventory.matrix import StockRow, pool_rows
from tongpan.network.geography import distance_km


class NodeStock(NamedTuple):
    """Free units at a node. km: from the store that asks, None where a point is unknown."""

    node_id: int
    code: str
    name: str
    free: int
    km: float | None


class ListedPrice(NamedTuple):
    """What a shop asks for one unit, in minor units."""

    shop_code: str
    shop_name: str
    price_minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class LookUp:
    """A SKU for somebody who stands before it. here: free units at the store that asks, None without a store.

    nearby: other nodes with free units, nearest first. prices: of listings on sale, cheapest first.
    """

    sku: Sku
    stock: StockRow
    here: int | None
    nearby: list[NodeStock]
    prices: list[ListedPrice]
    rating: Rating
    reviews: list[Review]


def find_goods(text: str, limit: int = 20) -> list[Sku]:
    """SKUs by a barcode or SKU code that was scanned or typed, else by words of the name; the exact ones first."""
    wanted = text.strip()
    if not wanted:
        return []
    exact = Case(When(Q(barcode=wanted) | Q(code=wanted), then=Value(0)), default=Value(1), output_field=IntegerField())
    rows = select_skus(SkuFilter(wanted, state="active")).select_related("product__category")
    return list(rows.annotate(rank=exact).order_by("rank", "code")[:limit])


def look_up(sku_id: int, node_id: int | None = None, *, nodes: int = 5, reviews: int = 10) -> LookUp | None:
    """Everything a store says of one SKU; None when there is no such SKU. A constant number of statements.

    node_id: the store that asks. nodes, reviews: how many of them at most.
    """
    sku = Sku.objects.select_related("product__category").filter(pk=sku_id).first()
    if sku is None:
        return None
    rows = fetch_all(
        """SELECT n.id, n.code, n.name, n.latitude, n.longitude, coalesce(l.on_hand - l.allocated, 0)
           FROM network_node n LEFT JOIN inventory_level l
             ON l.node_id = n.id AND l.sku_id = %s AND l.bucket = 'saleable'
           WHERE n.id = %s OR (l.on_hand > l.allocated AND n.is_active AND n.tracks_stock AND n.kind <> 'in_transit')
           ORDER BY n.code""",
        [sku_id, node_id],
    )
    own = next((row for row in rows if row[0] == node_id), None)
    nearby = []
    for pk, code, name, latitude, longitude, free in rows:
        if pk == node_id:
            continue
        known = own is not None and None not in (own[3], own[4], latitude, longitude)
        km = round(distance_km(own[3], own[4], latitude, longitude), 1) if own is not None and known else None
        nearby.append(NodeStock(pk, code, name, free, km))
    nearby.sort(key=lambda one: (one.km is None, one.km or 0.0, one.code))
    prices = fetch_all(
        """SELECT h.code, h.name, l.price_minor, l.currency FROM catalog_listing l
           JOIN channels_shop h ON h.id = l.shop_id
           WHERE l.sku_id = %s AND l.is_on_sale AND h.is_active AND l.price_minor IS NOT NULL
           ORDER BY l.price_minor, h.code""",
        [sku_id],
    )
    return LookUp(
        sku,
        pool_rows([sku_id])[sku_id],
        None if own is None else own[5],
        nearby[:nodes],
        [ListedPrice(*row) for row in prices],
        ratings_of([sku_id]).get(sku_id, Rating(0, 0)),
        shown_reviews(sku_id, reviews),
    )
