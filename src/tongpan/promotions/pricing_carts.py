"""What a cart costs: list prices of the price book, promotions of the rulebook, coupons and what limits have left.

One function for the quote, the checkout, the simulator and the replay, so that no two of them disagree.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from tongpan.core.errors import Refusal
from tongpan.promotions.cart_facts import Facts, Goods, facts_of
from tongpan.promotions.coupons import Found, Presented, look_up
from tongpan.promotions.engine.book import Book, compile_book
from tongpan.promotions.engine.carts import Cart, Coupon, Customer, Line
from tongpan.promotions.engine.evaluate import evaluate
from tongpan.promotions.engine.explaining import explain
from tongpan.promotions.engine.results import Result, Trial
from tongpan.promotions.engine.rules import Rulebook, Settings
from tongpan.promotions.limits import Asked, remaining
from tongpan.promotions.queries import current_book

MOST_CODES = 20
"""Coupons that one cart may name."""
LISTLESS = "front"
"""The kind of a price that no list has: what the shop front says."""


@dataclass(frozen=True, slots=True)
class CartLine:
    """Units of a SKU. unit_minor: what the shop front shows for one; it counts where no price list has a price."""

    sku: str
    qty: int
    unit_minor: int | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """What opens a rule beside coupons: a group that formed, a valuation of traded-in goods."""

    code: str
    rule: str
    value_minor: int = 0


@dataclass(frozen=True, slots=True)
class CartRequest:
    """A cart to price. channel, shop, node: codes; region: a province. customer_id: None of nobody known.

    tier, segments, is_member, is_new: what the shop front or the profile knows of the buyer. scopes: where the cart
    was filled ("live", "community", "member"); a member's cart has the last by itself. coupons: codes as typed.
    order_id: of an order priced anew, whose own coupons are no hindrance.
    """

    channel: str
    lines: Sequence[CartLine]
    currency: str = "CNY"
    shop: str = ""
    node: str = ""
    region: str = ""
    source: str = ""
    payment: str = ""
    shipping_minor: int = 0
    coupons: Sequence[str] = ()
    opened: Sequence[Opened] = ()
    customer_id: int | None = None
    tier: str = ""
    segments: frozenset[str] = frozenset()
    scopes: frozenset[str] = frozenset()
    is_member: bool = False
    is_new: bool = False
    order_id: int | None = None


@dataclass(frozen=True, slots=True)
class QuoteLine:
    """One line, numbered from 1 as the request has them. unit_minor: the list price of a unit; price_list, price_kind:
    where it comes from. asked_minor: what the front showed. net_minor: of the whole line after promotions."""

    number: int
    sku: str
    name: str
    qty: int
    unit_minor: int
    price_list: str
    price_kind: str
    asked_minor: int | None
    amount_minor: int
    net_minor: int

    @property
    def is_changed(self) -> bool:
        """The front showed another price than the price book has."""
        return self.asked_minor is not None and self.asked_minor != self.unit_minor


@dataclass(frozen=True, slots=True)
class Quote:
    """What a cart costs at ``at`` by the rulebook ``version`` (0: none is published, or none is in its currency).

    coupons: what each code named stands for. trials: why rules gave what they gave.
    """

    request: CartRequest
    at: datetime
    version: int
    book: Book
    lines: tuple[QuoteLine, ...]
    result: Result
    coupons: tuple[Found, ...]
    trials: tuple[Trial, ...]

    @property
    def total_minor(self) -> int:
        return self.result.total_minor

    @property
    def discount_minor(self) -> int:
        return sum(share.amount_minor for share in self.result.discounts)

    @property
    def changed(self) -> list[QuoteLine]:
        """The lines whose price the front shows wrong."""
        return [line for line in self.lines if line.is_changed]

    @property
    def token(self) -> str:
        """Stands for all that the buyer agreed to: goods, prices, discounts, gifts, shipping. The time is no part."""
        said = (
            self.request.currency,
            [(line.sku, line.qty, line.unit_minor, line.net_minor) for line in self.lines],
            sorted((gift.rule, gift.sku, gift.qty) for gift in self.result.gifts),
            self.result.shipping_minor,
            sorted(self.result.coupons_used),
        )
        return hashlib.blake2s(repr(said).encode(), digest_size=12).hexdigest()

    @property
    def used(self) -> list[Found]:
        """The coupons that opened something, to be held by the order."""
        applied = set(self.result.coupons_used)
        return [found for found in self.coupons if found.code in applied and not found.problem]


def price(
    request: CartRequest, *, now: datetime, book: Book | None = None, facts: Facts | None = None, explains: bool = False
) -> Quote:
    """``price_many`` of one cart."""
    return price_many([request], now=now, book=book, facts=facts, explains=explains)[0]


def price_many(
    requests: Sequence[CartRequest],
    *,
    now: datetime,
    book: Book | None = None,
    facts: Facts | None = None,
    explains: bool = False,
) -> list[Quote]:
    """What each cart costs at ``now``, at the same position. Reads only: at most four statements, whatever the number.

    book: instead of the rulebook that counts, as the simulator tries a draft. facts: goods and prices, when the caller
    has them. explains: ``Quote.trials`` tells of every rule of the book, not only of those near to the cart. Raises
    Refusal cart.sku, cart.price (nobody says what a SKU costs), cart.coupons, or what the engine refuses.
    """
    for request in requests:
        if len(request.coupons) > MOST_CODES:
            raise Refusal("cart.coupons", f"Name at most {MOST_CODES} coupons.")
    counted = book or current_book(now)
    if facts is None:
        skus = {line.sku for request in requests for line in request.lines}
        facts = facts_of(skus, {request.channel: request.currency for request in requests}, now)
    found = _coupons(requests, now)
    asked: list[Asked] = []
    priced: list[list[tuple[str, str]]] = []
    for request, coupons in zip(requests, found, strict=True):
        lines, origins = _lines(request, facts)
        cart = Cart(
            tuple(lines),
            request.channel,
            request.currency,
            request.shop,
            request.node,
            request.region,
            request.source,
            request.payment,
            request.shipping_minor,
            (
                *(Coupon(one.code, one.rule) for one in coupons if not one.problem),
                *(Coupon(one.code, one.rule, one.value_minor) for one in request.opened),
            ),
        )
        customer = Customer(
            str(request.customer_id or ""),
            request.tier,
            request.segments,
            request.is_member,
            request.is_new,
        )
        is_meant = counted.rulebook.settings.currency == request.currency
        asked.append(Asked(counted if is_meant else _no_rules(request.currency), cart, customer, request.customer_id))
        priced.append(origins)
    left = remaining(asked, at=now)
    return [
        _quote(request, one, rest, coupons, origins, goods=facts.goods, now=now, explains=explains)
        for request, one, rest, coupons, origins in zip(requests, asked, left, found, priced, strict=True)
    ]


def _coupons(requests: Sequence[CartRequest], now: datetime) -> list[tuple[Found, ...]]:
    """What the codes of each cart stand for. One statement when there are any, one more for each order priced anew."""
    named = [(at, code) for at, request in enumerate(requests) for code in dict.fromkeys(request.coupons)]
    found: list[list[Found]] = [[] for _ in requests]
    by_order: dict[int | None, list[tuple[int, str]]] = {}
    for at, code in named:
        by_order.setdefault(requests[at].order_id, []).append((at, code))
    for order_id, codes in by_order.items():
        presented = [Presented(code, requests[at].customer_id, requests[at].segments) for at, code in codes]
        for (at, _), one in zip(codes, look_up(presented, now=now, order_id=order_id), strict=True):
            if one.code not in [other.code for other in found[at]]:
                found[at].append(one)
    return [tuple(one) for one in found]


def list_price(request: CartRequest, asked: CartLine, facts: Facts) -> tuple[int, str, str] | None:
    """(a unit in minor units, price list, its kind) of a line before promotions: what the price book has, else what the
    front shows; None when nobody says."""
    scopes = request.scopes | {"member"} if request.is_member else request.scopes
    found = facts.prices.price(
        asked.sku, request.channel, tier=request.tier, region=request.region, qty=asked.qty, scopes=frozenset(scopes)
    )
    if found is not None and found.currency == request.currency:
        return found.amount_minor, found.list_code, found.kind
    return None if asked.unit_minor is None else (asked.unit_minor, "", LISTLESS)


def _lines(request: CartRequest, facts: Facts) -> tuple[list[Line], list[tuple[str, str]]]:
    """The lines for the engine, and of each the list and the kind that its price is of."""
    lines, origins = [], []
    book, channel, currency = facts.prices, request.channel, request.currency
    for number, asked in enumerate(request.lines, 1):
        goods = facts.goods.get(asked.sku)
        if goods is None:
            raise Refusal("cart.sku", f"There is no SKU {asked.sku!r}.")
        found = list_price(request, asked, facts)
        if found is None:
            raise Refusal(
                "cart.price", f"No price list has a price of SKU {asked.sku} in {channel}; name what a unit costs."
            )
        unit, code, kind = found
        lines.append(
            Line(
                number,
                asked.sku,
                asked.qty,
                unit,
                book.least_net(asked.sku, request.region, currency) or 0,
                book.cost(asked.sku, currency),
                goods.product,
                goods.categories,
                goods.tags(channel),
            )
        )
        origins.append((code, kind))
    return lines, origins


def _quote(
    request: CartRequest,
    asked: Asked,
    left: Mapping[str, int],
    coupons: tuple[Found, ...],
    origins: Sequence[tuple[str, str]],
    *,
    goods: Mapping[str, Goods],
    now: datetime,
    explains: bool,
) -> Quote:
    result = evaluate(asked.book, asked.cart, asked.customer, at=now, remaining=left)
    trials = explain(asked.book, asked.cart, asked.customer, at=now, remaining=left) if explains else result.trials
    lines = tuple(
        QuoteLine(
            line.number,
            line.sku,
            goods[line.sku].name,
            line.qty,
            line.unit_minor,
            *origin,
            shown.unit_minor,
            done.amount_minor,
            done.net_minor,
        )
        for line, done, shown, origin in zip(asked.cart.lines, result.lines, request.lines, origins, strict=True)
    )
    version = int(result.version) if result.version.isdecimal() else 0
    return Quote(request, now, version, asked.book, lines, result, coupons, trials)


def _no_rules(currency: str) -> Book:
    return compile_book(Rulebook("0", (), settings=Settings(currency=currency)))
