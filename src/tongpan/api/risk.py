"""Diversion of goods: the register of serials and batches, scores with their evidence, and how dealers do."""

from __future__ import annotations

from typing import Any, Literal

from django.http import HttpRequest
from ninja import Path, Query, Router
from pydantic import Field

from tongpan.api.operations import actor_of, read, write
from tongpan.api.pages import PageQuery
from tongpan.api.problems import not_found
from tongpan.api.values import (
    Code,
    Id,
    In,
    Instant,
    Name60,
    Name80,
    Name120,
    Out,
    Qty,
    Text60,
    Text80,
    Text120,
    Text300,
)
from tongpan.core.clock import utc_now
from tongpan.risk.actions import (
    CodeDoc,
    SightingDoc,
    look_for_diversion,
    record_sightings,
    register_codes,
    save_rules,
)
from tongpan.risk.models import DiversionScore
from tongpan.risk.queries.scores import last_run, recompute, rules_in_force, score_by_id, select_scores

router = Router(tags=["diversion"])


class GoodsCodeIn(In):
    kind: Literal["serial", "batch"]
    code: Name80
    sku: Name120
    dealer: Code
    shipped_at: Instant
    qty: Qty = 1
    reference: Text120 = ""


class GoodsCodesIn(In):
    codes: list[GoodsCodeIn] = Field(min_length=1, max_length=5000)


class CodeSightingIn(In):
    kind: Literal["serial", "batch"]
    code: Name80
    what: Literal["scan", "return", "warranty"]
    province: Name60
    seen_at: Instant
    city: Text60 = ""
    source: Text80 = ""


class CodeSightingsIn(In):
    sightings: list[CodeSightingIn] = Field(min_length=1, max_length=5000)


class RegisterOutcomeOut(Out):
    state: Literal["accepted", "unchanged", "refused"]
    code: str
    reason: str


class RegisterOutcomesOut(Out):
    outcomes: list[RegisterOutcomeOut]


@write(router, "POST", "/goods-codes", "cases.edit", RegisterOutcomesOut)
def post_codes(request: HttpRequest, body: GoodsCodesIn) -> RegisterOutcomesOut:
    """Register serial numbers and batches that went to dealers. The same shipment twice changes nothing."""
    docs = [
        CodeDoc(one.kind, one.code, one.sku, one.dealer, one.shipped_at, one.qty, one.reference) for one in body.codes
    ]
    told = register_codes(docs, actor=actor_of(request), now=utc_now())
    return RegisterOutcomesOut(outcomes=[RegisterOutcomeOut(**one._asdict()) for one in told])


@write(router, "POST", "/goods-codes/sightings", "cases.edit", RegisterOutcomesOut)
def post_sightings(request: HttpRequest, body: CodeSightingsIn) -> RegisterOutcomesOut:
    """Record where codes were scanned, returned or registered: the place, never a person."""
    docs = [
        SightingDoc(one.kind, one.code, one.what, one.province, one.seen_at, one.city, one.source)
        for one in body.sightings
    ]
    told = record_sightings(docs, actor=actor_of(request), now=utc_now())
    return RegisterOutcomesOut(outcomes=[RegisterOutcomeOut(**one._asdict()) for one in told])


class DiversionQuery(PageQuery):
    level: Literal["", "none", "watch", "case"] = ""


class DiversionScoreOut(Out):
    id: int
    party: str
    name: str
    score: int = Field(description="0 to 100")
    level: Literal["none", "watch", "case"]
    signals: list[dict[str, Any]]


class DiversionRunOut(Out):
    run: int | None = Field(description="null: nothing was scored yet")
    at: Instant | None
    window_from: Instant | None
    window_to: Instant | None
    rules_version: int | None
    items: list[DiversionScoreOut] = Field(description="The highest score first")


class DiversionScoreWhole(Out):
    score: DiversionScoreOut
    rules: dict[str, Any]
    inputs: dict[str, Any]
    is_reproduced: bool = Field(description="Made again from these inputs and rules, the score is the same")


class DiversionLook(Out):
    run: int
    subjects: int
    watched: int
    striking: int
    cases: list[int]


class DiversionRulesIn(In):
    rules: dict[str, Any]
    note: Text300 = ""


class DiversionRulesOut(Out):
    version: int
    rules: dict[str, Any]


@read(router, "/diversion", "prices.view", DiversionRunOut)
def list_diversion(request: HttpRequest, query: Query[DiversionQuery]) -> DiversionRunOut:
    """The scores of the last run, the highest first; at most `limit`."""
    run = last_run()
    if run is None:
        return DiversionRunOut(run=None, at=None, window_from=None, window_to=None, rules_version=None, items=[])
    rows = select_scores(run.pk, level=query.level).order_by("-score", "pk")[: query.limit]
    return DiversionRunOut(
        run=run.pk,
        at=run.at,
        window_from=run.window_from,
        window_to=run.window_to,
        rules_version=run.rules_version,
        items=[_score(row) for row in rows],
    )


@read(router, "/diversion/scores/{score_id}", "prices.view", DiversionScoreWhole)
def get_score(request: HttpRequest, score_id: Path[Id]) -> DiversionScoreWhole:
    """One score with all that it was made from, and whether it still follows from it."""
    row = score_by_id(score_id)
    if row is None:
        raise not_found("score", score_id)
    return DiversionScoreWhole(
        score=_score(row), rules=row.run.rules, inputs=row.inputs, is_reproduced=recompute(score_id).is_same
    )


@write(router, "POST", "/diversion/runs", "cases.edit", DiversionLook)
def post_run(request: HttpRequest) -> DiversionLook:
    """Score every dealer and shop now; it also happens every night."""
    found = look_for_diversion(actor=actor_of(request), now=utc_now())
    return DiversionLook(
        run=found.run_id,
        subjects=found.subjects,
        watched=found.watched,
        striking=found.striking,
        cases=found.cases,
    )


@read(router, "/diversion/rules", "prices.view", DiversionRulesOut)
def get_diversion_rules(request: HttpRequest) -> DiversionRulesOut:
    """The rules of the score in force; version 0 is the defaults."""
    version, rules = rules_in_force()
    return DiversionRulesOut(version=version, rules=rules.as_json())


@write(router, "POST", "/diversion/rules", "prices.edit", DiversionRulesOut)
def post_diversion_rules(request: HttpRequest, body: DiversionRulesIn) -> DiversionRulesOut:
    """Let these rules count from the next run on, as a new version."""
    save_rules(body.rules, body.note, actor=actor_of(request), now=utc_now())
    version, rules = rules_in_force()
    return DiversionRulesOut(version=version, rules=rules.as_json())


def _score(row: DiversionScore) -> DiversionScoreOut:
    party = f"dealer:{row.dealer.code}" if row.dealer else f"shop:{row.shop.code}" if row.shop else ""
    name = row.dealer.name if row.dealer else row.shop.name if row.shop else ""
    return DiversionScoreOut(
        id=row.pk,
        party=party,
        name=name,
        score=row.score,
        level=row.level,  # type: ignore[arg-type]
        signals=row.signals,
    )
