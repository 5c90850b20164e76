"""Stock: the pool that every channel sells from, the levels at the nodes, the movements behind both."""

from __future__ import annotations

from typing import Literal

from django.http import HttpRequest
from ninja import Query, Router
from pydantic import Field

from tongpan.api.operations import actor_of, read, write
from tongpan.api.pages import Page, PageQuery, page_of
from tongpan.api.problems import Problem
from tongpan.api.values import Code, CountedQty, In, Instant, Name60, Name120, Out, SignedQty, Text120, Text300
from tongpan.core.clock import utc_now
from tongpan.inventory.actions import adjust, count
from tongpan.inventory.engine import AdjustmentDoc, CountDoc, StockLine, StockOutcome
from tongpan.inventory.models import Bucket, Kind, Level, Movement, Pool
from tongpan.inventory.queries import select_levels, select_movements, select_pools

router = Router(tags=["stock"])


class PoolOut(Out):
    """The saleable stock of one SKU over all nodes. available = on_hand - allocated - held."""

    sku: str
    on_hand: int
    allocated: int = Field(description="Pinned to orders at a node")
    held: int = Field(description="Promised to orders that no node has been chosen for yet")
    available: int


class LevelOut(Out):
    sku: str
    node: str
    bucket: Bucket
    on_hand: int
    allocated: int


class MovementOut(Out):
    id: int
    sku: str
    node: str | None = Field(description="null for a change of the pool alone")
    bucket: Bucket
    kind: Kind
    on_hand: int = Field(description="Signed change")
    allocated: int = Field(description="Signed change")
    held: int = Field(description="Signed change")
    cause: str = Field(description="The document that moved it", examples=["stock_document/17"])
    actor: str
    reason: str
    occurred_at: Instant
    recorded_at: Instant


class PoolQuery(PageQuery):
    sku: Text120 = ""


class LevelQuery(PageQuery):
    sku: Text120 = ""
    node: Text120 = ""
    bucket: Bucket | Literal[""] = ""


class AdjustedLineIn(In):
    sku: Name120
    qty: SignedQty = Field(description="The signed change")
    bucket: Bucket = Bucket.SALEABLE
    name: Text300 = Field("", description="Of a SKU that is not known yet")
    note: Text300 = ""


class CountedLineIn(In):
    sku: Name120
    qty: CountedQty = Field(description="What was found")
    bucket: Bucket = Bucket.SALEABLE
    name: Text300 = Field("", description="Of a SKU that is not known yet")
    note: Text300 = ""


class StockDocumentIn(In):
    source: Name60 = Field(description="Your system; with number and node it names the document for good")
    number: Name120
    node: Code
    occurred_at: Instant
    reason: Text300 = ""


class AdjustmentIn(StockDocumentIn):
    lines: list[AdjustedLineIn] = Field(min_length=1, max_length=5000)


class CountIn(StockDocumentIn):
    lines: list[CountedLineIn] = Field(min_length=1, max_length=20_000)


class AdjustmentsIn(In):
    documents: list[AdjustmentIn] = Field(min_length=1, max_length=200)


class CountsIn(In):
    documents: list[CountIn] = Field(min_length=1, max_length=200)


class StockOutcomeOut(Out):
    """What became of one document, at the position at which it was sent."""

    state: Literal["accepted", "unchanged", "refused"]
    id: int | None
    number: str
    short: int = Field(description="Units that could not be taken because the book did not hold them free")
    code: str
    reason: str


class StockOutcomesOut(Out):
    outcomes: list[StockOutcomeOut]


def _pool(row: Pool) -> PoolOut:
    return PoolOut(
        sku=row.sku.code,
        on_hand=row.on_hand,
        allocated=row.allocated,
        held=row.held,
        available=row.on_hand - row.allocated - row.held,
    )


def _level(row: Level) -> LevelOut:
    return LevelOut(
        sku=row.sku.code,
        node=row.node.code,
        bucket=Bucket(row.bucket),
        on_hand=row.on_hand,
        allocated=row.allocated,
    )


def _movement(row: Movement) -> MovementOut:
    return MovementOut(
        id=row.pk,
        sku=row.sku.code,
        node=row.node.code if row.node else None,
        bucket=Bucket(row.bucket),
        kind=Kind(row.kind),
        on_hand=row.on_hand_delta,
        allocated=row.allocated_delta,
        held=row.held_delta,
        cause=f"{row.cause_type}/{row.cause_id}",
        actor=row.actor,
        reason=row.reason,
        occurred_at=row.occurred_at,
        recorded_at=row.recorded_at,
    )


@read(router, "/stock/pool", "stock.view", Page[PoolOut])
def list_pool(request: HttpRequest, query: Query[PoolQuery]) -> Page[PoolOut]:
    """What every channel may sell, SKU by SKU in the order in which they were first stocked."""
    return page_of(select_pools(query.sku), ["sku_id"], query, _pool)


@read(router, "/stock/levels", "stock.view", Page[LevelOut])
def list_levels(request: HttpRequest, query: Query[LevelQuery]) -> Page[LevelOut]:
    """What lies where, in the order in which the levels were first booked."""
    return page_of(select_levels(query.sku, query.node, query.bucket), ["id"], query, _level)


@read(router, "/stock/movements", "stock.view", Page[MovementOut])
def list_movements(request: HttpRequest, query: Query[LevelQuery]) -> Page[MovementOut]:
    """Why stock is what it is, the last booked first."""
    return page_of(select_movements(query.sku, query.node, query.bucket), ["-id"], query, _movement)


@write(router, "POST", "/stock/adjustments", "stock.edit", StockOutcomesOut)
def post_adjustments(request: HttpRequest, body: AdjustmentsIn) -> StockOutcomesOut:
    """Book goods lost, broken or found. Below zero only what is free is taken; ``short`` says what was not."""
    docs = [
        AdjustmentDoc(
            doc.source, doc.number, doc.node, doc.occurred_at, [_line(line) for line in doc.lines], doc.reason
        )
        for doc in body.documents
    ]
    return _outcomes(adjust(docs, actor=actor_of(request), now=utc_now()), [d.external_id for d in docs])


@write(router, "POST", "/stock/counts", "stock.edit", StockOutcomesOut)
def post_counts(request: HttpRequest, body: CountsIn) -> StockOutcomesOut:
    """Book what was counted: the book becomes what was found, never less than what is pinned to orders."""
    docs = [
        CountDoc(doc.source, doc.number, doc.node, doc.occurred_at, [_line(line) for line in doc.lines], doc.reason)
        for doc in body.documents
    ]
    return _outcomes(count(docs, actor=actor_of(request), now=utc_now()), [d.external_id for d in docs])


def _line(line: AdjustedLineIn | CountedLineIn) -> StockLine:
    return StockLine(line.sku, line.qty, line.bucket, line.name, line.note)


def _outcomes(outcomes: list[StockOutcome], numbers: list[str]) -> StockOutcomesOut:
    """Raises Problem when every document was refused."""
    rendered = [
        StockOutcomeOut(
            state=outcome.state,
            id=outcome.document_id,
            number=number,
            short=outcome.short,
            code=outcome.code,
            reason=outcome.reason,
        )
        for outcome, number in zip(outcomes, numbers, strict=True)
    ]
    if all(outcome.state == "refused" for outcome in outcomes):
        raise Problem(
            422,
            outcomes[0].code,
            outcomes[0].reason,
            {"outcomes": [outcome.model_dump(mode="json") for outcome in rendered]},
        )
    return StockOutcomesOut(outcomes=rendered)
