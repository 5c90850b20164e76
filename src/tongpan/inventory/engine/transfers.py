"""What a transfer may say, what may leave, and what has arrived. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple

from tongpan.inventory.engine.stock import BUCKETS, MAX_QTY, Delta, has_no_text

IN_TRANSIT = "in_transit"
"""The bucket of goods on their way, at the node that is no place."""

MAX_KEY = 120


class Wanted(NamedTuple):
    """Units of one SKU that a transfer shall move."""

    sku_code: str
    qty: int
    bucket: str = "saleable"


@dataclass(frozen=True, slots=True)
class TransferDoc:
    """A transfer as it is asked for; (source, number) is its natural key. expected_at: aware, or None."""

    source: str
    number: str
    from_code: str
    to_code: str
    lines: Sequence[Wanted]
    note: str = ""
    expected_at: datetime | None = None
    is_simulated: bool = False


class Arrival(NamedTuple):
    """What was found of one line when the goods came: good units, and units that are damaged."""

    line_no: int
    good: int
    damaged: int = 0


@dataclass(frozen=True, slots=True)
class Sending:
    """A transfer leaves. quantities: units that leave by line number; None sends everything that was asked for."""

    transfer_id: int
    quantities: Mapping[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """A transfer has arrived, or a part of it. A line without an arrival did not come with this delivery.

    is_final: nothing more comes; what has not arrived by now is lost, and reason says why. Otherwise the rest stays on
    its way. key: names the delivery, so that it is booked once; needed unless it is final.
    """

    transfer_id: int
    arrivals: Sequence[Arrival]
    reason: str = ""
    is_final: bool = True
    key: str = ""


@dataclass(frozen=True, slots=True)
class TransferOutcome:
    """What became of one request, at the same position as it was given. unchanged: it had been done before."""

    state: Literal["accepted", "unchanged", "refused"]
    transfer_id: int | None = None
    reason: str = ""
    code: str = ""


class OpenLine(NamedTuple):
    """A line of a transfer as it is stored."""

    line_no: int
    sku_id: int
    sku_code: str
    bucket: str
    qty: int
    sent: int | None
    good: int | None
    damaged: int | None

    @property
    def rest(self) -> int:
        """Units that left and have not arrived yet."""
        return (self.sent or 0) - (self.good or 0) - (self.damaged or 0)


@dataclass(frozen=True, slots=True)
class OpenTransfer:
    id: int
    number: str
    state: str
    from_id: int
    to_id: int
    lines: Sequence[OpenLine]


def transfer_refusal(doc: TransferDoc, places: Mapping[str, bool], skus: Mapping[str, int]) -> TransferOutcome | None:
    """Why a transfer cannot be taken, or None. places: whether a node tracks stock, by code; skus: ids by code."""

    def refused(code: str, reason: str) -> TransferOutcome:
        return TransferOutcome("refused", code=code, reason=reason)

    if has_no_text(doc.source, doc.number, doc.note, *(line.sku_code for line in doc.lines)):
        return refused("transfer.text", "A text of it holds a NUL byte or half a character; send it as proper Unicode.")
    if not doc.number or len(doc.number) > 120 or len(doc.source) > 60:
        return refused("transfer.number", f"The number {doc.number[:40]!r} is empty or longer than 120 characters.")
    for code in (doc.from_code, doc.to_code):
        if code not in places:
            return refused("node.unknown", f"There is no node {code!r}; create it first.")
        if not places[code]:
            return refused("node.untracked", f"Node {code} keeps no stock of ours; nothing can be transferred there.")
    if doc.from_code == doc.to_code:
        return refused("transfer.nowhere", f"The transfer goes from {doc.from_code} to itself; choose another node.")
    if doc.expected_at is not None and doc.expected_at.utcoffset() is None:
        return refused("transfer.time", "The time of arrival has no zone.")
    return _lines_refusal(doc.lines, skus)


def _lines_refusal(lines: Sequence[Wanted], skus: Mapping[str, int]) -> TransferOutcome | None:
    def refused(code: str, reason: str) -> TransferOutcome:
        return TransferOutcome("refused", code=code, reason=reason)

    if not lines:
        return refused("transfer.empty", "A transfer needs at least one line.")
    seen: set[tuple[str, str]] = set()
    for line in lines:
        if line.sku_code not in skus:
            return refused("sku.unknown", f"There is no SKU {line.sku_code!r}.")
        if line.bucket not in BUCKETS:
            return refused("stock.bucket", f"There is no bucket {line.bucket!r}; use one of {', '.join(BUCKETS)}.")
        if not 0 < line.qty <= MAX_QTY:
            return refused("transfer.qty", f"SKU {line.sku_code}: {line.qty} units cannot be transferred.")
        if (line.sku_code, line.bucket) in seen:
            return refused("transfer.twice", f"SKU {line.sku_code} stands on two lines; join them into one.")
        seen.add((line.sku_code, line.bucket))
    return None


def leaving(
    transfer: OpenTransfer,
    quantities: Mapping[int, int] | None,
    free: Mapping[tuple[int, int, str], int],
    available: Mapping[int, int],
) -> tuple[dict[int, int], TransferOutcome | None]:
    """Units that leave by line number, and why they cannot, or None.

    free: units at a node that are pinned to no order, by (SKU id, node id, bucket). available: units of the pool that
    are promised to nobody, by SKU id. What is promised is never sent away, wherever it lies.
    """
    known = {line.line_no for line in transfer.lines}
    wanted = {n.line_no: n.qty for n in transfer.lines} if quantities is None else dict(quantities)
    if unknown := sorted(set(wanted) - known):
        return {}, _refused(transfer, "transfer.line", f"Transfer {transfer.number} has no line {unknown[0]}.")
    sending = {n: wanted.get(n, 0) for n in sorted(known)}
    if not any(sending.values()):
        return {}, _refused(
            transfer, "transfer.empty", f"Nothing of transfer {transfer.number} would leave; cancel it instead."
        )
    for line in transfer.lines:
        qty = sending[line.line_no]
        if not 0 <= qty <= line.qty:
            return {}, _refused(
                transfer,
                "transfer.qty",
                f"Transfer {transfer.number} asks for {line.qty} of SKU {line.sku_code}; {qty} cannot leave for it.",
            )
        here = free.get((line.sku_id, transfer.from_id, line.bucket), 0)
        if line.bucket == "saleable":
            here = min(here, available[line.sku_id])
        if qty > here:
            return {}, _refused(
                transfer,
                "transfer.promised",
                f"Only {max(here, 0)} of SKU {line.sku_code} may leave with transfer {transfer.number}, not {qty}: the "
                "rest is not there or promised to orders. Send less.",
            )
    return sending, None


def sent_deltas(transfer: OpenTransfer, sending: Mapping[int, int], transit_id: int, at: datetime) -> list[Delta]:
    """The movements of goods that leave: out of their node, into the node that is no place."""
    deltas = []
    for line in transfer.lines:
        qty = sending[line.line_no]
        for node_id, bucket, change in ((transfer.from_id, line.bucket, -qty), (transit_id, IN_TRANSIT, qty)):
            deltas.append(Delta(line.sku_id, node_id, bucket, "sent", change, 0, 0, "transfer", transfer.id, at))
    return deltas


def arriving(transfer: OpenTransfer, receipt: Receipt) -> tuple[dict[int, Arrival], TransferOutcome | None]:
    """What arrived of each line with this delivery by its number, and why it cannot be so, or None."""
    arrived = {line.line_no: Arrival(line.line_no, 0) for line in transfer.lines}
    lines = {line.line_no: line for line in transfer.lines}
    if not receipt.is_final and not (0 < len(receipt.key) <= MAX_KEY and receipt.key.isprintable()):
        return {}, _refused(
            transfer, "transfer.key", f"A part of a transfer needs a key of 1 to {MAX_KEY} characters that names it."
        )
    short = 0
    for arrival in receipt.arrivals:
        if arrival.line_no not in lines:
            return {}, _refused(transfer, "transfer.line", f"Transfer {transfer.number} has no line {arrival.line_no}.")
        arrived[arrival.line_no] = arrival
    for number, arrival in arrived.items():
        line = lines[number]
        came = arrival.good + arrival.damaged
        if min(arrival.good, arrival.damaged) < 0 or came > line.rest:
            return {}, _refused(
                transfer,
                "transfer.more",
                f"{line.rest} of SKU {line.sku_code} left with transfer {transfer.number}; {came} cannot have arrived. "
                "Receive what was sent and book the surplus as a count.",
            )
        short += line.rest - came
    if not receipt.is_final and not any(arrival.good + arrival.damaged for arrival in arrived.values()):
        return {}, _refused(transfer, "transfer.empty", f"Nothing of transfer {transfer.number} arrived with that.")
    if receipt.is_final and short and not receipt.reason.strip():
        return {}, _refused(
            transfer, "transfer.reason", f"{short} units of transfer {transfer.number} are missing: give the reason."
        )
    return arrived, None


def received_deltas(
    transfer: OpenTransfer,
    arrived: Mapping[int, Arrival],
    transit_id: int,
    at: datetime,
    *,
    reason: str,
    part_id: int | None,
) -> list[Delta]:
    """The movements of goods that arrive, and of those that were lost on the way, with ``reason``.

    part_id: the delivery that they came with when more of the transfer is to come; then nothing is lost.
    """
    cause = ("transfer", transfer.id) if part_id is None else ("transfer_receipt", part_id)
    deltas = []
    for line in transfer.lines:
        arrival = arrived[line.line_no]
        came = arrival.good + arrival.damaged
        moved = [
            ("received", transfer.to_id, line.bucket, arrival.good, ""),
            ("received", transfer.to_id, "damaged", arrival.damaged, reason),
            ("received", transit_id, IN_TRANSIT, -came, ""),
            ("lost", transit_id, IN_TRANSIT, came - line.rest if part_id is None else 0, reason),
        ]
        deltas += [
            Delta(line.sku_id, node_id, bucket, kind, change, 0, 0, *cause, at, why)
            for kind, node_id, bucket, change, why in moved
        ]
    return deltas


def turned_back_deltas(transfer: OpenTransfer, transit_id: int, at: datetime, reason: str) -> list[Delta]:
    """The movements of goods that come back to the node that sent them."""
    deltas = []
    for line in transfer.lines:
        sent = line.sent or 0
        for node_id, bucket, change in ((transfer.from_id, line.bucket, sent), (transit_id, IN_TRANSIT, -sent)):
            deltas.append(
                Delta(line.sku_id, node_id, bucket, "received", change, 0, 0, "transfer", transfer.id, at, reason)
            )
    return deltas


def _refused(transfer: OpenTransfer, code: str, reason: str) -> TransferOutcome:
    return TransferOutcome("refused", transfer.id, reason, code)
