"""The check before launch with what is expected to be sold: the forecast of each SKU, split as channels sold before."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta

from tongpan.core.bulk import fetch_all
from tongpan.core.clock import DEFAULT_ZONE, business_day
from tongpan.promotions.conflicts.actions import check_draft
from tongpan.promotions.conflicts.models import Check

PAST_DAYS = 28


def expected_sales(*, now: datetime) -> dict[str, dict[str, int]]:
    """Channel → SKU → thousandths of a unit that are expected to be sold on a day.

    The mean day of the SKU's forecast, or of the last ``PAST_DAYS`` whole days for one without a forecast, split by
    what each channel sold in those days. One statement.
    """
    end = business_day(now, DEFAULT_ZONE)
    rows = fetch_all(
        """WITH sold AS (
             SELECT c.code AS channel, l.sku_id, sum(l.qty)::numeric AS units
             FROM orders_order o JOIN orders_orderline l ON l.order_id = o.id AND l.kind = 'goods' AND l.qty > 0
               JOIN channels_shop h ON h.id = o.shop_id JOIN channels_channel c ON c.id = h.channel_id
             WHERE o.business_date >= %s AND o.business_date < %s AND o.status <> 'cancelled' GROUP BY 1, 2)
           SELECT d.channel, s.code,
             coalesce((SELECT sum(w)::numeric / 7 FROM unnest(f.week) w), x.units / %s) * d.units / x.units
           FROM sold d JOIN (SELECT sku_id, sum(units) AS units FROM sold GROUP BY 1) x ON x.sku_id = d.sku_id
             JOIN catalog_sku s ON s.id = d.sku_id LEFT JOIN forecasting_demand f ON f.sku_id = d.sku_id""",
        [end - timedelta(days=PAST_DAYS), end, PAST_DAYS],
    )
    found: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for channel, sku, daily in rows:
        found[channel][sku] = int(daily * 1000)
    return dict(found)


def check_launch(name: str, *, campaign: str = "", actor: str, now: datetime) -> Check:
    """``check_draft`` with ``expected_sales``."""
    return check_draft(name, expected=expected_sales(now=now), campaign=campaign, actor=actor, now=now)
