"""Violation cases with their evidence, steps and letters, and complaints about prices."""

from __future__ import annotations

from typing import Any, Literal

from django.http import HttpRequest
from ninja import Path, Query, Router
from pydantic import Field

from tongpan.api.operations import actor_of, read, write
from tongpan.api.pages import Page, PageQuery, page_of
from tongpan.api.patrol import Hash, Minor, OutcomeState
from tongpan.api.problems import Problem, not_found
from tongpan.api.values import (
    Code,
    Id,
    In,
    Instant,
    MoneyIn,
    MoneyOut,
    Name120,
    Out,
    Text60,
    Text120,
    Text300,
    Text2000,
    money_or_none,
)
from tongpan.core.clock import utc_now
from tongpan.pricing.patrol.actions import ComplaintDoc, add_evidence, register_complaints, take_step
from tongpan.pricing.patrol.actions.casework import Step
from tongpan.pricing.patrol.models import PriceComplaint, ViolationCase
from tongpan.pricing.patrol.queries.cases import CaseFilter, select_cases, whole_case
from tongpan.pricing.patrol.queries.observations import select_complaints

router = Router(tags=["price patrol"])


class ViolationQuery(PageQuery):
    status: Text60 = Field("open", description='One status, "open" for all that are not over, "appeal", or ""')
    kind: Literal["", "price", "diversion"] = ""
    party: Text300 = ""


class ViolationOut(Out):
    id: int
    number: str
    kind: str
    status: str
    party: str
    party_name: str
    sku: str | None
    channel: str | None
    finding: str
    appeal: str
    fine: MoneyOut | None
    opened_at: Instant
    due_at: Instant | None
    closed_at: Instant | None
    revision: int = Field(description="Name it when you take a step")


class ViolationStepOut(Out):
    kind: str
    before: str
    reason: str
    actor: str
    at: Instant


class ViolationEvidenceOut(Out):
    kind: str
    observation: int | None
    reference: str
    hash: str
    note: str
    data: dict[str, Any]
    added_by: str
    at: Instant


class ViolationLetterOut(Out):
    kind: str
    language: str
    subject: str
    text: str
    at: Instant


class ViolationWhole(Out):
    case: ViolationOut
    evidence: list[ViolationEvidenceOut]
    steps: list[ViolationStepOut]
    letters: list[ViolationLetterOut]


class ViolationStepIn(In):
    revision: int = Field(strict=True, ge=1, le=2**31 - 1, description="Of the case that was looked at")
    step: Literal[
        "evidence",
        "confirmed",
        "dismissed",
        "warning",
        "fine",
        "termination",
        "closed",
        "appeal",
        "granted",
        "rejected",
    ]
    reason: Text2000 = ""
    fine: MoneyIn | None = None
    language: Literal["zh", "en", ""] = Field("zh", description='Of the letter; "" for none')


class ViolationStepDone(Out):
    status: str
    revision: int


class ViolationEvidenceIn(In):
    kind: Literal["file", "statement"]
    reference: Text300 = ""
    hash: Hash = ""
    note: Text2000 = ""


class ViolationAdded(Out):
    id: int


@read(router, "/violations", "prices.view", Page[ViolationOut])
def list_violations(request: HttpRequest, query: Query[ViolationQuery]) -> Page[ViolationOut]:
    """Violation cases, the newest first."""
    rows = select_cases(CaseFilter(query.status, query.kind, query.party))
    return page_of(rows, ["-opened_at", "-id"], query, _violation)


@read(router, "/violations/{case_id}", "prices.view", ViolationWhole)
def get_violation(request: HttpRequest, case_id: Path[Id]) -> ViolationWhole:
    """One case with its evidence, steps and letters."""
    whole = whole_case(case_id)
    if whole is None:
        raise not_found("violation", case_id)
    return ViolationWhole(
        case=_violation(whole.case),
        evidence=[
            ViolationEvidenceOut(
                kind=one.kind,
                observation=one.observation_id,
                reference=one.reference,
                hash=one.hash,
                note=one.note,
                data=one.data,
                added_by=one.added_by,
                at=one.at,
            )
            for one in whole.evidence
        ],
        steps=[
            ViolationStepOut(kind=one.kind, before=one.before, reason=one.reason, actor=one.actor, at=one.at)
            for one in whole.steps
        ],
        letters=[
            ViolationLetterOut(kind=one.kind, language=one.language, subject=one.subject, text=one.text, at=one.at)
            for one in whole.letters
        ],
    )


@write(router, "POST", "/violations/{case_id}/steps", "cases.edit", ViolationStepDone)
def post_step(request: HttpRequest, case_id: Path[Id], body: ViolationStepIn) -> ViolationStepDone:
    """Take the next step of a case, appeal, or decide an appeal. Of two at one case one wins."""
    fine = 0
    if body.fine is not None:
        try:
            fine = body.fine.minor(body.fine.currency, "The fine")
        except ValueError as error:
            raise Problem(422, "violation.step", f"{error}.") from error
    step = Step(case_id, body.revision, body.step, body.reason, fine, body.language)
    [outcome] = take_step([step], actor=actor_of(request), now=utc_now())
    if outcome.state == "refused":
        raise Problem(404 if outcome.code == "violation.unknown" else 422, outcome.code, outcome.reason)
    return ViolationStepDone(status=outcome.status, revision=outcome.revision)


@write(router, "POST", "/violations/{case_id}/evidence", "cases.edit", ViolationAdded)
def post_evidence(request: HttpRequest, case_id: Path[Id], body: ViolationEvidenceIn) -> ViolationAdded:
    """Add a file by its reference and hash, or a statement."""
    add_evidence(
        case_id,
        kind=body.kind,
        reference=body.reference,
        hash=body.hash,
        note=body.note,
        actor=actor_of(request),
        now=utc_now(),
    )
    return ViolationAdded(id=case_id)


def _violation(row: ViolationCase) -> ViolationOut:
    return ViolationOut(
        id=row.pk,
        number=row.number,
        kind=row.kind,
        status=row.status,
        party=row.party,
        party_name=row.party_name,
        sku=row.sku.code if row.sku else None,
        channel=row.channel.code if row.channel else None,
        finding=row.finding,
        appeal=row.appeal,
        fine=money_or_none(row.fine_minor, row.currency),
        opened_at=row.opened_at,
        due_at=row.due_at,
        closed_at=row.closed_at,
        revision=row.revision,
    )


class PriceComplaintIn(In):
    channel: Code
    id: Name120 = Field(description="The complaint's number on the channel")
    sku: Name120
    text: Text2000
    said_at: Instant
    order: Text120 = ""
    paid_minor: Minor | None = None
    other_minor: Minor | None = None
    other_channel: Text60 = ""


class PriceComplaintsIn(In):
    complaints: list[PriceComplaintIn] = Field(min_length=1, max_length=500)


class PriceComplaintOutcome(Out):
    state: OutcomeState
    id: int | None
    conflict: Literal["", "violation", "channels"]
    code: str
    reason: str


class PriceComplaintOutcomes(Out):
    outcomes: list[PriceComplaintOutcome]


class PriceComplaintQuery(PageQuery):
    conflict: Literal["", "violation", "channels", "none"] = ""


class PriceComplaintOut(Out):
    id: int
    channel: str
    number: str
    sku: str
    order: str
    text: str
    said_at: Instant
    conflict: str
    observation: int | None
    case: int | None


@write(router, "POST", "/price-complaints", "prices.edit", PriceComplaintOutcomes)
def post_complaints(request: HttpRequest, body: PriceComplaintsIn) -> PriceComplaintOutcomes:
    """Register complaints about prices; each is linked to the conflict of prices that it points to."""
    docs = [
        ComplaintDoc(
            one.channel,
            one.id,
            one.sku,
            one.text,
            one.said_at,
            one.order,
            one.paid_minor,
            one.other_minor,
            one.other_channel,
        )
        for one in body.complaints
    ]
    told = register_complaints(docs, actor=actor_of(request), now=utc_now())
    return PriceComplaintOutcomes(outcomes=[PriceComplaintOutcome(**one._asdict()) for one in told])


@read(router, "/price-complaints", "prices.view", Page[PriceComplaintOut])
def list_complaints(request: HttpRequest, query: Query[PriceComplaintQuery]) -> Page[PriceComplaintOut]:
    """Complaints about prices, the newest first."""
    return page_of(select_complaints(conflict=query.conflict), ["-said_at", "-id"], query, _complaint)


def _complaint(row: PriceComplaint) -> PriceComplaintOut:
    return PriceComplaintOut(
        id=row.pk,
        channel=row.channel.code,
        number=row.external_id,
        sku=row.sku.code,
        order=row.order_number,
        text=row.text,
        said_at=row.said_at,
        conflict=row.conflict,
        observation=row.observation_id,
        case=row.case_id,
    )
