"""How often stock turned over (INV-12, KPI-07): units that left, against the average stock of the period."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal

from tongpan.analytics.engine.spec import Text
from tongpan.core.bulk import fetch_all

By = Literal["total", "node", "category", "channel"]

DEFINITION = Text(
    "期间内从节点发出的件数 ÷ 期间内按时间加权的平均可售在库件数；按件数计，因为系统里没有成本价。"
    "按渠道看时，分子是该渠道订单发出的件数，分母是服务该渠道店铺的各节点的平均库存。",
    "units dispatched from nodes in the period ÷ the time-weighted average of saleable units on hand; in units, "
    "since cost prices are not kept. By channel: units dispatched for orders of the channel ÷ the average stock "
    "of the nodes that serve its shops.",
)


@dataclass(frozen=True, slots=True)
class Turnover:
    """One row. code and name: of the node, category or channel; empty for the total and for "no category".

    average: units, 2 decimals. turnover: times in the period, 3 decimals; None without stock. days: how long
    the average stock lasted, 1 decimal; None when nothing left.
    """

    code: str
    name: str
    units: int
    average: Decimal
    turnover: Decimal | None
    days: Decimal | None


def turnover(*, start: datetime, end: datetime, by: By = "total") -> list[Turnover]:
    """Turnover of [start, end), aware instants, by code. One statement over the movements of saleable stock.

    The average is exact, not sampled: a movement at instant t of the period counts with the share of the period
    that is left after t, everything before the period counts in full. Goods in transit count in the total.
    Returned goods raise the stock; they do not lower the units that left.
    """
    if start >= end:
        return []
    rows: Sequence[tuple[str, str, int, Decimal]] = fetch_all(
        _BY_CHANNEL if by == "channel" else _MOVEMENTS.format(**_GROUPS[by]),
        {"start": start, "end": end},
    )
    span = Decimal(int((end - start).total_seconds())) / 86400
    return [_row(code, name, int(units), Decimal(average), span) for code, name, units, average in rows]


def _row(code: str, name: str, units: int, average: Decimal, span: Decimal) -> Turnover:
    times = units / average if average > 0 else None
    return Turnover(
        code,
        name,
        units,
        average.quantize(Decimal("0.01")),
        None if times is None else times.quantize(Decimal("0.001")),
        (average * span / units).quantize(Decimal("0.1")) if units else None,
    )


_SHARE = """CASE WHEN m.occurred_at < %(start)s THEN 1
            ELSE extract(epoch FROM %(end)s - m.occurred_at) / extract(epoch FROM %(end)s - %(start)s) END"""
_LEFT = "m.kind = 'dispatched' AND m.occurred_at >= %(start)s"
_IN_STOCK = """m.node_id IS NOT NULL AND m.bucket = 'saleable' AND m.on_hand_delta <> 0
               AND m.occurred_at < %(end)s"""

_MOVEMENTS = f"""
    SELECT {{code}}, {{name}}, coalesce(sum(-m.on_hand_delta) FILTER (WHERE {_LEFT}), 0),
           sum({_SHARE} * m.on_hand_delta)
    FROM inventory_movement m {{joins}} WHERE {_IN_STOCK} GROUP BY 1, 2 ORDER BY 1"""
_GROUPS = {
    "total": {"code": "''", "name": "''", "joins": ""},
    "node": {"code": "n.code", "name": "n.name", "joins": "JOIN network_node n ON n.id = m.node_id"},
    "category": {
        "code": "coalesce(c.code, '')",
        "name": "coalesce(c.name, '')",
        "joins": """JOIN catalog_sku s ON s.id = m.sku_id JOIN catalog_product p ON p.id = s.product_id
                    LEFT JOIN catalog_category c ON c.id = p.category_id""",
    },
}

_BY_CHANNEL = f"""
    WITH stock AS (SELECT m.node_id, sum({_SHARE} * m.on_hand_delta) AS average
                   FROM inventory_movement m WHERE {_IN_STOCK} GROUP BY 1),
         serving AS (SELECT DISTINCT h.channel_id, v.node_id
                     FROM network_service v JOIN channels_shop h ON h.id = v.shop_id),
         held AS (SELECT v.channel_id, sum(k.average) AS average
                  FROM serving v JOIN stock k USING (node_id) GROUP BY 1),
         gone AS (SELECT o.channel_id, sum(-m.on_hand_delta) AS units
                  FROM inventory_movement m
                  JOIN fulfillment_fulfillment f ON f.id = m.cause_id JOIN orders_order o ON o.id = f.order_id
                  WHERE {_LEFT} AND m.cause_type = 'fulfillment' AND {_IN_STOCK} GROUP BY 1)
    SELECT c.code, c.name_zh, coalesce(g.units, 0), coalesce(h.average, 0)
    FROM channels_channel c LEFT JOIN held h ON h.channel_id = c.id LEFT JOIN gone g ON g.channel_id = c.id
    WHERE h.average IS NOT NULL OR g.units IS NOT NULL ORDER BY 1"""
