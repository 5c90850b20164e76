"""The facts of a check from the database: goods, prices, bands, stock, campaigns, and the matrix last announced."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from tongpan.core.bulk import fetch_all, texts
from tongpan.core.stored import stored
from tongpan.pricing.engine import PriceBook
from tongpan.pricing.queries import price_book, price_settings
from tongpan.promotions.conflicts.facts import Announced, CampaignFacts, Good, Limits, Market
from tongpan.promotions.conflicts.models import StackNotice
from tongpan.promotions.conflicts.reach import covers, scopes_of
from tongpan.promotions.engine.rules import Gifts, Rulebook
from tongpan.promotions.models import Campaign

SETTING = "promo"
CORE = "core"
"""The tag of core goods; the others are the roles of a product in a channel."""
MOST_GOODS = 20_000
"""So many SKUs are looked at; of more, those that come first by code."""


def check_limits() -> Limits:
    """The limits in force: what is stored of them, else the defaults. Two statements."""
    kept = stored(SETTING) or {}
    depth = kept.get("max_net_discount_pct")
    applies = "net" if price_settings().band_applies_to == "net" else "list"
    depth_bp = Limits().max_depth_bp if depth is None else int(Decimal(str(depth)) * 100)
    return Limits(max_depth_bp=depth_bp, band_applies_to="net" if applies == "net" else "list")


def market_of(book: Rulebook, expected: Mapping[str, Mapping[str, int]], *, at: datetime) -> Market:
    """Everything a check of ``book`` looks at, as it is at ``at``. expected: see ``facts.Market``. Twelve statements.

    A channel without a price in any list asks what its shops ask for: the lowest price of their listings.
    """
    currency = book.settings.currency
    channels = [
        code
        for (code,) in fetch_all(
            """SELECT code FROM channels_channel WHERE currency = %s AND (closed_on IS NULL OR closed_on > %s)
               ORDER BY position, code""",
            [currency, at.date()],
        )
    ]
    goods = goods_of(book)
    skus = [good.sku for good in goods]
    prices = price_book(skus, channels, at)
    tiers = sorted({one.tier for one in prices.lists if one.tier})
    listed = _listed(skus, channels, currency)
    by_channel: dict[tuple[str, str], dict[str, int]] = {}
    bands: dict[str, dict[str, tuple[int, int]]] = {}
    for channel in channels:
        for tier in ("", *tiers):
            by_channel[channel, tier] = _prices(prices, skus, channel, tier, listed)
        found = {sku: band for sku in skus if (band := prices.band(sku, channel)) is not None}
        if found:
            bands[channel] = found
    priced = [
        Good(
            good.sku,
            good.product,
            good.categories,
            good.tags,
            prices.least_net(good.sku, "", currency) or 0,
            prices.cost(good.sku, currency),
            good.stock,
            good.roles,
        )
        for good in goods
    ]
    return Market(
        tuple(priced),
        tuple(channels),
        by_channel,
        ("", *tiers),
        currency,
        bands,
        expected,
        campaign_facts(),
        announced(),
    )


def announced() -> Announced | None:
    """The stack matrix that was announced last. One statement."""
    notice = StackNotice.objects.first()
    if notice is None:
        return None
    pairs = frozenset(frozenset(pair) for pair in notice.matrix["pairs"])
    return Announced(frozenset(notice.matrix["groups"]), pairs, notice.published_at)


def goods_of(book: Rulebook) -> list[Good]:
    """The active SKUs that a rule of ``book`` reaches or gives away, with the stock that is free."""
    rows = fetch_all(
        """WITH RECURSIVE path AS (
             SELECT c.id AS leaf, c.code, c.parent_id, 0 AS depth FROM catalog_category c
             UNION ALL
             SELECT path.leaf, c.code, c.parent_id, path.depth + 1
             FROM path JOIN catalog_category c ON c.id = path.parent_id WHERE path.depth < 50)
           SELECT s.code, p.code, s.is_core, s.is_active,
             ARRAY(SELECT code FROM path WHERE path.leaf = p.category_id ORDER BY depth),
             (SELECT json_agg(json_build_array(h.code, r.role))::text FROM catalog_product_role r
                JOIN channels_channel h ON h.id = r.channel_id WHERE r.product_id = p.id),
             (SELECT sum(x.free)::bigint FROM (
                SELECT l.on_hand - l.allocated AS free FROM inventory_level l JOIN network_node n ON n.id = l.node_id
                WHERE l.sku_id = s.id AND l.bucket = 'saleable' AND n.kind <> 'in_transit'
                UNION ALL SELECT -q.held FROM inventory_pool q WHERE q.sku_id = s.id) x)
           FROM catalog_sku s JOIN catalog_product p ON p.id = s.product_id
           ORDER BY s.code"""
    )
    scopes = [scope for rule in book.rules for scope in scopes_of(rule)]
    given = {sku for rule in book.rules if isinstance(rule.benefit, Gifts) for sku, _qty in rule.benefit.gifts}
    found = []
    for sku, product, is_core, is_active, categories, roles, stock in rows:
        by_channel: defaultdict[str, set[str]] = defaultdict(set)
        for channel, role in json.loads(roles or "[]"):
            by_channel[channel].add(role)
        good = Good(
            sku,
            product,
            tuple(categories),
            frozenset({CORE} if is_core else ()),
            stock=None if stock is None else max(int(stock), 0),
            roles={channel: frozenset(some) for channel, some in by_channel.items()},
        )
        if sku in given or (is_active and any(covers(scope, good) for scope in scopes)):
            found.append(good)
    return found[:MOST_GOODS]


def _listed(skus: Sequence[str], channels: Sequence[str], currency: str) -> dict[tuple[str, str], int]:
    """(channel, SKU) → the lowest price that a shop of the channel asks."""
    rows = fetch_all(
        """SELECT c.code, s.code, min(l.price_minor) FROM catalog_listing l JOIN catalog_sku s ON s.id = l.sku_id
             JOIN channels_shop h ON h.id = l.shop_id JOIN channels_channel c ON c.id = h.channel_id
           WHERE l.is_on_sale AND l.price_minor > 0 AND l.currency = %s AND s.code = ANY(%s::text[])
             AND c.code = ANY(%s::text[]) GROUP BY 1, 2""",
        [currency, texts(skus), texts(channels)],
    )
    return {(channel, sku): price for channel, sku, price in rows}


def _prices(
    book: PriceBook, skus: Sequence[str], channel: str, tier: str, listed: Mapping[tuple[str, str], int]
) -> dict[str, int]:
    found = {}
    for sku in skus:
        price = book.price(sku, channel, tier=tier)
        amount = price.amount_minor if price is not None else listed.get((channel, sku))
        if amount:
            found[sku] = amount
    return found


def campaign_facts() -> tuple[CampaignFacts, ...]:
    """Every campaign, the earliest first. One statement."""
    return tuple(
        CampaignFacts(one.code, one.discount_mode, one.tolerance_bp, one.starts, one.ends, tuple(one.channels))
        for one in Campaign.objects.order_by("starts", "code")
    )
