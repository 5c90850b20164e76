"""Coupons: batches of codes, claiming them, and using them at a till: taken online, used in a store."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from django.http import HttpRequest, StreamingHttpResponse
from ninja import Path, Query, Router
from pydantic import Field

from tongpan.api.documents import BuyerIn
from tongpan.api.operations import actor_of, read, write
from tongpan.api.pages import Page, PageQuery, page_of
from tongpan.api.problems import Problem
from tongpan.api.values import Code, Flag, Id, In, Instant, Name60, Name80, Name120, Out, Text40, Text60, Text80
from tongpan.core.clock import utc_now
from tongpan.core.errors import Refusal
from tongpan.customers.actions import Sighting, identify
from tongpan.customers.models import Customer
from tongpan.promotions.actions.batches import BatchSpec, add_targets, ask_for_batch, stop_batch, void_unissued
from tongpan.promotions.actions.claiming import claim, claim_code, lock_at_till, release_coupons, use_coupons
from tongpan.promotions.codes import spelt
from tongpan.promotions.coupon_queries import Counts, batch_of, codes_of, counts_of, select_batches, space
from tongpan.promotions.models import CouponBatch

router = Router(tags=["coupons"])


class CouponBatchIn(In):
    name: Name80
    rule: Code = Field(description="A rule that needs a coupon")
    word: Text40 = Field("", description="A public code that everybody uses; empty for a code for each use")
    count: Annotated[int, Field(ge=1, le=5_000_000)] | None = Field(
        None, description="How many codes; of a public one how many uses, null for any"
    )
    per_customer: Annotated[int, Field(ge=1, le=10_000)] | None = None
    valid_from: Instant
    valid_until: Instant | None = Field(None, description="Not included")
    days_after_claim: Annotated[int, Field(ge=1, le=3660)] | None = None
    segment: Text60 = Field("", description="Only for customers in it")
    customers: list[Name80] = Field([], max_length=10_000, description="Customer numbers it is meant for; empty: all")


class CouponCountsOut(Out):
    issued: int
    claimed: int
    locked: int
    used: int
    void: int


class CouponBatchOut(Out):
    id: int
    name: str
    rule: str
    kind: Literal["unique", "public"]
    word: str
    count: int | None
    made: int = Field(description="Codes stored by now; the rest is being made")
    per_customer: int | None
    valid_from: Instant
    valid_until: Instant | None
    days_after_claim: int | None
    segment: str
    has_targets: bool
    is_stopped: bool
    created_at: Instant
    coupons: CouponCountsOut


class BatchQuery(PageQuery):
    search: Text80 = ""
    state: Literal["", "open", "stopped", "making"] = ""


class CodeSpaceOut(Out):
    used: int
    left: int
    size: int = Field(description="How many codes can be spelt without the check symbol")
    guess: str = Field(description="How likely a code picked at random was made", examples=["1/35184372088832"])


class VoidedOut(Out):
    voided: int


class StopIn(In):
    is_stopped: Flag


class CouponTargetsIn(In):
    customers: list[Name80] = Field(min_length=1, max_length=10_000, description="Customer numbers")


class CouponTargetsOut(Out):
    added: int


class ClaimIn(In):
    """Name a batch to be given one of its codes, or a code to take that one."""

    buyer: BuyerIn
    batch: Id | None = None
    code: Text60 = ""
    source: Text60 = Field("", description="Where it is claimed: a shop, a live room")


class ClaimOut(Out):
    code: str
    rule: str


class TillCouponIn(In):
    code: Name60
    reference: Name120 = Field(description="Names the sale: shop and receipt")
    shop: Code
    buyer: BuyerIn | None = None


class TillSaleIn(In):
    reference: Name120


class TillCouponOut(Out):
    code: str
    rule: str
    reference: str


class TillCountOut(Out):
    coupons: int


@read(router, "/coupon-batches", "promotions.view", Page[CouponBatchOut])
def list_coupon_batches(request: HttpRequest, query: Query[BatchQuery]) -> Page[CouponBatchOut]:
    """Batches with what became of their codes, the newest first."""
    return page_of(select_batches(query.search, state=query.state), ("-id",), query, _batch)


@read(router, "/coupon-batches/space", "promotions.view", CodeSpaceOut)
def get_code_space(request: HttpRequest) -> CodeSpaceOut:
    """How much of the space of codes is used, and how likely a guess hits."""
    now = space()
    return CodeSpaceOut(used=now.used, left=now.left, size=now.size, guess=f"{now.guess}")


@read(router, "/coupon-batches/{batch_id}", "promotions.view", CouponBatchOut)
def get_coupon_batch(request: HttpRequest, batch_id: Path[Id]) -> CouponBatchOut:
    """One batch: how far it is made, and what became of its codes."""
    return _batch(_known(lambda: batch_of(batch_id)))


@read(router, "/coupon-batches/{batch_id}/codes", "promotions.edit", None, media_type="text/csv")
def get_coupon_codes(request: HttpRequest, batch_id: Path[Id]) -> StreamingHttpResponse:
    """The codes of a batch as CSV: code, state."""
    _known(lambda: batch_of(batch_id))
    answer = StreamingHttpResponse(_csv(batch_id), content_type="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = f'attachment; filename="coupons-{batch_id}.csv"'
    return answer


@write(router, "POST", "/coupon-batches", "promotions.edit", CouponBatchOut)
def post_coupon_batch(request: HttpRequest, body: CouponBatchIn) -> CouponBatchOut:
    """Make a batch; a job makes its codes, and its own address tells how far it is."""
    given = body.model_dump(exclude={"customers"})
    spec = BatchSpec(**given, customers=_customer_ids(body.customers))
    return _batch(ask_for_batch(spec, actor=actor_of(request), now=utc_now()))


@write(router, "POST", "/coupon-batches/{batch_id}/targets", "promotions.edit", CouponTargetsOut)
def post_coupon_targets(request: HttpRequest, batch_id: Path[Id], body: CouponTargetsIn) -> CouponTargetsOut:
    """Let a batch be meant for these customers as well."""
    ids = _customer_ids(body.customers)
    added = _known(lambda: add_targets(batch_id, ids, actor=actor_of(request), now=utc_now()))
    return CouponTargetsOut(added=added)


@write(router, "POST", "/coupon-batches/{batch_id}/void", "promotions.edit", VoidedOut)
def post_void_coupons(request: HttpRequest, batch_id: Path[Id]) -> VoidedOut:
    """Void the codes of a batch that nobody has claimed."""
    return VoidedOut(voided=_known(lambda: void_unissued(batch_id, actor=actor_of(request), now=utc_now())))


@write(router, "POST", "/coupon-batches/{batch_id}/stop", "promotions.edit", CouponBatchOut)
def post_stop_batch(request: HttpRequest, batch_id: Path[Id], body: StopIn) -> CouponBatchOut:
    """Stop a batch, so that nothing more of it is claimed or used, or let it go on."""
    _known(lambda: stop_batch(batch_id, is_stopped=body.is_stopped, actor=actor_of(request), now=utc_now()))
    return _batch(batch_of(batch_id))


@write(router, "POST", "/coupons/claim", "orders.edit", ClaimOut)
def post_claim(request: HttpRequest, body: ClaimIn) -> ClaimOut:
    """Let a customer take a coupon: one of a batch, or the one whose code is known."""
    if (body.batch is None) == (not body.code):
        raise Problem(422, "coupon.claim", "Name either a batch or a code.")
    customer = _customer(body.buyer, body.source)
    now = utc_now()
    if body.batch is None:
        found = claim_code(body.code, customer, source=body.source, now=now)
        return ClaimOut(code=spelt(found.code), rule=found.rule)
    batch_id = body.batch
    codes = claim(batch_id, [customer], source=body.source, now=now)
    if customer not in codes:
        raise Problem(
            422,
            "coupon.none",
            "The customer gets none of these coupons: none is left, they are for others, or he has as many as he may.",
        )
    return ClaimOut(code=spelt(codes[customer]), rule=batch_of(batch_id).rule)


@write(router, "POST", "/coupons/lock", "orders.edit", TillCouponOut)
def post_lock_coupon(request: HttpRequest, body: TillCouponIn) -> TillCouponOut:
    """Verify a coupon at a till and hold it for the sale that is being rung up."""
    customer = _customer(body.buyer, body.shop) if body.buyer else None
    found = lock_at_till(body.code, body.reference, customer_id=customer, source=body.shop, now=utc_now())
    return TillCouponOut(code=found.code, rule=found.rule, reference=body.reference)


@write(router, "POST", "/coupons/use", "orders.edit", TillCountOut)
def post_use_coupons(request: HttpRequest, body: TillSaleIn) -> TillCountOut:
    """The sale is rung up: what it holds is used."""
    return TillCountOut(coupons=use_coupons(references=[body.reference], now=utc_now()))


@write(router, "POST", "/coupons/release", "orders.edit", TillCountOut)
def post_release_coupons(request: HttpRequest, body: TillSaleIn) -> TillCountOut:
    """The sale is called off: what it holds is given back."""
    return TillCountOut(coupons=release_coupons(references=[body.reference], with_used=False))


def _batch(row: CouponBatch) -> CouponBatchOut:
    counts = counts_of([row.pk]).get(row.pk, Counts())
    return CouponBatchOut(
        id=row.pk,
        name=row.name,
        rule=row.rule,
        kind="public" if row.word else "unique",
        word=row.word or "",
        count=row.count,
        made=row.made,
        per_customer=row.per_customer,
        valid_from=row.valid_from,
        valid_until=row.valid_until,
        days_after_claim=row.days_after_claim,
        segment=row.segment,
        has_targets=row.has_targets,
        is_stopped=row.is_stopped,
        created_at=row.created_at,
        coupons=CouponCountsOut(
            issued=counts.issued, claimed=counts.claimed, locked=counts.locked, used=counts.used, void=counts.void
        ),
    )


class _Line:
    def write(self, text: str) -> str:
        return text


def _csv(batch_id: int) -> Iterator[str]:
    writer = csv.writer(_Line())
    yield writer.writerow(["code", "state"])
    for code, state in codes_of(batch_id):
        yield writer.writerow([spelt(code), state])


def _customer(buyer: BuyerIn, shop: str) -> int:
    doc = buyer.doc(shop)
    return identify([Sighting(doc.kind, doc.scope, doc.value, utc_now(), doc.name)])[0]


def _customer_ids(codes: list[str]) -> list[int]:
    known = dict(Customer.objects.filter(code__in=codes).values_list("code", "pk"))
    if missing := sorted(set(codes) - set(known)):
        raise Problem(422, "customer.unknown", f"There is no customer {missing[0]!r}.")
    return sorted(known.values())


def _known(work: Any) -> Any:
    """What ``work`` gives; a batch that there is not is a 404."""
    try:
        return work()
    except Refusal as refusal:
        if refusal.code == "coupon.batch":
            raise Problem(404, refusal.code, refusal.sentence) from refusal
        raise
