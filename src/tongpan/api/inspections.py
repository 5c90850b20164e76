"""Quality inspections of goods, and what is off sale because of one. Releasing goods is for people, in the console."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from django.http import HttpRequest
from ninja import Path, Query, Router
from pydantic import BaseModel, Field

from tongpan.api.operations import actor_of, read, write
from tongpan.api.pages import Page, PageQuery, page_of
from tongpan.api.problems import Problem, not_found
from tongpan.api.values import (
    Code,
    CountedQty,
    Flag,
    Id,
    In,
    Instant,
    Name60,
    Name120,
    Out,
    Qty,
    Text60,
    Text120,
    Text300,
)
from tongpan.core.clock import utc_now
from tongpan.inventory.actions import inspect, save_quality_rules
from tongpan.inventory.actions.inspecting import quality_rules
from tongpan.inventory.engine.inspecting import Check, CheckResult, InspectionDoc, QualityRules
from tongpan.inventory.inspections import (
    InspectionFilter,
    inspection_by_id,
    open_holds,
    quality_by,
    select_inspections,
)
from tongpan.inventory.models import Inspection, InspectionKind
from tongpan.network.queries import node_ids

router = Router(tags=["inspections"])
Rule = Literal["sample", "all"]
CheckCode = Annotated[str, Field(strict=True, pattern=r"^[A-Za-z0-9_]{1,40}$")]


class CheckResultIn(In):
    check: CheckCode
    failed: CountedQty = Field(0, description="Units of the sample that failed this check")
    note: Text300 = ""


class InspectionIn(In):
    source: Name60 = Field(description="Your system; with number it names the inspection for good")
    number: Name120
    kind: InspectionKind
    node: Code
    sku: Name120
    lot: Qty
    rule: Rule | None = Field(None, description="null: that of the rules in force")
    sample: Qty | None = Field(None, description="Units looked at; null: as many as the rule says")
    failed: CountedQty | None = Field(None, description="Units that failed any check; null: no unit failed two")
    checks: list[CheckResultIn] = Field(min_length=1, max_length=30)
    supplier: Text120 = ""
    reference: Text120 = Field("", description="The transfer, receipt or batch")
    photos: list[Text300] = Field([], max_length=10, description="Where photos lie: addresses or file names")
    note: Text300 = ""
    inspected_at: Instant | None = Field(None, description="null: now")


class InspectionsIn(In):
    inspections: list[InspectionIn] = Field(min_length=1, max_length=500)


class InspectionOutcomeOut(Out):
    """moved: failed units taken off sale; held: further units that wait for a decision."""

    state: Literal["accepted", "unchanged", "refused"]
    id: int | None
    number: str
    passed: bool | None
    moved: int
    held: int
    code: str
    reason: str


class InspectionOutcomesOut(Out):
    outcomes: list[InspectionOutcomeOut]


class CheckFoundOut(Out):
    check: str
    name: str
    is_critical: bool
    failed: int
    note: str


class InspectionOut(Out):
    """hold: the block that the failed lot caused or met; is_held: it still waits for a decision."""

    id: int
    source: str
    number: str
    kind: InspectionKind
    node: str
    sku: str
    supplier: str
    reference: str
    rule: Rule
    lot: int
    sample: int
    accepted: int
    failed: int
    passed: bool
    moved: int
    checks: list[CheckFoundOut]
    photos: list[str]
    note: str
    inspector: str
    inspected_at: Instant
    hold: int | None
    is_held: bool


class QualityHoldOut(Out):
    id: int
    sku: str
    node: str | None = Field(description="null: everywhere")
    units: int
    opened_at: Instant
    opened_by: str


class QualityHoldsOut(Out):
    holds: list[QualityHoldOut]


class GoodsQualityOut(Out):
    name: str
    lots: int
    failed_lots: int
    units: int
    failed: int
    ratio: str = Field(examples=["0.0125"])


class GoodsQualitiesOut(Out):
    rows: list[GoodsQualityOut]


class QualityRulesCheck(In):
    code: CheckCode
    name: Name120
    is_critical: Flag = Field(False, description="One unit that fails it fails the lot")


class QualityRulesIn(In):
    rule: Rule = "sample"
    scope: Literal["node", "sku"] = Field("node", description="A failed lot blocks the SKU at its node, or everywhere")
    checks: list[QualityRulesCheck] = Field(min_length=1, max_length=30)


class QualityRulesOut(Out):
    rule: Rule
    scope: Literal["node", "sku"]
    checks: list[QualityRulesCheck]


class InspectionQuery(PageQuery):
    kind: InspectionKind | Literal[""] = ""
    result: Literal["", "passed", "failed"] = ""
    node: Text60 = ""
    q: Text120 = Field("", description="Part of a SKU, supplier, reference or number")


class GoodsQualityQuery(BaseModel):
    by: Literal["supplier", "node"] = "supplier"
    days: int = Field(90, ge=1, le=3660)


def _out(row: Inspection) -> InspectionOut:
    return InspectionOut(
        id=row.pk,
        source=row.source,
        number=row.number,
        kind=InspectionKind(row.kind),
        node=row.node.code,
        sku=row.sku.code,
        supplier=row.supplier,
        reference=row.reference,
        rule="all" if row.rule == "all" else "sample",
        lot=row.lot,
        sample=row.sample,
        accepted=row.accepted,
        failed=row.failed,
        passed=row.passed,
        moved=row.moved,
        checks=[
            CheckFoundOut(
                check=found["code"],
                name=found["name"],
                is_critical=found["critical"],
                failed=found["failed"],
                note=found["note"],
            )
            for found in row.results
        ],
        photos=row.photos,
        note=row.note,
        inspector=row.inspector,
        inspected_at=row.inspected_at,
        hold=row.hold_id,
        is_held=row.hold is not None and row.hold.decided_at is None,
    )


@read(router, "/stock/inspections", "stock.view", Page[InspectionOut])
def list_inspections(request: HttpRequest, query: Query[InspectionQuery]) -> Page[InspectionOut]:
    """Inspections of goods, the last recorded first."""
    node_id = node_ids([query.node]).get(query.node, 0) if query.node else None
    wanted = InspectionFilter(query.q, query.kind, query.result, node_id)
    return page_of(select_inspections(wanted), ["-id"], query, _out)


@read(router, "/stock/inspections/{inspection_id}", "stock.view", InspectionOut)
def get_inspection(request: HttpRequest, inspection_id: Path[Id]) -> InspectionOut:
    """One inspection with the result of every check."""
    row = inspection_by_id(inspection_id)
    if row is None:
        raise not_found("inspection", inspection_id)
    return _out(row)


@write(router, "POST", "/stock/inspections", "stock.edit", InspectionOutcomesOut)
def post_inspections(request: HttpRequest, body: InspectionsIn) -> InspectionOutcomesOut:
    """Write down what was found. Failed units leave the saleable stock; a failed lot is held until it is released."""
    now = utc_now()
    docs = [
        InspectionDoc(
            one.source,
            one.number,
            one.kind,
            one.node,
            one.sku,
            one.lot,
            one.inspected_at or now,
            [CheckResult(check.check, check.failed, check.note) for check in one.checks],
            one.rule or "",
            one.sample,
            one.failed,
            one.supplier,
            one.reference,
            one.photos,
            one.note,
        )
        for one in body.inspections
    ]
    outcomes = [
        InspectionOutcomeOut(
            state=o.state,
            id=o.inspection_id,
            number=doc.number,
            passed=o.passed,
            moved=o.moved,
            held=o.held,
            code=o.code,
            reason=o.reason,
        )
        for o, doc in zip(inspect(docs, actor=actor_of(request), now=now), docs, strict=True)
    ]
    if all(outcome.state == "refused" for outcome in outcomes):
        found = {"outcomes": [outcome.model_dump(mode="json") for outcome in outcomes]}
        raise Problem(422, outcomes[0].code, outcomes[0].reason, found)
    return InspectionOutcomesOut(outcomes=outcomes)


@read(router, "/stock/quality-holds", "stock.view", QualityHoldsOut)
def list_holds(request: HttpRequest) -> QualityHoldsOut:
    """What is not sold until somebody decides, the longest first; at most 200."""
    return QualityHoldsOut(
        holds=[
            QualityHoldOut(
                id=row.pk,
                sku=row.sku.code,
                node=row.node.code if row.node else None,
                units=row.units or 0,  # type: ignore[attr-defined]
                opened_at=row.opened_at,
                opened_by=row.opened_by,
            )
            for row in open_holds()
        ]
    )


@read(router, "/stock/quality", "stock.view", GoodsQualitiesOut)
def get_goods_quality(request: HttpRequest, query: Query[GoodsQualityQuery]) -> GoodsQualitiesOut:
    """Quality of what suppliers sent, or of what lies at nodes, the worst first."""
    now = utc_now()
    rows = quality_by(query.by, now - timedelta(days=query.days), now + timedelta(seconds=1))
    return GoodsQualitiesOut(
        rows=[
            GoodsQualityOut(
                name=row.name,
                lots=row.lots,
                failed_lots=row.failed_lots,
                units=row.units,
                failed=row.failed,
                ratio=f"{row.ratio:.4f}",
            )
            for row in rows
        ]
    )


@read(router, "/stock/quality-rules", "stock.view", QualityRulesOut)
def get_quality_rules(request: HttpRequest) -> QualityRulesOut:
    """The sampling rule, the checklist, and what a failed lot blocks."""
    rules = quality_rules()
    checks = [QualityRulesCheck(code=c.code, name=c.name, is_critical=c.is_critical) for c in rules.checks]
    return QualityRulesOut(rule=rules.rule, scope=rules.scope, checks=checks)


@write(router, "PUT", "/stock/quality-rules", "stock.edit", QualityRulesOut)
def put_quality_rules(request: HttpRequest, body: QualityRulesIn) -> QualityRulesOut:
    """Put rules in force for inspections from now on."""
    checks = tuple(Check(check.code, check.name, check.is_critical) for check in body.checks)
    save_quality_rules(QualityRules(checks, body.rule, body.scope), actor=actor_of(request), now=utc_now())
    return get_quality_rules(request)
