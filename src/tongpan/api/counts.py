"""Counts on the shelf: sheets that people and devices fill in. Approving one is for people, in the console."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Literal

from django.http import HttpRequest
from ninja import Path, Query, Router
from pydantic import BaseModel, Field

from tongpan.api.operations import actor_of, read, write
from tongpan.api.pages import Page, PageQuery, page_of
from tongpan.api.problems import Problem, not_found
from tongpan.api.values import Code, CountedQty, Flag, Id, In, Instant, Name60, Name120, Out, Text60, Text120, Text300
from tongpan.core.clock import utc_now
from tongpan.inventory.actions import enter_counts, open_counts, save_count_rules, submit_count
from tongpan.inventory.counts import (
    Accuracy,
    SheetFilter,
    accuracy_by_node,
    count_rules,
    select_sheets,
    sheet_by_id,
    with_lines,
)
from tongpan.inventory.engine.counting import CountOutcome, CountRules, Found, SheetDoc
from tongpan.inventory.engine.stock import AHEAD
from tongpan.inventory.models import Bucket, CountKind, CountSheet, CountState
from tongpan.network.queries import node_ids

router = Router(tags=["counts"])


class SheetIn(In):
    source: Name60 = Field(description="Your system; with number it names the sheet for good")
    number: Name120
    node: Code
    kind: CountKind
    skus: list[Name120] = Field([], max_length=20_000, description="Of a cycle count: what shall be counted")
    is_blind: Flag = Field(False, description="Whoever counts does not see the book")
    note: Text300 = ""


class SheetsIn(In):
    sheets: list[SheetIn] = Field(min_length=1, max_length=100)


class FoundIn(In):
    sku: Name120
    qty: CountedQty
    bucket: Bucket = Bucket.SALEABLE
    is_more: Flag = Field(False, description="Besides what was found before, instead of in its place")
    key: Text120 = Field("", description="Names the entry, so that it counts once; needed for is_more")


class EntriesIn(In):
    counted_at: Instant | None = Field(None, description="null: now. Goods that moved later are no difference")
    entries: list[FoundIn] = Field(min_length=1, max_length=5000)


class SubmitIn(In):
    reason: Text300 = Field("", description="Needed when more is off than the tolerance forgives")
    uncounted: Literal["leave", "zero"] = "leave"


class CountRulesIn(In):
    """What is left out has its default."""

    tolerance_units: Annotated[int, Field(strict=True, ge=0, le=1_000_000)] = 5
    tolerance_percent: Annotated[Decimal, Field(ge=0, le=100, decimal_places=2)] = Decimal(2)
    accuracy: Literal["units", "lines"] = "units"
    target_percent: Annotated[Decimal, Field(ge=0, le=100, decimal_places=2)] = Decimal(98)
    days_a: Annotated[int, Field(strict=True, ge=1, le=3650)] = 30
    days_b: Annotated[int, Field(strict=True, ge=1, le=3650)] = 90
    days_c: Annotated[int, Field(strict=True, ge=1, le=3650)] = 180


class CountRulesOut(Out):
    tolerance_units: int = Field(description="Units off that need no second person")
    tolerance_percent: Decimal = Field(description="and at most so many percent of the book")
    accuracy: Literal["units", "lines"]
    target_percent: Decimal
    days_a: int = Field(description="After how many days a SKU of class A is due to be counted again")
    days_b: int
    days_c: int


class CountLineOut(Out):
    """book, expected and variance are null on a blind sheet that is still being counted."""

    line: int
    sku: str
    bucket: Bucket
    book: int | None
    counted: int | None
    expected: int | None
    variance: int | None
    applied: int | None


class SheetOut(Out):
    id: int
    source: str
    number: str
    node: str
    kind: CountKind
    is_blind: bool
    state: CountState
    note: str
    reason: str
    snapshot_at: Instant
    submitted_at: Instant | None
    booked_at: Instant | None
    lines: list[CountLineOut]


class SheetOutcomeOut(Out):
    state: Literal["accepted", "unchanged", "refused"]
    id: int | None
    number: str
    code: str
    reason: str


class SheetOutcomesOut(Out):
    outcomes: list[SheetOutcomeOut]


class EntryOutcomeOut(Out):
    state: Literal["accepted", "unchanged", "refused"]
    sku: str
    code: str
    reason: str


class EntryOutcomesOut(Out):
    outcomes: list[EntryOutcomeOut]


class SheetQuery(PageQuery):
    state: CountState | Literal[""] = ""
    node: Text60 = ""


class AccuracyQuery(BaseModel):
    days: int = Field(90, ge=1, le=3660, description="Of the counts booked in so many days until now")


class AccuracyOut(Out):
    """How right the book was: 1 - off / book by units, exact / lines by lines, as the setting says."""

    node: str | None = Field(description="Name of the node; null for all together")
    lines: int
    exact: int
    book: int
    off: int
    ratio: str | None = Field(examples=["0.9812"])
    is_met: bool | None


class AccuraciesOut(Out):
    mode: Literal["units", "lines"]
    target: str = Field(examples=["0.98"])
    total: AccuracyOut
    nodes: list[AccuracyOut]


def _out(row: CountSheet) -> SheetOut:
    hides = row.is_blind and row.state == CountState.OPEN
    return SheetOut(
        id=row.pk,
        source=row.source,
        number=row.number,
        node=row.node.code,
        kind=CountKind(row.kind),
        is_blind=row.is_blind,
        state=CountState(row.state),
        note=row.note,
        reason=row.reason,
        snapshot_at=row.snapshot_at,
        submitted_at=row.submitted_at,
        booked_at=row.booked_at,
        lines=[
            CountLineOut(
                line=line.line_no,
                sku=line.sku.code,
                bucket=Bucket(line.bucket),
                book=None if hides else line.book,
                counted=line.counted,
                expected=None if hides else line.expected,
                variance=None if hides else line.variance,
                applied=line.applied,
            )
            for line in row.shown_lines  # type: ignore[attr-defined]
        ],
    )


@read(router, "/stock/count-sheets", "stock.view", Page[SheetOut])
def list_sheets(request: HttpRequest, query: Query[SheetQuery]) -> Page[SheetOut]:
    """Count sheets, the last opened first."""
    node_id = node_ids([query.node]).get(query.node, 0) if query.node else None
    return page_of(with_lines(select_sheets(SheetFilter(query.state, node_id))), ["-id"], query, _out)


@read(router, "/stock/count-sheets/{sheet_id}", "stock.view", SheetOut)
def get_sheet(request: HttpRequest, sheet_id: Path[Id]) -> SheetOut:
    """One sheet with its lines."""
    return _found(sheet_id)


@write(router, "POST", "/stock/count-sheets", "stock.edit", SheetOutcomesOut)
def post_sheets(request: HttpRequest, body: SheetsIn) -> SheetOutcomesOut:
    """Open sheets with the book of this instant."""
    docs = [SheetDoc(s.source, s.number, s.node, s.kind, s.skus, s.is_blind, s.note) for s in body.sheets]
    outcomes = open_counts(docs, actor=actor_of(request), now=utc_now())
    rendered = [
        SheetOutcomeOut(state=o.state, id=o.sheet_id, number=doc.number, code=o.code, reason=o.reason)
        for o, doc in zip(outcomes, docs, strict=True)
    ]
    if all(outcome.state == "refused" for outcome in outcomes):
        found = {"outcomes": [outcome.model_dump(mode="json") for outcome in rendered]}
        raise Problem(422, outcomes[0].code, outcomes[0].reason, found)
    return SheetOutcomesOut(outcomes=rendered)


@write(router, "POST", "/stock/count-sheets/{sheet_id}/entries", "stock.edit", EntryOutcomesOut)
def post_entries(request: HttpRequest, sheet_id: Path[Id], body: EntriesIn) -> EntryOutcomesOut:
    """Enter what was found; what is not on the sheet is added to it."""
    now = utc_now()
    if body.counted_at and body.counted_at > now + AHEAD:
        raise Problem(422, "count.time", "The time of counting lies in the future.")
    entries = [Found(e.sku, e.qty, e.bucket, e.is_more, e.key) for e in body.entries]
    outcomes = enter_counts(sheet_id, entries, actor=actor_of(request), now=now, counted_at=body.counted_at)
    if all(outcome.state == "refused" for outcome in outcomes):
        raise _problem(outcomes[0])
    return EntryOutcomesOut(
        outcomes=[
            EntryOutcomeOut(state=o.state, sku=e.sku_code, code=o.code, reason=o.reason)
            for o, e in zip(outcomes, entries, strict=True)
        ]
    )


@write(router, "POST", "/stock/count-sheets/{sheet_id}/submit", "stock.edit", SheetOut)
def post_submit(request: HttpRequest, sheet_id: Path[Id], body: SubmitIn) -> SheetOut:
    """Hand the sheet in: within the tolerance it is booked, otherwise another person approves it in the console."""
    outcome = submit_count(
        sheet_id, reason=body.reason, uncounted=body.uncounted, actor=actor_of(request), now=utc_now()
    )
    if outcome.state == "refused":
        raise _problem(outcome)
    return _found(sheet_id)


@read(router, "/stock/accuracy", "stock.view", AccuraciesOut)
def get_accuracy(request: HttpRequest, query: Query[AccuracyQuery]) -> AccuraciesOut:
    """How right the book was at each node (KPI-58), from the counts that were booked."""
    now, rules = utc_now(), count_rules()
    nodes, total = accuracy_by_node(now - timedelta(days=query.days), now + timedelta(seconds=1))
    return AccuraciesOut(
        mode="lines" if rules.accuracy == "lines" else "units",
        target=str(rules.target_percent / 100),
        total=_accuracy(total),
        nodes=[_accuracy(one) for one in nodes],
    )


def _accuracy(one: Accuracy) -> AccuracyOut:
    return AccuracyOut(
        node=one.node if one.node_id else None,
        lines=one.lines,
        exact=one.exact,
        book=one.book,
        off=one.off,
        ratio=None if one.ratio is None else f"{one.ratio:.4f}",
        is_met=one.is_met,
    )


def _problem(outcome: CountOutcome) -> Problem:
    return Problem(404 if outcome.code == "count.unknown" else 422, outcome.code, outcome.reason)


def _found(sheet_id: int) -> SheetOut:
    row = sheet_by_id(sheet_id)
    if row is None:
        raise not_found("count", sheet_id)
    return _out(row)


@read(router, "/stock/count-rules", "stock.view", CountRulesOut)
def get_count_rules(request: HttpRequest) -> CountRulesOut:
    """The rules that counts go by."""
    return CountRulesOut(**count_rules().as_json())


@write(router, "PUT", "/stock/count-rules", "stock.edit", CountRulesOut)
def put_count_rules(request: HttpRequest, body: CountRulesIn) -> CountRulesOut:
    """Put rules in force; what is left out has its default."""
    save_count_rules(CountRules(**body.model_dump()), actor=actor_of(request), now=utc_now())
    return CountRulesOut(**count_rules().as_json())
