"""The rows of transfers: locked, closed, and told of."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from tongpan.access.actions import Note, audit_many
from tongpan.core.bulk import execute, fetch_all
from tongpan.core.eventlog import NewEvent, append
from tongpan.inventory.engine.transfers import OpenLine, OpenTransfer, TransferOutcome
from tongpan.inventory.events import TRANSFER_CHANGED


def close_transfers(states: Mapping[int, tuple[str, str]], now: datetime) -> None:
    """Close transfers; ``states``: state and reason by id."""
    execute(
        """UPDATE inventory_transfer t SET state = k.state, reason = k.reason, closed_at = %s
           FROM unnest(%s::bigint[], %s::text[], %s::text[]) AS k(id, state, reason) WHERE t.id = k.id""",
        [now, list(states), [state for state, _ in states.values()], [reason for _, reason in states.values()]],
    )


def lock_transfers(transfer_ids: Collection[int]) -> dict[int, OpenTransfer]:
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


def unknown_transfer(transfer_id: int) -> TransferOutcome:
    """The refusal of a transfer that is not there."""
    return TransferOutcome("refused", None, f"There is no transfer {transfer_id}.", "transfer.unknown")


def wrong_state(transfer: OpenTransfer, done: str) -> TransferOutcome:
    """The refusal of a transfer that is not where it would have to be. done: what cannot be, as a participle."""
    return TransferOutcome(
        "refused",
        transfer.id,
        f"Transfer {transfer.number} is {transfer.state.replace('_', ' ')}; it cannot be {done} now.",
        "transfer.state",
    )


def tell_of_transfers(transfer_ids: Collection[int], what: str, *, actor: str, now: datetime) -> None:
    """One line in the audit trail and one event for each transfer."""
    ids = sorted(transfer_ids)
    audit_many([Note(f"transfer.{what}", "transfer", str(i)) for i in ids], actor=actor, now=now)
    append([NewEvent(TRANSFER_CHANGED, str(i), {"what": what}) for i in ids])
