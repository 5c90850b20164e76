"""What may come with an order beside its lines: discount shares, tags, and the payload as it came."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from tongpan.access import vault
from tongpan.core.bulk import Part, fetch_all
from tongpan.core.money import allocate
from tongpan.orders.actions.delivery import redelivered
from tongpan.orders.actions.filed import Filed
from tongpan.orders.engine import DiscountDoc, OrderDoc, content_of
from tongpan.orders.ledger import SHARE_CODE

_LEVEL = 1
"""Of compression: a fast one, since every order of a file brings its rows; slower ones save a tenth more."""


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


def storing_extras(filed: Sequence[Filed]) -> list[Part]:
    """The statements that store what orders bring beside their lines; none when they bring nothing.

    Of a stored order, which the caller holds: discount shares that a copy brings take the place of the stored ones
    (what the ledger of the account tells of other payers stays); tags are added and never taken away; its delivery is
    what the copy says of it. Asks for the lines of stored orders when there are such shares.
    """
    stored = [f for f in filed if f.line_ids is None]
    return [*_discounts([f for f in filed if f.doc.discounts]), *_tags(filed), *_payloads(filed), *redelivered(stored)]


def _stored_line_ids(filed: Sequence[Filed]) -> dict[int, list[int | None]]:
    """The id of the stored line that says what each line of a document says."""
    known: dict[int, dict[tuple[Any, ...], list[int]]] = defaultdict(lambda: defaultdict(list))
    for order_id, line_id, *content in fetch_all(
        """SELECT l.order_id, l.id, l.kind, coalesce(s.code, l.charge_code), l.qty, l.amount_minor
           FROM orders_orderline l LEFT JOIN catalog_sku s ON s.id = l.sku_id
           WHERE l.order_id = ANY(%s) ORDER BY l.order_id, l.line_no DESC""",
        [[f.order_id for f in filed]],
    ):
        known[order_id][tuple(content)].append(line_id)
    found: dict[int, list[int | None]] = {}
    for f in filed:
        of = known[f.order_id]
        found[f.order_id] = [of[item].pop() if of[item] else None for item in content_of(f.doc.lines)]
    return found


def _discounts(filed: Sequence[Filed]) -> list[Part]:
    if not filed:
        return []
    stored = [f for f in filed if f.line_ids is None]
    known = _stored_line_ids(stored) if stored else {}
    rows = [
        (f.order_id, *share)
        for f in filed
        for share in _shares(f.doc, known[f.order_id] if f.line_ids is None else f.line_ids)
    ]
    return [
        Part(
            """DELETE FROM orders_discount WHERE order_id = ANY(%s) AND (code <> %s OR (order_id, payer) IN (
                 SELECT k.order_id, k.payer FROM unnest(%s::bigint[], %s::text[]) AS k(order_id, payer)))""",
            [[f.order_id for f in stored], SHARE_CODE, [row[0] for row in rows], [row[2] for row in rows]],
        ),
        Part(
            """INSERT INTO orders_discount (order_id, line_id, payer, code, name, amount_minor)
               SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::text[], %s::text[], %s::bigint[])""",
            [list(column) for column in zip(*rows, strict=True)],
        ),
    ]


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


def _tags(filed: Sequence[Filed]) -> list[Part]:
    tags = sorted({(f.order_id, tag.strip()) for f in filed for tag in f.doc.tags})
    if not tags:
        return []
    return [
        Part(
            """INSERT INTO orders_ordertag (order_id, tag) SELECT * FROM unnest(%s::bigint[], %s::text[])
               ON CONFLICT DO NOTHING""",
            [[order_id for order_id, _ in tags], [tag for _, tag in tags]],
        )
    ]


def _payloads(filed: Sequence[Filed]) -> list[Part]:
    payloads = {digest: f.doc.raw for f in filed if (digest := raw_digest(f.doc)) is not None}
    if not payloads:
        return []
    digests = sorted(payloads)
    return [
        Part(
            """INSERT INTO orders_rawpayload (digest, content) SELECT * FROM unnest(%s::bytea[], %s::bytea[])
               ON CONFLICT DO NOTHING""",
            [digests, vault.seal_bytes([zlib.compress(payloads[digest], _LEVEL) for digest in digests])],
        )
    ]
