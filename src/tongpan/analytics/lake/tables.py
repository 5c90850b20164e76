"""What each table of the lake holds, how it is partitioned, and the SELECT that reads it from PostgreSQL.

Conventions of every table: amounts are minor units (BIGINT) beside a currency; instants are UTC; an absent text
is '' and never null; calendar keys are integers of the business day in the channel's own zone (day 20261118,
iso_week 202647, month 202611, quarter 20264, year 2026), so that no metric needs a time-zone function.
"""

from __future__ import annotations

from tongpan.analytics.lake.dimensions import DIMENSIONS
from tongpan.analytics.lake.table import Table
from tongpan.core.clock import DEFAULT_ZONE

_ORDER_FACETS = {
    "shop_id": "BIGINT",
    "channel_id": "BIGINT",
    "customer_id": "BIGINT",
    "business_date": "DATE",
    "currency": "VARCHAR",
    "province": "VARCHAR",
    "city": "VARCHAR",
    "placed_rank": "BIGINT",
    "is_paid": "BOOLEAN",
    "is_cancelled": "BOOLEAN",
    "is_delivered": "BOOLEAN",
    "is_simulated": "BOOLEAN",
}


def _milliseconds(since: str, until: str, test: str) -> tuple[str, str]:
    """How long it took from one instant to the other where ``test`` holds; null where it did not, or went backwards."""
    return "BIGINT", f"CASE WHEN {test} AND {until} >= {since} THEN (epoch_us({until}) - epoch_us({since})) // 1000 END"


# From payment until the goods left or were ready for pickup; null for what was cancelled, unpaid, or left before it
# was paid.
_PROCESSING = _milliseconds("paid_at", "coalesce(ready_at, dispatched_at)", "status NOT IN ('cancelled', 'rejected')")

ORDERS = Table(
    name="orders",
    grain="day",
    raw={
        "order_id": "BIGINT",
        "external_id": "VARCHAR",
        "shop_id": "BIGINT",
        "channel_id": "BIGINT",
        "customer_id": "BIGINT",
        "business_date": "DATE",
        "status": "VARCHAR",
        "placed_at": "TIMESTAMPTZ",
        "paid_at": "TIMESTAMPTZ",
        "dispatched_at": "TIMESTAMPTZ",
        "delivered_at": "TIMESTAMPTZ",
        "promised_at": "TIMESTAMPTZ",
        "currency": "VARCHAR",
        "goods_minor": "BIGINT",
        "charges_minor": "BIGINT",
        "total_minor": "BIGINT",
        "paid_minor": "BIGINT",
        "refunded_minor": "BIGINT",
        "units": "BIGINT",
        "province": "VARCHAR",
        "city": "VARCHAR",
        "method": "VARCHAR",
        "ready_at": "TIMESTAMPTZ",
        "is_simulated": "BOOLEAN",
    },
    # placed_rank orders all orders in time with one integer: seconds since 2010 in the upper 31 bits, the order
    # id below. Comparing (placed_at, order_id) pairs costs several times as much.
    derived={
        "placed_rank": (
            "BIGINT",
            "(epoch_us(placed_at) // 1000000 - 1262304000) * 4294967296 + order_id % 4294967296",
        ),
        "is_cancelled": ("BOOLEAN", "status = 'cancelled'"),
        "is_paid": (
            "BOOLEAN",
            "status <> 'cancelled' AND (status <> 'placed' OR paid_at IS NOT NULL OR coalesce(paid_minor, 0) > 0)",
        ),
        "is_on_time": (
            "BOOLEAN",
            "CASE WHEN promised_at IS NULL OR dispatched_at IS NULL THEN NULL ELSE dispatched_at <= promised_at END",
        ),
        "is_delivered": ("BOOLEAN", "delivered_at IS NOT NULL OR status IN ('delivered', 'completed')"),
        "processing_ms": _PROCESSING,
        "dispatch_hour": (
            "BIGINT",
            "CASE WHEN status <> 'cancelled' THEN epoch_us(dispatched_at) // 3600000000 END",
        ),
    },
    select="""
        SELECT o.id, o.external_id, o.shop_id, o.channel_id, o.customer_id, o.business_date, o.status,
               o.placed_at, o.paid_at, o.dispatched_at, o.delivered_at, o.promised_at, o.currency,
               o.goods_minor, o.charges_minor, o.total_minor, o.paid_minor, o.refunded_minor, o.units,
               o.ship_province, o.ship_city, o.delivery_method,
               CASE WHEN o.delivery_method = 'pickup' THEN
                 (SELECT max(f.ready_at) FROM fulfillment_fulfillment f
                  WHERE f.order_id = o.id AND f.status NOT IN ('cancelled', 'rejected')) END, o.is_simulated
        FROM orders_order o WHERE o.business_date {days}""",
    order_by=("order_id",),
)

# An order whose source gives no lines has one line of kind "whole": Σ lines = Σ orders, whatever the source.
ORDER_LINES = Table(
    name="order_lines",
    grain="day",
    raw={
        "order_id": "BIGINT",
        "line_no": "INTEGER",
        "kind": "VARCHAR",
        "sku_id": "BIGINT",
        "charge_code": "VARCHAR",
        "qty": "BIGINT",
        "amount_minor": "BIGINT",
    },
    joined=_ORDER_FACETS,
    derived={"is_goods": ("BOOLEAN", "kind <> 'charge'")},
    select="""
        SELECT o.id, coalesce(l.line_no, 0), coalesce(l.kind, 'whole'), l.sku_id, coalesce(l.charge_code, ''),
               coalesce(l.qty, o.units), coalesce(l.amount_minor, o.total_minor)
        FROM orders_order o LEFT JOIN orders_orderline l ON l.order_id = o.id
        WHERE o.business_date {days}""",
    order_by=("order_id", "line_no"),
)

_KEPT_GOING = "status NOT IN ('cancelled', 'rejected')"
_FROM_STORE = f"{_KEPT_GOING} AND is_store AND method <> 'pickup'"


def _in_time(reached: str, deadline: str, test: str) -> tuple[str, str]:
    """Whether it was reached by its deadline; null where it was not reached, or nothing was promised."""
    return "BOOLEAN", f"CASE WHEN {test} AND {reached} IS NOT NULL THEN {reached} <= {deadline} END"


FULFILLMENTS = Table(
    name="fulfillments",
    grain="day",
    raw={
        "fulfillment_id": "BIGINT",
        "order_id": "BIGINT",
        "node_id": "BIGINT",
        "status": "VARCHAR",
        "allocated_at": "TIMESTAMPTZ",
        "dispatched_at": "TIMESTAMPTZ",
        "delivered_at": "TIMESTAMPTZ",
        "promised_at": "TIMESTAMPTZ",
        "ready_at": "TIMESTAMPTZ",
        "ready_by": "TIMESTAMPTZ",
        "due_at": "TIMESTAMPTZ",
        "reject_reason": "VARCHAR",
        "is_store": "BOOLEAN",
        "units": "BIGINT",
    },
    joined=_ORDER_FACETS | {"method": "VARCHAR", "placed_at": "TIMESTAMPTZ", "paid_at": "TIMESTAMPTZ"},
    derived={
        "is_on_time": ORDERS.derived["is_on_time"],
        "processing_ms": _PROCESSING,
        "ready_ms": _milliseconds("placed_at", "ready_at", f"{_KEPT_GOING} AND method = 'pickup'"),
        "is_ready_in_time": _in_time("ready_at", "ready_by", f"{_KEPT_GOING} AND method = 'pickup'"),
        "store_sent_ms": _milliseconds("placed_at", "dispatched_at", _FROM_STORE),
        "store_there_ms": _milliseconds("placed_at", "delivered_at", _FROM_STORE),
        "is_sent_in_time": _in_time("dispatched_at", "due_at", _FROM_STORE),
        "is_there_in_time": _in_time("delivered_at", "due_at", _FROM_STORE),
    },
    select="""
        SELECT f.id, f.order_id, f.node_id, f.status, f.allocated_at, f.dispatched_at, f.delivered_at,
               coalesce(f.promised_at, o.promised_at), f.ready_at, f.ready_by, f.due_at, f.reject_reason,
               n.kind IN ('store', 'counter'), coalesce(q.units, 0)
        FROM orders_order o
        JOIN fulfillment_fulfillment f ON f.order_id = o.id
        JOIN network_node n ON n.id = f.node_id
        LEFT JOIN (SELECT l.fulfillment_id, sum(l.qty) AS units
                   FROM fulfillment_fulfillmentline l
                   JOIN fulfillment_fulfillment f ON f.id = l.fulfillment_id
                   JOIN orders_order o ON o.id = f.order_id
                   WHERE o.business_date {days} GROUP BY l.fulfillment_id) q ON q.fulfillment_id = f.id
        WHERE o.business_date {days}""",
    order_by=("fulfillment_id",),
)

_RETURN_RAW = {
    "return_id": "BIGINT",
    "shop_id": "BIGINT",
    "channel_id": "BIGINT",
    "order_id": "BIGINT",
    "customer_id": "BIGINT",
    "business_date": "DATE",
    "returned_at": "TIMESTAMPTZ",
    "currency": "VARCHAR",
    "province": "VARCHAR",
    "city": "VARCHAR",
    "is_simulated": "BOOLEAN",
}
_RETURN_SELECT = """r.id, r.shop_id, r.channel_id, r.order_id, r.customer_id, r.business_date, r.returned_at,
               r.currency, coalesce(nullif(o.ship_province, ''), c.province, ''),
               coalesce(nullif(o.ship_city, ''), c.city, ''), r.is_simulated"""
_RETURN_FROM = """FROM orders_return r
        LEFT JOIN orders_order o ON o.id = r.order_id
        LEFT JOIN customers_customer c ON c.id = r.customer_id"""

RETURNS = Table(
    name="returns",
    grain="day",
    raw=_RETURN_RAW
    | {
        "external_id": "VARCHAR",
        "status": "VARCHAR",
        "goods_minor": "BIGINT",
        "charges_minor": "BIGINT",
        "total_minor": "BIGINT",
        "units": "BIGINT",
    },
    select=f"""
        SELECT {_RETURN_SELECT}, r.external_id, r.status, r.goods_minor, r.charges_minor, r.total_minor, r.units
        {_RETURN_FROM}
        WHERE r.business_date {{days}}""",
    order_by=("return_id",),
)

RETURN_LINES = Table(
    name="return_lines",
    grain="day",
    raw=_RETURN_RAW
    | {
        "line_no": "INTEGER",
        "kind": "VARCHAR",
        "sku_id": "BIGINT",
        "charge_code": "VARCHAR",
        "qty": "BIGINT",
        "amount_minor": "BIGINT",
    },
    derived={"is_goods": ("BOOLEAN", "kind <> 'charge'")},
    select=f"""
        SELECT {_RETURN_SELECT}, l.line_no, l.kind, l.sku_id, l.charge_code, l.qty, l.amount_minor
        {_RETURN_FROM}
        JOIN orders_returnline l ON l.return_doc_id = r.id
        WHERE r.business_date {{days}}""",
    order_by=("return_id", "line_no"),
)

# What buyers asked for after the sale, by line, on the day of the order: of the orders of a day, those that came back.
RETURN_CASES = Table(
    name="return_cases",
    grain="day",
    raw={
        "case_id": "BIGINT",
        "line_no": "INTEGER",
        "order_id": "BIGINT",
        "kind": "VARCHAR",
        "status": "VARCHAR",
        "reason": "VARCHAR",
        "nature": "VARCHAR",
        "sku_id": "BIGINT",
        "node_id": "BIGINT",
        "qty": "BIGINT",
        "requested_at": "TIMESTAMPTZ",
    },
    joined=_ORDER_FACETS,
    derived={
        "is_back": ("BOOLEAN", "kind IN ('return', 'exchange') AND status NOT IN ('refused', 'withdrawn')"),
    },
    select="""
        SELECT c.id, l.line_no, o.id, c.kind, c.status, l.reason,
               CASE WHEN l.is_quality THEN 'quality' ELSE 'other' END, l.sku_id, c.node_id, l.qty, c.requested_at
        FROM orders_order o
        JOIN orders_returncase c ON c.order_id = o.id JOIN orders_returncaseline l ON l.case_id = c.id
        WHERE o.business_date {days}""",
    order_by=("case_id", "line_no"),
)

CORRECTIONS = Table(
    name="corrections",
    grain="month",
    raw={
        "correction_id": "BIGINT",
        "shop_id": "BIGINT",
        "channel_id": "BIGINT",
        "external_id": "VARCHAR",
        "line_no": "INTEGER",
        "business_date": "DATE",
        "corrected_at": "TIMESTAMPTZ",
        "code": "VARCHAR",
        "currency": "VARCHAR",
        "amount_minor": "BIGINT",
        "is_simulated": "BOOLEAN",
    },
    select="""
        SELECT id, shop_id, channel_id, external_id, line_no, business_date, corrected_at, code, currency,
               amount_minor, is_simulated
        FROM orders_correction WHERE business_date {days}""",
    order_by=("correction_id",),
)

CHANNEL_DAYS = Table(
    name="channel_days",
    grain="month",
    raw={
        "channel_id": "BIGINT",
        "business_date": "DATE",
        "visitors": "BIGINT",
        "cost_minor": "BIGINT",
        "currency": "VARCHAR",
        "is_simulated": "BOOLEAN",
    },
    select="""
        SELECT channel_id, day, visitors, cost_minor, currency, is_simulated
        FROM analytics_channelday WHERE day {days}""",
    order_by=("business_date", "channel_id"),
)

# One row for what moved of a SKU at a node on a day, by kind and, for what left for an order, by channel. unit_seconds
# is Σ units × seconds since 2010: with it the stock that stood over any period is exact, however few rows there are.
_STOCK_DAY = f"""JOIN LATERAL (SELECT d.day::timestamp AT TIME ZONE '{DEFAULT_ZONE}' AS since,
                           (d.day + 1)::timestamp AT TIME ZONE '{DEFAULT_ZONE}' AS until) b ON true"""
STOCK_MOVES = Table(
    name="stock_moves",
    grain="day",
    raw={
        "business_date": "DATE",
        "node_id": "BIGINT",
        "sku_id": "BIGINT",
        "kind": "VARCHAR",
        "channel_id": "BIGINT",
        "units": "BIGINT",
        "unit_seconds": "BIGINT",
    },
    select=f"""
        SELECT d.day, m.node_id, m.sku_id, m.kind, o.channel_id, sum(m.on_hand_delta)::bigint,
               sum(m.on_hand_delta * (floor(extract(epoch FROM m.occurred_at))::bigint - 1262304000))::bigint
        FROM unnest({{day_list}}) AS d(day) {_STOCK_DAY}
        JOIN inventory_movement m ON m.occurred_at >= b.since AND m.occurred_at < b.until
        LEFT JOIN fulfillment_fulfillment f
          ON m.kind = 'dispatched' AND m.cause_type = 'fulfillment' AND f.id = m.cause_id
        LEFT JOIN orders_order o ON o.id = f.order_id
        WHERE m.node_id IS NOT NULL AND m.bucket = 'saleable' AND m.on_hand_delta <> 0
        GROUP BY 1, 2, 3, 4, 5""",
    order_by=("node_id", "sku_id", "kind", "channel_id"),
)

COUNT_LINES = Table(
    name="count_lines",
    grain="day",
    raw={
        "line_id": "BIGINT",
        "sheet_id": "BIGINT",
        "business_date": "DATE",
        "node_id": "BIGINT",
        "sku_id": "BIGINT",
        "bucket": "VARCHAR",
        "book_units": "BIGINT",
        "counted_units": "BIGINT",
    },
    derived={
        "right_units": ("BIGINT", "book_units - abs(counted_units - book_units)"),
        "is_exact": ("BOOLEAN", "counted_units = book_units"),
    },
    select=f"""
        SELECT l.id, s.id, d.day, s.node_id, l.sku_id, l.bucket, l.expected, l.counted
        FROM unnest({{day_list}}) AS d(day) {_STOCK_DAY}
        JOIN inventory_countsheet s ON s.booked_at >= b.since AND s.booked_at < b.until
        JOIN inventory_countline l ON l.sheet_id = s.id AND l.counted IS NOT NULL""",
    order_by=("line_id",),
)

DAILY_VALUES = Table(
    name="daily_values",
    grain="month",
    raw={
        "name": "VARCHAR",
        "business_date": "DATE",
        "channel_id": "BIGINT",
        "number": "BIGINT",
        "base": "BIGINT",
    },
    derived={"is_total": ("BOOLEAN", "channel_id IS NULL")},
    select="""
        SELECT name, day, channel_id, number, base FROM analytics_dailyvalue WHERE day {days}""",
    order_by=("name", "business_date", "channel_id"),
)

FACTS = (
    ORDERS,
    ORDER_LINES,
    FULFILLMENTS,
    RETURNS,
    RETURN_LINES,
    RETURN_CASES,
    CORRECTIONS,
    CHANNEL_DAYS,
    STOCK_MOVES,
    COUNT_LINES,
    DAILY_VALUES,
)
TABLES = {table.name: table for table in (*FACTS, *DIMENSIONS)}
