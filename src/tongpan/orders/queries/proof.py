"""What waits, and the proof that totals add up."""

from __future__ import annotations

from typing import Any

from django.db.models import Count

from tongpan.core.bulk import fetch_all
from tongpan.orders.models import Hold


def open_hold_counts() -> dict[str, int]:
    """How many orders wait, by the reason of their open holds."""
    rows = Hold.objects.filter(released_at=None).values("reason").annotate(n=Count("order_id"))
    return {row["reason"]: row["n"] for row in rows.order_by("reason")}


def reconcile() -> tuple[dict[str, int], list[dict[str, Any]]]:
    """Compare the totals of every order and return that has lines with the sums of its lines.

    Returns how many were checked, by name, and one entry for each document that does not add up. Locks nothing.
    """
    differences: list[dict[str, Any]] = []
    for what, table, line_table, key in (
        ("order", "orders_order", "orders_orderline", "order_id"),
        ("return", "orders_return", "orders_returnline", "return_doc_id"),
    ):
        rows = fetch_all(
            f"""SELECT s.code, d.external_id, d.goods_minor, l.goods, d.charges_minor, l.charges, d.units, l.units
                FROM (SELECT {key} AS id,
                             coalesce(sum(amount_minor) FILTER (WHERE kind = 'goods'), 0)::bigint AS goods,
                             coalesce(sum(amount_minor) FILTER (WHERE kind = 'charge'), 0)::bigint AS charges,
                             coalesce(sum(qty) FILTER (WHERE kind = 'goods'), 0)::bigint AS units
                      FROM {line_table} GROUP BY 1) l
                JOIN {table} d USING (id) JOIN channels_shop s ON s.id = d.shop_id
                WHERE (d.goods_minor, d.charges_minor, d.units) <> (l.goods, l.charges, l.units) ORDER BY 1, 2"""
        )
        differences += [
            {
                "what": what,
                "shop": shop,
                "number": number,
                "goods_minor": goods,
                "lines_goods_minor": line_goods,
                "charges_minor": charges,
                "lines_charges_minor": line_charges,
                "units": units,
                "lines_units": line_units,
            }
            for shop, number, goods, line_goods, charges, line_charges, units, line_units in rows
        ]
    orders, returns = fetch_all("SELECT (SELECT count(*) FROM orders_order), (SELECT count(*) FROM orders_return)")[0]
    return {"orders": orders, "returns": returns}, differences
