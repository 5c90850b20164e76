"""Prices seen on the channels, patrols, violation cases, price wars, competitors and complaints."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from django.http import HttpRequest
from ninja import Query, Router
from pydantic import BaseModel, Field, StringConstraints

from tongpan.api.operations import actor_of, read, write
from tongpan.api.pages import Page, PageQuery, page_of
from tongpan.api.values import (
    Code,
    Day,
    Flag,
    In,
    Instant,
    MoneyIn,
    MoneyOut,
    Name80,
    Name120,
    Out,
    Text60,
    Text120,
    Text300,
    money,
    money_or_none,
)
from tongpan.core.clock import utc_now
from tongpan.core.errors import Refusal
from tongpan.pricing.patrol.actions import (
    ObservationDoc,
    PlanSpec,
    observe,
    save_plan,
    save_rules,
)
from tongpan.pricing.patrol.effective import Component
from tongpan.pricing.patrol.models import Observation, PriceWar
from tongpan.pricing.patrol.queries.observations import (
    ObservationFilter,
    competing,
    select_observations,
    select_wars,
)
from tongpan.pricing.patrol.queries.patrols import due_list
from tongpan.pricing.patrol.queries.rules import rules_in_force
from tongpan.pricing.patrol.wording import read_components

router = Router(tags=["price patrol"])
SellerKind = Literal["own", "authorised", "unauthorised", "competitor"]
Hash = Annotated[str, StringConstraints(strict=True, pattern=r"^([0-9a-f]{64})?$")]
Minor = Annotated[int, Field(strict=True, ge=0, le=10**12)]
OutcomeState = Literal["accepted", "unchanged", "refused"]


class DiscountPartIn(In):
    """One part of a discount, as the page of the channel shows it; amounts in minor units."""

    kind: Literal["percent", "direct", "full_reduction", "coupon", "cash_back", "gift"]
    amount_minor: Minor = 0
    percent_bp: int = Field(0, strict=True, ge=0, le=10_000, description="What comes off: 8折 is 2000")
    threshold_minor: Minor = 0
    repeats: Flag = False
    audience: Literal["everyone", "member", "new", "limited"] = "everyone"
    group: Text60 = Field("", description="Parts of one group exclude each other")
    gift_sku: Text120 = ""
    gift_qty: int = Field(1, strict=True, ge=1, le=1000)
    gift_value_minor: Minor | None = None


class PriceObservationIn(In):
    sku: Name120
    channel: Code
    seller_class: SellerKind
    listed: MoneyIn = Field(description="The listed price of one unit")
    observed_at: Instant
    observer: Name120
    seller: Text120 = ""
    shop: Text60 = Field("", description="Where it is a shop that is known here")
    dealer: Text60 = Field("", description="Whose shop it is; found by the shop where that is clear")
    units: int = Field(1, strict=True, ge=1, le=10_000, description="Units that are bought together")
    discounts: list[DiscountPartIn] = Field(default_factory=list, max_length=30)
    discounts_text: Text300 = Field("", description="In place of `discounts`: 满300减50；券20|立减10；8.5折（会员）")
    goods_name: Text300 = ""
    region: Text60 = Field("", description="The province it was seen for")
    url: Text300 = ""
    evidence_ref: Text300 = ""
    evidence_hash: Hash = ""


class PriceObservationsIn(In):
    observations: list[PriceObservationIn] = Field(min_length=1, max_length=1000)


class PriceObservationOutcome(Out):
    state: OutcomeState
    id: int | None
    effective: MoneyOut | None
    finding: str = Field(description='The worst rule that it breaks, "" for none')
    code: str
    reason: str


class PriceObservationOutcomes(Out):
    outcomes: list[PriceObservationOutcome]


class PriceObservationQuery(PageQuery):
    finding: Literal["", "any", "none", "under_floor", "under_band", "deep_discount", "over_band"] = ""
    seller_class: Literal["", "own", "authorised", "unauthorised", "competitor"] = ""
    channel: Text60 = ""
    dealer: Text60 = ""
    sku: Text120 = ""


class PriceObservationOut(Out):
    id: int
    sku: str
    channel: str
    shop: str | None
    dealer: str | None
    seller: str
    seller_class: SellerKind
    region: str
    url: str
    units: int
    listed: MoneyOut
    effective: MoneyOut
    discounts: list[dict[str, Any]]
    parts: list[dict[str, Any]] = Field(description="What each discount took off all units, and why")
    standard: dict[str, Any] = Field(description="What the price book said then, in minor units")
    finding: str
    findings: list[dict[str, Any]]
    deviation_bp: int | None = Field(description="Against the guide price, in hundredths of a percent")
    rules_version: int
    evidence_ref: str
    evidence_hash: str
    observed_at: Instant
    observer: str
    source: str


@write(router, "POST", "/price-observations", "prices.edit", PriceObservationOutcomes)
def post_observations(request: HttpRequest, body: PriceObservationsIn) -> PriceObservationOutcomes:
    """Take in prices that were seen. The same sighting twice changes nothing, and none is ever changed."""
    docs: list[ObservationDoc | Refusal] = []
    for one in body.observations:
        try:
            docs.append(_doc(one))
        except Refusal as refusal:
            docs.append(refusal)
        except ValueError as error:
            docs.append(Refusal("observation.amount", f"{error}."))
    good = iter(
        observe([doc for doc in docs if isinstance(doc, ObservationDoc)], actor=actor_of(request), now=utc_now())
    )
    outcomes = []
    for one, doc in zip(body.observations, docs, strict=True):
        if isinstance(doc, Refusal):
            outcomes.append(_refused(doc))
            continue
        told = next(good)
        outcomes.append(
            PriceObservationOutcome(
                state=told.state,  # type: ignore[arg-type]
                id=told.id,
                effective=money_or_none(told.effective_minor, one.listed.currency),
                finding=told.finding,
                code=told.code,
                reason=told.reason,
            )
        )
    return PriceObservationOutcomes(outcomes=outcomes)


def _refused(refusal: Refusal) -> PriceObservationOutcome:
    return PriceObservationOutcome(
        state="refused", id=None, effective=None, finding="", code=refusal.code, reason=refusal.sentence
    )


def _doc(one: PriceObservationIn) -> ObservationDoc:
    currency = one.listed.currency
    components = (
        tuple(Component(**part.model_dump()) for part in one.discounts)
        if one.discounts
        else read_components(one.discounts_text, currency)
    )
    return ObservationDoc(
        sku=one.sku,
        channel=one.channel,
        seller_class=one.seller_class,
        listed_minor=one.listed.minor(currency, "The listed price"),
        currency=currency,
        observed_at=one.observed_at,
        observer=one.observer,
        source="api",
        seller=one.seller,
        shop=one.shop,
        dealer=one.dealer,
        components=components,
        units=one.units,
        goods_name=one.goods_name,
        region=one.region,
        url=one.url,
        evidence_ref=one.evidence_ref,
        evidence_hash=one.evidence_hash,
    )


@read(router, "/price-observations", "prices.view", Page[PriceObservationOut])
def list_observations(request: HttpRequest, query: Query[PriceObservationQuery]) -> Page[PriceObservationOut]:
    """Prices seen, the newest first."""
    wanted = ObservationFilter(query.finding, query.seller_class, query.channel, query.dealer, query.sku)
    return page_of(select_observations(wanted), ["-observed_at", "-id"], query, _observation)


def _observation(row: Observation) -> PriceObservationOut:
    return PriceObservationOut(
        id=row.pk,
        sku=row.sku.code,
        channel=row.channel.code,
        shop=row.shop.code if row.shop else None,
        dealer=row.dealer.code if row.dealer else None,
        seller=row.seller,
        seller_class=row.seller_class,  # type: ignore[arg-type]
        region=row.region,
        url=row.url,
        units=row.units,
        listed=money(row.listed_minor, row.currency),
        effective=money(row.effective_minor, row.currency),
        discounts=row.components,
        parts=row.parts,
        standard=row.standard,
        finding=row.finding,
        findings=row.findings,
        deviation_bp=row.deviation_bp,
        rules_version=row.rules_version,
        evidence_ref=row.evidence_ref,
        evidence_hash=row.evidence_hash,
        observed_at=row.observed_at,
        observer=row.observer,
        source=row.source,
    )


class PatrolPlanIn(In):
    name: Name80
    skus: list[Name120] = Field(min_length=1, max_length=10_000)
    channels: list[Code] = Field(min_length=1, max_length=100)
    every_days: int = Field(strict=True, ge=1, le=366)
    assignee: Name120
    starts_on: Day
    is_active: Flag = True
    note: Text300 = ""


class PatrolPlanOut(Out):
    id: int


@write(router, "POST", "/price-patrols", "prices.edit", PatrolPlanOut)
def post_plan(request: HttpRequest, body: PatrolPlanIn) -> PatrolPlanOut:
    """Make a plan of patrols, or change the one of this name: its SKUs on its channels, every so many days."""
    spec = PlanSpec(
        body.name,
        tuple(body.skus),
        tuple(body.channels),
        body.every_days,
        body.assignee,
        body.starts_on,
        body.is_active,
        body.note,
    )
    return PatrolPlanOut(id=save_plan(spec, actor=actor_of(request), now=utc_now()))


class PatrolDueQuery(BaseModel):
    assignee: Text120 = ""
    overdue: bool = False


class PatrolDueOut(Out):
    plan: str
    assignee: str
    sku: str
    channel: str
    last_at: Instant | None
    due_at: Instant
    days_late: int


class PatrolDuesOut(Out):
    items: list[PatrolDueOut]


@read(router, "/price-patrols/due", "prices.view", PatrolDuesOut)
def list_due(request: HttpRequest, query: Query[PatrolDueQuery]) -> PatrolDuesOut:
    """What somebody has to look at now, the latest first; at most 2,000."""
    rows = due_list(utc_now(), assignee=query.assignee, overdue=query.overdue)
    return PatrolDuesOut(
        items=[
            PatrolDueOut(
                plan=row.plan,
                assignee=row.assignee,
                sku=row.sku,
                channel=row.channel,
                last_at=row.last_at,
                due_at=row.due_at,
                days_late=row.days_late,
            )
            for row in rows
        ]
    )


class PriceWarQuery(PageQuery):
    state: Literal["open", "closed", ""] = "open"


class PriceWarOut(Out):
    id: int
    sku: str
    sellers: list[str]
    start: MoneyOut
    low: MoneyOut
    cuts: list[dict[str, Any]]
    opened_at: Instant
    closed_at: Instant | None


@read(router, "/price-wars", "prices.view", Page[PriceWarOut])
def list_wars(request: HttpRequest, query: Query[PriceWarQuery]) -> Page[PriceWarOut]:
    """Alarms of price wars, the newest first."""
    rows = select_wars(is_open={"open": True, "closed": False}.get(query.state))
    return page_of(rows, ["-opened_at", "-id"], query, _war)


def _war(row: PriceWar) -> PriceWarOut:
    return PriceWarOut(
        id=row.pk,
        sku=row.sku.code,
        sellers=row.sellers,
        start=money(row.start_minor, row.currency),
        low=money(row.low_minor, row.currency),
        cuts=row.cuts,
        opened_at=row.opened_at,
        closed_at=row.closed_at,
    )


class CompetitorQuery(BaseModel):
    sku: Text120 = Field("", description="The beginning of a SKU's code")


class CompetitorReason(Out):
    code: str
    figures: dict[str, int] = Field(description="In minor units or percent")


class CompetitorOut(Out):
    sku: str
    channel: str
    ours: MoneyOut
    rival: str
    theirs: MoneyOut
    gap_bp: int
    action: Literal["hold", "match", "promote", "differ", "raise"]
    amount: MoneyOut | None = Field(description="The price proposed; of promote: what a coupon would take off")
    reasons: list[CompetitorReason]


class CompetitorsOut(Out):
    items: list[CompetitorOut]


@read(router, "/competitor-prices", "prices.view", CompetitorsOut)
def list_competitors(request: HttpRequest, query: Query[CompetitorQuery]) -> CompetitorsOut:
    """Our prices against the lowest competitor's, with a proposal and its reasons. Nothing is changed by it."""
    return CompetitorsOut(
        items=[
            CompetitorOut(
                sku=row.sku,
                channel=row.channel,
                ours=money(row.ours_minor, row.currency),
                rival=row.suggestion.rival.seller,
                theirs=money(row.suggestion.rival.effective_minor, row.currency),
                gap_bp=row.suggestion.gap_bp,
                action=row.suggestion.action,  # type: ignore[arg-type]
                amount=money_or_none(row.suggestion.amount_minor, row.currency),
                reasons=[CompetitorReason(code=code, figures=figures) for code, figures in row.suggestion.reasons],
            )
            for row in competing(utc_now(), text=query.sku)
        ]
    )


class PatrolRulesIn(In):
    rules: dict[str, Any]
    note: Text300 = ""


class PatrolRulesOut(Out):
    version: int
    rules: dict[str, Any]


@read(router, "/price-patrols/rules", "prices.view", PatrolRulesOut)
def get_rules(request: HttpRequest) -> PatrolRulesOut:
    """The rules in force: how an effective price is made, judged and followed up. Version 0 is the defaults."""
    version, rules = rules_in_force()
    return PatrolRulesOut(version=version, rules=rules.as_json())


@write(router, "POST", "/price-patrols/rules", "prices.edit", PatrolRulesOut)
def post_rules(request: HttpRequest, body: PatrolRulesIn) -> PatrolRulesOut:
    """Let these rules count from now on, as a new version; what they leave out has its default."""
    save_rules(body.rules, body.note, actor=actor_of(request), now=utc_now())
    version, rules = rules_in_force()
    return PatrolRulesOut(version=version, rules=rules.as_json())
