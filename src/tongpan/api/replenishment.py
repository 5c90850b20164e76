"""Stock below its safety line, what is proposed to fill it, and what is needed at once."""

from __future__ import annotations

from typing import Annotated, Literal

from django.http import HttpRequest
from ninja import Query, Router
from pydantic import Field

from tongpan.api.operations import actor_of, read, write
from tongpan.api.pages import Page, PageQuery, page_of
from tongpan.api.problems import Problem
from tongpan.api.values import Code, Id, In, Instant, Name60, Name120, Out, Qty, Text60, Text120, Text300
from tongpan.core.clock import utc_now
from tongpan.inventory.actions import (
    accept_replenishments,
    close_replenishments,
    request_urgently,
    save_replenish_rules,
)
from tongpan.inventory.engine.counting import CountOutcome
from tongpan.inventory.engine.replenishing import ReplenishRules, UrgentDoc
from tongpan.inventory.models import Replenishment, ReplenishmentState, StockAlert
from tongpan.inventory.replenishment import ReplenishFilter, open_alerts, replenish_rules, select_replenishments
from tongpan.network.queries import node_ids

router = Router(tags=["replenishment"])


class ReplenishRulesIn(In):
    """What is left out has its default."""

    target_percent: Annotated[int, Field(strict=True, ge=100, le=10_000)] = 200
    due_hours: Annotated[int, Field(strict=True, ge=1, le=8760)] = 72
    urgent_hours: Annotated[int, Field(strict=True, ge=1, le=8760)] = 4


class ReplenishRulesOut(Out):
    target_percent: int = Field(description="Of the safety line, up to which a node is filled")
    due_hours: int
    urgent_hours: int


class StockAlertOut(Out):
    id: int
    node: str
    sku: str
    units: int = Field(description="Free units when it fell below its line")
    line: int
    opened_at: Instant


class ReplenishmentOut(Out):
    id: int
    source: str
    number: str
    node: str
    sku: str
    qty: int
    from_node: str | None = Field(description="null: a supplier must deliver")
    is_urgent: bool
    state: ReplenishmentState
    transfer: int | None
    reason: str
    decision: str
    created_at: Instant
    due_at: Instant
    is_late: bool
    closed_at: Instant | None


class AlertQuery(PageQuery):
    node: Text60 = ""


class ReplenishmentQuery(PageQuery):
    state: ReplenishmentState | Literal["open", "overdue", ""] = "open"
    node: Text60 = Field("", description="Needed at this node or coming from it")
    sku: Text120 = ""


class UrgentIn(In):
    source: Name60 = Field(description="Your system; with number it names the request for good")
    number: Name120
    node: Code
    sku: Name120
    qty: Qty
    reason: Text300 = Field(min_length=1, description="The live room, the campaign")
    due_at: Instant | None = Field(None, description="null: the hours of the setting from now")


class UrgentsIn(In):
    requests: list[UrgentIn] = Field(min_length=1, max_length=200)


class DecisionIn(In):
    ids: list[Id] = Field(min_length=1, max_length=500)
    decision: Text300 = ""


class ReplenishmentIdsIn(In):
    ids: list[Id] = Field(min_length=1, max_length=500)


class ReplenishmentOutcomeOut(Out):
    state: Literal["accepted", "unchanged", "refused"]
    id: int | None
    code: str
    reason: str


class ReplenishmentOutcomesOut(Out):
    outcomes: list[ReplenishmentOutcomeOut]


def _alert(row: StockAlert) -> StockAlertOut:
    return StockAlertOut(
        id=row.pk, node=row.node.code, sku=row.sku.code, units=row.units, line=row.line, opened_at=row.opened_at
    )


def _out(row: Replenishment) -> ReplenishmentOut:
    return ReplenishmentOut(
        id=row.pk,
        source=row.source,
        number=row.number,
        node=row.node.code,
        sku=row.sku.code,
        qty=row.qty,
        from_node=row.from_node.code if row.from_node else None,
        is_urgent=row.is_urgent,
        state=ReplenishmentState(row.state),
        transfer=row.transfer_id,
        reason=row.reason,
        decision=row.decision,
        created_at=row.created_at,
        due_at=row.due_at,
        is_late=row.is_late,
        closed_at=row.closed_at,
    )


def _node_id(code: str) -> int | None:
    return node_ids([code]).get(code, 0) if code else None


@read(router, "/stock/alerts", "stock.view", Page[StockAlertOut])
def list_alerts(request: HttpRequest, query: Query[AlertQuery]) -> Page[StockAlertOut]:
    """Levels below their safety line now, the last that fell first."""
    return page_of(open_alerts(_node_id(query.node)), ["-id"], query, _alert)


@read(router, "/stock/replenishments", "stock.view", Page[ReplenishmentOut])
def list_replenishments(request: HttpRequest, query: Query[ReplenishmentQuery]) -> Page[ReplenishmentOut]:
    """What nodes should get, the last proposed first."""
    rows = select_replenishments(ReplenishFilter(query.state, _node_id(query.node)))
    return page_of(rows.filter(sku__code=query.sku) if query.sku else rows, ["-id"], query, _out)


@write(router, "POST", "/stock/replenishments/urgent", "stock.edit", ReplenishmentOutcomesOut)
def post_urgent(request: HttpRequest, body: UrgentsIn) -> ReplenishmentOutcomesOut:
    """Ask for goods that a live room or a store needs at once."""
    docs = [UrgentDoc(r.source, r.number, r.node, r.sku, r.qty, r.reason, r.due_at) for r in body.requests]
    return _outcomes(request_urgently(docs, actor=actor_of(request), now=utc_now()))


@write(router, "POST", "/stock/replenishments/accept", "stock.edit", ReplenishmentOutcomesOut)
def post_accept(request: HttpRequest, body: ReplenishmentIdsIn) -> ReplenishmentOutcomesOut:
    """Accept proposals: those from one warehouse to one node become one transfer draft."""
    return _outcomes(accept_replenishments(body.ids, actor=actor_of(request), now=utc_now()))


@write(router, "POST", "/stock/replenishments/dismiss", "stock.edit", ReplenishmentOutcomesOut)
def post_dismiss(request: HttpRequest, body: DecisionIn) -> ReplenishmentOutcomesOut:
    """Dismiss proposals; they do not come again while their alert is open."""
    outcomes = close_replenishments(
        body.ids, is_done=False, decision=body.decision, actor=actor_of(request), now=utc_now()
    )
    return _outcomes(outcomes)


def _outcomes(outcomes: list[CountOutcome]) -> ReplenishmentOutcomesOut:
    """Raises Problem when all were refused."""
    rendered = [ReplenishmentOutcomeOut(state=o.state, id=o.sheet_id, code=o.code, reason=o.reason) for o in outcomes]
    if all(outcome.state == "refused" for outcome in outcomes):
        found = {"outcomes": [outcome.model_dump(mode="json") for outcome in rendered]}
        raise Problem(422, outcomes[0].code, outcomes[0].reason, found)
    return ReplenishmentOutcomesOut(outcomes=rendered)


@read(router, "/stock/replenishment-rules", "stock.view", ReplenishRulesOut)
def get_replenish_rules(request: HttpRequest) -> ReplenishRulesOut:
    """The rules that replenishment goes by."""
    return ReplenishRulesOut(**replenish_rules().as_json())


@write(router, "PUT", "/stock/replenishment-rules", "stock.edit", ReplenishRulesOut)
def put_replenish_rules(request: HttpRequest, body: ReplenishRulesIn) -> ReplenishRulesOut:
    """Put rules in force; what is left out has its default."""
    save_replenish_rules(ReplenishRules(**body.model_dump()), actor=actor_of(request), now=utc_now())
    return ReplenishRulesOut(**replenish_rules().as_json())
