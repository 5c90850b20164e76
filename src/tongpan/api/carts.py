"""Carts and checkout for shop fronts of one's own: mall, app, mini-program, terminal in a store."""

from __future__ import annotations

from typing import Annotated, Literal

from django.http import HttpRequest
from ninja import Path, Query, Router
from pydantic import Field

from tongpan.api.documents import BuyerIn, DeliveryIn, ShipToIn
from tongpan.api.operations import actor_of, read, write
from tongpan.api.pages import Page, PageQuery, page_of
from tongpan.api.problems import Problem, not_found
from tongpan.api.quotes import CartPriceOut, OffersIn, quote_out
from tongpan.api.values import Code, Flag, In, Instant, MoneyIn, MoneyOut, Name60, Name120, Out, Text60, money
from tongpan.channels.queries import shop_by_code
from tongpan.core.clock import utc_now
from tongpan.orders.actions.carts import CartLineSpec, checkout, open_cart, pay_order, set_cart_lines
from tongpan.orders.engine import UNSAID, LineDoc
from tongpan.orders.models import Cart
from tongpan.orders.queries.carts import availability_of, select_carts
from tongpan.orders.queries.offering import quote_of

router = Router(tags=["carts"])

Token = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]


class CartLineIn(In):
    sku: Name120
    qty: Annotated[int, Field(strict=True, ge=1, le=100_000)]
    unit_price: MoneyIn = Field(description="Of one unit, as the shop front showed it")


class CartIn(In):
    shop: Code
    lines: list[CartLineIn] = Field([], max_length=500)
    buyer: BuyerIn | None = None


class CartLinesIn(In):
    lines: list[CartLineIn] = Field(max_length=500)


class ChargeIn(In):
    code: Annotated[str, Field(strict=True, pattern=r"^[A-Za-z0-9._-]{1,40}$")] = Field(examples=["postage"])
    amount: MoneyIn


class CheckoutIn(OffersIn):
    """quote: the token of the quote that the buyer agreed to. Without one a front's unit price must be the book's."""

    quote: Annotated[str, Field(strict=True, pattern=r"^([0-9a-f]{24})?$")] = ""
    buyer: BuyerIn | None = None
    ship_to: ShipToIn = ShipToIn()
    charges: list[ChargeIn] = Field([], max_length=50)
    delivery: DeliveryIn | None = Field(None, description="How the goods reach the buyer, such as instant delivery")
    as_preorder: Flag = Field(False, description="The goods come later: the order is held by a deposit")


class CartQuoteIn(OffersIn):
    region: Text60 = Field("", description="The province that the goods go to")
    node: Text60 = Field("", description="The store where they are fetched")
    charges: list[ChargeIn] = Field([], max_length=50)
    explain: Flag = Field(False, description="Also tell of rules that are far from this cart")


class PayIn(In):
    method: Name60
    amount: MoneyIn


class CartLineOut(Out):
    sku: str
    name: str
    qty: int
    unit_price: MoneyOut
    amount: MoneyOut


class CartSummaryOut(Out):
    cart: str = Field(description="Names the cart in every call")
    shop: str
    customer: str | None
    state: Literal["open", "ordered"]
    order: int | None
    goods: MoneyOut
    lines: list[CartLineOut]
    created_at: Instant
    changed_at: Instant


class AvailableOut(Out):
    sku: str
    wanted: int
    free: int = Field(description="Units that nobody was promised; checkout decides")
    is_enough: bool


class CartOut(CartSummaryOut):
    availability: list[AvailableOut]


class CheckoutOut(Out):
    order: int
    number: str
    total: MoneyOut
    hold_until: Instant = Field(description="Pay until then: afterwards the goods are on sale again")
    deposit: MoneyOut | None = Field(description="Of a pre-order: what is to be paid until then; null of any other")


class PaidOut(Out):
    order: int
    revision: int


class CartQuery(PageQuery):
    state: Literal["", "open", "abandoned", "ordered"] = Field(
        "", description='"abandoned": open, and changed by nobody for an hour (setting orders.checkout)'
    )


def _summary(cart: Cart) -> CartSummaryOut:
    currency = cart.shop.channel.currency
    lines = list(cart.lines.all())
    return CartSummaryOut(
        cart=cart.token,
        shop=cart.shop.code,
        customer=cart.customer.code if cart.customer else None,
        state="ordered" if cart.order_id else "open",
        order=cart.order_id,
        goods=money(sum(line.qty * line.unit_minor for line in lines), currency),
        lines=[
            CartLineOut(
                sku=line.sku.code,
                name=line.sku.name,
                qty=line.qty,
                unit_price=money(line.unit_minor, currency),
                amount=money(line.qty * line.unit_minor, currency),
            )
            for line in lines
        ],
        created_at=cart.created_at,
        changed_at=cart.changed_at,
    )


def _find(token: str) -> Cart:
    cart = select_carts("", now=utc_now()).filter(token=token).first()
    if cart is None:
        raise not_found("cart", token)
    return cart


def _whole(token: str) -> CartOut:
    cart = _find(token)
    return CartOut(
        **_summary(cart).model_dump(),
        availability=[
            AvailableOut(sku=a.sku, wanted=a.wanted, free=a.free, is_enough=a.is_enough)
            for a in availability_of(cart.pk)
        ],
    )


def _specs(lines: list[CartLineIn], currency: str) -> list[CartLineSpec]:
    try:
        return [
            CartLineSpec(line.sku, line.qty, line.unit_price.minor(currency, f"lines.{at}.unit_price"))
            for at, line in enumerate(lines)
        ]
    except ValueError as error:
        raise Problem(422, "money.invalid", f"{error}.") from None


def _charges(charges: list[ChargeIn], currency: str) -> list[LineDoc]:
    try:
        return [
            LineDoc("charge", c.code, c.code, 1, c.amount.minor(currency, f"charges.{at}.amount"))
            for at, c in enumerate(charges)
        ]
    except ValueError as error:
        raise Problem(422, "money.invalid", f"{error}.") from None


@write(router, "POST", "/carts", "orders.edit", CartOut)
def post_cart(request: HttpRequest, body: CartIn) -> CartOut:
    """Open a cart."""
    shop = shop_by_code([body.shop]).get(body.shop)
    if shop is None:
        raise Problem(422, "cart.shop", f"There is no shop {body.shop!r}; GET /api/v1/shops lists them.")
    buyer = body.buyer.doc(body.shop) if body.buyer else None
    return _whole(open_cart(body.shop, _specs(body.lines, shop.currency), buyer, now=utc_now()))


@read(router, "/carts", "orders.view", Page[CartSummaryOut])
def list_carts(request: HttpRequest, query: Query[CartQuery]) -> Page[CartSummaryOut]:
    """Carts, those changed last first."""
    return page_of(select_carts(query.state, now=utc_now()), ["-changed_at", "-id"], query, _summary)


@read(router, "/carts/{cart}", "orders.view", CartOut)
def get_cart(request: HttpRequest, cart: Path[Token]) -> CartOut:
    """One cart, and what is there of its goods."""
    return _whole(cart)


@write(router, "PUT", "/carts/{cart}/lines", "orders.edit", CartOut)
def put_cart_lines(request: HttpRequest, cart: Path[Token], body: CartLinesIn) -> CartOut:
    """Let a cart have exactly these lines."""
    set_cart_lines(cart, _specs(body.lines, _find(cart).shop.channel.currency), now=utc_now())
    return _whole(cart)


@write(router, "POST", "/carts/{cart}/quote", "orders.view", CartPriceOut)
def post_cart_quote(request: HttpRequest, cart: Path[Token], body: CartQuoteIn) -> CartPriceOut:
    """What a cart costs now, and why; nothing is held or taken. Give its token to the checkout."""
    currency = _find(cart).shop.channel.currency if body.charges else ""
    quote = quote_of(
        cart,
        body.facts(),
        region=body.region,
        node=body.node,
        charges=_charges(body.charges, currency),
        explains=body.explain,
        now=utc_now(),
    )
    return quote_out(quote, f"cart:{cart}")


@write(router, "POST", "/carts/{cart}/checkout", "orders.edit", CheckoutOut)
def post_checkout(request: HttpRequest, cart: Path[Token], body: CheckoutIn) -> CheckoutOut:
    """Make an unpaid order of a cart and hold its goods for a while, all or nothing."""
    found = _find(cart)
    currency = found.shop.channel.currency
    charges = _charges(body.charges, currency)
    try:
        delivery = body.delivery.doc(currency) if body.delivery else UNSAID
    except ValueError as error:
        raise Problem(422, "money.invalid", f"{error}.") from None
    buyer = body.buyer.doc(found.shop.code) if body.buyer else None
    made = checkout(
        cart,
        buyer,
        body.ship_to.doc(),
        charges,
        as_preorder=body.as_preorder,
        delivery=delivery,
        offers=body.facts(),
        quote=body.quote,
        actor=actor_of(request),
        now=utc_now(),
    )
    return CheckoutOut(
        order=made.order_id,
        number=made.number,
        total=money(made.total_minor, made.currency),
        hold_until=made.hold_until,
        deposit=None if made.deposit_minor is None else money(made.deposit_minor, made.currency),
    )


@write(router, "POST", "/carts/{cart}/pay", "orders.edit", PaidOut)
def post_pay(request: HttpRequest, cart: Path[Token], body: PayIn) -> PaidOut:
    """Note that the order of a cart is paid; refused with reservation.expired when its time is over."""
    found = _find(cart)
    if found.order_id is None:
        raise Problem(422, "cart.open", "The cart is no order yet; check it out first.")
    try:
        amount = body.amount.minor(found.shop.channel.currency, "amount")
    except ValueError as error:
        raise Problem(422, "money.invalid", f"{error}.") from None
    revision = pay_order(found.order_id, body.method, amount, actor=actor_of(request), now=utc_now())
    return PaidOut(order=found.order_id, revision=revision)
