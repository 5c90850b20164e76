"""The simulator: one cart, priced as the checkout prices it, under the rulebook that counts, a version or a draft."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from tongpan.core.bulk import fetch_all, texts
from tongpan.core.errors import Refusal
from tongpan.promotions.cart_facts import facts_of
from tongpan.promotions.engine.book import Book
from tongpan.promotions.pricing_carts import CartLine, CartRequest, Opened, Quote, price
from tongpan.promotions.queries import book_of, current_book, draft_book

MOST_LINES = 50


@dataclass(frozen=True, slots=True)
class Wanted:
    """A cart to try. book: "" the rulebook that counts, "draft:NAME" or "version:N". rules: of which a coupon is shown.

    at: the moment to price it at. keeps_floors: False prices it as a checkout that does not know least net prices.
    """

    channel: str
    lines: tuple[tuple[str, int], ...]
    at: datetime
    book: str = ""
    tier: str = ""
    segments: tuple[str, ...] = ()
    is_member: bool = False
    is_new: bool = False
    customer_id: int | None = None
    shop: str = ""
    node: str = ""
    region: str = ""
    source: str = ""
    payment: str = ""
    shipping_minor: int = 0
    coupons: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    keeps_floors: bool = True


def simulate(wanted: Wanted) -> Quote:
    """What the cart would cost, with a reason for every rule of the book. Reads only.

    Raises Refusal cart.channel, cart.lines, rulebook.version, draft.unknown, and what ``pricing_carts.price`` does.
    """
    currencies = dict(fetch_all("SELECT code, currency FROM channels_channel WHERE code = %s", [wanted.channel]))
    if wanted.channel not in currencies:
        raise Refusal("cart.channel", f"There is no channel {wanted.channel!r}; choose one of the list.")
    if not wanted.lines or len(wanted.lines) > MOST_LINES:
        raise Refusal("cart.lines", f"Put 1 to {MOST_LINES} goods into the cart.")
    currency = currencies[wanted.channel]
    skus = [sku for sku, _qty in wanted.lines]
    facts = facts_of(skus, {wanted.channel: currency}, wanted.at)
    if not wanted.keeps_floors:
        facts = replace(facts, prices=replace(facts.prices, floors={}))
    asked = _asked_prices(skus, wanted.channel, currency)
    request = CartRequest(
        channel=wanted.channel,
        lines=[CartLine(sku, qty, asked.get(sku)) for sku, qty in wanted.lines],
        currency=currency,
        shop=wanted.shop,
        node=wanted.node,
        region=wanted.region,
        source=wanted.source,
        payment=wanted.payment,
        shipping_minor=wanted.shipping_minor,
        coupons=wanted.coupons,
        opened=[Opened(f"simulated-{rule}", rule) for rule in wanted.rules],
        customer_id=wanted.customer_id,
        tier=wanted.tier,
        segments=frozenset(wanted.segments),
        is_member=wanted.is_member or bool(wanted.tier),
        is_new=wanted.is_new,
    )
    return price(request, now=wanted.at, book=book_for(wanted.book, wanted.at), facts=facts, explains=True)


def book_for(name: str, at: datetime) -> Book:
    """The book of ``Wanted.book``. Raises Refusal("rulebook.version") or Refusal("draft.unknown")."""
    what, _colon, which = name.partition(":")
    if what == "draft":
        return draft_book(which)
    if what == "version" and which.isdecimal() and len(which) < 10:
        return book_of(int(which))
    if name:
        raise Refusal("rulebook.version", f"There is no rulebook {name!r}; say draft:NAME, version:N, or nothing.")
    return current_book(at)


def _asked_prices(skus: list[str], channel: str, currency: str) -> dict[str, int]:
    """What the shops of the channel ask at least, for goods without a price in any list."""
    return dict(
        fetch_all(
            """SELECT s.code, min(l.price_minor) FROM catalog_listing l JOIN catalog_sku s ON s.id = l.sku_id
                 JOIN channels_shop h ON h.id = l.shop_id JOIN channels_channel c ON c.id = h.channel_id
               WHERE c.code = %s AND l.currency = %s AND l.is_on_sale AND l.price_minor > 0
                 AND s.code = ANY(%s::text[]) GROUP BY 1""",
            [channel, currency, texts(skus)],
        )
    )
