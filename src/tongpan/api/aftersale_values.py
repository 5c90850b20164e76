"""What the API of after-sale takes and answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import Field

from tongpan.api.pages import PageQuery
from tongpan.api.problems import Problem
from tongpan.api.values import (
    Code,
    Flag,
    Id,
    In,
    Instant,
    MoneyIn,
    MoneyOut,
    Name60,
    Name80,
    Out,
    Qty,
    Text40,
    Text60,
    Text120,
    Text300,
    money,
)
from tongpan.orders.aftersale.engine.outcomes import CaseOutcome
from tongpan.orders.aftersale.planning import Planned
from tongpan.orders.aftersale.queries import WholeCase
from tongpan.orders.aftersale.specs import CaseLineSpec, CaseSpec
from tongpan.orders.models import CaseKind, CaseStatus, Disposition, Refund, RefundStatus, ReturnCase, Way

_MOST = 500


class CaseLineIn(In):
    line: int = Field(ge=1, description="The number of the order's line")
    qty: Qty
    reason: Name60 = Field(description="A reason code of the policy of returns")
    is_opened: Flag = False
    wanted_sku: Text120 = Field("", description="Of an exchange: what is sent instead; empty: the same goods")
    wanted_amount: MoneyIn | None = Field(None, description="Of an exchange: what that costs; null: at no charge")


class CaseIn(In):
    kind: CaseKind
    shop: Text40 = Field("", description="With order_number: names the order")
    order_number: Text120 = ""
    order: Id | None = Field(None, description="The order's id here, instead of shop and number")
    lines: list[CaseLineIn] = Field(min_length=1, max_length=_MOST)
    way: Way = Way.MAIL
    node: Text60 = Field("", description="Where the goods come back; empty: the node that takes the shop's returns")
    slot_start: Instant | None = None
    slot_end: Instant | None = None
    amount: MoneyIn | None = Field(None, description="Of a refund_only: a part of the price; the goods stay")
    paid_with: Text40 = Field("", description="How the buyer pays what an exchange costs more")
    note: Text300 = ""
    is_simulated: Flag | None = None


class CasesIn(In):
    cases: list[CaseIn] = Field(min_length=1, max_length=_MOST)


class CaseIdsIn(In):
    cases: list[Id] = Field(min_length=1, max_length=_MOST)


class CaseEndIn(CaseIdsIn):
    reason: Text300


class CaseParcelIn(In):
    case: Id
    carrier: Text40
    tracking_number: Name80


class CaseParcelsIn(In):
    parcels: list[CaseParcelIn] = Field(min_length=1, max_length=_MOST)


class CaseReceiveIn(CaseIdsIn):
    node: Code


class CaseFoundIn(In):
    line: int = Field(ge=1)
    disposition: Disposition
    qty: Qty
    note: Text300 = ""


class CaseInspectIn(In):
    found: list[CaseFoundIn] = Field(min_length=1, max_length=_MOST)


class RefundIdsIn(In):
    refunds: list[Id] = Field(min_length=1, max_length=_MOST)


class RefundsPaidIn(RefundIdsIn):
    reference: Text120 = Field("", description="What the payment is known by outside")


class RefundsFailedIn(RefundIdsIn):
    reason: Text300


class CaseOutcomeOut(Out):
    """What became of one case, at the position at which it was named."""

    case: int | None
    state: Literal["done", "unchanged", "refused"]
    status: str = Field(description="Where the case or its refund stands now")
    code: str
    reason: str


class CaseOutcomesOut(Out):
    outcomes: list[CaseOutcomeOut]


class CaseShareOut(Out):
    payer: str
    code: str
    amount: MoneyOut


class QuotePartOut(Out):
    """What the units of a line, or a charge, give back; shares: to those who bore a part of a discount."""

    line_id: int
    qty: int
    buyer: MoneyOut
    shares: list[CaseShareOut]


class CaseTenderOut(Out):
    method: str
    kind: str
    action: str
    amount: MoneyOut


class QuoteOut(Out):
    """What a request would come to. instant, approval: why it would wait for a person; empty when it does not."""

    is_allowed: bool
    code: str
    sentence: str
    freight_payer: str
    instant: str
    approval: str
    total: MoneyOut | None
    withheld: MoneyOut | None = Field(description="For gifts that are kept")
    deducted: MoneyOut | None = Field(description="The buyer's part of the way back")
    cut: MoneyOut | None = Field(description="What the channel has given back already")
    parts: list[QuotePartOut]
    tenders: list[CaseTenderOut]


class QuotesOut(Out):
    quotes: list[QuoteOut]


class CaseRefundOut(Out):
    id: int
    status: RefundStatus
    goods: MoneyOut
    charges: MoneyOut
    withheld: MoneyOut
    deducted: MoneyOut
    cut: MoneyOut
    total: MoneyOut
    reference: str
    proposed_at: Instant
    paid_at: Instant | None
    tenders: list[CaseTenderOut]


class CaseSummaryOut(Out):
    id: int
    number: str
    shop: str
    order: str
    kind: CaseKind
    status: CaseStatus
    way: Way
    node: str | None
    owner: str
    due_at: Instant | None
    requested_at: Instant
    quoted: MoneyOut
    units: int
    is_instant: bool
    is_simulated: bool


class CaseLineOut(Out):
    line: int
    sku: str
    qty: int
    reason: str
    is_quality: bool
    is_opened: bool
    wanted_sku: str | None


class CaseEventOut(Out):
    kind: str
    at: Instant
    actor: str
    node: str | None
    data: dict[str, Any]


class CaseInspectionOut(Out):
    line: int
    disposition: Disposition
    qty: int
    note: str


class CaseOut(CaseSummaryOut):
    sentence: str = Field(description="Why the policy allowed it")
    policy_version: int
    note: str
    carrier: str
    tracking_number: str
    new_order: str | None
    return_number: str | None = Field(description="Number of the booked return")
    channel_number: str
    lines: list[CaseLineOut]
    inspections: list[CaseInspectionOut]
    refunds: list[CaseRefundOut]
    events: list[CaseEventOut]


class ReturnPolicyOut(Out):
    version: int
    rules: dict[str, Any]


class ReturnPolicyIn(In):
    version: int = Field(ge=0, description="The version that you changed")
    rules: dict[str, Any] = Field(description="As GET gives it; what is left out keeps its default")
    note: Text300 = ""


class CaseQuery(PageQuery):
    status: CaseStatus | Literal["open", "refund", ""] = ""
    kind: CaseKind | Literal[""] = ""
    owner: Text120 = Field("", description='A user name; "-": nobody')
    shop: Text40 = ""
    node: Text60 = ""
    overdue: bool = False
    quality: Literal["yes", "no", ""] = ""
    text: Text120 = Field("", description="Number of a case or an order, or a tracking number")


def specs(body: CasesIn) -> list[CaseSpec]:
    """The requests as after-sale takes them. Raises Problem for amounts of several currencies in one."""
    found = []
    for position, one in enumerate(body.cases):
        amounts = [line.wanted_amount for line in one.lines] + [one.amount]
        currencies = {amount.currency for amount in amounts if amount}
        if len(currencies) > 1:
            raise Problem(422, "return.currency", f"Case {position} has amounts in {', '.join(sorted(currencies))}.")
        found.append(
            CaseSpec(
                one.kind.value,
                [
                    CaseLineSpec(
                        line.line, line.qty, line.reason, line.is_opened, line.wanted_sku, _minor(line.wanted_amount)
                    )
                    for line in one.lines
                ],
                one.order,
                one.shop,
                one.order_number,
                one.way.value,
                one.node,
                one.slot_start,
                one.slot_end,
                _minor(one.amount),
                one.paid_with,
                one.note,
                one.is_simulated,
                currencies.pop() if currencies else "",
            )
        )
    return found


def _minor(given: MoneyIn | None) -> int | None:
    if given is None:
        return None
    try:
        return given.minor(given.currency, "The amount")
    except ValueError as error:
        raise Problem(422, "return.amount", f"{error}.") from None


def answer(outcomes: Sequence[CaseOutcome]) -> CaseOutcomesOut:
    """The answer to a bulk. Raises Problem when every case was refused: then nothing was written."""
    rendered = [
        CaseOutcomeOut(case=o.case_id, state=o.state, status=o.status, code=o.code, reason=o.reason) for o in outcomes
    ]
    if all(outcome.state == "refused" for outcome in outcomes):
        found = {"outcomes": [outcome.model_dump(mode="json") for outcome in rendered]}
        raise Problem(422, outcomes[0].code, outcomes[0].reason, found)
    return CaseOutcomesOut(outcomes=rendered)


def quote_of(planned: Planned) -> QuoteOut:
    """What a request would come to."""
    refund, currency = planned.refund, planned.facts.currency if planned.facts else ""
    return QuoteOut(
        is_allowed=planned.answer.is_allowed,
        code=planned.answer.code,
        sentence=planned.answer.sentence,
        freight_payer=planned.answer.freight_payer,
        instant=planned.instant,
        approval=planned.approval,
        total=money(refund.total_minor, currency) if refund else None,
        withheld=money(refund.withheld_minor, currency) if refund else None,
        deducted=money(refund.deducted_minor, currency) if refund else None,
        cut=money(refund.cut_minor, currency) if refund else None,
        parts=[
            QuotePartOut(
                line_id=line.line_id,
                qty=line.qty,
                buyer=money(line.buyer_minor, currency),
                shares=[
                    CaseShareOut(payer=s.payer, code=s.code, amount=money(s.amount_minor, currency))
                    for s in line.shares
                ],
            )
            for line in refund.lines
        ]
        + [
            QuotePartOut(line_id=line_id, qty=0, buyer=money(amount, currency), shares=[])
            for line_id, amount in refund.charges
        ]
        if refund
        else [],
        tenders=[
            CaseTenderOut(
                method=tender.method,
                kind=tender.kind,
                action="pay_back" if tender.kind == "money" else "restore",
                amount=money(amount, currency),
            )
            for tender, amount in (refund.tenders if refund else ())
        ],
    )


def summary(row: ReturnCase) -> dict[str, Any]:
    """A case as lists show it."""
    return {
        "id": row.pk,
        "number": row.number,
        "shop": row.shop.code,
        "order": row.order.external_id,
        "kind": row.kind,
        "status": row.status,
        "way": row.way,
        "node": row.node.code if row.node else None,
        "owner": row.owner,
        "due_at": row.due_at,
        "requested_at": row.requested_at,
        "quoted": money(row.quoted_minor, row.currency),
        "units": row.units,
        "is_instant": row.is_instant,
        "is_simulated": row.is_simulated,
    }


def case_of(whole: WholeCase) -> CaseOut:
    """A case with everything."""
    case = whole.case
    return CaseOut(
        **summary(case),
        sentence=case.answer["sentence"],
        policy_version=case.policy_version,
        note=case.note,
        carrier=case.carrier,
        tracking_number=case.tracking_number,
        new_order=case.new_order.external_id if case.new_order else None,
        return_number=case.return_doc.external_id if case.return_doc else None,
        channel_number=case.channel_number,
        lines=[
            CaseLineOut(
                line=line.line_no,
                sku=line.sku.code,
                qty=line.qty,
                reason=line.reason,
                is_quality=line.is_quality,
                is_opened=line.is_opened,
                wanted_sku=line.wanted_sku.code if line.wanted_sku else None,
            )
            for line in whole.lines
        ],
        inspections=[
            CaseInspectionOut(
                line=one.case_line.line_no, disposition=Disposition(one.disposition), qty=one.qty, note=one.note
            )
            for one in whole.inspections
        ],
        refunds=[_refund(refund) for refund in whole.refunds],
        events=[
            CaseEventOut(
                kind=event.kind,
                at=event.at,
                actor=event.actor,
                node=event.node.code if event.node else None,
                data=event.data,
            )
            for event in whole.events
        ],
    )


def _refund(row: Refund) -> CaseRefundOut:
    amounts = {
        name: money(getattr(row, f"{name}_minor"), row.currency)
        for name in ("goods", "charges", "withheld", "deducted", "cut", "total")
    }
    return CaseRefundOut(
        id=row.pk,
        status=RefundStatus(row.status),
        **amounts,
        reference=row.reference,
        proposed_at=row.proposed_at,
        paid_at=row.paid_at,
        tenders=[
            CaseTenderOut(method=t.method, kind=t.kind, action=t.action, amount=money(t.amount_minor, row.currency))
            for t in row.tenders.all()
        ],
    )
