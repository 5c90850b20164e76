"""Reads of counts: sheets, how right the book was at each node, and what should be counted next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.db.models import Count, Prefetch, Q, QuerySet

from tongpan.core.bulk import fetch_all
from tongpan.core.stored import stored
from tongpan.inventory.engine.counting import CountRules, accuracy, rules_of
from tongpan.inventory.models import CountLine, CountSheet

RULES_KEY = "inventory.counts"
MOVING_DAYS = 90
"""The stretch whose shipped units sort goods into classes."""


def count_rules() -> CountRules:
    """The rules in force."""
    return rules_of(stored(RULES_KEY))


@dataclass(frozen=True, slots=True)
class SheetFilter:
    """state: one state, or "" for any."""

    state: str = ""
    node_id: int | None = None


def select_sheets(wanted: SheetFilter) -> QuerySet[CountSheet]:
    rows = CountSheet.objects.select_related("node")
    if wanted.state:
        rows = rows.filter(state=wanted.state)
    return rows if wanted.node_id is None else rows.filter(node=wanted.node_id)


def fetch_sheets(wanted: SheetFilter, offset: int, limit: int) -> list[CountSheet]:
    """A page of sheets, newest first, with node, ``line_count`` and ``counted_count``."""
    rows = select_sheets(wanted).annotate(
        line_count=Count("lines"), counted_count=Count("lines", filter=Q(lines__counted__isnull=False))
    )
    return list(rows.order_by("-snapshot_at", "-id")[offset : offset + limit])


def count_sheets(wanted: SheetFilter, cap: int) -> int:
    return select_sheets(wanted).order_by()[:cap].count()


def sheet_by_id(sheet_id: int) -> CountSheet | None:
    """One sheet with its node and, as ``shown_lines``, its lines with their SKUs."""
    return with_lines(CountSheet.objects.filter(pk=sheet_id)).first()


def with_lines(rows: QuerySet[CountSheet]) -> QuerySet[CountSheet]:
    lines = CountLine.objects.select_related("sku").order_by("line_no")
    return rows.select_related("node").prefetch_related(Prefetch("lines", lines, to_attr="shown_lines"))


@dataclass(frozen=True, slots=True)
class Accuracy:
    """How right the book of a node was (KPI-58). lines: SKUs counted; exact: of which the book was right.

    book: units that the book had; off: units found more or less. ratio: from 0 to 1, None without a count.
    """

    node_id: int | None
    node: str
    lines: int
    exact: int
    book: int
    off: int
    ratio: Decimal | None
    is_met: bool | None


def accuracy_by_node(start: datetime, end: datetime) -> tuple[list[Accuracy], Accuracy]:
    """The accuracy of every node whose counts were booked in [start, end), by code, and that of all together.

    A sheet counts with what was expected at the instant of counting, so that movements meanwhile are no error.
    """
    rules = count_rules()
    rows = fetch_all(
        """SELECT n.id, n.name, count(*), count(*) FILTER (WHERE l.counted = l.expected),
                  sum(l.expected)::bigint, sum(abs(l.counted - l.expected))::bigint
           FROM inventory_countsheet s JOIN inventory_countline l ON l.sheet_id = s.id
           JOIN network_node n ON n.id = s.node_id
           WHERE s.state = 'booked' AND s.booked_at >= %s AND s.booked_at < %s AND l.counted IS NOT NULL
           GROUP BY n.id ORDER BY n.code""",
        [start, end],
    )
    found = [_accuracy(rules, node_id, node, figures) for node_id, node, *figures in rows]
    return found, _accuracy(rules, None, "", [sum(row[i] for row in rows) for i in range(2, 6)])


def _accuracy(rules: CountRules, node_id: int | None, node: str, figures: Sequence[int]) -> Accuracy:
    lines, exact, book, off = figures
    ratio = accuracy(lines, exact, book, off, rules.accuracy)
    is_met = None if ratio is None else ratio * 100 >= rules.target_percent
    return Accuracy(node_id, node, lines, exact, book, off, ratio, is_met)


@dataclass(frozen=True, slots=True)
class Due:
    """A SKU at a node that should be counted.

    rank: A for those that make up the first 80 % of what leaves, B for the next 15 %, C for the rest. counted_at: when
    it was last, or None. days: how long ago it was counted or first stocked.
    """

    sku_id: int
    sku_code: str
    name: str
    on_hand: int
    shipped: int
    rank: str
    counted_at: datetime | None
    days: int


def due_counts(node_id: int, now: datetime, limit: int = 50) -> Sequence[Due]:
    """What should be counted at a node now, the most urgent first: A before B before C, then the longest uncounted.

    A SKU is due when it has not been counted for as many days as the rules allow its class. Its class follows from the
    units of it that left the node in the last MOVING_DAYS days.
    """
    rules = count_rules()
    rows = fetch_all(
        """WITH here AS (
             SELECT l.sku_id, l.on_hand FROM inventory_level l
             WHERE l.node_id = %(node)s AND l.bucket = 'saleable' AND l.on_hand > 0),
           moved AS (
             SELECT m.sku_id, -sum(m.on_hand_delta) FILTER (WHERE m.kind IN ('dispatched', 'sent')
                                                             AND m.occurred_at >= %(since)s) AS shipped,
                    max(m.occurred_at) FILTER (WHERE m.kind = 'counted') AS counted_at, min(m.occurred_at) AS first_at
             FROM inventory_movement m JOIN here USING (sku_id)
             WHERE m.node_id = %(node)s AND m.bucket = 'saleable' GROUP BY 1),
           looked AS (
             SELECT l.sku_id, max(l.counted_at) AS counted_at
             FROM inventory_countline l JOIN inventory_countsheet s ON s.id = l.sheet_id JOIN here USING (sku_id)
             WHERE s.node_id = %(node)s AND s.state <> 'cancelled' AND l.bucket = 'saleable' GROUP BY 1),
           summed AS (
             SELECT h.sku_id, h.on_hand, coalesce(m.shipped, 0)::bigint AS shipped,
                    greatest(m.counted_at, k.counted_at) AS counted_at, m.first_at,
                    sum(coalesce(m.shipped, 0)) OVER () AS everything,
                    sum(coalesce(m.shipped, 0)) OVER (ORDER BY coalesce(m.shipped, 0) DESC, h.sku_id
                                                      ROWS UNBOUNDED PRECEDING) - coalesce(m.shipped, 0) AS before
             FROM here h LEFT JOIN moved m USING (sku_id) LEFT JOIN looked k USING (sku_id)),
           ranked AS (
             SELECT *, CASE WHEN shipped = 0 THEN 'C' WHEN before < everything * 0.80 THEN 'A'
                            WHEN before < everything * 0.95 THEN 'B' ELSE 'C' END AS rank,
                    extract(epoch FROM %(now)s - coalesce(counted_at, first_at, %(now)s))::bigint / 86400 AS days
             FROM summed)
           SELECT r.sku_id, s.code, s.name, r.on_hand, r.shipped, r.rank, r.counted_at, r.days
           FROM ranked r JOIN catalog_sku s ON s.id = r.sku_id
           WHERE (r.counted_at IS NULL AND r.days >= 1)
              OR r.days >= CASE r.rank WHEN 'A' THEN %(a)s WHEN 'B' THEN %(b)s ELSE %(c)s END
           ORDER BY r.rank, r.days DESC, s.code LIMIT %(limit)s""",
        {
            "node": node_id,
            "now": now,
            "since": now - timedelta(days=MOVING_DAYS),
            "a": rules.days_a,
            "b": rules.days_b,
            "c": rules.days_c,
            "limit": limit,
        },
    )
    return [Due(*row) for row in rows]
