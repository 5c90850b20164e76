"""Writes of stock. Every function locks the pools of its SKUs first, in ascending order of SKU id."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from tongpan.catalog.actions import SkuSpec, ensure_skus
from tongpan.core.bulk import copy_rows, execute, fetch_all
from tongpan.inventory.engine import (
    AdjustmentDoc,
    CountDoc,
    Delta,
    Demand,
    StockDoc,
    StockOutcome,
    grant,
)
from tongpan.inventory.ledger import post
from tongpan.inventory.locks import lock_pools

BUCKETS = ("saleable", "damaged", "inspection", "display", "sample")


@transaction.atomic
def reserve(demands: Sequence[Demand], *, actor: str, now: datetime) -> dict[int, list[Demand]]:
    """Promise units of the pool to order lines, each order whole or not at all, first come first served.

    Returns the refused orders with the demands that the pool could not serve. Lines reserved before are
    refused by the database. Locks the pools of all SKUs asked for.
    """
    if not demands:
        return {}
    available = lock_pools({demand.sku_id for demand in demands})
    granted, refused = grant(available, demands)
    copy_rows(
        "inventory_reservation",
        ("order_id", "order_line_id", "sku_id", "qty", "state"),
        ((*demand, "held") for demand in granted),
    )
    post(
        (
            Delta(d.sku_id, None, "saleable", "reserved", 0, 0, d.qty, "order_line", d.order_line_id, now)
            for d in granted
        ),
        actor=actor,
    )
    return refused


@transaction.atomic
def release(order_ids: Collection[int], *, actor: str, now: datetime, reason: str) -> int:
    """Give the held units of ``order_ids`` back to the pool; the number of reservations released.

    Locks the pools of the SKUs concerned, then the reservations. Reservations already pinned to a node are left
    alone: they are released with their fulfilment.
    """
    held = _reservations(order_ids, "held") if order_ids else []
    if not held:
        return 0
    lock_pools({sku_id for _, _, sku_id, _ in held})
    held = _reservations(order_ids, "held")
    _set_state([reservation_id for reservation_id, *_ in held], "released")
    post(
        (
            Delta(sku_id, None, "saleable", "released", 0, 0, -qty, "order_line", line_id, now, reason)
            for _, line_id, sku_id, qty in held
        ),
        actor=actor,
    )
    return len(held)


def pin(order_line_ids: Collection[int]) -> dict[int, int]:
    """Mark the held reservations of ``order_line_ids`` as allocated; their quantities by order line id.

    For the routing action, which holds the pools and books the movements in the same transaction.
    """
    rows = fetch_all(
        """UPDATE inventory_reservation SET state = 'allocated'
           WHERE order_line_id = ANY(%s) AND state = 'held' RETURNING order_line_id, qty""",
        [sorted(order_line_ids)],
    )
    return dict(rows)


def unpin(order_ids: Collection[int]) -> None:
    """Mark the allocated reservations of ``order_ids`` as released; the caller books the movements."""
    execute(
        "UPDATE inventory_reservation SET state = 'released' WHERE order_id = ANY(%s) AND state = 'allocated'",
        [sorted(order_ids)],
    )


def _reservations(order_ids: Collection[int], state: str) -> list[tuple[int, int, int, int]]:
    return fetch_all(
        """SELECT id, order_line_id, sku_id, qty FROM inventory_reservation
           WHERE order_id = ANY(%s) AND state = %s ORDER BY sku_id, id""",
        [sorted(order_ids), state],
    )


def _set_state(reservation_ids: list[int], state: str) -> None:
    execute("UPDATE inventory_reservation SET state = %s WHERE id = ANY(%s)", [state, reservation_ids])


def take_back(goods: Sequence[tuple[int, int, int, int, datetime]], *, actor: str) -> None:
    """Put returned goods back on sale: (return id, node id, SKU id, units, returned at), in the caller's transaction.

    Locks the pools of all SKUs concerned. The same return puts a SKU back at a node once.
    """
    lock_pools({sku_id for _, _, sku_id, _, _ in goods})
    post(
        (
            Delta(sku_id, node_id, "saleable", "returned", qty, 0, 0, "return", return_id, at)
            for return_id, node_id, sku_id, qty, at in goods
        ),
        actor=actor,
    )


@dataclass(frozen=True, slots=True)
class _Accepted:
    position: int
    document_id: int
    doc: StockDoc
    node_id: int


def adjust(docs: Sequence[AdjustmentDoc], *, actor: str, now: datetime) -> list[StockOutcome]:
    """Book adjustments. A change below zero takes what is free at the node and keeps the rest as a difference.

    One transaction for all of ``docs``; a document in before is unchanged, an unknown node or bucket refused.
    Locks the pools of all SKUs named.
    """
    return _book("adjustment", docs, actor=actor, now=now)


def count(docs: Sequence[CountDoc], *, actor: str, now: datetime) -> list[StockOutcome]:
    """Book stock counts: on hand becomes what was counted, never less than what is pinned to orders there.

    One transaction for all of ``docs``; a document in before is unchanged, an unknown node or bucket refused.
    Locks the pools of all SKUs named.
    """
    return _book("count", docs, actor=actor, now=now)


@transaction.atomic
def _book(kind: str, docs: Sequence[StockDoc], *, actor: str, now: datetime) -> list[StockOutcome]:
    outcomes, accepted = _open_documents(kind, docs, actor)
    sku_ids = ensure_skus(
        {line.sku_code: SkuSpec(line.name) for a in accepted for line in a.doc.lines if line.sku_code}
    )
    pools = lock_pools(set(sku_ids.values()))
    levels = _levels(set(sku_ids.values()), {a.node_id for a in accepted})
    lines, deltas = [], []
    for a in accepted:
        short = 0
        for line_no, line in enumerate(a.doc.lines, 1):
            sku_id = sku_ids[line.sku_code]
            key = (sku_id, a.node_id, line.bucket)
            on_hand, allocated = levels.get(key, (0, 0))
            change = line.qty - on_hand if kind == "count" else line.qty
            free = on_hand - allocated
            if line.bucket == "saleable":
                free = min(free, pools[sku_id])
            applied = max(change, -free)
            short += applied - change
            levels[key] = (on_hand + applied, allocated)
            if line.bucket == "saleable":
                pools[sku_id] += applied
            lines.append((a.document_id, line_no, sku_id, line.bucket, line.qty, on_hand, applied, line.note))
            deltas.append(
                Delta(
                    sku_id,
                    a.node_id,
                    line.bucket,
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


def _open_documents(kind: str, docs: Sequence[StockDoc], actor: str) -> tuple[dict[int, StockOutcome], list[_Accepted]]:
    nodes = dict(fetch_all("SELECT code, id FROM network_node WHERE code = ANY(%s)", [[doc.node_code for doc in docs]]))
    outcomes: dict[int, StockOutcome] = {}
    opened: list[tuple[int, StockDoc, int]] = []
    for position, doc in enumerate(docs):
        refusal = _refusal(doc, nodes)
        if refusal:
            outcomes[position] = refusal
        else:
            opened.append((position, doc, nodes[doc.node_code]))
    opened.sort(key=lambda item: (item[1].source, item[1].external_id, item[2], item[0]))
    made = {
        (source, external_id, node_id): document_id
        for document_id, source, external_id, node_id in fetch_all(
            """INSERT INTO inventory_stockdocument
                   (kind, source, external_id, node_id, occurred_at, actor, reason, is_simulated)
               SELECT %s, d.source, d.external_id, d.node_id, d.occurred_at, %s, d.reason, d.is_simulated
               FROM unnest(%s::text[], %s::text[], %s::bigint[], %s::timestamptz[], %s::text[], %s::bool[])
                    AS d(source, external_id, node_id, occurred_at, reason, is_simulated)
               ON CONFLICT DO NOTHING RETURNING id, source, external_id, node_id""",
            [
                kind,
                actor,
                [doc.source for _, doc, _ in opened],
                [doc.external_id for _, doc, _ in opened],
                [node_id for *_, node_id in opened],
                [doc.occurred_at for _, doc, _ in opened],
                [doc.reason for _, doc, _ in opened],
                [doc.is_simulated for _, doc, _ in opened],
            ],
        )
    }
    accepted = []
    for position, doc, node_id in opened:
        document_id = made.pop((doc.source, doc.external_id, node_id), None)
        if document_id is None:
            outcomes[position] = StockOutcome("unchanged")
        else:
            accepted.append(_Accepted(position, document_id, doc, node_id))
    accepted.sort(key=lambda a: a.position)
    return outcomes, accepted


def _refusal(doc: StockDoc, nodes: dict[str, int]) -> StockOutcome | None:
    if doc.node_code not in nodes:
        return StockOutcome(
            "refused", reason=f"There is no node {doc.node_code!r}; create it first.", code="node.unknown"
        )
    for line in doc.lines:
        if line.bucket not in BUCKETS:
            return StockOutcome(
                "refused",
                reason=f"There is no bucket {line.bucket!r}; use one of {', '.join(BUCKETS)}.",
                code="stock.bucket",
            )
        if not line.sku_code:
            return StockOutcome("refused", reason="A line has no SKU code.", code="stock.sku")
        if isinstance(doc, CountDoc) and line.qty < 0:
            return StockOutcome(
                "refused",
                reason=f"SKU {line.sku_code} was counted as {line.qty}; a count cannot be negative.",
                code="stock.qty",
            )
    return None


def _levels(sku_ids: set[int], node_ids: set[int]) -> dict[tuple[int, int, str], tuple[int, int]]:
    rows = fetch_all(
        """SELECT sku_id, node_id, bucket, on_hand, allocated FROM inventory_level
           WHERE sku_id = ANY(%s) AND node_id = ANY(%s)""",
        [list(sku_ids), list(node_ids)],
    )
    return {(sku_id, node_id, bucket): (on_hand, allocated) for sku_id, node_id, bucket, on_hand, allocated in rows}
