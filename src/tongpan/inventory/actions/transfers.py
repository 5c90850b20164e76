"""Writes of transfers: asked for, made ready, sent, cancelled.

Every function takes many and answers each at its position; what had been done before is unchanged, so that a request
may come twice. Locks the transfers in order of id, then the pools of their SKUs.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from tongpan.core.bulk import copy_rows, execute, fetch_all, whole_numbers
from tongpan.core.races import run_in_transaction
from tongpan.inventory.actions.transfer_rows import (
    close_transfers,
    lock_transfers,
    tell_of_transfers,
    unknown_transfer,
    wrong_state,
)
from tongpan.inventory.engine import Delta
from tongpan.inventory.engine.transfers import (
    OpenTransfer,
    Sending,
    TransferDoc,
    TransferOutcome,
    leaving,
    sent_deltas,
    transfer_refusal,
    turned_back_deltas,
)
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
    tell_of_transfers(made.values(), "created", actor=actor, now=now)
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
        found = lock_transfers(transfer_ids)
        moving = [t.id for t in found.values() if t.state == "draft"]
        execute("UPDATE inventory_transfer SET state = 'ready', ready_at = %s WHERE id = ANY(%s)", [now, moving])
        tell_of_transfers(moving, "ready", actor=actor, now=now)
        return [_simple(i, found, {"draft"}, {"ready"}, "made ready") for i in transfer_ids]

    return run_in_transaction(run)


def send(sendings: Sequence[Sending], *, actor: str, now: datetime) -> list[TransferOutcome]:
    """Let drafts and ready transfers leave: their goods move to the node that is no place.

    A transfer leaves with all that it says or not at all. What is pinned or promised to orders stays: such a transfer
    is refused with the number of units that may leave. Sent again with the same quantities it is unchanged.
    """

    def run() -> list[TransferOutcome]:
        found = lock_transfers([sending.transfer_id for sending in sendings])
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
        tell_of_transfers(sorted(gone), "sent", actor=actor, now=now)
        return outcomes

    return run_in_transaction(run)


def cancel_transfers(transfer_ids: Collection[int], *, reason: str, actor: str, now: datetime) -> list[TransferOutcome]:
    """Take transfers back; what is on its way is booked back at the node that sent it, with ``reason``."""

    def run() -> list[TransferOutcome]:
        found = lock_transfers(transfer_ids)
        begun = {
            t.id: t for t in found.values() if t.state == "in_transit" and any(n.good is not None for n in t.lines)
        }
        moving = [t for t in found.values() if t.state in ("draft", "ready", "in_transit") and t.id not in begun]
        on_the_way = [t for t in moving if t.state == "in_transit"]
        if on_the_way:
            lock_pools({line.sku_id for t in on_the_way for line in t.lines})
            transit_id = transit_node()
            post((delta for t in on_the_way for delta in turned_back_deltas(t, transit_id, now, reason)), actor=actor)
        close_transfers({t.id: ("cancelled", reason) for t in moving}, now)
        tell_of_transfers([t.id for t in moving], "cancelled", actor=actor, now=now)
        return [
            _partly(begun[i])
            if i in begun
            else _simple(i, found, {"draft", "ready", "in_transit"}, {"cancelled"}, "cancelled")
            for i in transfer_ids
        ]

    return run_in_transaction(run)


def _is_begun(transfer: OpenTransfer) -> bool:
    """Whether a part has arrived and more is on its way."""
    return transfer.state == "in_transit" and any(line.good is not None for line in transfer.lines)


def _partly(transfer: OpenTransfer) -> TransferOutcome:
    return TransferOutcome(
        "refused",
        transfer.id,
        f"A part of transfer {transfer.number} has arrived: receive the rest, or close it short with the reason.",
        "transfer.partly",
    )


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
        return unknown_transfer(sending.transfer_id)
    if transfer.id in gone:
        return TransferOutcome("unchanged", transfer.id)
    wanted = sending.quantities
    same = all((n.sent or 0) == (n.qty if wanted is None else wanted.get(n.line_no, 0)) for n in transfer.lines)
    if transfer.state in ("in_transit", "received", "received_short") and same:
        return TransferOutcome("unchanged", transfer.id)
    return wrong_state(transfer, "sent")


def _simple(
    transfer_id: int, found: Mapping[int, OpenTransfer], before: set[str], after: set[str], done: str
) -> TransferOutcome:
    transfer = found.get(transfer_id)
    if transfer is None:
        return unknown_transfer(transfer_id)
    if transfer.state in before:
        return TransferOutcome("accepted", transfer_id)
    return TransferOutcome("unchanged", transfer_id) if transfer.state in after else wrong_state(transfer, done)
