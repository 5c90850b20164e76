"""What a replay reads: past orders in chunks, and facts of the goods that they bring. Locks and keeps nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from tongpan.core.bulk import fetch_all, texts, whole_numbers
from tongpan.orders.offering import POSTAGE
from tongpan.orders.replaying.basics import Off, PastLine, PastOrder, Said
from tongpan.orders.replaying.shelf import CostSpan, Shelf
from tongpan.pricing.queries import price_book
from tongpan.promotions.cart_facts import facts_of

CHUNK = 2_000
GIFT = "gift:"
"""How the key of a line begins that a rule gave for free (``orders.offering``)."""
_WHERE = """o.placed_at >= %(since)s AND o.placed_at < %(until)s AND o.status <> 'cancelled'
            AND (%(channel)s::bigint IS NULL OR o.channel_id = %(channel)s)"""
# An order that was called off later still stood when this one was placed.
_EARLIER = """FROM orders_order p WHERE p.customer_id = o.customer_id AND (p.placed_at, p.id) < (o.placed_at, o.id)
              AND (p.status <> 'cancelled' OR p.cancelled_at > o.placed_at)"""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which orders: placed in [since, until), of one channel by id. with_new, with_spent: what their buyers did
    before is asked for; without, everybody is known and has spent nothing."""

    since: datetime
    until: datetime
    channel_id: int | None = None
    with_new: bool = True
    with_spent: bool = False


def count_orders(wanted: Wanted) -> int:
    """How many orders there are, without those that were called off."""
    found = {"since": wanted.since, "until": wanted.until, "channel": wanted.channel_id}
    return int(fetch_all(f"SELECT count(*) FROM orders_order o WHERE {_WHERE}", found)[0][0])


def past_orders(wanted: Wanted) -> Iterator[list[PastOrder]]:
    """The orders in the order of time, a few thousand at once. Four statements a chunk; no chunk is kept."""
    after: tuple[datetime, int] | None = None
    is_new = f"o.customer_id IS NOT NULL AND NOT EXISTS (SELECT {_EARLIER})" if wanted.with_new else "false"
    spent = f"(SELECT coalesce(sum(p.total_minor), 0)::bigint {_EARLIER})" if wanted.with_spent else "0"
    while True:
        rows = fetch_all(
            f"""SELECT o.id, o.placed_at, c.code, s.code, o.currency, o.ship_province, o.delivery_node, o.customer_id,
                       {is_new}, {spent}
                FROM orders_order o JOIN channels_channel c ON c.id = o.channel_id
                JOIN channels_shop s ON s.id = o.shop_id
                WHERE {_WHERE} AND (%(after)s::timestamptz IS NULL OR (o.placed_at, o.id) > (%(after)s, %(last)s))
                ORDER BY o.placed_at, o.id LIMIT {CHUNK}""",
            {
                "since": after[0] if after else wanted.since,
                "until": wanted.until,
                "channel": wanted.channel_id,
                "after": after and after[0],
                "last": after and after[1],
            },
        )
        if not rows:
            return
        yield _orders(rows)
        if len(rows) < CHUNK:
            return
        after = (rows[-1][1], rows[-1][0])


def read_ahead(chunks: Iterator[list[PastOrder]]) -> Iterator[list[PastOrder]]:
    """``chunks``, each read by a connection of its own while the one before is worked on.

    Inside a transaction, which another connection cannot see into, they are read one after the other.
    """
    if connection.in_atomic_block:
        yield from chunks
        return
    with ThreadPoolExecutor(1, "replay") as reader:
        try:
            coming = reader.submit(next, chunks, None)
            while (chunk := coming.result()) is not None:
                coming = reader.submit(next, chunks, None)
                yield chunk
        finally:
            reader.submit(connection.close)


def _orders(rows: Sequence[tuple[Any, ...]]) -> list[PastOrder]:
    ids = whole_numbers(row[0] for row in rows)
    offs: dict[int, list[Off]] = {}
    for line_id, code, payer, amount in fetch_all(
        """SELECT line_id, coalesce(nullif(code, ''), nullif(name, ''), '?'), payer, amount_minor
           FROM orders_discount WHERE order_id = ANY(%s::bigint[]) AND line_id IS NOT NULL ORDER BY id""",
        [ids],
    ):
        offs.setdefault(line_id, []).append(Off(code, payer, amount))
    lines: dict[int, list[PastLine]] = {}
    postage: dict[int, int] = {}
    for order_id, line_id, number, sku, charge, qty, amount, key in fetch_all(
        """SELECT l.order_id, l.id, l.line_no, s.code, l.charge_code, l.qty, l.amount_minor, l.line_key
           FROM orders_orderline l LEFT JOIN catalog_sku s ON s.id = l.sku_id
           WHERE l.order_id = ANY(%s::bigint[]) ORDER BY l.order_id, l.line_no""",
        [ids],
    ):
        if sku is None:
            if charge in POSTAGE:
                postage[order_id] = postage.get(order_id, 0) + amount
            continue
        taken = offs.get(line_id)
        lines.setdefault(order_id, []).append(
            PastLine(number, sku, qty, amount, tuple(taken) if taken else (), key.startswith(GIFT))
        )
    kept: dict[int, tuple[Said | None, int, str]] = {}
    for order_id, said, off, method in fetch_all(
        """SELECT coalesce(p.order_id, m.order_id), p.said::text, coalesce(p.shipping_share_minor, 0),
                  coalesce(m.method, '')
           FROM (SELECT order_id, said, shipping_share_minor FROM promotions_pricedorder
                 WHERE order_id = ANY(%(ids)s::bigint[])) p
           FULL JOIN (SELECT DISTINCT ON (order_id) order_id, method FROM orders_payment
                      WHERE order_id = ANY(%(ids)s::bigint[]) ORDER BY order_id, seq) m ON m.order_id = p.order_id""",
        {"ids": ids},
    ):
        kept[order_id] = (_said(said), off, method)
    made = []
    for order_id, placed_at, channel, shop, currency, region, node, customer_id, is_new, spent in rows:
        known, off, method = kept.get(order_id, (None, 0, ""))
        made.append(
            PastOrder(
                order_id, placed_at, channel, shop, currency, region, node, customer_id, is_new, spent, method,
                postage.get(order_id, 0), off, tuple(lines.get(order_id, ())), known,
            )
        )  # fmt: skip
    return _with_rules(made)


def _with_rules(orders: list[PastOrder]) -> list[PastOrder]:
    """The discounts of orders that were priced here are named by their coupons; give them the names of the rules."""
    made = []
    for order in orders:
        rules = {code: rule for code, rule, _ in order.said.coupons} if order.said else {}
        if rules:
            lines = tuple(
                line._replace(offs=tuple(off._replace(rule=rules.get(off.rule, off.rule)) for off in line.offs))
                for line in order.lines
            )
            made.append(order._replace(lines=lines))
        else:
            made.append(order)
    return made


def _said(text: str | None) -> Said | None:
    found = json.loads(text) if text else None
    if not found:
        return None
    return Said(
        found["tier"],
        frozenset(found["segments"]),
        frozenset(found["scopes"]),
        found["source"],
        found["payment"],
        found["is_member"],
        found["is_new"],
        tuple((code, rule, value) for code, rule, value in found["coupons"]),
    )


def stock_up(shelf: Shelf, skus: Sequence[str], channels: dict[str, str], now: datetime) -> None:
    """Let the shelf know ``skus`` (codes that it misses). channels: code → currency. Eight statements, if any is new.

    List prices, floors and bands are those of ``now``, costs those of any time.
    """
    if not skus:
        return
    goods = facts_of(skus, channels, now).goods
    costs = [
        (sku, currency, CostSpan(since, until, amount))
        for sku, currency, since, until, amount in fetch_all(
            """SELECT s.code, k.currency, lower(k.valid), upper(k.valid), k.amount_minor
               FROM pricing_skucost k JOIN catalog_sku s ON s.id = k.sku_id WHERE s.code = ANY(%s::text[])""",
            [texts(skus)],
        )
    ]
    shelf.put(goods, price_book(skus, None, now), costs)
