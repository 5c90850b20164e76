"""Orders and returns as clients send them, and the canonical documents they become."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from tongpan.api.problems import Problem
from tongpan.api.values import (
    Code,
    Currency,
    Flag,
    In,
    Instant,
    MoneyIn,
    Name60,
    Name120,
    Out,
    OutcomeOut,
    Tag,
    Text40,
    Text60,
    Text80,
    Text120,
    Text300,
    Text2000,
    UnitPrice,
)
from tongpan.network.geography import locate
from tongpan.orders.engine import (
    UNSAID,
    BuyerDoc,
    DeliveryDoc,
    DiscountDoc,
    InvoiceDoc,
    LineDoc,
    OrderDoc,
    Outcome,
    PaymentDoc,
    ReturnDoc,
    ShipTo,
)
from tongpan.orders.models import DeliveryMethod, Payer

_MOST_QTY = 10_000_000
_EXAMPLE_LINE = {"kind": "goods", "code": "A-1", "qty": 2, "amount": {"amount": "59.80", "currency": "CNY"}}


class DocumentLineIn(In):
    kind: Literal["goods", "charge"] = "goods"
    code: Name120 = Field(description="A SKU code, or the code of a charge (at most 40 characters)")
    name: Text300 = ""
    qty: Annotated[int, Field(strict=True, ge=-_MOST_QTY, le=_MOST_QTY, description="Positive for goods")]
    amount: MoneyIn = Field(description="Of the whole line; in a return what was given back, with a minus")
    unit_price: UnitPrice | None = None
    key: Text80 = Field("", description="The channel's own id of the line")
    product: Text120 = Field("", description="Code of the product that a new SKU belongs to")
    product_name: Text300 = ""
    category: Text120 = ""
    node: Text60 = Field("", description="The node that the channel says ships it")

    @model_validator(mode="after")
    def _fits_its_kind(self) -> DocumentLineIn:
        if self.kind == "goods" and self.qty < 1:
            raise ValueError("the quantity of goods must be at least 1")
        if self.kind == "charge" and len(self.code) > 40:
            raise ValueError("the code of a charge has at most 40 characters")
        return self

    def doc(self, currency: str, where: str) -> LineDoc:
        return LineDoc(
            kind=self.kind,
            code=self.code,
            name=self.name,
            qty=self.qty,
            amount_minor=self.amount.minor(currency, f"{where}.amount"),
            unit_price=None if self.unit_price is None else Decimal(self.unit_price),
            line_key=self.key,
            product_code=self.product,
            product_name=self.product_name,
            category=self.category,
            wanted_node=self.node,
        )


class BuyerIn(In):
    """Who bought. value is the buyer's id within scope."""

    kind: Annotated[str, Field(pattern=r"^[a-z_]{1,20}$")] = "buyer"
    scope: Text60 = Field("", description='The shop\'s code (empty), or "company" for a number of all channels')
    value: Name120
    name: Text80 = ""
    province: Text60 = ""
    city: Text60 = ""

    def doc(self, shop: str) -> BuyerDoc:
        return BuyerDoc(self.kind, self.scope or shop, self.value, self.name, self.province, self.city)


class ShipToIn(In):
    province: Text60 = ""
    city: Text60 = ""
    recipient: Text80 = ""
    phone: Text40 = ""
    address: Text300 = ""

    def doc(self) -> ShipTo:
        place = locate(self.province, self.city) or locate(self.province, "")
        return ShipTo(
            self.province,
            self.city,
            place.latitude if place else None,
            place.longitude if place else None,
            self.recipient,
            self.phone,
            self.address,
        )


class PaymentIn(In):
    method: Name60
    amount: MoneyIn
    paid_at: Instant | None = None


class DiscountIn(In):
    """What one payer bears of a discount."""

    payer: Payer
    amount: MoneyIn = Field(description="Above zero")
    line: Annotated[int, Field(strict=True, ge=1, le=2000)] | None = Field(
        None, description="The line it was given for, from 1 on; without it the goods lines share it by their amounts"
    )
    code: Text80 = ""
    name: Text120 = ""

    def doc(self, currency: str, where: str) -> DiscountDoc:
        line = None if self.line is None else self.line - 1
        return DiscountDoc(self.payer, self.amount.minor(currency, f"{where}.amount"), line, self.code, self.name)


class InvoiceIn(In):
    """The invoice that the buyer asks for."""

    kind: Text60 = ""
    title: Text120 = ""
    tax_number: Text60 = ""
    content: Text120 = ""

    def doc(self) -> InvoiceDoc:
        return InvoiceDoc(self.kind, self.title, self.tax_number, self.content)


class DeliveryIn(In):
    """How the goods reach the buyer; what is left out is not said."""

    method: DeliveryMethod = Field(DeliveryMethod.SHIP, description="pickup needs the node where they are fetched")
    node: Text60 = Field("", description="Code of the node that the buyer chose")
    slot_start: Instant | None = Field(None, description="When the buyer wants them: both ends or none")
    slot_end: Instant | None = None
    contactless: Flag = Field(False, description="Left at the door or in a locker")
    gift_wrap: Text60 = Field("", description="The wrapping that the buyer chose")
    gift_card: Annotated[str, StringConstraints(max_length=500)] = Field("", description="What the card says; sealed")
    fee: MoneyIn | None = Field(None, description="What the buyer pays for it, a part of the charges")

    def doc(self, currency: str) -> DeliveryDoc:
        return DeliveryDoc(
            str(self.method),
            self.node,
            self.slot_start,
            self.slot_end,
            self.contactless,
            self.gift_wrap,
            self.gift_card,
            self.fee.minor(currency, "delivery.fee") if self.fee else None,
        )


class OrderIn(In):
    """A sales order as a channel knows it. (shop, number) names it for good."""

    shop: Code
    number: Name120
    placed_at: Instant
    currency: Currency
    lines: list[DocumentLineIn] = Field(min_length=1, max_length=2000, examples=[[_EXAMPLE_LINE]])
    buyer: BuyerIn | None = None
    ship_to: ShipToIn = ShipToIn()
    payments: list[PaymentIn] = Field([], max_length=100)
    updated_at: Instant | None = Field(
        None, description="The channel's time of last change: an older copy never overwrites a newer one"
    )
    channel_status: Text60 = ""
    paid_at: Instant | None = None
    dispatched_at: Instant | None = None
    delivered_at: Instant | None = None
    completed_at: Instant | None = None
    cancelled_at: Instant | None = None
    promised_at: Instant | None = None
    paid: MoneyIn | None = None
    refunded: MoneyIn | None = None
    is_shipped: Flag = Field(False, description="The channel has sent the goods, whether or not it says when")
    discounts: list[DiscountIn] = Field(
        [], max_length=200, description="Who bears the discounts that explain the prices; they change no amount"
    )
    invoice: InvoiceIn | None = None
    buyer_note: Text2000 = ""
    seller_note: Text2000 = ""
    tags: list[Tag] = Field([], max_length=50)
    hold_until: Instant | None = Field(None, description="Until when an unpaid order keeps its goods")
    delivery: DeliveryIn | None = None

    def doc(self, raw: bytes) -> OrderDoc:
        """raw: what is kept as the payload. Raises ValueError when an amount is not one of the order's currency."""
        currency = self.currency
        return OrderDoc(
            shop_code=self.shop,
            external_id=self.number,
            placed_at=self.placed_at,
            currency=currency,
            lines=[line.doc(currency, f"lines.{at}") for at, line in enumerate(self.lines)],
            buyer=self.buyer.doc(self.shop) if self.buyer else None,
            ship_to=self.ship_to.doc(),
            payments=[
                PaymentDoc(at + 1, p.method, p.amount.minor(currency, f"payments.{at}.amount"), p.paid_at)
                for at, p in enumerate(self.payments)
            ],
            version=self.updated_at,
            channel_status=self.channel_status,
            paid_at=self.paid_at,
            dispatched_at=self.dispatched_at,
            delivered_at=self.delivered_at,
            completed_at=self.completed_at,
            cancelled_at=self.cancelled_at,
            promised_at=self.promised_at,
            paid_minor=self.paid.minor(currency, "paid") if self.paid else None,
            refunded_minor=self.refunded.minor(currency, "refunded") if self.refunded else 0,
            is_shipped=self.is_shipped,
            discounts=[share.doc(currency, f"discounts.{at}") for at, share in enumerate(self.discounts)],
            invoice=self.invoice.doc() if self.invoice else None,
            buyer_note=self.buyer_note,
            seller_note=self.seller_note,
            tags=self.tags,
            hold_until=self.hold_until,
            delivery=self.delivery.doc(currency) if self.delivery else UNSAID,
            raw=raw,
        )


class ReturnIn(In):
    """Goods or money that came back. (shop, number) names it for good."""

    shop: Code
    number: Name120
    returned_at: Instant
    currency: Currency
    lines: list[DocumentLineIn] = Field(min_length=1, max_length=2000)
    order: Text120 = Field("", description="Number of the order it belongs to, in the same shop")
    buyer: BuyerIn | None = None

    def doc(self) -> ReturnDoc:
        """Raises ValueError when an amount is not one of the return's currency."""
        return ReturnDoc(
            shop_code=self.shop,
            external_id=self.number,
            returned_at=self.returned_at,
            currency=self.currency,
            lines=[line.doc(self.currency, f"lines.{at}") for at, line in enumerate(self.lines)],
            buyer=self.buyer.doc(self.shop) if self.buyer else None,
            order_external_id=self.order,
        )


class OrdersIn(In):
    orders: list[OrderIn] = Field(min_length=1, max_length=1000)


class ReturnsIn(In):
    returns: list[ReturnIn] = Field(min_length=1, max_length=1000)


class OutcomesOut(Out):
    outcomes: list[OutcomeOut] = Field(description="One for each document, at the position at which it was sent")


def order_docs(orders: Sequence[OrderIn], body: bytes) -> list[OrderDoc]:
    """Raises Problem when an amount is not one of its document's currency.

    body: the request that brought them, kept with an order that came alone; of several each has its own part.
    """
    docs = []
    for at, order in enumerate(orders):
        raw = body if len(orders) == 1 else order.model_dump_json(exclude_unset=True).encode()
        try:
            docs.append(order.doc(raw))
        except ValueError as error:
            raise _not_of_the_currency(f"orders.{at}", error) from None
    return docs


def return_docs(returns: Sequence[ReturnIn]) -> list[ReturnDoc]:
    """Raises Problem when an amount is not one of its document's currency."""
    docs = []
    for at, one in enumerate(returns):
        try:
            docs.append(one.doc())
        except ValueError as error:
            raise _not_of_the_currency(f"returns.{at}", error) from None
    return docs


def _not_of_the_currency(where: str, error: ValueError) -> Problem:
    return Problem(
        422,
        "money.invalid",
        f"{where}: {error}.",
        {"errors": [{"in": "body", "field": where, "message": str(error)}]},
    )


def answer(outcomes: Sequence[Outcome], numbers: Sequence[str]) -> OutcomesOut:
    """The answer to a batch. Raises Problem when every document was refused: then nothing was written."""
    rendered = [
        OutcomeOut(state=o.state, id=o.document_id, number=number, code=o.code, reason=o.reason)
        for o, number in zip(outcomes, numbers, strict=True)
    ]
    if all(outcome.state == "refused" for outcome in outcomes):
        raise Problem(
            422,
            outcomes[0].code,
            outcomes[0].reason,
            {"outcomes": [outcome.model_dump(mode="json") for outcome in rendered]},
        )
    return OutcomesOut(outcomes=rendered)
