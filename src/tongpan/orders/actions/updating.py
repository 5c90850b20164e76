"""How a newer copy of an order changes the rows that are stored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from tongpan.core.bulk import Part, as_json, copy_rows, execute, execute_together
from tongpan.orders.actions.recipients import whole_recipients
from tongpan.orders.actions.rows import LINE_COLUMNS, ORDER_COLUMNS, Given, Moved, line_rows, order_row
from tongpan.orders.channel_lines import LinesPlan
from tongpan.orders.engine import LineDoc, OrderDoc, StoredOrder, content_of, furthest, status_of


def update(
    changed: Sequence[tuple[Given, StoredOrder]],
    sku_ids: Mapping[str, int],
    customers: Mapping[int, int],
    plans: Mapping[int, LinesPlan],
) -> list[Moved]:
    """Move stored orders forward: facts that were unknown are filled in, later lines added, money replaced.

    plans: what becomes of the lines of each order, by its id. What people changed in an order stays
    (``Order.local_fields``). The caller holds the orders. At most three statements, one more where a copy knows less of
    a recipient than may be stored, and one where stored lines change; ``record`` stores the rest.
    """
    if not changed:
        return []
    whole = whole_recipients({old.id: g.doc.ship_to for g, old in changed})
    changed = [
        (replace(g, doc=replace(g.doc, ship_to=whole[old.id])) if old.id in whole else g, old) for g, old in changed
    ]
    added = {
        old.id: [g.doc.lines[i] for i in plans[old.id].added] if old.own is None else _added_lines(g.doc, old)
        for g, old in changed
    }
    _change_lines([(g, old, plans[old.id]) for g, old in changed if old.own is None and plans[old.id].changed])
    lines = [row for _, old in changed for row in line_rows(old.id, added[old.id], sku_ids, old.last_no + 1)]
    if lines:
        copy_rows("orders_orderline", LINE_COLUMNS, lines)
    local = [(old.id, line) for _, old in changed if old.own for line in added[old.id]]
    if local:
        copy_rows(
            "orders_channelline",
            ("order_id", "kind", "code", "qty", "amount_minor"),
            ((order_id, *content) for order_id, line in local for content in content_of([line])),
        )
    rows = [
        _with_own_lines(order_row(g, old.id, customers.get(g.position), None), old, added[old.id]) for g, old in changed
    ]
    status = [furthest(status_of(g.doc), old.status) for g, old in changed]
    _write_update(rows, status)
    return [Moved(g, old.id, new, old.day or g.day) for (g, old), new in zip(changed, status, strict=True)]


def _change_lines(changed: Sequence[tuple[Given, StoredOrder, LinesPlan]]) -> None:
    """Give stored lines the quantity and amount that their channel says, and note what they were.

    The shares of a line that is taken out are gone. One statement.
    """
    if not changed:
        return
    changes = [change for _, _, plan in changed for change in plan.changed]
    notes = [
        as_json(
            {
                "lines": [
                    {
                        "line": c.line.line_no,
                        "qty": [c.line.qty, c.qty],
                        "amount": [c.line.amount_minor, c.amount_minor],
                    }
                    for c in plan.changed
                ]
            }
        )
        for _, _, plan in changed
    ]
    execute_together(
        [
            Part(
                """UPDATE orders_orderline l SET qty = n.qty, amount_minor = n.amount
                   FROM unnest(%s::bigint[], %s::int[], %s::bigint[]) AS n(id, qty, amount) WHERE l.id = n.id""",
                [[c.line.id for c in changes], [c.qty for c in changes], [c.amount_minor for c in changes]],
            ),
            Part(
                "DELETE FROM orders_discount WHERE line_id = ANY(%s)",
                [[c.line.id for c in changes if c.is_taken_out]],
            ),
            Part(
                """INSERT INTO orders_orderevent (order_id, kind, at, actor, data)
                   SELECT n.order_id, 'changed', clock_timestamp(), 'channel', n.data::jsonb
                   FROM unnest(%s::bigint[], %s::text[]) AS n(order_id, data)""",
                [[old.id for _, old, _ in changed], notes],
            ),
        ]
    )


def _with_own_lines(row: tuple[Any, ...], old: StoredOrder, added: Sequence[LineDoc]) -> tuple[Any, ...]:
    """``row`` with the totals of the order's own lines, where people changed them."""
    if old.own is None:
        return row
    goods = old.own.goods_minor + sum(line.amount_minor for line in added if line.kind == "goods")
    charges = old.own.charges_minor + sum(line.amount_minor for line in added if line.kind == "charge")
    units = old.own.units + sum(line.qty for line in added if line.kind == "goods")
    totals = {"goods_minor": goods, "charges_minor": charges, "total_minor": goods + charges, "units": units}
    return tuple(totals.get(name, value) for name, value in zip(ORDER_COLUMNS, row, strict=True))


def _added_lines(doc: OrderDoc, old: StoredOrder) -> list[LineDoc]:
    known = Counter(old.line_contents)
    added = []
    for line, item in zip(doc.lines, content_of(doc.lines), strict=True):
        if known[item]:
            known[item] -= 1
        else:
            added.append(line)
    return added


def _write_update(rows: Sequence[tuple[Any, ...]], status: Sequence[str]) -> None:
    column = {name: [row[i] for row in rows] for i, name in enumerate(ORDER_COLUMNS)}
    execute(
        """UPDATE orders_order o SET
               version = coalesce(u.version, o.version), digest = u.digest, status = u.status,
               channel_status = coalesce(nullif(u.channel_status, ''), o.channel_status),
               customer_id = coalesce(o.customer_id, u.customer_id),
               paid_at = coalesce(u.paid_at, o.paid_at), dispatched_at = coalesce(u.dispatched_at, o.dispatched_at),
               delivered_at = coalesce(u.delivered_at, o.delivered_at),
               completed_at = coalesce(u.completed_at, o.completed_at),
               cancelled_at = coalesce(u.cancelled_at, o.cancelled_at),
               promised_at = CASE WHEN 'promise' = ANY(o.local_fields) THEN o.promised_at
                   ELSE coalesce(u.promised_at, o.promised_at) END, goods_minor = u.goods, charges_minor = u.charges,
               total_minor = u.goods + u.charges, paid_minor = coalesce(u.paid, o.paid_minor),
               refunded_minor = greatest(u.refunded, o.refunded_minor), units = u.units,
               superseded = substring(o.superseded || o.digest
                   FROM greatest(1, octet_length(o.superseded || o.digest) - 1023)),
               ship_province = CASE WHEN u.says_where AND NOT 'address' = ANY(o.local_fields)
                   THEN u.province ELSE o.ship_province END,
               ship_city = CASE WHEN u.says_where AND NOT 'address' = ANY(o.local_fields)
                   THEN u.city ELSE o.ship_city END,
               ship_latitude = CASE WHEN u.says_where AND NOT 'address' = ANY(o.local_fields)
                   THEN u.latitude ELSE o.ship_latitude END,
               ship_longitude = CASE WHEN u.says_where AND NOT 'address' = ANY(o.local_fields)
                   THEN u.longitude ELSE o.ship_longitude END,
               recipient_sealed = CASE WHEN u.recipient = '' OR 'address' = ANY(o.local_fields)
                   THEN o.recipient_sealed ELSE u.recipient END,
               buyer_note = coalesce(nullif(u.buyer_note, ''), o.buyer_note),
               seller_note = coalesce(nullif(u.seller_note, ''), o.seller_note),
               is_status_known = u.is_status_known, revision = o.revision + 1,
               hold_until = coalesce(u.hold_until, o.hold_until),
               invoice_sealed = CASE WHEN u.invoice = '' THEN o.invoice_sealed ELSE u.invoice END,
               raw_digest = coalesce(u.raw_digest, o.raw_digest)
           FROM (SELECT *, province <> '' OR city <> '' OR latitude IS NOT NULL AS says_where
                 FROM unnest(%s::bigint[], %s::timestamptz[], %s::bytea[], %s::text[], %s::text[], %s::bigint[],
                       %s::timestamptz[], %s::timestamptz[], %s::timestamptz[], %s::timestamptz[],
                       %s::timestamptz[], %s::timestamptz[], %s::bigint[], %s::bigint[], %s::bigint[],
                       %s::bigint[], %s::bigint[], %s::text[], %s::text[], %s::float8[], %s::float8[], %s::bytea[],
                       %s::text[], %s::text[], %s::bool[], %s::timestamptz[], %s::bytea[], %s::bytea[])
                AS u(id, version, digest, status, channel_status, customer_id, paid_at, dispatched_at,
                     delivered_at, completed_at, cancelled_at, promised_at, goods, charges, paid, refunded, units,
                     province, city, latitude, longitude, recipient, buyer_note, seller_note, is_status_known,
                     hold_until, invoice, raw_digest)) u
           WHERE o.id = u.id""",
        [
            column["id"],
            column["version"],
            column["digest"],
            list(status),
            column["channel_status"],
            column["customer_id"],
            column["paid_at"],
            column["dispatched_at"],
            column["delivered_at"],
            column["completed_at"],
            column["cancelled_at"],
            column["promised_at"],
            column["goods_minor"],
            column["charges_minor"],
            column["paid_minor"],
            column["refunded_minor"],
            column["units"],
            column["ship_province"],
            column["ship_city"],
            column["ship_latitude"],
            column["ship_longitude"],
            column["recipient_sealed"],
            column["buyer_note"],
            column["seller_note"],
            column["is_status_known"],
            column["hold_until"],
            column["invoice_sealed"],
            column["raw_digest"],
        ],
    )
