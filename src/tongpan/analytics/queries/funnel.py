"""How far the orders of a period have come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from tongpan.analytics.engine.spec import Text
from tongpan.analytics.lake.files import quote
from tongpan.analytics.lake.session import CATALOG, session

DEFINITION = Text(
    "期间内所下订单（不含已取消）中，走到每一步的订单数；后面的状态包含前面的步骤。取消的订单另计。",
    "of the orders placed in the period and not cancelled, how many reached each step; "
    "a later status includes the earlier steps. Cancelled orders are counted apart.",
)


@dataclass(frozen=True, slots=True)
class Funnel:
    """Numbers of orders, each step contained in the one before; cancelled ones are in none."""

    placed: int
    paid: int
    dispatched: int
    delivered: int
    cancelled: int


def order_funnel(*, date_from: date, date_to: date, channels: Sequence[str] = ()) -> Funnel:
    """The orders of the business days [date_from, date_to), of the channels with these codes or of all.

    An order that was delivered or completed was dispatched, and one that was dispatched was paid, whatever the
    source tells of the steps between.
    """
    where = (
        f"business_date >= DATE {quote(date_from.isoformat())} AND business_date < DATE {quote(date_to.isoformat())}"
    )
    if channels:
        codes = ", ".join(map(quote, channels))
        where += f" AND channel_id IN (SELECT channel_id FROM {CATALOG}.dim_channel WHERE channel_code IN ({codes}))"
    row = session().rows(
        f"""SELECT count(*) FILTER (WHERE NOT is_cancelled),
                   count(*) FILTER (WHERE is_paid OR status IN ('dispatched', 'delivered', 'completed')),
                   count(*) FILTER (WHERE status IN ('dispatched', 'delivered', 'completed')),
                   count(*) FILTER (WHERE status IN ('delivered', 'completed')),
                   count(*) FILTER (WHERE is_cancelled)
            FROM {CATALOG}.orders WHERE {where}"""
    )[0]
    return Funnel(*(int(number) for number in row))
