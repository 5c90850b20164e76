"""Transfers: goods that go from one node to another."""

from __future__ import annotations

from typing import Literal

from django.http import HttpRequest
from ninja import Path, Query, Router
from pydantic import Field

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
from tongpan.inventory.actions import cancel_transfers, create_transfers, make_ready, receive, send
from tongpan.inventory.engine.transfers import Arrival, Receipt, Sending, TransferDoc, TransferOutcome, Wanted
from tongpan.inventory.models import Bucket, Transfer, TransferState
from tongpan.inventory.transit import TransferFilter, select_transfers, transfer_by_id, with_lines
from tongpan.network.queries import node_ids

router = Router(tags=["transfers"])


class TransferLineIn(In):
    sku: Name120
    qty: Qty
    bucket: Bucket = Bucket.SALEABLE


class TransferIn(In):
    source: Name60 = Field(description="Your system; with number it names the transfer for good")
    number: Name120
    from_node: Code
    to_node: Code
    lines: list[TransferLineIn] = Field(min_length=1, max_length=5000)
    note: Text300 = ""
    expected_at: Instant | None = None


class TransfersIn(In):
    transfers: list[TransferIn] = Field(min_length=1, max_length=200)


class SentLineIn(In):
    line: int = Field(ge=1, description="The number of the line")
    qty: CountedQty


class SendIn(In):
    lines: list[SentLineIn] | None = Field(
        None, max_length=5000, description="What leaves; lines that are left out do not. null sends everything"
    )


class ArrivedLineIn(In):
    line: int = Field(ge=1, description="The number of the line")
    good: CountedQty
    damaged: CountedQty = 0


class ReceiveIn(In):
    lines: list[ArrivedLineIn] = Field(max_length=5000, description="A line that is left out did not arrive")
    reason: Text300 = Field("", description="Needed when nothing more comes and units are missing")
    is_final: Flag = Field(True, description="false: more of it is to come, and the rest stays on its way")
    key: Text120 = Field("", description="Names the delivery, so that it is booked once; needed unless it is final")


class CancelTransferIn(In):
    reason: Text300 = ""


class TransferLineOut(Out):
    line: int
    sku: str
    bucket: Bucket
    qty: int
    sent: int | None
    good: int | None
    damaged: int | None
    short: int = Field(description="Units that were lost on the way; 0 while more is to come")


class TransferOut(Out):
    id: int
    source: str
    number: str
    from_node: str
    to_node: str
    state: TransferState
    note: str
    reason: str
    created_at: Instant
    expected_at: Instant | None
    sent_at: Instant | None
    closed_at: Instant | None
    lines: list[TransferLineOut]


class TransferQuery(PageQuery):
    state: TransferState | Literal["open", ""] = ""
    node: Text60 = Field("", description="Sent from or going to this node")


class TransferOutcomeOut(Out):
    """What became of one transfer, at the position at which it was sent."""

    state: Literal["accepted", "unchanged", "refused"]
    id: int | None
    number: str
    code: str
    reason: str


class TransferOutcomesOut(Out):
    outcomes: list[TransferOutcomeOut]


def _out(row: Transfer) -> TransferOut:
    return TransferOut(
        id=row.pk,
        source=row.source,
        number=row.number,
        from_node=row.from_node.code,
        to_node=row.to_node.code,
        state=TransferState(row.state),
        note=row.note,
        reason=row.reason,
        created_at=row.created_at,
        expected_at=row.expected_at,
        sent_at=row.sent_at,
        closed_at=row.closed_at,
        lines=[
            TransferLineOut(
                line=line.line_no,
                sku=line.sku.code,
                bucket=Bucket(line.bucket),
                qty=line.qty,
                sent=line.sent,
                good=line.good,
                damaged=line.damaged,
                short=line.short,
            )
            for line in row.shown_lines  # type: ignore[attr-defined]
        ],
    )


@read(router, "/stock/transfers", "stock.view", Page[TransferOut])
def list_transfers(request: HttpRequest, query: Query[TransferQuery]) -> Page[TransferOut]:
    """Transfers, the last made first."""
    node_id = node_ids([query.node]).get(query.node, 0) if query.node else None
    return page_of(with_lines(select_transfers(TransferFilter(query.state, node_id))), ["-id"], query, _out)


@read(router, "/stock/transfers/{transfer_id}", "stock.view", TransferOut)
def get_transfer(request: HttpRequest, transfer_id: Path[Id]) -> TransferOut:
    """One transfer with its lines."""
    return _found(transfer_id)


@write(router, "POST", "/stock/transfers", "stock.edit", TransferOutcomesOut)
def post_transfers(request: HttpRequest, body: TransfersIn) -> TransferOutcomesOut:
    """Make drafts; they take no stock before they are sent."""
    docs = [
        TransferDoc(
            one.source,
            one.number,
            one.from_node,
            one.to_node,
            [Wanted(line.sku, line.qty, line.bucket) for line in one.lines],
            one.note,
            one.expected_at,
        )
        for one in body.transfers
    ]
    outcomes = create_transfers(docs, actor=actor_of(request), now=utc_now())
    rendered = [
        TransferOutcomeOut(
            state=outcome.state, id=outcome.transfer_id, number=doc.number, code=outcome.code, reason=outcome.reason
        )
        for outcome, doc in zip(outcomes, docs, strict=True)
    ]
    if all(outcome.state == "refused" for outcome in outcomes):
        found = {"outcomes": [outcome.model_dump(mode="json") for outcome in rendered]}
        raise Problem(422, outcomes[0].code, outcomes[0].reason, found)
    return TransferOutcomesOut(outcomes=rendered)


@write(router, "POST", "/stock/transfers/{transfer_id}/ready", "stock.edit", TransferOut)
def post_ready(request: HttpRequest, transfer_id: Path[Id]) -> TransferOut:
    """The goods are packed and wait for the carrier."""
    return _done(transfer_id, make_ready([transfer_id], actor=actor_of(request), now=utc_now()))


@write(router, "POST", "/stock/transfers/{transfer_id}/send", "stock.edit", TransferOut)
def post_send(request: HttpRequest, transfer_id: Path[Id], body: SendIn) -> TransferOut:
    """The goods leave. What is promised to orders stays: then the answer says how many units may leave."""
    quantities = None if body.lines is None else {line.line: line.qty for line in body.lines}
    return _done(transfer_id, send([Sending(transfer_id, quantities)], actor=actor_of(request), now=utc_now()))


@write(router, "POST", "/stock/transfers/{transfer_id}/receive", "stock.edit", TransferOut)
def post_receive(request: HttpRequest, transfer_id: Path[Id], body: ReceiveIn) -> TransferOut:
    """The goods, or a part of them, have arrived; with the last delivery what is missing is booked as lost."""
    arrivals = [Arrival(x.line, x.good, x.damaged) for x in body.lines]
    receipt = Receipt(transfer_id, arrivals, body.reason, body.is_final, body.key)
    return _done(transfer_id, receive([receipt], actor=actor_of(request), now=utc_now()))


@write(router, "POST", "/stock/transfers/{transfer_id}/cancel", "stock.edit", TransferOut)
def post_cancel(request: HttpRequest, transfer_id: Path[Id], body: CancelTransferIn) -> TransferOut:
    """Take the transfer back; goods on their way are booked where they came from."""
    outcomes = cancel_transfers([transfer_id], reason=body.reason, actor=actor_of(request), now=utc_now())
    return _done(transfer_id, outcomes)


def _done(transfer_id: int, outcomes: list[TransferOutcome]) -> TransferOut:
    [outcome] = outcomes
    if outcome.state == "refused":
        raise Problem(404 if outcome.code == "transfer.unknown" else 422, outcome.code, outcome.reason)
    return _found(transfer_id)


def _found(transfer_id: int) -> TransferOut:
    row = transfer_by_id(transfer_id)
    if row is None:
        raise not_found("transfer", transfer_id)
    return _out(row)
