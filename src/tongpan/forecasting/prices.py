"""What the dynamic price model is told of demand, stock and supply (PRI-09)."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from decimal import Decimal

from tongpan.core.bulk import fetch_all
from tongpan.forecasting.demand.engine import Aims
from tongpan.forecasting.demand.queries import expected_list
from tongpan.pricing.engine.dynamic import Market
from tongpan.pricing.queries import price_book

USUAL_DAYS = 28
_RIVAL_DAYS = 14


def markets(sku_codes: Collection[str], channel: str, *, now: datetime) -> list[Market]:
    """The market of those of ``sku_codes`` that have a list price and a guide price on ``channel``, by code.

    Demand: what is forecast for the next week against what left in the last four. Competitor: the lowest effective
    price seen in two weeks. A constant number of statements.
    """
    book = price_book(sku_codes, [channel], now)
    aims = Aims()
    expected = {row.sku_code: row for row in expected_list(aims=aims)}
    usual = dict(
        fetch_all(
            """SELECT s.code, -sum(m.on_hand_delta) FROM inventory_movement m JOIN catalog_sku s ON s.id = m.sku_id
               WHERE m.kind = 'dispatched' AND m.bucket = 'saleable' AND m.occurred_at >= %s AND m.occurred_at < %s
                 AND s.code = ANY(%s) GROUP BY 1""",
            [now - timedelta(days=USUAL_DAYS), now, sorted(sku_codes)],
        )
    )
    rivals = dict(
        fetch_all(
            """SELECT s.code, min(o.effective_minor) FROM patrol_observation o JOIN catalog_sku s ON s.id = o.sku_id
               WHERE o.seller_class = 'competitor' AND o.observed_at >= %s AND s.code = ANY(%s) AND o.currency = %s
               GROUP BY 1""",
            [now - timedelta(days=_RIVAL_DAYS), sorted(sku_codes), book.currency(channel)],
        )
    )
    currency = book.currency(channel)
    found = []
    for sku in sorted(sku_codes):
        price, band = book.price(sku, channel), book.band(sku, channel)
        if price is None or band is None:
            continue
        row = expected.get(sku)
        week = sum(row.forecast.week) if row and row.forecast else None
        sold = int(usual.get(sku, 0))
        found.append(
            Market(
                sku,
                channel,
                price.amount_minor,
                *band,
                floor_minor=book.floor(sku, "", currency),
                cost_minor=book.cost(sku, currency),
                demand_ratio=_ratio(week, sold),
                cover_days=None
                if row is None or row.outlook.days_left is None
                else Decimal(str(round(row.outlook.days_left, 1))),
                lead_days=aims.lead_days,
                max_days=aims.max_days,
                on_order=row.on_order if row else 0,
                competitor_minor=rivals.get(sku),
            )
        )
    return found


def _ratio(week: float | None, sold: int) -> Decimal | None:
    """Forecast ÷ usual units a week; None when either is not known or nothing sold."""
    if week is None or sold <= 0:
        return None
    return (Decimal(str(round(week, 3))) / (Decimal(sold) / (USUAL_DAYS // 7))).quantize(Decimal("0.001"))
