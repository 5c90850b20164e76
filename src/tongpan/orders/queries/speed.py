"""How long orders take until they leave (KPI-11), and how many leave in an hour and on time (KPI-75)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from tongpan.core.bulk import fetch_all


@dataclass(frozen=True, slots=True)
class Processing:
    """The orders of one channel ("" for all) that were paid and have left, of the business days asked for.

    Times are hours from payment to dispatch. per_hour: orders that left, for each hour in which any left.
    on_time: share of those with a promise that left by it; None when nothing was promised. A dispatch before its
    payment (cash on delivery) has no processing time and counts for the other two only.
    """

    channel: str
    orders: int
    mean: float | None
    median: float | None
    p90: float | None
    p95: float | None
    dispatched: int
    hours: int
    promised: int
    kept: int

    @property
    def per_hour(self) -> float | None:
        return self.dispatched / self.hours if self.hours else None

    @property
    def on_time(self) -> float | None:
        return self.kept / self.promised if self.promised else None


def processing_times(day_from: date, day_to: date) -> list[Processing]:
    """Of orders placed on business days in [day_from, day_to): all first, then each channel by code. One statement.

    Cancelled orders do not count. Simulated orders do, as everywhere.
    """
    rows = fetch_all(
        """SELECT coalesce(c.code, ''), count(*) FILTER (WHERE o.took >= 0), avg(o.took) FILTER (WHERE o.took >= 0),
                  percentile_cont(ARRAY[0.5, 0.9, 0.95]) WITHIN GROUP (ORDER BY o.took) FILTER (WHERE o.took >= 0),
                  count(*), count(DISTINCT date_trunc('hour', o.dispatched_at, 'UTC')),
                  count(o.promised_at), count(*) FILTER (WHERE o.dispatched_at <= o.promised_at)
           FROM (SELECT channel_id, dispatched_at, promised_at,
                        extract(epoch FROM dispatched_at - paid_at)::float8 / 3600 AS took
                 FROM orders_order
                 WHERE business_date >= %s AND business_date < %s AND dispatched_at IS NOT NULL
                   AND status <> 'cancelled') o
           JOIN channels_channel c ON c.id = o.channel_id
           GROUP BY GROUPING SETS ((), (c.code)) ORDER BY c.code NULLS FIRST""",
        [day_from, day_to],
    )
    return [
        Processing(code, orders, mean, median, p90, p95, dispatched, hours, promised, kept)
        for code, orders, mean, shares, dispatched, hours, promised, kept in rows
        for median, p90, p95 in [shares or (None, None, None)]
    ]
