"""What sold of which product on which channel."""

from __future__ import annotations

from datetime import date

from tongpan.core.bulk import fetch_all


def sales_by_product(start: date, end: date) -> dict[tuple[int, int], tuple[int, int]]:
    """(product id, channel id) -> (units, amount in minor units of the channel) of business days [start, end).

    Goods lines of orders that are not cancelled, before returns, at what buyers paid for them. One statement.
    """
    rows = fetch_all(
        """SELECT s.product_id, o.channel_id, sum(l.qty), sum(l.amount_minor)
           FROM orders_order o JOIN orders_orderline l ON l.order_id = o.id AND l.kind = 'goods'
           JOIN catalog_sku s ON s.id = l.sku_id
           WHERE o.business_date >= %s AND o.business_date < %s AND o.status <> 'cancelled'
           GROUP BY 1, 2""",
        [start, end],
    )
    return {(product, channel): (int(units), int(amount)) for product, channel, units, amount in rows}


def last_business_day() -> date | None:
    """The newest business day with an order; None without orders."""
    day: date | None = fetch_all("SELECT max(business_date) FROM orders_order")[0][0]
    return day
