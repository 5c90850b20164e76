"""Writes of transfers: asked for, made ready, sent, received, cancelled.

Every function takes many and answers each at its position; what had been done before is unchanged, so that a request
may come twice. Locks the transfers in order of id, then the pools of their SKUs.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from tongpan.access.actions import Note, audit_many
from tongpan.core.bulk import copy_rows, execute, fetch_all, whole_numbers
from tongpan.core.eventlog import NewEvent, append
from tongpan.core.races import run_in_transaction
from tongpan.inventory.engine import Delta
from tongpan.inventory.engine.transfers import (
    Arrival,
    OpenLine,
    OpenTransfer,
    Receipt,
    Sending,
    TransferDoc,
    TransferOutcome,
    arriving,
    leaving,
    received_deltas,
    sent_deltas,
    transfer_refusal,
    turned_back_deltas,
)
from tongpan.inventory.events import TRANSFER_CHANGED
from tongpan.inventory.ledger import post
from tongpan.inventory.locks import lock_pools
from tongpan.network.actions import transit_node


def create_transfers(docs: Sequence[TransferDoc], *, actor: str, now: datetime) -> list[TransferOutcome]:
    """Make a draft of each of ``docs``; it takes no stock yet.

    The same document again is unchanged; a number in use that says something else is refused, as is what
    ``transfer_refusal`` names.
    """
    return run_in_transaction(lambda: _create(docs, actor=actor, now=now))


def _create(docs: Sequence[TransferDoc], *, actor: str, now: datetime) -> list[TransferOutcome]:
    texts = [code for doc in docs for code in (doc.from_code, doc.to_code) if code.isprintable()]
    nodes = fetch_all(
        "SELECT code, id, tracks_stock FROM network_node WHERE code = ANY(%s) AND kind <> 'in_transit'", [texts]
    )
    places = {code: tracks for code, _, tracks in nodes}
    node_ids = {code: node_id for code, node_id, _ in nodes}
    codes = sorted({line.sku_code for doc in docs for line in doc.lines if line.sku_code.isprintable()})
    skus = dict(fetch_all("SELECT code, id FROM catalog_sku WHERE code = ANY(%s)", [codes]))
    outcomes: dict[int, TransferOutcome] = {}
    wanted: dict[tuple[str, str], list[int]] = {}
    for position, doc in enumerate(docs):
        if refused := transfer_refusal(doc, places, skus):
            outcomes[position] = refused
        else:
            wanted.setdefault((doc.source, doc.number), []).append(position)
    if not wanted:
        return [outcomes[position] for position in range(len(docs))]
    ordered = sorted(wanted)
    first = [docs[wanted[key][0]] for key in ordered]
    made = {
        (source, number): transfer_id
        for source, number, transfer_id in fetch_all(
            """INSERT INTO inventory_transfer (source, number, from_node_id, to_node_id, state, note, reason,
                                               created_by, created_at, expected_at, is_simulated)
               SELECT d.source, d.number, d.from_id, d.to_id, 'draft', d.note, '', %s, %s, d.expected_at,
                      d.is_simulated
               FROM unnest(%s::text[], %s::text[], %s::bigint[], %s::bigint[], %s::text[], %s::timestamptz[],
                           %s::bool[]) AS d(source, number, from_id, to_id, note, expected_at, is_simulated)
               ON CONFLICT DO NOTHING RETURNING source, number, id""",
            [
                actor,
                now,
                [doc.source for doc in first],
                [doc.number for doc in first],
                [node_ids[doc.from_code] for doc in first],
                [node_ids[doc.to_code] for doc in first],
                [doc.note for doc in first],
                [doc.expected_at for doc in first],
                [doc.is_simulated for doc in first],
            ],
        )
    }
    stored = _stored({key for key in ordered if key not in made})
    lines = []
    for key, doc in zip(ordered, first, strict=True):
        if key in made:
            stored[key] = (made[key], _content(doc))
            lines += [(made[key], n, skus[line.sku_code], line.bucket, line.qty) for n, line in enumerate(doc.lines, 1)]
        for position in wanted[key]:
            transfer_id, content = stored[key]
            if key in made and position == wanted[key][0]:
                outcomes[position] = TransferOutcome("accepted", transfer_id)
            elif content == _content(docs[position]):
                outcomes[position] = TransferOutcome("unchanged", transfer_id)
            else:
                outcomes[position] = TransferOutcome(
                    "refused",
                    transfer_id,
                    f"Transfer {key[1]} of {key[0]} is there with other nodes or lines; use a new number.",
                    "transfer.conflict",
                )
    copy_rows("inventory_transferline", ("transfer_id", "line_no", "sku_id", "bucket", "qty"), lines)
    _tell(made.values(), "created", actor=actor, now=now)
    return [outcomes[position] for position in range(len(docs))]


_Content = tuple[str, str, tuple[tuple[str, str, int], ...]]


def _content(doc: TransferDoc) -> _Content:
    return doc.from_code, doc.to_code, tuple((line.sku_code, line.bucket, line.qty) for line in doc.lines)


def _stored(keys: Collection[tuple[str, str]]) -> dict[tuple[str, str], tuple[int, _Content]]:
    """(id, content) of the transfers that were there before, by their keys."""
    if not keys:
        return {}
    rows = fetch_all(
        """SELECT t.source, t.number, t.id, f.code, o.code, array_agg(s.code ORDER BY l.line_no),
                  array_agg(l.bucket ORDER BY l.line_no), array_agg(l.qty ORDER BY l.line_no)
           FROM unnest(%s::text[], %s::text[]) AS k(source, number) JOIN inventory_transfer t USING (source, number)
           JOIN network_node f ON f.id = t.from_node_id JOIN network_node o ON o.id = t.to_node_id
           JOIN inventory_transferline l ON l.transfer_id = t.id JOIN catalog_sku s ON s.id = l.sku_id
           GROUP BY 1, 2, 3, 4, 5""",
        [[key[i] for key in keys] for i in range(2)],
    )
    return {
        (source, number): (transfer_id, (start, goal, tuple(zip(codes, buckets, quantities, strict=True))))
        for source, number, transfer_id, start, goal, codes, buckets, quantities in rows
    }


def make_ready(transfer_ids: Collection[int], *, actor: str, now: datetime) -> list[TransferOutcome]:
    """Mark drafts as packed and waiting to be sent; in the order of ``transfer_ids``."""

    def run() -> list[TransferOutcome]:
        found = _locked(transfer_ids)
        moving = [t.id for t in found.values() if t.state == "draft"]
        execute("UPDATE inventory_transfer SET state = 'ready', ready_at = %s WHERE id = ANY(%s)", [now, moving])
        _tell(moving, "ready", actor=actor, now=now)
        return [_simple(i, found, {"draft"}, {"ready"}, "made ready") for i in transfer_ids]

    return run_in_transaction(run)


def send(sendings: Sequence[Sending], *, actor: str, now: datetime) -> list[TransferOutcome]:
    """Let drafts and ready transfers leave: their goods move to the node that is no place.

    A transfer leaves with all that it says or not at all. What is pinned or promised to orders stays: such a transfer
    is refused with the number of units that may leave. Sent again with the same quantities it is unchanged.
    """

    def run() -> list[TransferOutcome]:
        found = _locked([sending.transfer_id for sending in sendings])
        pools, free = _stock(found.values())
        transit_id = transit_node()
        outcomes: list[TransferOutcome] = []
        deltas: list[Delta] = []
        lines: list[tuple[int, int, int]] = []
        gone: set[int] = set()
        for sending in sendings:
            transfer = found.get(sending.transfer_id)
            if transfer is None or transfer.id in gone or transfer.state not in ("draft", "ready"):
                outcomes.append(_sent_before(sending, transfer, gone))
                continue
            quantities, refused = leaving(transfer, sending.quantities, free, pools)
            outcomes.append(refused or TransferOutcome("accepted", transfer.id))
            if refused:
                continue
            gone.add(transfer.id)
            for line in transfer.lines:
                qty = quantities[line.line_no]
                free[(line.sku_id, transfer.from_id, line.bucket)] = (
                    free.get((line.sku_id, transfer.from_id, line.bucket), 0) - qty
                )
                if line.bucket == "saleable":
                    pools[line.sku_id] -= qty
                lines.append((transfer.id, line.line_no, qty))
            deltas += sent_deltas(transfer, quantities, transit_id, now)
        execute(
            """UPDATE inventory_transfer SET state = 'in_transit', sent_at = %s, ready_at = coalesce(ready_at, %s)
               WHERE id = ANY(%s)""",
            [now, now, sorted(gone)],
        )
        execute(
            """UPDATE inventory_transferline l SET sent = k.qty
               FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[]) AS k(transfer_id, line_no, qty)
               WHERE (l.transfer_id, l.line_no) = (k.transfer_id, k.line_no)""",
            [whole_numbers(row[i] for row in lines) for i in range(3)],
        )
        post(deltas, actor=actor)
        _tell(sorted(gone), "sent", actor=actor, now=now)
        return outcomes

    return run_in_transaction(run)


def receive(receipts: Sequence[Receipt], *, actor: str, now: datetime) -> list[TransferOutcome]:
    """Take in what has arrived: good units into the bucket they left from, damaged ones into "damaged".

    What left and did not arrive is booked as lost with the receipt's reason, and the transfer is RECEIVED_SHORT. The
    same receipt again is unchanged; another one of a transfer that was received is refused.
    """

    def run() -> list[TransferOutcome]:
        found = _locked([receipt.transfer_id for receipt in receipts])
        lock_pools({line.sku_id for t in found.values() for line in t.lines})
        transit_id = transit_node()
        outcomes: list[TransferOutcome] = []
        deltas: list[Delta] = []
        lines: list[tuple[int, int, int, int]] = []
        closed: dict[int, tuple[str, str]] = {}
        for receipt in receipts:
            transfer = found.get(receipt.transfer_id)
            if transfer is None or transfer.id in closed or transfer.state != "in_transit":
                outcomes.append(_received_before(receipt, transfer, closed))
                continue
            arrived, refused = arriving(transfer, receipt)
            outcomes.append(refused or TransferOutcome("accepted", transfer.id))
            if refused:
                continue
            lines += [(transfer.id, a.line_no, a.good, a.damaged) for a in arrived.values()]
            short = sum((n.sent or 0) - arrived[n.line_no].good - arrived[n.line_no].damaged for n in transfer.lines)
            closed[transfer.id] = ("received_short" if short else "received", receipt.reason)
            deltas += received_deltas(transfer, arrived, transit_id, now, receipt.reason)
        execute(
            """UPDATE inventory_transferline l SET good = k.good, damaged = k.damaged
               FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[])
                    AS k(transfer_id, line_no, good, damaged)
               WHERE (l.transfer_id, l.line_no) = (k.transfer_id, k.line_no)""",
            [whole_numbers(row[i] for row in lines) for i in range(4)],
        )
        _close(closed, now)
        post(deltas, actor=actor)
        _tell(closed, "received", actor=actor, now=now)
        return outcomes

    return run_in_transaction(run)


def cancel_transfers(transfer_ids: Collection[int], *, reason: str, actor: str, now: datetime) -> list[TransferOutcome]:
    """Take transfers back; what is on its way is booked back at the node that sent it, with ``reason``."""

    def run() -> list[TransferOutcome]:
        found = _locked(transfer_ids)
        moving = [t for t in found.values() if t.state in ("draft", "ready", "in_transit")]
        on_the_way = [t for t in moving if t.state == "in_transit"]
        if on_the_way:
            lock_pools({line.sku_id for t in on_the_way for line in t.lines})
            transit_id = transit_node()
            post((delta for t in on_the_way for delta in turned_back_deltas(t, transit_id, now, reason)), actor=actor)
        _close({t.id: ("cancelled", reason) for t in moving}, now)
        _tell([t.id for t in moving], "cancelled", actor=actor, now=now)
        return [_simple(i, found, {"draft", "ready", "in_transit"}, {"cancelled"}, "cancelled") for i in transfer_ids]

    return run_in_transaction(run)


def _close(states: Mapping[int, tuple[str, str]], now: datetime) -> None:
    execute(
        """UPDATE inventory_transfer t SET state = k.state, reason = k.reason, closed_at = %s
           FROM unnest(%s::bigint[], %s::text[], %s::text[]) AS k(id, state, reason) WHERE t.id = k.id""",
        [now, list(states), [state for state, _ in states.values()], [reason for _, reason in states.values()]],
    )


def _locked(transfer_ids: Collection[int]) -> dict[int, OpenTransfer]:
    """The transfers as they are stored, locked, by id."""
    heads = fetch_all(
        """SELECT id, number, state, from_node_id, to_node_id FROM inventory_transfer WHERE id = ANY(%s)
           ORDER BY id FOR NO KEY UPDATE""",
        [sorted(set(transfer_ids))],
    )
    lines: dict[int, list[OpenLine]] = {}
    for transfer_id, *line in fetch_all(
        """SELECT l.transfer_id, l.line_no, l.sku_id, s.code, l.bucket, l.qty, l.sent, l.good, l.damaged
           FROM inventory_transferline l JOIN catalog_sku s ON s.id = l.sku_id
           WHERE l.transfer_id = ANY(%s) ORDER BY l.transfer_id, l.line_no""",
        [[head[0] for head in heads]],
    ):
        lines.setdefault(transfer_id, []).append(OpenLine(*line))
    return {
        transfer_id: OpenTransfer(transfer_id, number, state, from_id, to_id, lines.get(transfer_id, []))
        for transfer_id, number, state, from_id, to_id in heads
    }


def _stock(transfers: Collection[OpenTransfer]) -> tuple[dict[int, int], dict[tuple[int, int, str], int]]:
    """Under lock: available units of the pool by SKU id; units pinned to no order by (SKU, node, bucket)."""
    sku_ids = {line.sku_id for t in transfers for line in t.lines}
    pools = lock_pools(sku_ids)
    rows = fetch_all(
        """SELECT sku_id, node_id, bucket, on_hand - allocated FROM inventory_level
           WHERE sku_id = ANY(%s::bigint[]) AND node_id = ANY(%s::bigint[])""",
        [whole_numbers(sku_ids), whole_numbers({t.from_id for t in transfers})],
    )
    return pools, {(sku_id, node_id, bucket): units for sku_id, node_id, bucket, units in rows}


def _sent_before(sending: Sending, transfer: OpenTransfer | None, gone: set[int]) -> TransferOutcome:
    if transfer is None:
        return _unknown(sending.transfer_id)
    if transfer.id in gone:
        return TransferOutcome("unchanged", transfer.id)
    wanted = sending.quantities
    same = all((n.sent or 0) == (n.qty if wanted is None else wanted.get(n.line_no, 0)) for n in transfer.lines)
    if transfer.state in ("in_transit", "received", "received_short") and same:
        return TransferOutcome("unchanged", transfer.id)
    return _wrong_state(transfer, "sent")


def _received_before(
    receipt: Receipt, transfer: OpenTransfer | None, closed: Mapping[int, tuple[str, str]]
) -> TransferOutcome:
    if transfer is None:
        return _unknown(receipt.transfer_id)
    if transfer.id in closed:
        return TransferOutcome("unchanged", transfer.id)
    arrived = {a.line_no: a for a in receipt.arrivals}
    same = all((n.good, n.damaged) == tuple(arrived.get(n.line_no, Arrival(n.line_no, 0)))[1:] for n in transfer.lines)
    if transfer.state in ("received", "received_short") and same:
        return TransferOutcome("unchanged", transfer.id)
    return _wrong_state(transfer, "received")


def _simple(
    transfer_id: int, found: Mapping[int, OpenTransfer], before: set[str], after: set[str], done: str
) -> TransferOutcome:
    transfer = found.get(transfer_id)
    if transfer is None:
        return _unknown(transfer_id)
    if transfer.state in before:
        return TransferOutcome("accepted", transfer_id)
    return TransferOutcome("unchanged", transfer_id) if transfer.state in after else _wrong_state(transfer, done)


def _unknown(transfer_id: int) -> TransferOutcome:
    return TransferOutcome("refused", None, f"There is no transfer {transfer_id}.", "transfer.unknown")


def _wrong_state(transfer: OpenTransfer, done: str) -> TransferOutcome:
    return TransferOutcome(
        "refused",
        transfer.id,
        f"Transfer {transfer.number} is {transfer.state.replace('_', ' ')}; it cannot be {done} now.",
        "transfer.state",
    )


def _tell(transfer_ids: Collection[int], what: str, *, actor: str, now: datetime) -> None:
    """One line in the audit trail and one event for each transfer."""
    ids = sorted(transfer_ids)
    audit_many([Note(f"transfer.{what}", "transfer", str(i)) for i in ids], actor=actor, now=now)
    append([NewEvent(TRANSFER_CHANGED, str(i), {"what": what}) for i in ids])
