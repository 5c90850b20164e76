"""Lotteries: announced for good, entered and drawn at once, revealed when they are over."""

from __future__ import annotations

from typing import Annotated, Literal

from django.http import HttpRequest
from ninja import Path, Query, Router
from pydantic import Field

from tongpan.api.operations import actor_of, read, write
from tongpan.api.pages import Page, PageQuery, page_of
from tongpan.api.problems import Problem, not_found
from tongpan.api.values import Code, In, Instant, Name60, Name120, Out, Text40, Text60
from tongpan.core.clock import utc_now
from tongpan.customers.models import Customer
from tongpan.orders.models import Order, Status
from tongpan.promotions.activities.lotteries import LotterySpec, PrizeSpec, announce_lottery, check, enter, reveal
from tongpan.promotions.activities.queries import select_lotteries
from tongpan.promotions.models import Lottery, LotteryDraw

router = Router(tags=["promotions"])
PrizeWord = Literal["coupon", "points", "goods"]


class PrizeIn(In):
    kind: PrizeWord
    name_zh: Name60
    name_en: Name60
    what: Name120 = Field(description="The number of a batch of coupons, an amount of points, or a SKU")
    per_million: Annotated[int, Field(strict=True, ge=1, le=1_000_000)]
    stock: Annotated[int, Field(strict=True, ge=1, le=10**9)]


class LotteryIn(In):
    code: Code
    name_zh: Name60
    name_en: Name60
    campaign: Text40 = ""
    starts: Instant
    ends: Instant = Field(description="Not included")
    per_customer: Annotated[int, Field(strict=True, ge=1, le=10_000)] = 1
    prizes: list[PrizeIn] = Field(min_length=1, max_length=50)


class PrizeOut(Out):
    kind: str
    name_zh: str
    name_en: str
    what: str
    per_million: int
    stock: int
    given: int


class LotteryOut(Out):
    code: str
    name_zh: str
    name_en: str
    campaign: str
    starts: Instant
    ends: Instant
    per_customer: int
    entries: int
    seed_hash: str = Field(description="SHA-256 of the seed, announced before the first entry")
    seed: str = Field(description='"" until the lottery is over and its seed revealed; 32 bytes in hexadecimal')
    prizes: list[PrizeOut]


class EntryIn(In):
    source: Literal["order", "action", "points", "live"]
    reference: Name120 = Field(description="What is entered for; an order by its id. It enters once")
    customer: Name60 = Field(description="Number of the customer")


class DrawOut(Out):
    number: int
    customer: str
    source: str
    reference: str
    drawn: int = Field(description="0 to 999,999")
    prize: int | None = Field(description="Its place among the prizes, from 0; null: none")
    is_given: bool = Field(description="false of a prize: the last of it had been given before")
    at: Instant
    chain: str


class EntryOut(DrawOut):
    reward: str = Field(description="The code of a coupon that was won")


class LotteryCheckOut(Out):
    is_fair: bool
    faults: list[str]


class LotteryQuery(PageQuery):
    q: Text60 = ""


def _lottery(row: Lottery) -> LotteryOut:
    return LotteryOut(
        code=row.code,
        name_zh=row.name_zh,
        name_en=row.name_en,
        campaign=row.campaign,
        starts=row.starts,
        ends=row.ends,
        per_customer=row.per_customer,
        entries=row.entries,
        seed_hash=row.seed_hash,
        seed=row.seed,
        prizes=[
            PrizeOut(
                kind=prize.kind,
                name_zh=prize.name_zh,
                name_en=prize.name_en,
                what=prize.what,
                per_million=prize.per_million,
                stock=prize.stock,
                given=prize.given,
            )
            for prize in row.prizes.all()
        ],
    )


def _draw(row: LotteryDraw) -> DrawOut:
    return DrawOut(
        number=row.number,
        customer=row.customer.code,
        source=row.source,
        reference=row.reference,
        drawn=row.drawn,
        prize=row.hit.place if row.hit else None,
        is_given=row.is_given,
        at=row.at,
        chain=row.chain,
    )


def _find(code: str) -> Lottery:
    row = select_lotteries("").filter(code=code).first()
    if row is None:
        raise not_found("lottery", code)
    return row


@write(router, "POST", "/lotteries", "promotions.publish", LotteryOut)
def post_lottery(request: HttpRequest, body: LotteryIn) -> LotteryOut:
    """Announce a lottery: prizes, chances and the hash of its seed stand for good."""
    prizes = [PrizeSpec(**prize.model_dump()) for prize in body.prizes]
    spec = LotterySpec(**body.model_dump(exclude={"prizes"}), prizes=prizes)
    announce_lottery(spec, actor=actor_of(request), now=utc_now())
    return _lottery(_find(body.code))


@read(router, "/lotteries", "promotions.view", Page[LotteryOut])
def list_lotteries(request: HttpRequest, query: Query[LotteryQuery]) -> Page[LotteryOut]:
    """Lotteries, the last announced first."""
    return page_of(select_lotteries(query.q), ["-id"], query, _lottery)


@read(router, "/lotteries/{code}", "promotions.view", LotteryOut)
def get_lottery(request: HttpRequest, code: Path[Code]) -> LotteryOut:
    """One lottery."""
    return _lottery(_find(code))


@write(router, "POST", "/lotteries/{code}/entries", "orders.edit", EntryOut)
def post_entry(request: HttpRequest, code: Path[Code], body: EntryIn) -> EntryOut:
    """Enter a customer and draw. The same source and reference give the same answer again."""
    customer = Customer.objects.filter(code=body.customer).first()
    if customer is None:
        raise Problem(422, "customer.unknown", f"There is no customer {body.customer!r}.")
    if body.source == "order":
        number = int(body.reference) if body.reference.isdecimal() and len(body.reference) < 19 else 0
        paid = Order.objects.filter(pk=number, customer=customer).exclude(status__in=(Status.PLACED, Status.CANCELLED))
        if not paid.exists():
            raise Problem(422, "lottery.source", f"There is no paid order {body.reference!r} of this customer.")
    row = enter(code, customer.pk, body.source, body.reference, now=utc_now())
    return EntryOut(**_draw(row).model_dump(), reward=row.reward)


@read(router, "/lotteries/{code}/draws", "promotions.view", Page[DrawOut])
def list_draws(request: HttpRequest, code: Path[Code], query: Query[PageQuery]) -> Page[DrawOut]:
    """The fairness log of a lottery, the last entry first."""
    rows = LotteryDraw.objects.filter(lottery=_find(code)).select_related("customer", "hit")
    return page_of(rows, ["-number"], query, _draw)


@write(router, "POST", "/lotteries/{code}/reveal", "promotions.publish", LotteryOut)
def post_reveal(request: HttpRequest, code: Path[Code]) -> LotteryOut:
    """Publish the seed of a lottery that is over."""
    reveal(code, actor=actor_of(request), now=utc_now())
    return _lottery(_find(code))


@read(router, "/lotteries/{code}/check", "promotions.view", LotteryCheckOut)
def get_check(request: HttpRequest, code: Path[Code]) -> LotteryCheckOut:
    """Recompute all draws of a revealed lottery."""
    faults = check(_find(code))
    return LotteryCheckOut(is_fair=not faults, faults=faults)
