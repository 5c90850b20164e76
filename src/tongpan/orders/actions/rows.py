"""The rows of orders: how a document becomes some."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import islice
from typing import Any

from tongpan.access import vault
from tongpan.core.bulk import (
    Part,
    copy_rows,
    execute_together,
    instants,
    next_ids_of,
    texts,
    whole_numbers,
)
from tongpan.core.clock import business_day
from tongpan.core.eventlog import NewEvent, appending
from tongpan.orders.actions import delivery
from tongpan.orders.actions.extras import raw_digest, sealed_invoice, storing_extras
from tongpan.orders.actions.filed import Filed
from tongpan.orders.actions.shops import ShopInfo
from tongpan.orders.engine import (
    CHARGE_CODE_LENGTH,
    LineDoc,
    OrderDoc,
    events_of,
    status_of,
)


@dataclass(frozen=True, slots=True)
class Given:
    """A document that passed the checks, and where its outcome goes."""

    position: int
    doc: OrderDoc
    digest: bytes
    shop: ShopInfo

    @property
    def day(self) -> date:
        return business_day(self.doc.placed_at, self.shop.zone)


@dataclass(frozen=True, slots=True)
class Moved:
    """An order that is new or changed, with the status and the business day that it has now.

    line_ids: of a new order's lines, at the positions of its document's lines.
    """

    given: Given
    order_id: int
    status: str
    day: date
    line_ids: Sequence[int] | None = None

    @property
    def is_new(self) -> bool:
        return self.line_ids is not None


ORDER_COLUMNS = (
    "id",
    "shop_id",
    "channel_id",
    "external_id",
    "version",
    "digest",
    "superseded",
    "status",
    "channel_status",
    "customer_id",
    "business_date",
    "placed_at",
    "paid_at",
    "dispatched_at",
    "delivered_at",
    "completed_at",
    "cancelled_at",
    "promised_at",
    "currency",
    "goods_minor",
    "charges_minor",
    "total_minor",
    "paid_minor",
    "refunded_minor",
    "units",
    "ship_province",
    "ship_city",
    "ship_latitude",
    "ship_longitude",
    "recipient_sealed",
    "buyer_note",
    "seller_note",
    "is_status_known",
    "hold_until",
    "invoice_sealed",
    "raw_digest",
    "import_id",
    "is_simulated",
    *delivery.COLUMNS,
)


def order_row(g: Given, order_id: int, customer_id: int | None, import_id: int | None) -> tuple[Any, ...]:
    doc = g.doc
    goods, charges = doc.goods_minor, doc.charges_minor
    to = doc.ship_to
    return (
        order_id,
        g.shop.id,
        g.shop.channel_id,
        doc.external_id,
        doc.version,
        g.digest,
        b"",
        status_of(doc),
        doc.channel_status[:60],
        customer_id,
        g.day,
        doc.placed_at,
        doc.paid_at,
        doc.dispatched_at,
        doc.delivered_at,
        doc.completed_at,
        doc.cancelled_at,
        doc.promised_at,
        doc.currency,
        goods,
        charges,
        goods + charges,
        doc.paid_minor,
        doc.refunded_minor,
        doc.units,
        to.province[:60],
        to.city[:60],
        to.latitude,
        to.longitude,
        _sealed_recipient(doc),
        doc.buyer_note,
        doc.seller_note,
        doc.is_status_known,
        doc.hold_until,
        sealed_invoice(doc),
        raw_digest(doc),
        import_id,
        doc.is_simulated,
        *delivery.delivery_row(doc.delivery),
    )


def _sealed_recipient(doc: OrderDoc) -> bytes:
    to = doc.ship_to
    if not (to.recipient or to.phone or to.address):
        return b""
    return vault.seal(json.dumps([to.recipient, to.phone, to.address], ensure_ascii=False))


def line_rows(
    order_id: int, lines: Sequence[LineDoc], sku_ids: Mapping[str, int], first_no: int = 1
) -> Iterator[tuple[Any, ...]]:
    for line_no, line in enumerate(lines, first_no):
        if line.kind == "goods":
            sku_id, charge = sku_ids[line.code], ""
        else:
            sku_id, charge = None, line.code[:CHARGE_CODE_LENGTH]
        yield (
            order_id,
            line_no,
            line.line_key[:80],
            line.kind,
            sku_id,
            charge,
            line.name[:300],
            line.qty,
            line.unit_price,
            line.amount_minor,
            line.wanted_node,
        )


LINE_COLUMNS = (
    "order_id",
    "line_no",
    "line_key",
    "kind",
    "sku_id",
    "charge_code",
    "name",
    "qty",
    "unit_price",
    "amount_minor",
    "wanted_node",
)


def insert(
    fresh: Sequence[Given], sku_ids: Mapping[str, int], customers: Mapping[int, int], import_id: int | None
) -> list[Moved]:
    """Store new orders with their lines. Three statements; ``record`` stores the rest."""
    if not fresh:
        return []
    ids = next_ids_of({"orders_order": len(fresh), "orders_orderline": sum(len(g.doc.lines) for g in fresh)})
    line_ids = iter(ids["orders_orderline"])
    moved = [
        Moved(g, order_id, status_of(g.doc), g.day, list(islice(line_ids, len(g.doc.lines))))
        for order_id, g in zip(ids["orders_order"], fresh, strict=True)
    ]
    # All of them before the COPY begins: a process that seals for the first time reads the vault's check value, and
    # would wait for its own connection in the middle of the COPY.
    rows = [order_row(m.given, m.order_id, customers.get(m.given.position), import_id) for m in moved]
    copy_rows("orders_order", ORDER_COLUMNS, rows)
    copy_rows(
        "orders_orderline",
        ("id", *LINE_COLUMNS),
        (
            (line_id, *row)
            for m in moved
            for line_id, row in zip(m.line_ids or (), line_rows(m.order_id, m.given.doc.lines, sku_ids), strict=True)
        ),
    )
    return moved


def record(moved: Sequence[Moved], log: Sequence[NewEvent], *, actor: str) -> None:
    """Store payments, events and what else orders bring, and append ``log``, by one statement."""
    filed = [Filed(m.order_id, m.given.doc, m.line_ids) for m in moved]
    execute_together([*_payments(filed), *_events(filed, actor), *storing_extras(filed), *appending(log)])


def _payments(filed: Sequence[Filed]) -> list[Part]:
    rows = [(f.order_id, p.seq, p.method[:40], p.amount_minor, p.paid_at) for f in filed for p in f.doc.payments]
    if not rows:
        return []
    return [
        Part(
            """INSERT INTO orders_payment AS p (order_id, seq, method, amount_minor, paid_at)
               SELECT * FROM unnest(%s::bigint[], %s::int[], %s::text[], %s::bigint[], %s::timestamptz[])
               ON CONFLICT (order_id, seq) DO UPDATE SET method = excluded.method,
                   amount_minor = excluded.amount_minor, paid_at = coalesce(excluded.paid_at, p.paid_at)""",
            [
                whole_numbers(row[0] for row in rows),
                whole_numbers(row[1] for row in rows),
                texts(row[2] for row in rows),
                whole_numbers(row[3] for row in rows),
                instants(row[4] for row in rows),
            ],
        )
    ]


def _events(filed: Sequence[Filed], actor: str) -> list[Part]:
    facts = [(f.order_id, kind, at) for f in filed for kind, at in events_of(f.doc)]
    return [
        Part(
            """INSERT INTO orders_orderevent (order_id, kind, at, actor, data)
               SELECT f.order_id, f.kind, f.at, %s, '{}' FROM unnest(%s::bigint[], %s::text[], %s::timestamptz[])
                    AS f(order_id, kind, at)
               ON CONFLICT DO NOTHING""",
            [actor, whole_numbers(f[0] for f in facts), texts(f[1] for f in facts), instants(f[2] for f in facts)],
        )
    ]
