"""What a cart costs, and why: the same function prices the checkout."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from django.http import HttpRequest
from ninja import Router
from pydantic import Field

from tongpan.api.documents import BuyerIn
from tongpan.api.operations import write
from tongpan.api.problems import Problem
from tongpan.api.values import Code, Flag, In, MoneyIn, MoneyOut, Name60, Name120, Out, Text60, money
from tongpan.channels.queries import shop_by_code
from tongpan.core.clock import utc_now
from tongpan.orders.offering import OfferFacts
from tongpan.orders.queries.offering import buyer_of
from tongpan.promotions.coupons import PROBLEMS, check_attempts, note_failures
from tongpan.promotions.engine.explaining import sentence
from tongpan.promotions.pricing_carts import CartLine, CartRequest, Opened, Quote, price

router = Router(tags=["quotes"])


class OpenedIn(In):
    """What opens a rule beside coupons: a group that formed, a valuation of traded-in goods."""

    code: Name60
    rule: Code
    value: Annotated[int, Field(ge=0, le=10**12)] = Field(0, description="In minor units")


class OffersIn(In):
    """What the front knows of the buyer and of how the cart came about."""

    coupons: list[Name60] = Field([], max_length=20, description="Codes as typed")
    opened: list[OpenedIn] = Field([], max_length=20)
    source: Text60 = Field("", description="A live room, a community, an ad")
    payment: Text60 = ""
    tier: Text60 = ""
    segments: list[Name60] = Field([], max_length=100)
    scopes: list[Literal["live", "community", "member"]] = Field([], max_length=3)
    is_member: Flag = False

    def facts(self) -> OfferFacts:
        return OfferFacts(
            tuple(self.coupons),
            tuple(Opened(one.code, one.rule, one.value) for one in self.opened),
            self.source,
            self.payment,
            self.tier,
            frozenset(self.segments),
            frozenset(self.scopes),
            self.is_member,
        )


class QuoteLineIn(In):
    sku: Name120
    qty: Annotated[int, Field(strict=True, ge=1, le=100_000)]
    unit_price: MoneyIn | None = Field(None, description="As the front shows it; it counts where no list has a price")


class QuoteIn(OffersIn):
    shop: Code
    lines: list[QuoteLineIn] = Field(min_length=1, max_length=500)
    region: Text60 = Field("", description="The province that the goods go to")
    node: Text60 = Field("", description="The store where it is bought or fetched")
    shipping: MoneyIn | None = None
    buyer: BuyerIn | None = None
    explain: Flag = Field(False, description="Also tell of rules that are far from this cart")


class QuoteCouponOut(Out):
    code: str
    rule: str
    problem: str = Field(description='Why it cannot be used, for programs; "" when it can')
    sentence: str


class QuoteShareOut(Out):
    rule: str
    payer: str
    coupon: str
    amount: MoneyOut


class QuoteLineOut(Out):
    sku: str
    name: str
    qty: int
    unit_price: MoneyOut
    price_list: str = Field(description='"" where the price is what the front shows')
    is_changed: bool = Field(description="The front shows another price than the price book has")
    amount: MoneyOut
    net: MoneyOut
    discounts: list[QuoteShareOut]


class QuoteGiftOut(Out):
    rule: str
    sku: str
    qty: int


class QuoteReasonOut(Out):
    rule: str
    applied: bool
    reason: str
    sentence: str


class CartPriceOut(Out):
    token: str = Field(description="Give it to the checkout: what was changed since is refused there")
    version: int = Field(description="Of the rulebook; 0 without one")
    lines: list[QuoteLineOut]
    gifts: list[QuoteGiftOut]
    shipping: MoneyOut
    discount: MoneyOut
    total: MoneyOut
    coupons: list[QuoteCouponOut]
    reasons: list[QuoteReasonOut]


@write(router, "POST", "/quotes", "promotions.view", CartPriceOut)
def post_quote(request: HttpRequest, body: QuoteIn) -> CartPriceOut:
    """What goods cost in a shop now; nothing is held or taken."""
    shop = shop_by_code([body.shop]).get(body.shop)
    if shop is None:
        raise Problem(422, "cart.shop", f"There is no shop {body.shop!r}; GET /api/v1/shops lists them.")
    try:
        lines = [
            CartLine(
                line.sku,
                line.qty,
                line.unit_price.minor(shop.currency, f"lines.{at}.unit_price") if line.unit_price else None,
            )
            for at, line in enumerate(body.lines)
        ]
        shipping = body.shipping.minor(shop.currency, "shipping") if body.shipping else 0
    except ValueError as error:
        raise Problem(422, "money.invalid", f"{error}.") from None
    if shipping < 0 or any(line.unit_minor is not None and line.unit_minor < 0 for line in lines):
        raise Problem(422, "money.invalid", "Prices and shipping are amounts from 0.")
    customer_id, is_new = buyer_of(body.buyer.doc(body.shop)) if body.buyer else (None, False)
    facts = body.facts()
    quote = price(
        CartRequest(
            shop.channel_code,
            lines,
            shop.currency,
            body.shop,
            body.node,
            body.region,
            facts.source,
            facts.payment,
            shipping,
            facts.coupons,
            facts.opened,
            customer_id,
            facts.tier,
            facts.segments,
            facts.scopes,
            facts.is_member,
            is_new,
        ),
        now=utc_now(),
        explains=body.explain,
    )
    return quote_out(quote, f"source:{body.shop}")


def quote_out(quote: Quote, *who: str) -> CartPriceOut:
    """The answer of a quote; wrong codes in it are counted for its customer, or else for ``who``.

    Raises Refusal("coupon.too_many") after too many of them.
    """
    if quote.coupons:
        customer = quote.request.customer_id
        named = [f"customer:{customer}"] if customer else who
        check_attempts(named, now=quote.at)
        note_failures(quote.coupons, named, now=quote.at)
    currency = quote.request.currency
    shares: dict[int, list[QuoteShareOut]] = {}
    for share in quote.result.discounts:
        shares.setdefault(share.line, []).append(
            QuoteShareOut(
                rule=share.rule, payer=share.payer, coupon=share.coupon, amount=money(share.amount_minor, currency)
            )
        )
    return CartPriceOut(
        token=quote.token,
        version=quote.version,
        lines=[
            QuoteLineOut(
                sku=line.sku,
                name=line.name,
                qty=line.qty,
                unit_price=money(line.unit_minor, currency),
                price_list=line.price_list,
                is_changed=line.is_changed,
                amount=money(line.amount_minor, currency),
                net=money(line.net_minor, currency),
                discounts=shares.get(line.number, []),
            )
            for line in quote.lines
        ],
        gifts=[QuoteGiftOut(rule=gift.rule, sku=gift.sku, qty=gift.qty) for gift in quote.result.gifts],
        shipping=money(quote.result.shipping_minor, currency),
        discount=money(quote.discount_minor, currency),
        total=money(quote.total_minor, currency),
        coupons=[
            QuoteCouponOut(
                code=found.code,
                rule=found.rule,
                problem=found.problem,
                sentence=PROBLEMS[found.problem].format(code=found.code) if found.problem else "",
            )
            for found in quote.coupons
        ],
        reasons=_reasons(quote),
    )


def _reasons(quote: Quote) -> list[Any]:
    currency = quote.request.currency
    return [
        QuoteReasonOut(rule=one.rule, applied=one.applied, reason=one.reason, sentence=sentence(one, currency))
        for one in quote.trials
    ]
