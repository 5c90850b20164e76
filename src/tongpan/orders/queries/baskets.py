"""Reads of scan-to-buy: where it is open, and what goods cost there."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tongpan.core.bulk import fetch_all
from tongpan.core.stored import stored
from tongpan.pricing.queries import price_book

SETTING = "orders.scan_to_buy"
"""{node code: shop code}."""


@dataclass(frozen=True, slots=True)
class StoreShop:
    """A store that sells by phone, and the shop that it sells in."""

    node_id: int
    node_code: str
    node_name: str
    shop_id: int
    shop_code: str
    shop_name: str
    channel_code: str
    currency: str


@dataclass(frozen=True, slots=True)
class Goods:
    """One SKU before a customer. price_minor: None when it has no price here. free: units at the store."""

    code: str
    name: str
    price_minor: int | None
    free: int


@dataclass(frozen=True, slots=True)
class Sold:
    """A basket for the clerk. lines: [{"sku", "name", "qty", "unit_minor"}]."""

    lines: list[dict[str, Any]]
    total_minor: int
    currency: str
    expires_at: datetime


def scan_shops() -> dict[str, str]:
    """The shop code of each node code at which customers may scan and buy."""
    return dict(stored(SETTING) or {})


def shop_of(node_code: str) -> StoreShop | None:
    """The store called ``node_code`` with its shop, None when it does not sell by phone (or no longer)."""
    shop_code = scan_shops().get(node_code)
    if not shop_code:
        return None
    rows = fetch_all(
        """SELECT n.id, n.code, n.name, s.id, s.code, s.name, c.code, c.currency
           FROM network_node n, channels_shop s JOIN channels_channel c ON c.id = s.channel_id
           WHERE n.code = %s AND n.is_active AND s.code = %s AND s.is_active""",
        [node_code, shop_code],
    )
    return StoreShop(*rows[0]) if rows else None


def scanned(shop: StoreShop, text: str, now: datetime) -> Goods | None:
    """The goods with this barcode, or this SKU code, at the store; None when there are none. Names are not searched."""
    wanted = text.replace("\x00", "").strip()[:120]
    rows = fetch_all(
        """SELECT code FROM catalog_sku WHERE is_active AND (barcode = %(text)s OR code = %(text)s)
           ORDER BY barcode = %(text)s DESC, code LIMIT 1""",
        {"text": wanted},
    )
    return prices_at(shop, [rows[0][0]], now).get(rows[0][0]) if wanted and rows else None


def prices_at(shop: StoreShop, codes: Collection[str], now: datetime) -> dict[str, Goods]:
    """Name, price and free units of these SKUs by code: what the shop asks by its listing, else the price book."""
    wanted = [code for code in codes if "\x00" not in code]
    rows = fetch_all(
        """SELECT s.code, s.name,
                  (SELECT min(l.price_minor) FROM catalog_listing l
                   WHERE l.sku_id = s.id AND l.shop_id = %(shop)s AND l.is_on_sale AND l.currency = %(currency)s),
                  coalesce((SELECT v.on_hand - v.allocated FROM inventory_level v
                            WHERE (v.sku_id, v.node_id, v.bucket) = (s.id, %(node)s, 'saleable')), 0)
           FROM catalog_sku s WHERE s.code = ANY(%(codes)s) AND s.is_active""",
        {"shop": shop.shop_id, "node": shop.node_id, "currency": shop.currency, "codes": wanted},
    )
    unlisted = [code for code, _, price, _ in rows if price is None]
    book = price_book(unlisted, [shop.channel_code], now) if unlisted else None
    found = {}
    for code, name, listed, free in rows:
        price = book.price(code, shop.channel_code) if book and listed is None else None
        asked = listed if listed is not None else price.amount_minor if price else None
        found[code] = Goods(code, name, asked, max(0, free))
    return found
