"""Reads: what was asked for on each day, and what the forecasts mean for the stock."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from tongpan.core.bulk import fetch_all
from tongpan.core.clock import DEFAULT_ZONE, business_day
from tongpan.forecasting.demand.engine import Aims, Forecast, Outlook, outlook

HISTORY_DAYS = 182


@dataclass(frozen=True, slots=True)
class Series:
    """days: units of one SKU asked for on each day from ``first_day`` up to yesterday; None where nothing was to be
    had and nothing was asked for."""

    sku_id: int
    first_day: date
    days: list[int | None]


def history(*, now: datetime, days: int = HISTORY_DAYS) -> Iterator[Series]:
    """The demand of every SKU that was asked for in the last ``days`` whole days, by SKU id.

    Demand is what was ordered and not cancelled, on the order's business day; a kit asks for its parts. A day on
    which no saleable unit lay anywhere, none came and none was ordered is None. Before its first order or first
    goods a SKU has no days. Three statements.
    """
    end = business_day(now, DEFAULT_ZONE)
    start = end - timedelta(days=days)
    asked: dict[int, dict[date, int]] = defaultdict(dict)
    for sku_id, day, units in fetch_all(
        """SELECT coalesce(k.part_id, l.sku_id), o.business_date, sum(l.qty * coalesce(k.qty, 1))::bigint
           FROM orders_order o JOIN orders_orderline l ON l.order_id = o.id AND l.kind = 'goods' AND l.qty > 0
           LEFT JOIN catalog_kitpart k ON k.kit_id = l.sku_id
           WHERE o.business_date >= %s AND o.business_date < %s AND o.status <> 'cancelled'
           GROUP BY 1, 2""",
        [start, end],
    ):
        asked[sku_id][day] = units
    sku_ids = sorted(asked)
    moved: dict[int, dict[date, tuple[int, bool]]] = defaultdict(dict)
    for sku_id, day, delta, came in fetch_all(
        """SELECT m.sku_id, (m.occurred_at AT TIME ZONE %s)::date, sum(m.on_hand_delta)::bigint,
                  bool_or(m.on_hand_delta > 0)
           FROM inventory_movement m JOIN network_node n ON n.id = m.node_id AND n.kind <> 'in_transit'
           WHERE m.sku_id = ANY(%s) AND m.bucket = 'saleable' AND m.on_hand_delta <> 0
           GROUP BY 1, 2""",
        [DEFAULT_ZONE, sku_ids],
    ):
        moved[sku_id][day] = (delta, came)
    for sku_id in sku_ids:
        first = min([*asked[sku_id], *moved[sku_id]])
        yield _series(sku_id, max(start, first), end, asked[sku_id], moved[sku_id])


def _series(sku_id: int, start: date, end: date, asked: dict[date, int], moved: dict[date, tuple[int, bool]]) -> Series:
    lying = sum(delta for day, (delta, _) in moved.items() if day < start)
    days: list[int | None] = []
    for offset in range((end - start).days):
        day = start + timedelta(days=offset)
        delta, came = moved.get(day, (0, False))
        units = asked.get(day, 0)
        is_bare = bool(moved) and not units and lying <= 0 and not came
        days.append(None if is_bare else units)
        lying += delta
    return Series(sku_id, start, days)


@dataclass(frozen=True, slots=True)
class Expected:
    """One SKU: what is expected of its demand, and what becomes of its stock.

    free: saleable units of the whole pool promised to no order. on_order: units that suppliers are, or shall be,
    asked for.
    """

    sku_code: str
    sku_name: str
    category: str
    free: int
    on_order: int
    forecast: Forecast | None
    observed_days: int
    computed_at: datetime | None
    outlook: Outlook


def expected_list(*, aims: Aims, states: Collection[str] = (), text: str = "") -> list[Expected]:
    """Every SKU with a forecast or free units, by how soon it is out, then by code. One statement.

    states: keep only these (``engine.OutlookState``); none keeps all. text: the beginning of a code, or words of a
    name.
    """
    rows = fetch_all(
        """SELECT s.code, s.name, coalesce(c.name, ''), greatest(0, coalesce(p.on_hand - p.allocated - p.held, 0)),
                  coalesce(r.units, 0), d.method, d.week, d.weekly_error, d.wape, d.tested_weeks,
                  coalesce(d.observed_days, 0), d.computed_at
           FROM catalog_sku s
           JOIN catalog_product t ON t.id = s.product_id LEFT JOIN catalog_category c ON c.id = t.category_id
           LEFT JOIN inventory_pool p ON p.sku_id = s.id
           LEFT JOIN forecasting_demand d ON d.sku_id = s.id
           LEFT JOIN (SELECT sku_id, sum(qty)::bigint AS units FROM inventory_replenishment
                      WHERE state IN ('proposed', 'accepted') AND from_node_id IS NULL GROUP BY 1) r ON r.sku_id = s.id
           WHERE (d.sku_id IS NOT NULL OR coalesce(p.on_hand - p.allocated - p.held, 0) > 0)
             AND (%(text)s = '' OR starts_with(s.code, %(text)s) OR strpos(lower(s.name), lower(%(text)s)) > 0)""",
        {"text": text},
    )
    found = []
    for code, name, category, free, on_order, method, week, error, wape, tested, observed, at in rows:
        made = Forecast(method, tuple(week), error, wape, tested) if method else None
        seen = outlook(made, free, on_order, aims)
        if not states or seen.state in states:
            found.append(Expected(code, name, category, free, on_order, made, observed, at, seen))
    return sorted(found, key=lambda row: (_soon(row), row.sku_code))


def _soon(row: Expected) -> float:
    return float("inf") if row.outlook.days_left is None else row.outlook.days_left
