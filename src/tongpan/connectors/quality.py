"""How well the channels' copies and ours agree: rows that were refused, orders that differ, customers, and delays.

Everything is read for a window of days that ends now. Rates are (number, base) pairs, so that a page can show both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tongpan.core.bulk import fetch_all

REASONS = ("status_unknown", "paid_differs", "lines_missing", "unbooked", "copy_refused", "changed_here", "not_taken")
MOST_LISTED = 500


@dataclass(frozen=True, slots=True)
class Flow:
    """Rows of one kind that came for one channel ("" for files of several), and how many were refused."""

    channel: str
    kind: str
    seen: int
    rejected: int
    last_at: datetime | None


@dataclass(frozen=True, slots=True)
class Agreement:
    """How many of ``base`` records of a channel do not agree, or, for customers, how many agree."""

    channel: str
    number: int
    base: int


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A record that differs from the channel's copy. order_id: None for one that is not in at all."""

    channel: str
    shop: str
    number: str
    order_id: int | None
    reasons: tuple[str, ...]
    detail: str


@dataclass(frozen=True, slots=True)
class ChannelLag:
    """When the last order of a channel was placed and recorded here, and how long recording took at the median."""

    channel: str
    last_placed_at: datetime | None
    last_recorded_at: datetime | None
    median_delay_seconds: float | None


def flows(since: datetime) -> list[Flow]:
    """What came since then by file, webhook and platform interface, and what was pushed, by channel and kind."""
    rows = fetch_all(
        """SELECT coalesce(c.code, ''), 'file: ' || i.format, sum((i.result->>'rows')::bigint)::bigint,
                  sum((i.result->>'rejected')::bigint)::bigint, max(i.finished_at)
           FROM connectors_import i LEFT JOIN channels_shop s ON s.code = i.result->>'shop'
           LEFT JOIN channels_channel c ON c.id = s.channel_id
           WHERE i.status = 'done' AND NOT i.is_dry_run AND i.finished_at >= %(since)s AND i.result ? 'rows'
           GROUP BY 1, 2
           UNION ALL
           SELECT c.code, 'webhook', count(*), count(*) FILTER (WHERE m.state = 'failed'), max(m.received_at)
           FROM connectors_inboundmessage m JOIN connectors_inboundsource q ON q.id = m.source_id
           JOIN channels_shop s ON s.id = q.shop_id JOIN channels_channel c ON c.id = s.channel_id
           WHERE m.state IN ('done', 'failed') AND m.received_at >= %(since)s GROUP BY 1
           UNION ALL
           SELECT c.code, 'pushed: ' || p.kind, count(*), count(*) FILTER (WHERE p.state = 'dead'), max(p.ended_at)
           FROM connectors_push p JOIN connectors_account a ON a.id = p.account_id
           JOIN channels_shop s ON s.id = a.shop_id JOIN channels_channel c ON c.id = s.channel_id
           WHERE p.state IN ('sent', 'dead') AND p.ended_at >= %(since)s GROUP BY 1, 2
           ORDER BY 1, 2""",
        {"since": since},
    )
    return [Flow(*row) for row in rows]


_DIFFERING = """
    WITH refused AS (
        SELECT DISTINCT m.document_id AS id FROM connectors_inboundmessage m
        WHERE m.state = 'failed' AND m.document_id IS NOT NULL
        UNION SELECT o.id FROM connectors_refusedorder r JOIN connectors_account a ON a.id = r.account_id
              JOIN orders_order o ON (o.shop_id, o.external_id) = (a.shop_id, r.external_id)),
      judged AS (
        SELECT o.id, o.channel_id, o.shop_id, o.external_id, o.channel_status,
               array_remove(ARRAY[
                 CASE WHEN NOT o.is_status_known THEN 'status_unknown' END,
                 CASE WHEN o.paid_minor <> p.paid THEN 'paid_differs' END,
                 CASE WHEN o.total_minor <> 0
                       AND NOT EXISTS (SELECT FROM orders_orderline l WHERE l.order_id = o.id) THEN 'lines_missing' END,
                 CASE WHEN EXISTS (SELECT FROM orders_hold h WHERE h.order_id = o.id AND h.reason = 'unbooked'
                                     AND h.released_at IS NULL) THEN 'unbooked' END,
                 CASE WHEN o.id IN (SELECT id FROM refused) THEN 'copy_refused' END,
                 CASE WHEN cardinality(o.local_fields) > 0 THEN 'changed_here' END], NULL) AS reasons
        FROM orders_order o
        LEFT JOIN (SELECT order_id, sum(amount_minor)::bigint AS paid FROM orders_payment GROUP BY 1) p
               ON p.order_id = o.id
        WHERE o.placed_at >= %(since)s),
      absent AS (
        SELECT a.shop_id, r.external_id, r.reason FROM connectors_refusedorder r
        JOIN connectors_account a ON a.id = r.account_id
        WHERE NOT EXISTS (SELECT FROM orders_order o WHERE (o.shop_id, o.external_id) = (a.shop_id, r.external_id))
        UNION ALL
        SELECT q.shop_id, m.message_id, m.reason FROM connectors_inboundmessage m
        JOIN connectors_inboundsource q ON q.id = m.source_id
        WHERE m.state = 'failed' AND m.document_id IS NULL AND m.received_at >= %(since)s)"""


def disagreements(since: datetime) -> list[Agreement]:
    """KPI-55: of each channel the orders that differ from the channel's copy or did not get in, and all that came."""
    rows = fetch_all(
        f"""{_DIFFERING}
            SELECT c.code, sum(x.number)::bigint, sum(x.base)::bigint FROM (
              SELECT channel_id, count(*) FILTER (WHERE cardinality(reasons) > 0) AS number, count(*) AS base
              FROM judged GROUP BY 1
              UNION ALL SELECT s.channel_id, count(*), count(*) FROM absent b
                        JOIN channels_shop s ON s.id = b.shop_id GROUP BY 1) x
            JOIN channels_channel c ON c.id = x.channel_id GROUP BY 1 ORDER BY 1""",
        {"since": since},
    )
    return [Agreement(*row) for row in rows]


def mismatches(since: datetime, limit: int = MOST_LISTED) -> list[Mismatch]:
    """The records that ``disagreements`` counts, those that are not in first, then the newest; ``limit`` at most."""
    rows = fetch_all(
        f"""{_DIFFERING}
            SELECT c.code, s.code, x.number, x.id, x.reasons, x.detail FROM (
              SELECT shop_id, external_id AS number, NULL::bigint AS id, ARRAY['not_taken'] AS reasons, reason AS detail
              FROM absent
              UNION ALL
              SELECT shop_id, external_id, id, reasons, channel_status FROM judged WHERE cardinality(reasons) > 0) x
            JOIN channels_shop s ON s.id = x.shop_id JOIN channels_channel c ON c.id = s.channel_id
            ORDER BY x.id DESC NULLS FIRST, x.number LIMIT %(limit)s""",
        {"since": since, "limit": limit},
    )
    return [Mismatch(c, s, n, i, tuple(reasons), detail) for c, s, n, i, reasons, detail in rows]


def customer_agreement(since: datetime) -> tuple[Agreement, list[Agreement]]:
    """KPI-13, in total and by channel: customers of several channels whose records are the same on each of them.

    Compared is every field that the records share: the place (province and city), the recipient and the phone, the
    latter two by the vault's blind indexes. Of each channel its latest word counts; it agrees when it is the latest
    word of any channel. A field that only one channel tells, masks or leaves out says nothing.
    """
    rows = fetch_all(
        """WITH several AS (
             SELECT customer_id FROM orders_order WHERE placed_at >= %(since)s AND customer_id IS NOT NULL
             GROUP BY 1 HAVING count(DISTINCT channel_id) > 1),
           latest AS (
             SELECT DISTINCT ON (o.customer_id, f.field, o.channel_id)
                    o.customer_id, f.field, o.channel_id, o.placed_at, o.id, f.value
             FROM orders_order o JOIN several USING (customer_id)
             LEFT JOIN orders_ordercontact k ON k.order_id = o.id
             CROSS JOIN LATERAL (VALUES
               ('place', CASE WHEN o.ship_province <> '' OR o.ship_city <> ''
                              THEN convert_to(o.ship_province || E'\\x1f' || o.ship_city, 'UTF8') END),
               ('recipient', k.recipient_index), ('phone', k.phone_index)) AS f(field, value)
             WHERE o.placed_at >= %(since)s AND f.value <> ''::bytea
             ORDER BY o.customer_id, f.field, o.channel_id, o.placed_at DESC, o.id DESC),
           compared AS (
             SELECT customer_id, channel_id,
                    value = first_value(value) OVER (PARTITION BY customer_id, field ORDER BY placed_at DESC, id DESC)
                      AS agrees,
                    count(*) OVER (PARTITION BY customer_id, field) AS channels
             FROM latest),
           records AS (
             SELECT customer_id, channel_id, bool_and(agrees) AS agree
             FROM compared WHERE channels > 1 GROUP BY 1, 2)
           SELECT NULL, count(*) FILTER (WHERE agree), count(*)
           FROM (SELECT bool_and(agree) AS agree FROM records GROUP BY customer_id) t
           UNION ALL
           SELECT * FROM (
             SELECT c.code, count(*) FILTER (WHERE r.agree), count(*) FROM records r
             JOIN channels_channel c ON c.id = r.channel_id GROUP BY 1 ORDER BY 1) p""",
        {"since": since},
    )
    total = next(row for row in rows if row[0] is None)
    return Agreement("", total[1], total[2]), [Agreement(*row) for row in rows if row[0] is not None]


def channel_lags(since: datetime) -> list[ChannelLag]:
    """Of every channel when it was heard of last, and the median time from placing to recording since then."""
    rows = fetch_all(
        """SELECT c.code, l.placed_at, l.recorded_at,
                  (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM d.delay)) FROM (
                     SELECT o.recorded_at - o.placed_at AS delay FROM orders_order o
                     WHERE o.channel_id = c.id AND o.placed_at >= %s ORDER BY o.placed_at DESC LIMIT 1000) d)
           FROM channels_channel c LEFT JOIN LATERAL (
             SELECT o.placed_at, o.recorded_at FROM orders_order o WHERE o.channel_id = c.id
             ORDER BY o.placed_at DESC, o.id DESC LIMIT 1) l ON true
           ORDER BY l.placed_at DESC NULLS LAST, c.code""",
        [since],
    )
    return [
        ChannelLag(code, placed_at, recorded_at, None if delay is None else float(delay))
        for code, placed_at, recorded_at, delay in rows
    ]


def rate(number: int, base: int) -> float | None:
    """``number`` of ``base`` as a share with six decimals, None of nothing."""
    return round(number / base, 6) if base else None


def as_json(one: Agreement) -> Mapping[str, Any]:
    """An agreement with its rate."""
    return {"channel": one.channel, "number": one.number, "base": one.base, "rate": rate(one.number, one.base)}
