"""Reads of scan-to-buy: where it is open, what goods cost there, and what a basket costs after promotions."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tongpan.core.bulk import fetch_all
from tongpan.core.errors import Refusal
from tongpan.core.stored import stored
from tongpan.network.geography import locate
from tongpan.promotions.cart_facts import Facts, facts_of
from tongpan.promotions.pricing_carts import CartLine, CartRequest, Quote, list_price, price

SETTING = "orders.scan_to_buy"
"""{node code: shop code}."""
SOURCE = "scan"
"""By what rules of promotions know such a basket (condition ``sources``)."""
MOST_LINES = 50
MAX_QTY = 999


@dataclass(frozen=True, slots=True)
class StoreShop:
    """A store that sells by phone, and the shop that it sells in. province: where the store is, "" when unknown."""

    node_id: int
    node_code: str
    node_name: str
    shop_id: int
    shop_code: str
    shop_name: str
    channel_code: str
    currency: str
    province: str


@dataclass(frozen=True, slots=True)
class Goods:
    """One SKU before a customer. price_minor: of one unit before promotions, None when it has no price here.
    front_minor: what the listing of the shop asks. free: units at the store."""

    code: str
    name: str
    price_minor: int | None
    front_minor: int | None
    free: int


@dataclass(frozen=True, slots=True)
class Sold:
    """A basket for the clerk. lines, offers: as ``kept_lines`` and ``offers_of`` make them."""

    lines: list[dict[str, Any]]
    offers: list[dict[str, Any]]
    total_minor: int
    currency: str
    expires_at: datetime

    @property
    def list_minor(self) -> int:
        """What it costs before promotions."""
        return sum(line["qty"] * line["unit_minor"] for line in self.lines)


def scan_shops() -> dict[str, str]:
    """The shop code of each node code at which customers may scan and buy."""
    return dict(stored(SETTING) or {})


def shop_of(node_code: str) -> StoreShop | None:
    """The store called ``node_code`` with its shop, None when it does not sell by phone (or no longer)."""
    shop_code = scan_shops().get(node_code)
    if not shop_code:
        return None
    rows = fetch_all(
        """SELECT n.id, n.code, n.name, s.id, s.code, s.name, c.code, c.currency, n.city
           FROM network_node n, channels_shop s JOIN channels_channel c ON c.id = s.channel_id
           WHERE n.code = %s AND n.is_active AND s.code = %s AND s.is_active""",
        [node_code, shop_code],
    )
    if not rows:
        return None
    return store_of(rows[0])


def store_of(row: Sequence[Any]) -> StoreShop:
    """A store of the fields of StoreShop, and its city in the place of the province."""
    node_id, node, name, shop_id, shop, shop_name, channel, currency, city = row
    place = locate("", city) if city else None
    province = place.province if place else ""
    return StoreShop(node_id, node, name, shop_id, shop, shop_name, channel, currency, province)


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
    """Name, list price and free units of these SKUs by code, as carts are priced. Two statements."""
    return _goods(shop, codes, facts_of(_named(codes), {shop.channel_code: shop.currency}, now))


def price_basket(shop: StoreShop, goods: Sequence[tuple[str, int]], now: datetime) -> Quote:
    """What the goods that a customer scanned, (SKU code, units) each, cost: as a cart of nobody known does.

    Raises Refusal basket.lines, basket.sku for goods without a price there, basket.short when the store has fewer.
    """
    codes = [code for code, _ in goods]
    if not 0 < len(goods) <= MOST_LINES or len(set(codes)) < len(codes):
        raise Refusal("basket.lines", f"A basket has 1 to {MOST_LINES} kinds of goods, each once.")
    if any(not 0 < qty <= MAX_QTY for _, qty in goods):
        raise Refusal("basket.lines", f"Of each there are 1 to {MAX_QTY} units.")
    facts = facts_of(_named(codes), {shop.channel_code: shop.currency}, now)
    known = _goods(shop, codes, facts)
    for code, qty in goods:
        sold = known.get(code)
        if sold is None or sold.price_minor is None:
            raise Refusal("basket.sku", f"{code[:60]!r} has no price here; ask the staff.")
        if qty > sold.free:
            raise Refusal("basket.short", f"Of {sold.name} the store has only {sold.free}; ask the staff.")
    lines = [CartLine(code, qty, known[code].front_minor) for code, qty in goods]
    return price(request_of(shop, lines), now=now, facts=facts)


def request_of(shop: StoreShop, lines: Sequence[CartLine]) -> CartRequest:
    """What pricing is asked about a basket."""
    return CartRequest(
        shop.channel_code,
        lines,
        shop.currency,
        shop.shop_code,
        node=shop.node_code,
        region=shop.province,
        source=SOURCE,
    )


def kept_lines(quote: Quote) -> list[dict[str, Any]]:
    """[{"sku", "name", "qty", "unit_minor", "net_minor", "front_minor"}]: a unit before promotions, the line after
    them, what the listing asks; gifts, at 0, say so by "gift"."""
    lines: list[dict[str, Any]] = [
        {
            "sku": line.sku,
            "name": line.name,
            "qty": line.qty,
            "unit_minor": line.unit_minor,
            "net_minor": line.net_minor,
            "front_minor": line.asked_minor,
        }
        for line in quote.lines
    ]
    gifts = quote.result.gifts
    names = (
        dict(fetch_all("SELECT code, name FROM catalog_sku WHERE code = ANY(%s)", [[gift.sku for gift in gifts]]))
        if gifts
        else {}
    )
    return lines + [
        {
            "sku": gift.sku,
            "name": names.get(gift.sku, gift.sku),
            "qty": gift.qty,
            "unit_minor": 0,
            "net_minor": 0,
            "gift": gift.rule,
        }
        for gift in gifts
    ]


def offers_of(quote: Quote) -> list[dict[str, Any]]:
    """[{"rule", "name_zh", "name_en", "off_minor"}]: why a basket costs less than its list prices, most first."""
    rules = {rule.code: rule for rule in quote.book.rulebook.rules}
    off: dict[str, int] = {gift.rule: 0 for gift in quote.result.gifts}
    for share in quote.result.discounts:
        off[share.rule] = off.get(share.rule, 0) + share.amount_minor
    return [
        {"rule": code, "name_zh": rules[code].name_zh, "name_en": rules[code].name_en, "off_minor": amount}
        for code, amount in sorted(off.items(), key=lambda one: (-one[1], one[0]))
    ]


def _named(codes: Collection[str]) -> list[str]:
    return [code for code in codes if "\x00" not in code]


def _goods(shop: StoreShop, codes: Collection[str], facts: Facts) -> dict[str, Goods]:
    rows = fetch_all(
        """SELECT s.code, s.name,
                  (SELECT min(l.price_minor) FROM catalog_listing l
                   WHERE l.sku_id = s.id AND l.shop_id = %(shop)s AND l.is_on_sale AND l.currency = %(currency)s),
                  coalesce((SELECT v.on_hand - v.allocated FROM inventory_level v
                            WHERE (v.sku_id, v.node_id, v.bucket) = (s.id, %(node)s, 'saleable')), 0)
           FROM catalog_sku s WHERE s.code = ANY(%(codes)s) AND s.is_active""",
        {"shop": shop.shop_id, "node": shop.node_id, "currency": shop.currency, "codes": _named(codes)},
    )
    asked = request_of(shop, ())
    found = {}
    for code, name, front, free in rows:
        listed = list_price(asked, CartLine(code, 1, front), facts)
        found[code] = Goods(code, name, listed[0] if listed else None, front, max(0, free))
    return found
