"""Pre-orders: what may be ordered before it is there, who waits for it, and deposits."""

from __future__ import annotations

from typing import Annotated, Literal

from django.http import HttpRequest
from ninja import Path, Query, Router
from pydantic import Field

from tongpan.api.operations import actor_of, has_scope, read, write
from tongpan.api.pages import Page, PageQuery, page_of
from tongpan.api.problems import Problem, not_found
from tongpan.api.values import (
    Flag,
    Id,
    In,
    Instant,
    MoneyIn,
    MoneyOut,
    Name60,
    Name120,
    Out,
    Text40,
    Text120,
    money,
    money_or_none,
)
from tongpan.channels.queries import channels
from tongpan.core.clock import utc_now
from tongpan.orders.actions.preorders import pay_deposit, save_offers
from tongpan.orders.models import Preorder, PreorderOffer, PreorderState
from tongpan.orders.preordering import MAX_CAP, MAX_HOURS, OfferSpec
from tongpan.orders.queries.preorders import PreorderFilter, select_offers, select_preorders

router = Router(tags=["pre-orders"])


class PreorderOfferIn(In):
    sku: Name120
    channel: Text40 = Field("", description='"": every channel that has no offer of its own')
    cap: Annotated[int, Field(strict=True, ge=1, le=MAX_CAP, description="Units that may be ordered ahead at most")]
    deposit_percent: Annotated[int, Field(strict=True, ge=0, le=100)] = 0
    deposit: MoneyIn | None = Field(None, description="Of one unit, instead of a share; needs a channel")
    expected_at: Instant | None = None
    balance_hours: Annotated[int, Field(strict=True, ge=1, le=MAX_HOURS)] = Field(
        72, description="How long the goods are kept for the balance once they are there"
    )
    balance_due_at: Instant | None = Field(None, description="The balance is not due before")
    is_open: Flag = True


class PreorderOffersIn(In):
    offers: list[PreorderOfferIn] = Field(min_length=1, max_length=500)


class OffersSavedOut(Out):
    count: int


class PreorderOfferOut(Out):
    id: int
    sku: str
    channel: str
    cap: int
    taken: int
    deposit_percent: int
    deposit: MoneyOut | None
    expected_at: Instant | None
    balance_hours: int
    balance_due_at: Instant | None
    is_open: bool


class PreorderLineOut(Out):
    sku: str
    qty: int


class PreorderOut(Out):
    order: int
    number: str
    shop: str
    state: PreorderState
    lines: list[PreorderLineOut]
    total: MoneyOut
    deposit: MoneyOut
    deposit_due_at: Instant | None
    deposit_paid_at: Instant | None
    expected_at: Instant | None = Field(description="When the last of its goods should come; null: nobody said")
    served_at: Instant | None
    balance_due_at: Instant | None = Field(description="Until when the goods are kept; null while they are not there")


class PreorderQuery(PageQuery):
    state: PreorderState | Literal["waiting", "overdue", ""] = "waiting"
    search: Text120 = Field("", description="As the search of orders")


class DepositIn(In):
    method: Name60
    amount: MoneyIn


class DepositOut(Out):
    order: int
    revision: int


def _offer(row: PreorderOffer) -> PreorderOfferOut:
    return PreorderOfferOut(
        id=row.pk,
        sku=row.sku.code,
        channel=row.channel.code if row.channel else "",
        cap=row.cap,
        taken=row.taken,
        deposit_percent=row.deposit_percent,
        deposit=money_or_none(row.deposit_minor, row.channel.currency) if row.channel else None,
        expected_at=row.expected_at,
        balance_hours=row.balance_hours,
        balance_due_at=row.balance_due_at,
        is_open=row.is_open,
    )


def _preorder(row: Preorder) -> PreorderOut:
    currency = row.order.currency
    return PreorderOut(
        order=row.order_id,
        number=row.order.external_id,
        shop=row.order.shop.code,
        state=PreorderState(row.state),
        lines=[PreorderLineOut(sku=line.offer.sku.code, qty=line.qty) for line in row.lines.all()],
        total=money(row.order.total_minor, currency),
        deposit=money(row.deposit_minor, currency),
        deposit_due_at=row.deposit_due_at,
        deposit_paid_at=row.deposit_paid_at,
        expected_at=row.expected_at,  # type: ignore[attr-defined]
        served_at=row.served_at,
        balance_due_at=row.balance_due_at,
    )


@read(router, "/preorders/offers", "orders.view", Page[PreorderOfferOut])
def list_offers(request: HttpRequest, query: Query[PageQuery]) -> Page[PreorderOfferOut]:
    """What may be ordered ahead, and how much of it is taken."""
    return page_of(select_offers(), ["id"], query, _offer)


@write(router, "PUT", "/preorders/offers", "orders.edit", OffersSavedOut)
def put_offers(request: HttpRequest, body: PreorderOffersIn) -> OffersSavedOut:
    """Put offers in force, all or none; one replaces that of the same SKU and channel."""
    currencies = {channel.code: channel.currency for channel in channels()}
    specs = []
    for at, one in enumerate(body.offers):
        try:
            known = currencies.get(one.channel, one.deposit.currency if one.deposit else "")
            deposit = one.deposit.minor(known, f"offers.{at}.deposit") if one.deposit else None
        except ValueError as error:
            raise Problem(422, "money.invalid", f"{error}.") from None
        specs.append(
            OfferSpec(
                one.sku,
                one.cap,
                one.channel,
                one.deposit_percent,
                deposit,
                one.expected_at,
                one.balance_hours,
                one.balance_due_at,
                one.is_open,
            )
        )
    return OffersSavedOut(count=save_offers(specs, actor=actor_of(request), now=utc_now()))


@read(router, "/preorders", "orders.view", Page[PreorderOut])
def list_preorders(request: HttpRequest, query: Query[PreorderQuery]) -> Page[PreorderOut]:
    """Pre-orders, those placed last first."""
    wanted = PreorderFilter(query.state, text=query.search.strip(), sees_customers=has_scope(request, "customers.view"))
    return page_of(select_preorders(wanted, now=utc_now()), ["-order_id"], query, _preorder)


@write(router, "POST", "/preorders/{order_id}/deposit", "orders.edit", DepositOut)
def post_deposit(request: HttpRequest, order_id: Path[Id], body: DepositIn) -> DepositOut:
    """Note that the deposit of a pre-order is paid; it is served in the order of deposits."""
    row = select_preorders(PreorderFilter(), now=utc_now()).filter(pk=order_id).first()
    if row is None:
        raise not_found("pre-order", order_id)
    try:
        amount = body.amount.minor(row.order.currency, "amount")
    except ValueError as error:
        raise Problem(422, "money.invalid", f"{error}.") from None
    revision = pay_deposit(order_id, body.method, amount, actor=actor_of(request), now=utc_now())
    return DepositOut(order=order_id, revision=revision)
