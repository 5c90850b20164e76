"""What may come with an order beside its lines: discount shares, tags, and the payload as it came."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tongpan.access import vault
from tongpan.core.bulk import copy_rows, execute, fetch_all
from tongpan.core.money import allocate
from tongpan.orders.engine import DiscountDoc, OrderDoc, content_of

Filed = tuple[int, OrderDoc]
"""(order id, its document)"""


def raw_digest(doc: OrderDoc) -> bytes | None:
    """The keyed hash under which the payload of ``doc`` is kept, or None when it brings none."""
    if not doc.raw:
        return None
    return vault.blind_index("payload", "", hashlib.blake2b(doc.raw, digest_size=32).hexdigest())


def sealed_invoice(doc: OrderDoc) -> bytes:
    """The invoice as sealed JSON [kind, title, tax number, content], empty bytes when none is asked for."""
    invoice = doc.invoice
    if invoice is None:
        return b""
    parts = [invoice.kind, invoice.title, invoice.tax_number, invoice.content]
    return vault.seal(json.dumps(parts, ensure_ascii=False))


def store_extras(orders: Sequence[Filed], line_ids: Mapping[int, Sequence[int]]) -> None:
    """Store what new orders bring beside their lines; at most three statements, none when they bring nothing.

    line_ids: the ids of an order's lines, at the positions of its document's lines.
    """
    _copy_discounts([pair for pair in orders if pair[1].discounts], line_ids)
    _add_tags(orders)
    _keep_payloads(orders)


def replace_extras(orders: Sequence[Filed]) -> None:
    """The same for newer copies of stored orders, which the caller holds.

    Discount shares that a copy brings take the place of the stored ones; tags are added and never taken away.
    """
    discounted = [pair for pair in orders if pair[1].discounts]
    if discounted:
        ids = [order_id for order_id, _ in discounted]
        execute("DELETE FROM orders_discount WHERE order_id = ANY(%s)", [ids])
        _copy_discounts(discounted, _stored_line_ids(discounted))
    _add_tags(orders)
    _keep_payloads(orders)


def _stored_line_ids(orders: Sequence[Filed]) -> dict[int, list[int | None]]:
    """The id of the stored line that says what each line of a document says."""
    known: dict[int, dict[tuple[Any, ...], list[int]]] = defaultdict(lambda: defaultdict(list))
    for order_id, line_id, *content in fetch_all(
        """SELECT l.order_id, l.id, l.kind, coalesce(s.code, l.charge_code), l.qty, l.amount_minor
           FROM orders_orderline l LEFT JOIN catalog_sku s ON s.id = l.sku_id
           WHERE l.order_id = ANY(%s) ORDER BY l.order_id, l.line_no DESC""",
        [[order_id for order_id, _ in orders]],
    ):
        known[order_id][tuple(content)].append(line_id)
    found: dict[int, list[int | None]] = {}
    for order_id, doc in orders:
        of = known[order_id]
        found[order_id] = [of[item].pop() if of[item] else None for item in content_of(doc.lines)]
    return found


def _copy_discounts(orders: Sequence[Filed], line_ids: Mapping[int, Sequence[int | None]]) -> None:
    if orders:
        copy_rows(
            "orders_discount",
            ("order_id", "line_id", "payer", "code", "name", "amount_minor"),
            ((order_id, *share) for order_id, doc in orders for share in _shares(doc, line_ids[order_id])),
        )


def _shares(doc: OrderDoc, line_ids: Sequence[int | None]) -> Iterator[tuple[int | None, str, str, str, int]]:
    for given in doc.discounts:
        for line_id, amount in _spread(doc, given, line_ids):
            yield line_id, given.payer, given.code[:80], given.name[:200], amount


def _spread(doc: OrderDoc, given: DiscountDoc, line_ids: Sequence[int | None]) -> list[tuple[int | None, int]]:
    """A discount of the whole order falls on its goods in proportion to their amounts."""
    if given.line is not None:
        return [(line_ids[given.line], given.amount_minor)]
    goods = [position for position, line in enumerate(doc.lines) if line.kind == "goods"]
    if not goods:
        return [(None, given.amount_minor)]
    amounts = allocate(given.amount_minor, [max(0, doc.lines[position].amount_minor) for position in goods])
    return [(line_ids[position], amount) for position, amount in zip(goods, amounts, strict=True) if amount]


def _add_tags(orders: Sequence[Filed]) -> None:
    tags = sorted({(order_id, tag.strip()) for order_id, doc in orders for tag in doc.tags})
    if tags:
        execute(
            """INSERT INTO orders_ordertag (order_id, tag) SELECT * FROM unnest(%s::bigint[], %s::text[])
               ON CONFLICT DO NOTHING""",
            [[order_id for order_id, _ in tags], [tag for _, tag in tags]],
        )


def _keep_payloads(orders: Sequence[Filed]) -> None:
    payloads = {digest: doc.raw for _, doc in orders if (digest := raw_digest(doc)) is not None}
    if payloads:
        digests = sorted(payloads)
        execute(
            """INSERT INTO orders_rawpayload (digest, content) SELECT * FROM unnest(%s::bytea[], %s::bytea[])
               ON CONFLICT DO NOTHING""",
            [digests, vault.seal_bytes([zlib.compress(payloads[digest], 6) for digest in digests])],
        )
