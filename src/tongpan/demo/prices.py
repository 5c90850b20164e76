"""The demo company's prices: guide prices, channel prices, floors and costs, all derived from what its orders paid."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from tongpan.core.bulk import fetch_all
from tongpan.demo.company import ACTOR
from tongpan.pricing.actions import (
    CostSpec,
    FloorSpec,
    ListSpec,
    PriceChange,
    request_changes,
    save_lists,
    set_costs,
    set_floors,
)
from tongpan.pricing.actions.watching import put_prices
from tongpan.pricing.models import PriceList

BEGAN = timedelta(days=120)
CHANGED = timedelta(days=30)
_CHANNEL_PCT = (97, 100, 102, 104, 96)
_COST_PCT, _FLOOR_PCT, _NET_PCT, _MEMBER_PCT = 60, 80, 40, 97


def set_prices(sku_codes: Sequence[str], channels: Sequence[str], now: datetime) -> None:
    """Give SKUs the prices that a company would have set; done twice, it is done once.

    The guide price is the median of what a unit was sold for, four months ago 3 % less; channels ask 96 to 104 % of it.
    A price outside the band and one under the cost wait for a person to decide.
    """
    if PriceList.objects.exists() or not sku_codes:
        return
    paid = fetch_all(
        """SELECT s.code, percentile_disc(0.5) WITHIN GROUP (ORDER BY l.amount_minor / l.qty)::bigint
           FROM orders_orderline l JOIN catalog_sku s ON s.id = l.sku_id JOIN orders_order o ON o.id = l.order_id
           WHERE s.code = ANY(%s) AND l.kind = 'goods' AND l.qty > 0 AND l.amount_minor >= 10 * l.qty
             AND o.currency = 'CNY'
           GROUP BY 1 ORDER BY 1""",
        [list(sku_codes)],
    )
    if not paid:
        return
    first, second = now - BEGAN, now - CHANGED
    set_floors(
        [FloorSpec(sku, "CNY", max(1, m * _FLOOR_PCT // 100), "", max(1, m * _NET_PCT // 100)) for sku, m in paid],
        actor=ACTOR,
        now=first,
    )
    set_costs([CostSpec(sku, "CNY", m * _COST_PCT // 100) for sku, m in paid], actor=ACTOR, now=first)
    request_changes(
        [PriceChange("guide", sku, max(1, m * 97 // 100)) for sku, m in paid],
        why="demo",
        source="demo",
        actor=ACTOR,
        now=first,
    )
    request_changes(
        [PriceChange("guide", sku, m) for sku, m in paid]
        + [
            PriceChange(channel, sku, max(1, m * _CHANNEL_PCT[(place + at) % len(_CHANNEL_PCT)] // 100))
            for at, (sku, m) in enumerate(paid)
            for place, channel in enumerate(channels)
        ],
        why="demo",
        source="demo",
        actor=ACTOR,
        now=second,
    )
    save_lists([ListSpec("members", "member", "会员价", "Member prices")], actor=ACTOR, now=second)
    request_changes(
        [PriceChange("members", sku, m * _MEMBER_PCT // 100) for sku, m in paid[:20] if m * _MEMBER_PCT // 100],
        why="demo",
        source="demo",
        actor=ACTOR,
        now=second,
    )
    listings = [key for (key,) in fetch_all("SELECT id FROM catalog_listing ORDER BY id")]
    if listings:
        put_prices(listings, actor=ACTOR, now=now)
    if channels:
        request_changes(
            [PriceChange(channels[0], sku, m * 88 // 100) for sku, m in paid[:3] if m * 88 // 100],
            why="双十二清仓 · Double 12 clearance",
            source="demo",
            actor=ACTOR,
            now=now,
        )
