"""The tables that can be exported, each as a few statements that are read as streams.

A column named ``…_minor`` in a statement is an amount in minor units and leaves as a decimal of the row's
currency under its name without the ending. ``name_sealed`` leaves masked. No other personal data is read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import connection

from tongpan.access import vault
from tongpan.connectors.exports.lines import LINE_COLUMNS, LINE_STATEMENTS
from tongpan.core.errors import Refusal
from tongpan.core.money import to_decimal

CHUNK = 2000


@dataclass(frozen=True, slots=True)
class Filters:
    """Business days from ``day_from`` up to, but not including, ``day_to``; codes of a channel and a shop."""

    day_from: date | None = None
    day_to: date | None = None
    channel: str = ""
    shop: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """columns: those of the file, in order. statements: each gives rows with names; a column that a statement
    lacks is empty. reads_back: the format that imports the file again."""

    columns: tuple[str, ...]
    statements: tuple[str, ...]
    reads_back: str = ""


# Every statement takes the same parameters, so that a filter means the same in all of them.
_DAYS = """(%(day_from)s::date IS NULL OR {day} >= %(day_from)s) AND (%(day_to)s::date IS NULL OR {day} < %(day_to)s)
           AND (%(channel)s = '' OR c.code = %(channel)s) AND (%(shop)s = '' OR s.code = %(shop)s)"""
_CHANNEL = "(%(channel)s = '' OR c.code = %(channel)s)"
_NO_DAYS = "%(day_from)s::date IS NOT DISTINCT FROM %(day_from)s AND %(day_to)s::date IS NOT DISTINCT FROM %(day_to)s"
_ANY = f"{_NO_DAYS} AND %(channel)s = %(channel)s AND %(shop)s = %(shop)s"

ORDERS = Table(
    (
        "shop",
        "channel",
        "order",
        "status",
        "channel_status",
        "placed_at",
        "business_day",
        "paid_at",
        "dispatched_at",
        "delivered_at",
        "completed_at",
        "cancelled_at",
        "promised_at",
        "customer",
        "currency",
        "goods",
        "charges",
        "total",
        "paid",
        "refunded",
        "units",
        "ship_province",
        "ship_city",
        "is_simulated",
    ),
    (
        f"""SELECT s.code AS shop, c.code AS channel, o.external_id AS "order", o.status, o.channel_status, o.placed_at,
                   o.business_date AS business_day, o.paid_at, o.dispatched_at, o.delivered_at, o.completed_at,
                   o.cancelled_at, o.promised_at, u.code AS customer, o.currency, o.goods_minor, o.charges_minor,
                   o.total_minor, o.paid_minor, o.refunded_minor, o.units, o.ship_province, o.ship_city, o.is_simulated
            FROM orders_order o JOIN channels_shop s ON s.id = o.shop_id JOIN channels_channel c ON c.id = o.channel_id
            LEFT JOIN customers_customer u ON u.id = o.customer_id
            WHERE {_DAYS.format(day="o.business_date")} ORDER BY o.id""",
    ),
)
RETURNS = Table(
    (
        "shop",
        "channel",
        "return",
        "order",
        "status",
        "returned_at",
        "business_day",
        "customer",
        "currency",
        "goods",
        "charges",
        "total",
        "units",
        "is_simulated",
    ),
    (
        f"""SELECT s.code AS shop, c.code AS channel, r.external_id AS "return", o.external_id AS "order", r.status,
                   r.returned_at, r.business_date AS business_day, u.code AS customer, r.currency, r.goods_minor,
                   r.charges_minor, r.total_minor, r.units, r.is_simulated
            FROM orders_return r JOIN channels_shop s ON s.id = r.shop_id JOIN channels_channel c ON c.id = r.channel_id
            LEFT JOIN orders_order o ON o.id = r.order_id LEFT JOIN customers_customer u ON u.id = r.customer_id
            WHERE {_DAYS.format(day="r.business_date")} ORDER BY r.id""",
    ),
)
STOCK = Table(
    ("node", "sku", "name", "bucket", "qty", "allocated", "available"),
    (
        f"""SELECT n.code AS node, k.code AS sku, k.name, l.bucket, l.on_hand AS qty, l.allocated,
                   l.on_hand - l.allocated AS available
            FROM inventory_level l JOIN network_node n ON n.id = l.node_id JOIN catalog_sku k ON k.id = l.sku_id
            WHERE {_NO_DAYS} AND (%(channel)s = '' AND %(shop)s = '' OR EXISTS (
                SELECT FROM network_service v JOIN channels_shop s ON s.id = v.shop_id
                JOIN channels_channel c ON c.id = s.channel_id WHERE v.node_id = n.id AND {_CHANNEL}
                AND (%(shop)s = '' OR s.code = %(shop)s)))
            ORDER BY l.id""",
    ),
    "stock-levels",
)
CUSTOMERS = Table(
    ("customer", "name", "province", "city", "first_seen_at", "orders", "last_order_day"),
    (
        f"""SELECT u.code AS customer, u.name_sealed, u.province, u.city, u.first_seen_at,
                   coalesce(b.orders, 0) AS orders, b.last AS last_order_day
            FROM customers_customer u LEFT JOIN (
                SELECT o.customer_id, count(*) AS orders, max(o.business_date) AS last FROM orders_order o
                JOIN channels_shop s ON s.id = o.shop_id JOIN channels_channel c ON c.id = o.channel_id
                WHERE o.customer_id IS NOT NULL AND {_DAYS.format(day="o.business_date")} GROUP BY 1) b
              ON b.customer_id = u.id
            WHERE b.orders > 0 OR (%(channel)s = '' AND %(shop)s = '' AND %(day_from)s::date IS NULL
                                   AND %(day_to)s::date IS NULL)
            ORDER BY u.id""",
    ),
)
GOODS = Table(
    ("sku", "name", "product", "product_name", "category", "barcode", "is_active"),
    (
        f"""SELECT k.code AS sku, k.name, p.code AS product, p.name AS product_name, g.name AS category, k.barcode,
                   k.is_active
            FROM catalog_sku k JOIN catalog_product p ON p.id = k.product_id
            LEFT JOIN catalog_category g ON g.id = p.category_id WHERE {_ANY} ORDER BY k.code""",
    ),
)
CHANNELS = Table(
    (
        "channel",
        "name_zh",
        "name_en",
        "facets",
        "currency",
        "zone",
        "launched_on",
        "closed_on",
        "shops",
        "is_simulated",
    ),
    (
        f"""SELECT c.code AS channel, c.name_zh, c.name_en, c.currency, c.zone, c.launched_on, c.closed_on,
                   c.is_simulated,
                   (SELECT string_agg(f.code, ' ' ORDER BY f.code) FROM channels_channel_facets x
                    JOIN channels_facet f ON f.id = x.facet_id WHERE x.channel_id = c.id) AS facets,
                   (SELECT string_agg(s.code, ' ' ORDER BY s.code) FROM channels_shop s
                    WHERE s.channel_id = c.id) AS shops
            FROM channels_channel c WHERE {_CHANNEL} AND {_NO_DAYS} AND %(shop)s = %(shop)s
            ORDER BY c.position, c.code""",
    ),
)
SHOPS = Table(
    (
        "shop",
        "channel",
        "name",
        "kind",
        "account",
        "capacity",
        "currency",
        "zone",
        "channel_name_zh",
        "channel_name_en",
        "is_simulated",
    ),
    (
        f"""SELECT s.code AS shop, c.code AS channel, s.name, s.kind, s.external_account AS account, s.capacity,
                   c.currency, c.zone, c.name_zh AS channel_name_zh, c.name_en AS channel_name_en, s.is_simulated
            FROM channels_shop s JOIN channels_channel c ON c.id = s.channel_id
            WHERE {_CHANNEL} AND {_NO_DAYS} AND (%(shop)s = '' OR s.code = %(shop)s) ORDER BY s.code""",
    ),
    "shops",
)
NODES = Table(
    (
        "node",
        "kind",
        "name",
        "city",
        "division",
        "latitude",
        "longitude",
        "zone",
        "tracks_stock",
        "serves",
        "takes_returns_of",
        "is_simulated",
        "groups",
        "order_limit",
        "accept_minutes",
        "cut_off",
        "base_cost",
        "cost_per_km",
        "cost_currency",
        "priority",
        "territory",
        "facilities",
        "in_pool",
        "hours",
        "special_days",
    ),
    (
        f"""SELECT n.code AS node, n.kind, n.name, n.city, n.division, n.latitude, n.longitude, n.zone, n.tracks_stock,
                   (SELECT string_agg(s.code, ' ' ORDER BY s.code) FROM network_service v
                    JOIN channels_shop s ON s.id = v.shop_id WHERE v.node_id = n.id) AS serves,
                   (SELECT string_agg(s.code, ' ' ORDER BY s.code) FROM network_service v
                    JOIN channels_shop s ON s.id = v.shop_id WHERE v.node_id = n.id AND v.takes_returns)
                     AS takes_returns_of, n.is_simulated, array_to_string(n.groups, ' ') AS groups, n.order_limit,
                   n.accept_minutes, to_char(n.cut_off, 'HH24:MI') AS cut_off, n.base_cost_minor, n.cost_per_km_minor,
                   n.cost_currency, n.cost_currency AS currency, n.priority,
                   array_to_string(n.territory, ' ') AS territory, array_to_string(n.facilities, ' ') AS facilities,
                   n.in_pool,
                   (SELECT string_agg((ARRAY['mon','tue','wed','thu','fri','sat','sun'])[h.weekday + 1] || ' ' ||
                     to_char(h.opens, 'HH24:MI') || '-' || to_char(h.closes, 'HH24:MI'), '; '
                     ORDER BY h.weekday, h.opens)
                    FROM network_opening_hours h WHERE h.node_id = n.id) AS hours,
                   (SELECT string_agg(d.day || ' ' || coalesce(to_char(d.opens, 'HH24:MI') || '-' ||
                     to_char(d.closes, 'HH24:MI'), 'closed'), '; ' ORDER BY d.day, d.opens)
                    FROM network_special_day d WHERE d.node_id = n.id) AS special_days
            FROM network_node n WHERE {_ANY} ORDER BY n.code""",
    ),
    "nodes",
)
CHANNEL_DAYS = Table(
    ("channel", "day", "visitors", "cost", "is_simulated"),
    (
        f"""SELECT c.code AS channel, d.day, d.visitors, d.cost_minor, d.currency, d.is_simulated
            FROM analytics_channelday d JOIN channels_channel c ON c.id = d.channel_id
            WHERE (%(day_from)s::date IS NULL OR d.day >= %(day_from)s)
              AND (%(day_to)s::date IS NULL OR d.day < %(day_to)s)
              AND {_CHANNEL} AND %(shop)s = %(shop)s ORDER BY d.day, c.code""",
    ),
    "channel-days",
)
PRICES = Table(
    ("list", "sku", "price", "from_units", "from", "until"),
    (
        f"""SELECT l.code AS list, s.code AS sku, e.amount_minor AS price_minor, l.currency, e.min_qty AS from_units,
                  lower(e.valid) AS "from", upper(e.valid) AS until
           FROM pricing_priceentry e JOIN pricing_pricelist l ON l.id = e.price_list_id
           JOIN catalog_sku s ON s.id = e.sku_id LEFT JOIN channels_channel c ON c.id = l.channel_id
           WHERE NOT isempty(e.valid) AND (upper(e.valid) IS NULL OR upper(e.valid) > now())
             AND {_CHANNEL} AND {_NO_DAYS} AND %(shop)s = %(shop)s
           ORDER BY l.code, s.code, e.min_qty, lower(e.valid)""",
    ),
    "prices",
)
FLOORS = Table(
    ("sku", "floor", "least_net", "province", "currency"),
    (
        f"""SELECT s.code AS sku, f.floor_minor, f.min_net_minor AS least_net_minor, f.region AS province, f.currency
            FROM pricing_pricefloor f JOIN catalog_sku s ON s.id = f.sku_id
            WHERE {_ANY} ORDER BY s.code, f.currency, f.region""",
    ),
    "price-floors",
)
COSTS = Table(
    ("sku", "cost", "currency", "from"),
    (
        f"""SELECT s.code AS sku, k.amount_minor AS cost_minor, k.currency, lower(k.valid) AS "from"
            FROM pricing_skucost k JOIN catalog_sku s ON s.id = k.sku_id
            WHERE NOT isempty(k.valid) AND upper(k.valid) IS NULL AND {_ANY} ORDER BY s.code, k.currency""",
    ),
    "sku-costs",
)
LINES = Table(
    LINE_COLUMNS, tuple(sql.format(days=_DAYS.format(day=day)) for sql, day in LINE_STATEMENTS), "tongpan-orders"
)
TABLES = {
    "orders": ORDERS,
    "lines": LINES,
    "returns": RETURNS,
    "stock": STOCK,
    "customers": CUSTOMERS,
    "goods": GOODS,
    "channels": CHANNELS,
    "shops": SHOPS,
    "nodes": NODES,
    "channel-days": CHANNEL_DAYS,
    "prices": PRICES,
    "floors": FLOORS,
    "costs": COSTS,
}


def rows_of(name: str, filters: Filters) -> Iterator[list[Any]]:
    """The rows of table ``name``, cells in the order of its columns: None, bool, int, float, Decimal, date or text.

    Streamed from the server: memory does not grow with the table. Raises Refusal for an unknown table.
    """
    if name not in TABLES:
        raise Refusal("export.unknown", f"There is no table {name!r} to export; known are {', '.join(TABLES)}.")
    table = TABLES[name]
    parameters = {
        "day_from": filters.day_from,
        "day_to": filters.day_to,
        "channel": filters.channel,
        "shop": filters.shop,
    }
    for statement in table.statements:
        yield from _stream(statement, parameters, table.columns)


def _stream(statement: str, parameters: dict[str, Any], columns: Sequence[str]) -> Iterator[list[Any]]:
    with connection.chunked_cursor() as cursor:
        cursor.execute(statement, parameters)
        positions: dict[str, int] | None = None
        plan: list[tuple[int, str]] = []
        while fetched := cursor.fetchmany(CHUNK):
            if positions is None:
                positions = {column.name: i for i, column in enumerate(cursor.description)}
                plan = [_place(column, positions) for column in columns]
            currency = positions.get("currency")
            for row in fetched:
                yield [
                    _cell(row[i], how, "" if currency is None else row[currency]) if i >= 0 else None for i, how in plan
                ]


def _place(column: str, positions: dict[str, int]) -> tuple[int, str]:
    for name, how in ((column, ""), (f"{column}_minor", "money"), (f"{column}_sealed", "masked")):
        if name in positions:
            return positions[name], how
    return -1, ""


def _cell(value: Any, how: str, currency: str) -> Any:
    if value is None:
        return None
    if how == "money":
        return to_decimal(value, currency)
    if how == "masked":
        return vault.mask(vault.open_sealed(value))
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, memoryview | bytes):
        return bytes(value).hex()
    return value
