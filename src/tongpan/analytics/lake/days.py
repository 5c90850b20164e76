"""Which days a pass over the lake has to look at, cut into parts that fit into memory."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date, timedelta

from tongpan.analytics.lake import manifest
from tongpan.analytics.lake.table import Table
from tongpan.analytics.lake.tables import FACTS, TABLES
from tongpan.core.bulk import fetch_all
from tongpan.core.clock import DEFAULT_ZONE

# Rows of orders and returns that are staged at once; bounds the memory and the scratch space of a rebuild.
CHUNK_DOCUMENTS = 200_000
TABLES_OF = {
    "order": ("orders", "order_lines", "fulfillments", "return_cases"),
    "return": ("returns", "return_lines"),
    "correction": ("corrections",),
    "channel_day": ("channel_days",),
    "stock": ("stock_moves",),
    "count": ("count_lines",),
    "daily_value": ("daily_values",),
}
"""The facts that each kind of document is in."""


def days_of_partition(table: Table, partition: str) -> list[date]:
    """Every calendar day that ``partition`` of a fact covers."""
    if table.grain == "day":
        return [date.fromisoformat(partition)]
    first = date.fromisoformat(f"{partition}-01")
    following = (first + timedelta(days=32)).replace(day=1)
    return [first + timedelta(days=n) for n in range((following - first).days)]


def all_days() -> dict[str, set[date]]:
    """The days of every fact: those of the database, and those that the lake has a partition for."""
    in_database = fetch_all(
        """SELECT 'order', business_date FROM orders_order GROUP BY 2
           UNION ALL SELECT 'return', business_date FROM orders_return GROUP BY 2
           UNION ALL SELECT 'correction', business_date FROM orders_correction GROUP BY 2
           UNION ALL SELECT 'channel_day', day FROM analytics_channelday GROUP BY 2
           UNION ALL SELECT 'stock', (occurred_at AT TIME ZONE %(zone)s)::date FROM inventory_movement
                     WHERE node_id IS NOT NULL AND bucket = 'saleable' AND on_hand_delta <> 0 GROUP BY 2
           UNION ALL SELECT 'count', (booked_at AT TIME ZONE %(zone)s)::date FROM inventory_countsheet
                     WHERE state = 'booked' GROUP BY 2
           UNION ALL SELECT 'daily_value', day FROM analytics_dailyvalue GROUP BY 2""",
        {"zone": DEFAULT_ZONE},
    )
    days: dict[str, set[date]] = defaultdict(set)
    for document, day in in_database:
        for table in TABLES_OF[document]:
            days[table].add(day)
    _, current = manifest.current([table.name for table in FACTS])
    for name, partition in current:
        days[name].update(days_of_partition(TABLES[name], partition))
    return days


def chunks(touched: Mapping[str, Collection[date]]) -> Iterator[dict[str, list[date]]]:
    """``touched`` cut into parts that fit into memory, whatever the length of the history.

    Tables by the month are small: all of them are one part, with all days of their months.
    """
    by_month = {
        name: sorted({day for part in set(map(table.partition, days)) for day in days_of_partition(table, part)})
        for name, days in touched.items()
        if days and (table := TABLES[name]).grain == "month"
    }
    if by_month:
        yield by_month
    by_day = {name: set(days) for name, days in touched.items() if TABLES[name].grain == "day"}
    days = sorted(set().union(*by_day.values()))
    sizes = _documents_by_day(days)
    pending: list[date] = []
    documents = 0
    for day in days:
        if pending and documents + sizes.get(day, 0) > CHUNK_DOCUMENTS:
            yield _restrict(by_day, pending)
            pending, documents = [], 0
        pending.append(day)
        documents += sizes.get(day, 0)
    if pending:
        yield _restrict(by_day, pending)


def _restrict(touched: Mapping[str, Collection[date]], days: Sequence[date]) -> dict[str, list[date]]:
    kept = {name: [day for day in days if day in wanted] for name, wanted in touched.items()}
    return {name: wanted for name, wanted in kept.items() if wanted}


def _documents_by_day(days: Sequence[date]) -> dict[date, int]:
    rows = fetch_all(
        """SELECT business_date, sum(n) FROM (
             SELECT business_date, count(*) AS n FROM orders_order WHERE business_date = ANY(%(days)s) GROUP BY 1
             UNION ALL
             SELECT business_date, count(*) FROM orders_return WHERE business_date = ANY(%(days)s) GROUP BY 1
           ) documents GROUP BY 1""",
        {"days": list(days)},
    )
    return {day: int(count) for day, count in rows}
