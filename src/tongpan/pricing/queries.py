"""Reads of prices."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime

from tongpan.core.bulk import fetch_all
from tongpan.core.stored import stored
from tongpan.pricing.engine import Band, Floor, ListRef, Offer, PriceBook, PriceSettings, read_settings

SETTING = "price"


def price_settings() -> PriceSettings:
    """The settings in force. One statement."""
    return read_settings(stored(SETTING) or {})[0]


def price_book(skus: Collection[str] | None, channels: Collection[str] | None, at: datetime) -> PriceBook:
    """The prices of ``skus`` on ``channels`` (by code; None for all) at ``at``. Six statements, whatever the number."""
    wanted = None if skus is None else sorted({code for code in skus if "\x00" not in code})
    places = None if channels is None else sorted({code for code in channels if "\x00" not in code})
    settings = price_settings()
    found = {"skus": wanted, "channels": places, "at": at}
    currencies: dict[str, str] = {}
    bands: dict[str, Band] = {}
    for code, currency, lower, upper, mode in fetch_all(
        """SELECT c.code, c.currency, b.lower_pct, b.upper_pct, b.mode FROM channels_channel c
           LEFT JOIN pricing_channel_band b ON b.channel_id = c.id
           WHERE %(channels)s::text[] IS NULL OR c.code = ANY(%(channels)s) ORDER BY c.position, c.code""",
        found,
    ):
        currencies[code] = currency
        if mode is not None:
            bands[code] = Band(
                settings.band_lower_pct if lower is None else lower,
                settings.band_upper_pct if upper is None else upper,
                (mode or settings.mode) == "identical",
            )
    lists = {
        row[0]: ListRef(*row[1:])
        for row in fetch_all(
            """SELECT l.id, l.code, l.kind, l.priority, l.currency, coalesce(c.code, ''), l.tier, l.region
               FROM pricing_pricelist l LEFT JOIN channels_channel c ON c.id = l.channel_id
               WHERE l.is_active AND l.valid @> %(at)s::timestamptz
                 AND (c.id IS NULL OR %(channels)s::text[] IS NULL OR c.code = ANY(%(channels)s)) ORDER BY l.code""",
            found,
        )
    }
    offers: defaultdict[str, list[Offer]] = defaultdict(list)
    guides: dict[tuple[str, str], int] = {}
    for sku, list_id, min_qty, amount in fetch_all(
        """SELECT s.code, e.price_list_id, e.min_qty, e.amount_minor
           FROM pricing_priceentry e JOIN catalog_sku s ON s.id = e.sku_id
           WHERE e.valid @> %(at)s::timestamptz AND e.price_list_id = ANY(%(lists)s)
             AND (%(skus)s::text[] IS NULL OR s.code = ANY(%(skus)s))
           ORDER BY e.sku_id, e.price_list_id, e.min_qty""",
        {**found, "lists": list(lists)},
    ):
        of = lists[list_id]
        offers[sku].append(Offer(of, min_qty, amount))
        if of.kind == "guide" and min_qty == 1:
            guides[sku, of.currency] = amount
    floors = {
        (sku, region, currency): Floor(floor, floor if net is None else net)
        for sku, region, currency, floor, net in fetch_all(
            """SELECT s.code, f.region, f.currency, f.floor_minor, f.min_net_minor
               FROM pricing_pricefloor f JOIN catalog_sku s ON s.id = f.sku_id
               WHERE %(skus)s::text[] IS NULL OR s.code = ANY(%(skus)s)""",
            found,
        )
    }
    costs = {
        (sku, currency): amount
        for sku, currency, amount in fetch_all(
            """SELECT s.code, k.currency, k.amount_minor FROM pricing_skucost k JOIN catalog_sku s ON s.id = k.sku_id
               WHERE k.valid @> %(at)s::timestamptz AND (%(skus)s::text[] IS NULL OR s.code = ANY(%(skus)s))""",
            found,
        )
    }
    return PriceBook(at, settings, offers, currencies, guides, floors, costs, bands, tuple(lists.values()))
