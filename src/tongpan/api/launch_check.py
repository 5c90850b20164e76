"""The check before launch, and the simulator of carts."""

from __future__ import annotations

from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Path, Router
from pydantic import Field, StringConstraints

from tongpan.api.operations import actor_of, read, write
from tongpan.api.problems import not_found
from tongpan.api.values import In, Instant, Name80, Out, Text60
from tongpan.core.clock import utc_now
from tongpan.forecasting.launches import check_launch
from tongpan.promotions.conflicts.models import Check
from tongpan.promotions.conflicts.queries import FoundRow, LastCheck, last_check
from tongpan.promotions.conflicts.simulating import Wanted, simulate
from tongpan.promotions.conflicts.words import TITLES, TODO, sentence_of
from tongpan.promotions.engine.explaining import sentence
from tongpan.promotions.models import Draft
from tongpan.promotions.pricing_carts import Quote

router = Router(tags=["promotions"])
DraftName = Annotated[str, StringConstraints(strict=True, pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]


class CheckIn(In):
    draft: DraftName
    campaign: Text60 = Field("", description='Only what its rules have a part in; "" looks at the whole draft')


class LaunchFindingOut(Out):
    kind: str
    title: str
    sentence: str
    todo: str
    key: str
    is_open: bool
    accepted_by: str
    reason: str
    content: dict[str, Any] = Field(
        description="rules, channels, campaigns, skus (confirmed with a cart), sku_count (all that it may concern), "
        "params (amounts in minor units) and examples: carts as the engine prices them, without least net prices"
    )


class CoverageOut(Out):
    kind: str
    search: str = Field(description="exhaustive, or bounded by the carts that were tried")
    cases: int
    open: int = Field(description="What a limit left untried")


class CheckOut(Out):
    draft: str
    campaign: str
    checked_at: Instant
    checked_by: str
    took_ms: int
    is_current: bool = Field(description="False when the draft was changed since")
    carts: int
    pairs: int
    proven: int = Field(description="Pairs of SKU and channel that arithmetic clears without a cart")
    open: int
    findings: list[LaunchFindingOut]
    coverage: list[CoverageOut]


class SimulatedLineIn(In):
    sku: Annotated[str, StringConstraints(min_length=1, max_length=120)]
    qty: Annotated[int, Field(ge=1, le=100_000)]


class SimulateIn(In):
    """A cart to try; nothing of it is kept and nothing is used up."""

    channel: Text60
    lines: Annotated[list[SimulatedLineIn], Field(min_length=1, max_length=50)]
    at: Instant | None = Field(None, description="The moment to price it at; now without it")
    book: Text60 = Field("", description='"" the rulebook that counts, "draft:NAME" or "version:N"')
    tier: Text60 = ""
    segments: Annotated[list[Name80], Field(max_length=20)] = []
    is_member: bool = False
    is_new: bool = False
    shop: Text60 = ""
    node: Text60 = ""
    region: Text60 = ""
    source: Text60 = ""
    payment: Text60 = ""
    shipping_minor: Annotated[int, Field(ge=0, le=10**9)] = 0
    coupons: Annotated[list[Name80], Field(max_length=20)] = Field([], description="Codes of real coupons")
    rules: Annotated[list[Name80], Field(max_length=50)] = Field([], description="Rules whose coupon is shown")
    keeps_floors: bool = Field(True, description="False: as a checkout that does not know least net prices")


class SimulatedLineOut(Out):
    number: int
    sku: str
    qty: int
    unit_minor: int
    price_list: str
    amount_minor: int
    net_minor: int


class SimulatedShareOut(Out):
    line: int = Field(description="0 is the shipping charge")
    rule: str
    payer: str
    coupon: str
    amount_minor: int


class SimulatedGiftOut(Out):
    rule: str
    sku: str
    qty: int
    payer: str


class SimulatedRuleOut(Out):
    rule: str
    applied: bool
    reason: str
    sentence: str


class SimulationOut(Out):
    version: int = Field(description="Of the rulebook; 0 is a draft or none")
    currency: str
    at: Instant
    lines: list[SimulatedLineOut]
    shares: list[SimulatedShareOut]
    gifts: list[SimulatedGiftOut]
    shipping_minor: int
    total_minor: int
    rules: list[SimulatedRuleOut] = Field(description="Every rule of the book, and why it gave what it gave")


@write(router, "POST", "/rulebooks/check", "promotions.edit", CheckOut)
def check_rulebook(request: HttpRequest, body: CheckIn) -> CheckOut:
    """Check a draft against all channels before it is published; what was found is kept with it."""
    run = check_launch(body.draft, campaign=body.campaign, actor=actor_of(request), now=utc_now())
    found = last_check(Draft.objects.get(name=body.draft)) if not body.campaign else None
    if found is None or found.run.pk != run.pk:
        found = LastCheck(run, True, [FoundRow(row) for row in run.findings.order_by("position")])
    return _check(found, run)


@read(router, "/rulebooks/checks/{draft}", "promotions.view", CheckOut)
def get_check(request: HttpRequest, draft: Path[DraftName]) -> CheckOut:
    """The last check of a whole draft, and what became of its findings."""
    kept = Draft.objects.filter(name=draft).first()
    found = last_check(kept) if kept else None
    if found is None:
        raise not_found("check", draft)
    return _check(found, found.run)


@write(router, "POST", "/rulebooks/simulate", "promotions.view", SimulationOut)
def simulate_cart(request: HttpRequest, body: SimulateIn) -> SimulationOut:
    """Price a cart under the rulebook that counts, a version or a draft, and say of every rule why."""
    given: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in body.model_dump(exclude={"lines", "at"}).items()
    }
    lines = tuple((line.sku, line.qty) for line in body.lines)
    wanted = Wanted(lines=lines, at=body.at or utc_now(), **given)
    return _simulation(simulate(wanted))


def _check(found: LastCheck, run: Check) -> CheckOut:
    currency = Draft.objects.get(name=run.draft).document.get("currency", "CNY")
    return CheckOut(
        draft=run.draft,
        campaign=run.campaign,
        checked_at=run.checked_at,
        checked_by=run.checked_by,
        took_ms=run.took_ms,
        is_current=found.is_current,
        carts=run.carts,
        pairs=run.pairs,
        proven=run.proven,
        open=len(found.open),
        findings=[
            LaunchFindingOut(
                kind=one.row.kind,
                title=TITLES[one.row.kind],
                sentence=sentence_of(one.row.content, currency),
                todo=TODO[one.row.kind],
                key=one.row.key,
                is_open=one.is_open,
                accepted_by=one.accepted_by,
                reason=one.reason,
                content=one.row.content,
            )
            for one in found.findings
        ],
        coverage=[CoverageOut(**one) for one in run.coverage],
    )


def _simulation(quote: Quote) -> SimulationOut:
    currency = quote.request.currency
    return SimulationOut(
        version=quote.version,
        currency=currency,
        at=quote.at,
        lines=[
            SimulatedLineOut(
                number=line.number,
                sku=line.sku,
                qty=line.qty,
                unit_minor=line.unit_minor,
                price_list=line.price_list,
                amount_minor=line.amount_minor,
                net_minor=line.net_minor,
            )
            for line in quote.lines
        ],
        shares=[
            SimulatedShareOut(
                line=share.line,
                rule=share.rule,
                payer=share.payer,
                coupon=share.coupon,
                amount_minor=share.amount_minor,
            )
            for share in quote.result.discounts
        ],
        gifts=[
            SimulatedGiftOut(rule=gift.rule, sku=gift.sku, qty=gift.qty, payer=gift.payer)
            for gift in quote.result.gifts
        ],
        shipping_minor=quote.result.shipping_minor,
        total_minor=quote.total_minor,
        rules=[
            SimulatedRuleOut(
                rule=trial.rule, applied=trial.applied, reason=trial.reason, sentence=sentence(trial, currency)
            )
            for trial in quote.trials
        ],
    )
