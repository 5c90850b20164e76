"""Where orders go: places with their orders and buyers."""

from __future__ import annotations

from datetime import date

from tongpan.core.bulk import fetch_all
from tongpan.network.layout import Demand


def demand_places(start: date, end: date) -> list[Demand]:
    """Places that orders of business days [start, end) go to, most orders first. One statement.

    Orders that are not cancelled and whose place is known; places are told apart by their point.
    """
    rows = fetch_all(
        """SELECT min(ship_province), min(ship_city), ship_latitude, ship_longitude, count(*),
             count(DISTINCT customer_id)
           FROM orders_order
           WHERE business_date >= %s AND business_date < %s AND status <> 'cancelled' AND ship_latitude IS NOT NULL
           GROUP BY ship_latitude, ship_longitude ORDER BY count(*) DESC, 1, 2""",
        [start, end],
    )
    return [Demand(*row) for row in rows]
