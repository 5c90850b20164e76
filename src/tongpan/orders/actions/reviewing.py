"""The review of orders that are new or changed: what their holds become."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from tongpan.access.vault import open_sealed
from tongpan.catalog.regions import province_of
from tongpan.core.bulk import as_json, execute, fetch_all
from tongpan.core.races import run_in_transaction
from tongpan.orders.actions.holding import blocked_orders
from tongpan.orders.actions.locking import Locked, lock_orders, log_changed
from tongpan.orders.contacts import phone_index
from tongpan.orders.review import (
    BLOCKING,
    Facts,
    Finding,
    OutOfRegion,
    Rules,
    StandingHold,
    UnderFloor,
    decide,
    parse_rules,
    review,
    seen_of,
)

ACTOR = "review"


class _Open(NamedTuple):
    order: Locked
    customer_id: int | None
    placed_at: datetime
    facts: Facts


def review_orders(order_ids: Collection[int], *, now: datetime) -> set[int]:
    """Open and release the holds of the review for those of ``order_ids`` that are placed or paid.

    Holds of orders that have left or are cancelled are released: there is nothing to hold back any more. For each
    order that nothing blocks any more an order.changed is logged, so that it is routed. Returns the orders with a
    new hold. Locks the orders in ascending order of id; the number of statements does not grow with the batch.
    """
    return run_in_transaction(lambda: _review(order_ids, now=now)) if order_ids else set()


def current_rules() -> tuple[int, Rules]:
    """The newest version of the rules and its number; 0 and the defaults when none was ever saved."""
    rows = fetch_all("SELECT version, rules::text FROM orders_reviewpolicy ORDER BY version DESC LIMIT 1")
    return (rows[0][0], parse_rules(json.loads(rows[0][1]))) if rows else (0, Rules())


def findings_of(order_ids: Collection[int], rules: Rules) -> dict[int, list[Finding]]:
    """What ``rules`` find in those of ``order_ids`` that are placed or paid; nothing is written or locked."""
    return {one.order.id: review(one.facts, rules) for one in _load(order_ids, rules)}


def _review(order_ids: Collection[int], *, now: datetime) -> set[int]:
    # All of them, also those that are not reviewed: routing locks them next, and in one order.
    lock_orders(order_ids)
    version, rules = current_rules()
    orders = _load(order_ids, rules)
    _release_moot(order_ids, now)
    standing = _standing([one.order.id for one in orders])
    opened: list[tuple[int, str, Sequence[Finding]]] = []
    renewed: list[tuple[int, str, Sequence[Finding]]] = []
    released: list[tuple[int, str]] = []
    for one in orders:
        order_id = one.order.id
        verdict = decide(review(one.facts, rules), standing.get(order_id, []))
        opened += [(order_id, reason, found) for reason, found in verdict.opened.items()]
        renewed += [(order_id, reason, found) for reason, found in verdict.renewed.items()]
        released += [(order_id, reason) for reason in verdict.released]
    _open(opened, version, now)
    _renew(renewed, version)
    _release(released, now)
    freed = {order_id for order_id, reason in released if reason in BLOCKING}
    freed -= blocked_orders(freed)
    log_changed([one.order for one in orders if one.order.id in freed], route=True)
    return {order_id for order_id, _, _ in opened}


def _load(order_ids: Collection[int], rules: Rules) -> list[_Open]:
    rows = fetch_all(
        """SELECT id, external_id, status, business_date, revision, customer_id, placed_at, currency, total_minor,
                   units, recipient_sealed, ship_province, ship_city, ship_latitude IS NOT NULL, buyer_note,
                   seller_note,
                   (SELECT jsonb_agg(n.territory ORDER BY n.code)::text FROM channels_shop h
                    JOIN network_service v ON v.shop_id = h.id
                    JOIN network_node n ON n.id = v.node_id AND n.kind = 'dealer' AND n.is_active
                    WHERE h.id = orders_order.shop_id AND h.kind = 'dealer')
            FROM orders_order WHERE id = ANY(%s) AND status IN ('placed', 'paid')
            ORDER BY id""",
        [sorted(order_ids)],
    )
    if not rows:
        return []
    contacts = {row[0]: json.loads(open_sealed(row[10])) if row[10] else ["", "", ""] for row in rows}
    provinces = {row[0]: province_of(row[11], row[12]) if row[11] or row[12] else "" for row in rows}
    limited = _out_of_region(provinces)
    floors = _under_floor(provinces) if rules.price_floor else {}
    listed = _listed({row[0]: row[5] for row in rows}, contacts) if rules.blacklist else {}
    recent = _recent([row[0] for row in rows], rules.orders_within) if rules.orders_within else {}
    return [
        _Open(
            Locked(*row[:5]),
            row[5],
            row[6],
            Facts(
                status=row[2],
                currency=row[7],
                total_minor=row[8],
                units=row[9],
                recipient=contacts[row[0]][0],
                phone=contacts[row[0]][1],
                address=contacts[row[0]][2],
                province=row[11],
                city=row[12],
                place_is_known=row[13],
                remarks=row[14:16],
                under_floor=floors.get(row[0], ()),
                out_of_region=limited.get(row[0], ()),
                territories=json.loads(row[16] or "[]"),
                listed=listed.get(row[0], ()),
                recent=recent.get(row[0], 0),
            ),
        )
        for row in rows
    ]


def _out_of_region(going_to: Mapping[int, str]) -> dict[int, list[OutOfRegion]]:
    """Lines of region-limited goods that go elsewhere. An order whose province is not known is not judged by it."""
    known = {order_id: province for order_id, province in going_to.items() if province}
    found: defaultdict[int, list[OutOfRegion]] = defaultdict(list)
    for order_id, line_no, sku, provinces in fetch_all(
        """SELECT l.order_id, l.line_no, s.code, array_agg(r.province::text ORDER BY r.province)
           FROM orders_orderline l JOIN catalog_skuregion r ON r.sku_id = l.sku_id JOIN catalog_sku s ON s.id = l.sku_id
           WHERE l.order_id = ANY(%s) AND l.kind = 'goods'
           GROUP BY l.order_id, l.line_no, s.code ORDER BY l.order_id, l.line_no""",
        [sorted(known)],
    ):
        if known[order_id] not in provinces:
            found[order_id].append(OutOfRegion(line_no, sku, provinces, known[order_id]))
    return found


def _under_floor(going_to: Mapping[int, str]) -> dict[int, list[UnderFloor]]:
    """Lines sold for less than the least net price of their SKU: that of the province they go to, or of everywhere."""
    found: defaultdict[int, list[UnderFloor]] = defaultdict(list)
    order_ids = sorted(going_to)
    for order_id, *line in fetch_all(
        """SELECT l.order_id, l.line_no, s.code, l.qty, l.amount_minor, f.least
           FROM unnest(%s::bigint[], %s::text[]) AS g(order_id, province)
           JOIN orders_orderline l ON l.order_id = g.order_id AND l.kind = 'goods'
           JOIN orders_order o ON o.id = l.order_id
           JOIN LATERAL (
             SELECT coalesce(p.min_net_minor, p.floor_minor) AS least FROM pricing_pricefloor p
             WHERE p.sku_id = l.sku_id AND p.currency = o.currency AND p.region IN ('', g.province)
             ORDER BY p.region = '' LIMIT 1) f ON l.amount_minor < f.least * l.qty
           JOIN catalog_sku s ON s.id = l.sku_id
           ORDER BY l.order_id, l.line_no""",
        [order_ids, [going_to[order_id] for order_id in order_ids]],
    ):
        found[order_id].append(UnderFloor(*line))
    return found


def _listed(customers: Mapping[int, int | None], contacts: Mapping[int, list[str]]) -> dict[int, set[str]]:
    """Which of "buyer" and "phone" of each order is on the blacklist."""
    phones = {order_id: index for order_id, contact in contacts.items() if (index := phone_index(contact[1]))}
    rows = fetch_all(
        """SELECT 'phone', digest, NULL::bigint FROM orders_blacklistentry
           WHERE kind = 'phone' AND removed_at IS NULL AND digest = ANY(%s)
           UNION ALL
           SELECT 'buyer', NULL, i.customer_id FROM orders_blacklistentry b
           JOIN customers_identifier i ON i.digest = b.digest
           WHERE b.kind = 'buyer' AND b.removed_at IS NULL AND i.customer_id = ANY(%s)""",
        [list(set(phones.values())), sorted({c for c in customers.values() if c is not None})],
    )
    bad_phones = {bytes(digest) for kind, digest, _ in rows if kind == "phone"}
    bad_buyers = {customer_id for kind, _, customer_id in rows if kind == "buyer"}
    listed: defaultdict[int, set[str]] = defaultdict(set)
    for order_id, customer_id in customers.items():
        if phones.get(order_id) in bad_phones:
            listed[order_id].add("phone")
        if customer_id in bad_buyers:
            listed[order_id].add("buyer")
    return listed


def _recent(order_ids: Sequence[int], within: tuple[int, int]) -> dict[int, int]:
    """How many orders, cancelled ones included, the buyer of each had placed in the minutes up to it."""
    return dict(
        fetch_all(
            """SELECT o.id, n.orders FROM orders_order o CROSS JOIN LATERAL (
                 SELECT count(*)::int AS orders FROM orders_order b
                 WHERE b.customer_id = o.customer_id AND b.placed_at <= o.placed_at
                   AND b.placed_at > o.placed_at - make_interval(mins => %s)) n
               WHERE o.id = ANY(%s) AND o.customer_id IS NOT NULL""",
            [within[1], list(order_ids)],
        )
    )


def _standing(order_ids: Sequence[int]) -> dict[int, list[StandingHold]]:
    standing: defaultdict[int, list[StandingHold]] = defaultdict(list)
    if order_ids:
        for order_id, reason, is_open, by, data in fetch_all(
            """SELECT order_id, reason, released_at IS NULL, released_by, data::text FROM orders_hold
               WHERE order_id = ANY(%s) ORDER BY id""",
            [list(order_ids)],
        ):
            found = json.loads(data).get("found", [])
            standing[order_id].append(StandingHold(reason, is_open, found, by not in ("", ACTOR)))
    return standing


def _columns(holds: Sequence[tuple[int, str, Sequence[Finding]]], version: int) -> list[list[Any]]:
    return [
        [order_id for order_id, _, _ in holds],
        [reason for _, reason, _ in holds],
        [" ".join(finding.sentence for finding in found) for _, _, found in holds],
        [as_json({"policy": version, "found": seen_of(found)}) for _, _, found in holds],
    ]


def _open(holds: Sequence[tuple[int, str, Sequence[Finding]]], version: int, now: datetime) -> None:
    if holds:
        execute(
            """INSERT INTO orders_hold (order_id, reason, detail, data, opened_at, opened_by, released_by)
               SELECT h.order_id, h.reason, h.detail, h.data::jsonb, %s, %s, ''
               FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[]) AS h(order_id, reason, detail, data)
               ON CONFLICT DO NOTHING""",
            [now, ACTOR, *_columns(holds, version)],
        )


def _renew(holds: Sequence[tuple[int, str, Sequence[Finding]]], version: int) -> None:
    if holds:
        execute(
            """UPDATE orders_hold o SET detail = h.detail, data = h.data::jsonb
               FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[]) AS h(order_id, reason, detail, data)
               WHERE o.order_id = h.order_id AND o.reason = h.reason AND o.released_at IS NULL""",
            _columns(holds, version),
        )


def _release(holds: Sequence[tuple[int, str]], now: datetime) -> None:
    if holds:
        execute(
            """UPDATE orders_hold o SET released_at = %s, released_by = %s, release_note = 'no longer found'
               FROM unnest(%s::bigint[], %s::text[]) AS h(order_id, reason)
               WHERE o.order_id = h.order_id AND o.reason = h.reason AND o.released_at IS NULL""",
            [now, ACTOR, [order_id for order_id, _ in holds], [reason for _, reason in holds]],
        )


def _release_moot(order_ids: Collection[int], now: datetime) -> None:
    execute(
        """UPDATE orders_hold h SET released_at = %s, released_by = %s, release_note = 'the order is ' || o.status
           FROM orders_order o
           WHERE o.id = h.order_id AND h.order_id = ANY(%s) AND h.released_at IS NULL
             AND h.reason = ANY(%s) AND o.status NOT IN ('placed', 'paid')""",
        [now, ACTOR, sorted(order_ids), [*BLOCKING, "unpaid"]],
    )
