"""Subscriptions: goods that come again, their runs, and the rules of all."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from django.http import HttpRequest
from ninja import Path, Query, Router
from pydantic import Field

from tongpan.api.carts import CartLineIn
from tongpan.api.documents import BuyerIn, DeliveryIn, ShipToIn
from tongpan.api.operations import actor_of, read, write
from tongpan.api.pages import Page, PageQuery, page_of
from tongpan.api.problems import Problem, not_found
from tongpan.api.values import Code, Id, In, Instant, MoneyIn, MoneyOut, Name60, Out, Text120, money
from tongpan.channels.queries import shop_by_code
from tongpan.core.clock import utc_now
from tongpan.orders.engine import UNSAID
from tongpan.orders.models import RunState, Subscription, SubscriptionRun, SubscriptionState
from tongpan.orders.subscriptions.actions import change, current_rules, pay_run, set_rules, subscribe, take_step
from tongpan.orders.subscriptions.engine import LineSpec, Rhythm, Rules, SubscriptionSpec
from tongpan.orders.subscriptions.queries import SubscriptionFilter, amount_of, runs_of, select_subscriptions

router = Router(tags=["subscriptions"])
Whole = Annotated[int, Field(strict=True)]
Step = Literal["pause", "resume", "skip", "cancel"]


class RhythmIn(In):
    unit: Literal["week", "month"]
    every: Annotated[int, Field(strict=True, ge=1, le=52)] = 1
    day: Annotated[int, Field(strict=True, ge=1, le=31)] = Field(
        description="Of a week 1 (Monday) to 7; of a month 1 to 31, in a shorter month its last day"
    )


class RhythmOut(Out):
    unit: str
    every: int
    day: int


class SubscriptionIn(In):
    shop: Code
    buyer: BuyerIn
    rhythm: RhythmIn
    first_on: date = Field(description="The first run is on the first day of the rhythm from this one on")
    lines: list[CartLineIn] = Field(min_length=1, max_length=100)
    ship_to: ShipToIn = ShipToIn()
    delivery: DeliveryIn | None = None


class SubscriptionChangeIn(In):
    """What is left out stays."""

    lines: list[CartLineIn] | None = Field(None, min_length=1, max_length=100)
    rhythm: RhythmIn | None = None


class SubscriptionPayIn(In):
    method: Name60
    amount: MoneyIn


class SubscriptionLineOut(Out):
    sku: str
    name: str
    qty: int
    unit_price: MoneyOut = Field(
        description="As agreed; a run costs the price of the shop's list where the rules say so"
    )


class SubscriptionRunOut(Out):
    due_on: date
    state: RunState
    order: int | None
    number: str | None
    attempts: int
    next_try_at: Instant | None
    problem: str


class SubscriptionSummaryOut(Out):
    id: int
    shop: str
    customer: str | None
    state: SubscriptionState
    rhythm: RhythmOut
    next_on: date
    newest_run: RunState | None = Field(description="The state of its newest run; null before the first")
    amount: MoneyOut = Field(description="Of one run at the agreed prices")
    lines: list[SubscriptionLineOut]
    created_at: Instant
    changed_at: Instant


class SubscriptionOut(SubscriptionSummaryOut):
    runs: list[SubscriptionRunOut] = Field(description="The newest 100, the newest first")


class SubscriptionQuery(PageQuery):
    state: SubscriptionState | Literal["trouble", ""] = Field(
        "", description='"trouble": the newest run misses goods or a price, is not paid, or was given up'
    )
    search: Text120 = Field("", description="A SKU, the number of an order, or the id of the subscription")


class SubscriptionRulesOut(Out):
    price: Literal["agreed", "list"]
    remind_days: int
    pay_hours: int
    retry_hours: int
    tries: int


class SubscriptionRulesIn(In):
    """What is left out stays."""

    price: Literal["agreed", "list"] | None = None
    remind_days: Whole | None = None
    pay_hours: Whole | None = None
    retry_hours: Whole | None = None
    tries: Whole | None = None


class RunPaidOut(Out):
    order: int


def _summary(row: Subscription) -> SubscriptionSummaryOut:
    currency = row.shop.channel.currency
    newest = row.run_state  # type: ignore[attr-defined]
    return SubscriptionSummaryOut(
        id=row.pk,
        shop=row.shop.code,
        customer=row.customer.code if row.customer else None,
        state=SubscriptionState(row.state),
        rhythm=RhythmOut(unit=row.unit, every=row.every, day=row.day),
        next_on=row.next_on,
        newest_run=RunState(newest) if newest else None,
        amount=money(amount_of(row), currency),
        lines=[
            SubscriptionLineOut(
                sku=line.sku.code, name=line.sku.name, qty=line.qty, unit_price=money(line.unit_minor, currency)
            )
            for line in row.lines.all()
        ],
        created_at=row.created_at,
        changed_at=row.changed_at,
    )


def _run(run: SubscriptionRun) -> SubscriptionRunOut:
    return SubscriptionRunOut(
        due_on=run.due_on,
        state=RunState(run.state),
        order=run.order_id,
        number=run.order.external_id if run.order else None,
        attempts=run.attempts,
        next_try_at=run.next_try_at,
        problem=run.problem,
    )


def _find(subscription_id: int) -> Subscription:
    row = select_subscriptions(SubscriptionFilter()).filter(pk=subscription_id).first()
    if row is None:
        raise not_found("subscription", subscription_id)
    return row


def _whole(subscription_id: int) -> SubscriptionOut:
    row = _find(subscription_id)
    return SubscriptionOut(**_summary(row).model_dump(), runs=[_run(run) for run in runs_of(row.pk)])


def _specs(lines: list[CartLineIn], currency: str) -> list[LineSpec]:
    try:
        return [
            LineSpec(line.sku, line.qty, line.unit_price.minor(currency, f"lines.{at}.unit_price"))
            for at, line in enumerate(lines)
        ]
    except ValueError as error:
        raise Problem(422, "money.invalid", f"{error}.") from None


def _rhythm(given: RhythmIn) -> Rhythm:
    return Rhythm(given.unit, given.every, given.day)


@write(router, "POST", "/subscriptions", "orders.edit", SubscriptionOut)
def post_subscription(request: HttpRequest, body: SubscriptionIn) -> SubscriptionOut:
    """Make a subscription."""
    shop = shop_by_code([body.shop]).get(body.shop)
    if shop is None:
        raise Problem(422, "subscription.shop", f"There is no shop {body.shop!r}; GET /api/v1/shops lists them.")
    try:
        delivery = body.delivery.doc(shop.currency) if body.delivery else UNSAID
    except ValueError as error:
        raise Problem(422, "money.invalid", f"{error}.") from None
    spec = SubscriptionSpec(
        body.shop,
        body.buyer.doc(body.shop),
        _rhythm(body.rhythm),
        body.first_on,
        _specs(body.lines, shop.currency),
        body.ship_to.doc(),
        delivery,
    )
    return _whole(subscribe(spec, actor=actor_of(request), now=utc_now()))


@read(router, "/subscriptions", "orders.view", Page[SubscriptionSummaryOut])
def list_subscriptions(request: HttpRequest, query: Query[SubscriptionQuery]) -> Page[SubscriptionSummaryOut]:
    """Subscriptions, the newest first."""
    rows = select_subscriptions(SubscriptionFilter(str(query.state), None, query.search))
    return page_of(rows, ["-id"], query, _summary)


@read(router, "/subscriptions/{subscription}", "orders.view", SubscriptionOut)
def get_subscription(request: HttpRequest, subscription: Path[Id]) -> SubscriptionOut:
    """One subscription with its runs. Without personal data."""
    return _whole(subscription)


@write(router, "PUT", "/subscriptions/{subscription}", "orders.edit", SubscriptionOut)
def put_subscription(request: HttpRequest, subscription: Path[Id], body: SubscriptionChangeIn) -> SubscriptionOut:
    """Change what comes, or when, from the next run on."""
    currency = _find(subscription).shop.channel.currency
    change(
        subscription,
        lines=None if body.lines is None else _specs(body.lines, currency),
        rhythm=_rhythm(body.rhythm) if body.rhythm else None,
        actor=actor_of(request),
        now=utc_now(),
    )
    return _whole(subscription)


@write(router, "POST", "/subscriptions/{subscription}/steps/{step}", "orders.edit", SubscriptionOut)
def post_subscription_step(request: HttpRequest, subscription: Path[Id], step: Path[Step]) -> SubscriptionOut:
    """Pause it, resume it, leave the next run out, or end it. An order that a run has become stays what it is."""
    _find(subscription)
    take_step(subscription, step, actor=actor_of(request), now=utc_now())
    return _whole(subscription)


@write(router, "POST", "/subscriptions/{subscription}/pay", "orders.edit", RunPaidOut)
def post_subscription_payment(request: HttpRequest, subscription: Path[Id], body: SubscriptionPayIn) -> RunPaidOut:
    """Note that the order of the run that waits for payment is paid; of several the earliest."""
    try:
        amount = body.amount.minor(_find(subscription).shop.channel.currency, "amount")
    except ValueError as error:
        raise Problem(422, "money.invalid", f"{error}.") from None
    return RunPaidOut(order=pay_run(subscription, body.method, amount, actor=actor_of(request), now=utc_now()))


def _rules(rules: Rules) -> SubscriptionRulesOut:
    return SubscriptionRulesOut(**{name: getattr(rules, name) for name in SubscriptionRulesOut.model_fields})


@read(router, "/subscription-rules", "orders.view", SubscriptionRulesOut)
def get_subscription_rules(request: HttpRequest) -> SubscriptionRulesOut:
    """What a run costs, when subscribers are reminded, and how often a run is tried."""
    return _rules(current_rules())


@write(router, "PUT", "/subscription-rules", "orders.edit", SubscriptionRulesOut)
def put_subscription_rules(request: HttpRequest, body: SubscriptionRulesIn) -> SubscriptionRulesOut:
    """Set the rules for runs from now on."""
    return _rules(set_rules(body.model_dump(exclude_none=True), actor=actor_of(request), now=utc_now()))
