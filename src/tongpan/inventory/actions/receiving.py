"""Taking in what has arrived of transfers: at once, or in several deliveries.

Locks the transfers in order of id, then the pools of their SKUs.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from tongpan.core.bulk import as_json, execute, fetch_all, next_ids_of, whole_numbers
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
    Arrival,
    OpenTransfer,
    Receipt,
    TransferOutcome,
    arriving,
    received_deltas,
)
from tongpan.inventory.ledger import post
from tongpan.inventory.locks import lock_pools
from tongpan.network.actions import transit_node

_TABLE = "inventory_transferreceipt"


def receive(
    receipts: Sequence[Receipt], *, actor: str, now: datetime, nodes: Collection[int] | None = None
) -> list[TransferOutcome]:
    """Take in what has arrived: good units into the bucket they left from, damaged ones into "damaged".

    What a receipt that is not final leaves stays on its way, and the transfer open; with its last unit a transfer is
    RECEIVED. What a final one leaves is booked as lost with its reason: RECEIVED_SHORT. The same receipt again, by its
    key or, without one, by what it says, is unchanged; another one of a transfer that was received is refused, as are
    two of one transfer in one request. nodes: the ids of the nodes that the person may receive for, None for all.
    """
    return run_in_transaction(lambda: _receive(receipts, nodes, actor=actor, now=now))


def _receive(
    receipts: Sequence[Receipt], nodes: Collection[int] | None, *, actor: str, now: datetime
) -> list[TransferOutcome]:
    found = lock_transfers([receipt.transfer_id for receipt in receipts])
    known = set(fetch_all(f"SELECT transfer_id, key FROM {_TABLE} WHERE transfer_id = ANY(%s)", [sorted(found)]))
    lock_pools({line.sku_id for transfer in found.values() for line in transfer.lines})
    transit_id = transit_node()
    taken: dict[int, tuple[Receipt, dict[int, Arrival]]] = {}
    outcomes: list[TransferOutcome] = []
    for receipt in receipts:
        transfer = found.get(receipt.transfer_id)
        if transfer is None:
            outcomes.append(unknown_transfer(receipt.transfer_id))
        elif nodes is not None and transfer.to_id not in nodes:
            outcomes.append(_elsewhere(transfer))
        elif transfer.id in taken:
            outcomes.append(_second(receipt, transfer, taken[transfer.id][0]))
        elif (transfer.id, receipt.key) in known:
            outcomes.append(TransferOutcome("unchanged", transfer.id))
        elif transfer.state != "in_transit":
            outcomes.append(_received_before(receipt, transfer))
        else:
            arrived, refused = arriving(transfer, receipt)
            outcomes.append(refused or TransferOutcome("accepted", transfer.id))
            if refused is None:
                taken[transfer.id] = (receipt, arrived)
    part_ids = _keep(taken, actor=actor, now=now)
    deltas: list[Delta] = []
    closed: dict[int, tuple[str, str]] = {}
    for transfer_id, (receipt, arrived) in taken.items():
        transfer = found[transfer_id]
        part_id = part_ids.get(transfer_id)
        deltas += received_deltas(transfer, arrived, transit_id, now, reason=receipt.reason, part_id=part_id)
        rest = sum(n.rest - arrived[n.line_no].good - arrived[n.line_no].damaged for n in transfer.lines)
        if not rest:
            closed[transfer_id] = ("received", receipt.reason)
        elif receipt.is_final:
            closed[transfer_id] = ("received_short", receipt.reason)
    _add(taken)
    close_transfers(closed, now)
    post(deltas, actor=actor)
    tell_of_transfers(closed, "received", actor=actor, now=now)
    tell_of_transfers(taken.keys() - closed.keys(), "arrived", actor=actor, now=now)
    return outcomes


def _keep(taken: Mapping[int, tuple[Receipt, dict[int, Arrival]]], *, actor: str, now: datetime) -> dict[int, int]:
    """Write down the deliveries that have a key; the ids of those that are not final, by transfer."""
    named = [(i, receipt, arrived) for i, (receipt, arrived) in taken.items() if receipt.key]
    if not named:
        return {}
    ids = next_ids_of({_TABLE: len(named)})[_TABLE]
    execute(
        f"""INSERT INTO {_TABLE} (id, transfer_id, key, is_final, arrivals, received_by, received_at)
            SELECT k.*, %s, %s FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::bool[], %s::jsonb[]) AS k""",
        [
            actor,
            now,
            ids,
            [transfer_id for transfer_id, _, _ in named],
            [receipt.key for _, receipt, _ in named],
            [receipt.is_final for _, receipt, _ in named],
            [as_json([list(arrival) for arrival in arrived.values()]) for _, _, arrived in named],
        ],
    )
    return {i: row for row, (i, receipt, _) in zip(ids, named, strict=True) if not receipt.is_final}


def _add(taken: Mapping[int, tuple[Receipt, dict[int, Arrival]]]) -> None:
    lines = [(i, a.line_no, a.good, a.damaged) for i, (_, arrived) in taken.items() for a in arrived.values()]
    execute(
        """UPDATE inventory_transferline l
           SET good = coalesce(l.good, 0) + k.good, damaged = coalesce(l.damaged, 0) + k.damaged
           FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[])
                AS k(transfer_id, line_no, good, damaged)
           WHERE (l.transfer_id, l.line_no) = (k.transfer_id, k.line_no)""",
        [whole_numbers(row[i] for row in lines) for i in range(4)],
    )


def _elsewhere(transfer: OpenTransfer) -> TransferOutcome:
    sentence = f"Transfer {transfer.number} goes to a node that you do not work at."
    return TransferOutcome("refused", transfer.id, sentence, "transfer.elsewhere")


def _second(receipt: Receipt, transfer: OpenTransfer, first: Receipt) -> TransferOutcome:
    if first.is_final or receipt.key == first.key:
        return TransferOutcome("unchanged", transfer.id)
    return TransferOutcome(
        "refused",
        transfer.id,
        f"Transfer {transfer.number} comes twice in one request; send one delivery after the other.",
        "transfer.twice",
    )


def _received_before(receipt: Receipt, transfer: OpenTransfer) -> TransferOutcome:
    arrived = {a.line_no: a for a in receipt.arrivals}
    same = all((n.good, n.damaged) == tuple(arrived.get(n.line_no, Arrival(n.line_no, 0)))[1:] for n in transfer.lines)
    if transfer.state in ("received", "received_short") and receipt.is_final and same:
        return TransferOutcome("unchanged", transfer.id)
    return wrong_state(transfer, "received")
