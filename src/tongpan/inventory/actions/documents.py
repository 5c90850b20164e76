"""Adjustments and counts of stock, as documents that are booked once."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from tongpan.catalog.actions import SkuSpec, ensure_skus, fullest
from tongpan.core.bulk import copy_rows, fetch_all, whole_numbers
from tongpan.core.races import run_in_transaction
from tongpan.inventory.engine import (
    AdjustmentDoc,
    CountDoc,
    Delta,
    StockDoc,
    StockOutcome,
    content_of,
    refusal,
)
from tongpan.inventory.ledger import post
from tongpan.inventory.locks import lock_pools


@dataclass(frozen=True, slots=True)
class _Accepted:
    position: int
    document_id: int
    doc: StockDoc
    node_id: int

    @property
    def key(self) -> tuple[str, str, int]:
        return (self.doc.source, self.doc.external_id, self.node_id)


def adjust(docs: Sequence[AdjustmentDoc], *, actor: str, now: datetime) -> list[StockOutcome]:
    """Book adjustments. A change below zero takes what is free at the node and keeps the rest as a difference.

    One transaction for all of ``docs``. A document that was in before is unchanged; one with the same number and
    other lines, or that cannot be taken (``inventory.engine.refusal``), is refused on its own. Locks the documents
    by (source, number, node), the SKU codes, then the pools of all SKUs named.
    """
    return run_in_transaction(lambda: _book("adjustment", docs, actor=actor, now=now))


def count(docs: Sequence[CountDoc], *, actor: str, now: datetime) -> list[StockOutcome]:
    """Book stock counts: on hand becomes what was counted, never less than what is pinned to orders there.

    One transaction for all of ``docs``; documents are told apart, refused and locked as in ``adjust``, but only the
    pools of SKUs whose levels are not as counted are locked.
    """
    return run_in_transaction(lambda: _book("count", docs, actor=actor, now=now))


def _book(kind: str, docs: Sequence[StockDoc], *, actor: str, now: datetime) -> list[StockOutcome]:
    outcomes, accepted = _open_documents(kind, docs, actor, now)
    if not accepted:
        return [outcomes[position] for position in range(len(docs))]
    sku_ids = ensure_skus(_sku_specs(accepted))
    pools, levels = _lock(kind, accepted, sku_ids)
    lines, deltas = [], []
    for a in accepted:
        short = 0
        for line_no, (code, qty, bucket, _, note) in enumerate(a.doc.lines, 1):
            sku_id = sku_ids[code]
            key = (sku_id, a.node_id, bucket)
            on_hand, allocated = levels.get(key, _NOTHING)
            change = qty - on_hand if kind == "count" else qty
            if not change:
                lines.append((a.document_id, line_no, sku_id, bucket, qty, on_hand, 0, note))
                continue
            free = on_hand - allocated
            if bucket == "saleable":
                free = min(free, pools[sku_id])
            applied = max(change, -free)
            short += applied - change
            levels[key] = (on_hand + applied, allocated)
            if bucket == "saleable":
                pools[sku_id] += applied
            lines.append((a.document_id, line_no, sku_id, bucket, qty, on_hand, applied, note))
            deltas.append(
                Delta(
                    sku_id,
                    a.node_id,
                    bucket,
                    "counted" if kind == "count" else "adjusted",
                    applied,
                    0,
                    0,
                    "stock_document",
                    a.document_id,
                    a.doc.occurred_at,
                    a.doc.reason,
                )
            )
        outcomes[a.position] = StockOutcome("accepted", a.document_id, short=short)
    copy_rows(
        "inventory_stockdocumentline",
        ("document_id", "line_no", "sku_id", "bucket", "qty", "book_qty", "applied", "note"),
        lines,
    )
    post(deltas, actor=actor)
    return [outcomes[position] for position in range(len(docs))]


_Levels = dict[tuple[int, int, str], tuple[int, int]]
"""(on hand, allocated) by (SKU id, node id, bucket)."""
_NOTHING = (0, 0)
_UNKNOWN = (-1, 0)
_NAMELESS = SkuSpec()


def _sku_specs(accepted: Sequence[_Accepted]) -> dict[str, SkuSpec]:
    return fullest(
        (code, SkuSpec(name) if name else _NAMELESS) for a in accepted for code, _, _, name, _ in a.doc.lines
    )


def _lock(kind: str, accepted: Sequence[_Accepted], sku_ids: Mapping[str, int]) -> tuple[dict[int, int], _Levels]:
    """Lock the pools of the SKUs that may change: (available units by SKU id, levels of all SKUs named).

    A level at which a count finds what the book says, at the instant when the book is read, needs no lock: nothing
    is booked at it. Of a stock file those are most.
    """
    node_ids = {a.node_id for a in accepted}
    levels: _Levels = {}
    changing = set(sku_ids.values())
    if kind == "count":
        levels = _levels(changing, node_ids)
        changing = {
            sku_id
            for a in accepted
            for code, qty, bucket, _, _ in a.doc.lines
            if levels.get((sku_id := sku_ids[code], a.node_id, bucket), _UNKNOWN)[0] != qty
        }
    pools = lock_pools(changing)
    levels.update(_levels(changing, node_ids))
    return pools, levels


def _open_documents(
    kind: str, docs: Sequence[StockDoc], actor: str, now: datetime
) -> tuple[dict[int, StockOutcome], list[_Accepted]]:
    texts = [doc.node_code for doc in docs if doc.node_code.isprintable()]
    found = fetch_all("SELECT code, id, tracks_stock FROM network_node WHERE code = ANY(%s)", [texts])
    tracking = {code: tracks for code, _, tracks in found}
    node_ids = {code: node_id for code, node_id, _ in found}
    outcomes: dict[int, StockOutcome] = {}
    opened: list[_Accepted] = []
    for position, doc in enumerate(docs):
        refused = refusal(doc, tracking, now)
        if refused:
            outcomes[position] = refused
        else:
            opened.append(_Accepted(position, 0, doc, node_ids[doc.node_code]))
    made = _insert_documents(kind, sorted(opened, key=lambda a: a.key), actor)
    accepted: list[_Accepted] = []
    known: dict[tuple[str, str, int], tuple[int, str, list[tuple[str, str, int]]]] = {}
    known |= _stored_documents({a.key for a in opened} - set(made))
    for a in opened:
        if a.key not in known:
            known[a.key] = (made[a.key], kind, content_of(a.doc))
            accepted.append(replace(a, document_id=made[a.key]))
        elif known[a.key][1:] == (kind, content_of(a.doc)):
            outcomes[a.position] = StockOutcome("unchanged", known[a.key][0])
        else:
            outcomes[a.position] = StockOutcome(
                "refused",
                known[a.key][0],
                f"Stock document {a.doc.external_id} of {a.doc.source} is booked with other lines at node "
                f"{a.doc.node_code}; book the difference under a new number.",
                "stock.conflict",
            )
    return outcomes, accepted


def _insert_documents(kind: str, opened: Sequence[_Accepted], actor: str) -> dict[tuple[str, str, int], int]:
    """The ids of the documents that were not in before, by their keys."""
    rows = fetch_all(
        """INSERT INTO inventory_stockdocument
               (kind, source, external_id, node_id, occurred_at, actor, reason, is_simulated)
           SELECT %s, d.source, d.external_id, d.node_id, d.occurred_at, %s, d.reason, d.is_simulated
           FROM unnest(%s::text[], %s::text[], %s::bigint[], %s::timestamptz[], %s::text[], %s::bool[])
                AS d(source, external_id, node_id, occurred_at, reason, is_simulated)
           ON CONFLICT DO NOTHING RETURNING source, external_id, node_id, id""",
        [
            kind,
            actor,
            [a.doc.source for a in opened],
            [a.doc.external_id for a in opened],
            [a.node_id for a in opened],
            [a.doc.occurred_at for a in opened],
            [a.doc.reason for a in opened],
            [a.doc.is_simulated for a in opened],
        ],
    )
    return {(source, external_id, node_id): document_id for source, external_id, node_id, document_id in rows}


def _stored_documents(
    keys: set[tuple[str, str, int]],
) -> dict[tuple[str, str, int], tuple[int, str, list[tuple[str, str, int]]]]:
    """(id, kind, content) of the documents that were in before, by their keys."""
    if not keys:
        return {}
    ordered = sorted(keys)
    rows = fetch_all(
        """SELECT d.source, d.external_id, d.node_id, d.id, d.kind, s.code, l.bucket, l.qty
           FROM unnest(%s::text[], %s::text[], %s::bigint[]) AS k(source, external_id, node_id)
           JOIN inventory_stockdocument d USING (source, external_id, node_id)
           LEFT JOIN inventory_stockdocumentline l ON l.document_id = d.id
           LEFT JOIN catalog_sku s ON s.id = l.sku_id ORDER BY d.id, l.line_no""",
        [[key[i] for key in ordered] for i in range(3)],
    )
    stored: dict[tuple[str, str, int], tuple[int, str, list[tuple[str, str, int]]]] = {}
    for source, external_id, node_id, document_id, kind, code, bucket, qty in rows:
        lines = stored.setdefault((source, external_id, node_id), (document_id, kind, []))[2]
        if code is not None:
            lines.append((code, bucket, qty))
    return stored


def _levels(sku_ids: Collection[int], node_ids: Collection[int]) -> _Levels:
    rows = fetch_all(
        """SELECT sku_id, node_id, bucket, on_hand, allocated FROM inventory_level
           WHERE sku_id = ANY(%s::bigint[]) AND node_id = ANY(%s::bigint[])""",
        [whole_numbers(sku_ids), whole_numbers(node_ids)],
    )
    return {row[:3]: row[3:] for row in rows}
