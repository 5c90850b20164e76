"""What the stock pool decides without touching the database: documents, deltas, first come first served."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

BUCKETS = ("saleable", "damaged", "inspection", "display", "sample")
MAX_QTY = 10**12
EARLIEST = 1990
AHEAD = timedelta(days=1)
"""How far the clock of a source may be ahead of ours."""
# PostgreSQL's text has no NUL, and half of a surrogate pair is no character.
_NO_TEXT = re.compile("[\x00\ud800-\udfff]")


def has_no_text(*texts: str) -> bool:
    """True when one of ``texts`` holds what PostgreSQL cannot store."""
    return _NO_TEXT.search("\n".join(texts)) is not None


class Delta(NamedTuple):
    """One movement to be: signed units of one SKU at one node, or of the pool alone when node_id is None.

    cause_type, cause_id: the document that moves it. With kind, SKU, node and bucket they are the key under
    which the movement happens once.
    """

    sku_id: int
    node_id: int | None
    bucket: str
    kind: str
    on_hand: int
    allocated: int
    held: int
    cause_type: str
    cause_id: int
    occurred_at: datetime
    reason: str = ""


class Demand(NamedTuple):
    """Units of one SKU that one order line needs; the line of a kit has one for each part.

    channel_id: the channel that sold it, whose quotas it draws on. is_named: the channel says which node ships it,
    which need be none that serves its shop.
    """

    order_id: int
    order_line_id: int
    sku_id: int
    qty: int
    channel_id: int = 0
    is_named: bool = False


class StockLine(NamedTuple):
    """qty: units. In a count the quantity found (≥ 0), in an adjustment the signed change. name: of a new SKU.

    (A named tuple: a stock file has tens of thousands.)
    """

    sku_code: str
    qty: int
    bucket: str = "saleable"
    name: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class StockDoc:
    """A stock document: (source, external_id, node) is its natural key. occurred_at is aware."""

    source: str
    external_id: str
    node_code: str
    occurred_at: datetime
    lines: Sequence[StockLine]
    reason: str = ""
    is_simulated: bool = False


class AdjustmentDoc(StockDoc):
    """Changes found or decided: goods lost, broken, found. Its quantities are signed changes."""


class CountDoc(StockDoc):
    """What was counted. Its quantities replace the book; the difference is booked."""


@dataclass(frozen=True, slots=True)
class StockOutcome:
    """What became of one stock document, at the same position as it was given.

    unchanged: the same document was in already. refused: reason says why.
    short: units of an adjustment below zero that the book did not hold; they stay an open difference.
    """

    state: Literal["accepted", "unchanged", "refused"]
    document_id: int | None = None
    reason: str = ""
    code: str = ""
    short: int = 0


def content_of(doc: StockDoc) -> list[tuple[str, str, int]]:
    """(SKU code, bucket, qty) of each line: what two documents with one number must share to be the same."""
    return [(line.sku_code, line.bucket, line.qty) for line in doc.lines]


def refusal(doc: StockDoc, nodes: Mapping[str, bool], now: datetime) -> StockOutcome | None:
    """Why a stock document cannot be taken at all, or None. nodes: whether a node tracks stock, by its code."""

    def refused(code: str, reason: str) -> StockOutcome:
        return StockOutcome("refused", reason=reason, code=code)

    texts = [doc.source, doc.external_id, doc.node_code, doc.reason]
    for code, _, _, name, note in doc.lines:
        texts += (code, name, note)
    if has_no_text(*texts):
        return refused("stock.text", "A text of it holds a NUL byte or half a character; send it as proper Unicode.")
    if doc.node_code not in nodes:
        return refused("node.unknown", f"There is no node {doc.node_code!r}; create it first.")
    if not nodes[doc.node_code]:
        return refused(
            "node.untracked",
            f"Node {doc.node_code} ships from stock of its own, of which we keep no book; let it track stock first.",
        )
    if not doc.external_id or len(doc.external_id) > 120 or len(doc.source) > 60:
        return refused(
            "stock.number",
            f"The number {doc.external_id[:40]!r} is empty or longer than 120 characters, or its source "
            f"{doc.source[:40]!r} is longer than 60.",
        )
    at = doc.occurred_at
    if at.utcoffset() is None or at.year < EARLIEST or at > now + AHEAD:
        return refused(
            "stock.time", f"Its time {at.isoformat()} lies before {EARLIEST}, in the future, or has no zone."
        )
    least = 0 if isinstance(doc, CountDoc) else -MAX_QTY
    for code, qty, bucket, name, _ in doc.lines:
        if bucket not in BUCKETS:
            return refused("stock.bucket", f"There is no bucket {bucket!r}; use one of {', '.join(BUCKETS)}.")
        if not code or len(code) > 120:
            return refused("stock.sku", f"A line has no SKU code, or one of more than 120 characters: {name[:40]!r}.")
        if not least <= qty <= MAX_QTY:
            if least == 0 and qty < 0:
                return refused("stock.qty", f"SKU {code} was counted as {qty}; a count cannot be negative.")
            return refused("stock.qty", f"SKU {code}: a quantity of {qty} is absurd.")
    return None


def merge(deltas: Iterable[Delta]) -> list[Delta]:
    """Join deltas with the same key into one, in order of first appearance; those that cancel out are dropped."""
    joined: dict[tuple[object, ...], Delta] = {}
    for d in deltas:
        key = (d.cause_type, d.cause_id, d.kind, d.sku_id, d.node_id, d.bucket)
        seen = joined.get(key)
        joined[key] = (
            d
            if seen is None
            else seen._replace(
                on_hand=seen.on_hand + d.on_hand, allocated=seen.allocated + d.allocated, held=seen.held + d.held
            )
        )
    return [d for d in joined.values() if d.on_hand or d.allocated or d.held]


def pool_sums(deltas: Iterable[Delta]) -> dict[int, tuple[int, int, int]]:
    """(on hand, allocated, held) changes of the pool by SKU id: only the saleable bucket counts."""
    sums: dict[int, tuple[int, int, int]] = {}
    for d in deltas:
        if d.bucket == "saleable":
            on_hand, allocated, held = sums.get(d.sku_id, (0, 0, 0))
            sums[d.sku_id] = (on_hand + d.on_hand, allocated + d.allocated, held + d.held)
    return sums


def level_sums(deltas: Iterable[Delta]) -> dict[tuple[int, int, str], tuple[int, int]]:
    """(on hand, allocated) changes by (SKU id, node id, bucket)."""
    sums: dict[tuple[int, int, str], tuple[int, int]] = {}
    for d in deltas:
        if d.node_id is not None:
            key = (d.sku_id, d.node_id, d.bucket)
            on_hand, allocated = sums.get(key, (0, 0))
            sums[key] = (on_hand + d.on_hand, allocated + d.allocated)
    return sums
