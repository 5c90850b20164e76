"""The statements of the export of lines, in the layout of the format "tongpan-orders".

A buyer leaves as the keyed hash of an identifier: the installation that it came from knows its own hashes again,
any other can only tell that two orders have the same buyer.
"""

from __future__ import annotations

from tongpan.connectors.actions.buyers import HASHED

LINE_COLUMNS = (
    "class",
    "shop",
    "order",
    "placed_at",
    "kind",
    "sku",
    "name",
    "qty",
    "unit_price",
    "amount",
    "line_key",
    "product",
    "product_name",
    "category",
    "wanted_node",
    "currency",
    "version",
    "channel_status",
    "paid_at",
    "dispatched_at",
    "delivered_at",
    "completed_at",
    "cancelled_at",
    "promised_at",
    "paid",
    "refunded",
    "total",
    "is_shipped",
    "is_simulated",
    "buyer_kind",
    "buyer_scope",
    "buyer",
    "ship_province",
    "ship_city",
    "ship_latitude",
    "ship_longitude",
    "delivery",
    "delivery_node",
    "slot_start",
    "slot_end",
    "contactless",
    "gift_wrap",
    "delivery_fee",
    "method",
    "of_order",
    "node",
    "bucket",
    "reason",
    "note",
)
_BUYER = f"""LEFT JOIN LATERAL (
    SELECT '{HASHED}' AS kind, i.scope, i.digest FROM customers_identifier i WHERE i.customer_id = {{of}}.customer_id
    ORDER BY i.id LIMIT 1) b ON true"""
_GOODS = """LEFT JOIN catalog_sku k ON k.id = l.sku_id LEFT JOIN catalog_product p ON p.id = k.product_id
            LEFT JOIN catalog_category g ON g.id = p.category_id"""
_PRICE = "trim_scale(l.unit_price) AS unit_price"
_SHOP = "JOIN channels_shop s ON s.id = {of}.shop_id JOIN channels_channel c ON c.id = s.channel_id"
_PRODUCT = """CASE WHEN p.code <> k.code THEN p.code END AS product,
              CASE WHEN p.code <> k.code THEN p.name END AS product_name, g.name AS category"""

_SALES = f"""
SELECT 'sale' AS class, s.code AS shop, o.external_id AS "order", o.placed_at, l.kind,
       coalesce(k.code, l.charge_code) AS sku, l.name, l.qty, {_PRICE},
       l.amount_minor, l.line_key, {_PRODUCT},
       l.wanted_node, o.currency, o.version, o.channel_status, o.paid_at, o.dispatched_at, o.delivered_at,
       o.completed_at, o.cancelled_at, o.promised_at, o.paid_minor, o.refunded_minor,
       CASE WHEN l.id IS NULL THEN o.total_minor END AS total_minor,
       o.status IN ('dispatched', 'delivered', 'completed') AS is_shipped, o.is_simulated,
       b.kind AS buyer_kind, b.scope AS buyer_scope, b.digest AS buyer, o.ship_province, o.ship_city,
       o.ship_latitude, o.ship_longitude, nullif(o.delivery_method, 'ship') AS delivery,
       nullif(o.delivery_node, '') AS delivery_node, o.slot_start, o.slot_end,
       CASE WHEN o.contactless THEN true END AS contactless, nullif(o.gift_wrap, '') AS gift_wrap,
       o.delivery_fee_minor
FROM orders_order o {_SHOP.format(of="o")} LEFT JOIN orders_orderline l ON l.order_id = o.id
{_GOODS} {_BUYER.format(of="o")}
WHERE {{days}} ORDER BY o.id, l.line_no"""
_PAYMENTS = f"""
SELECT 'payment' AS class, s.code AS shop, o.external_id AS "order", o.placed_at, y.method, y.amount_minor, y.paid_at,
       o.currency, o.is_simulated
FROM orders_payment y JOIN orders_order o ON o.id = y.order_id {_SHOP.format(of="o")}
WHERE {{days}} ORDER BY o.id, y.seq"""
_RETURNS = f"""
SELECT 'return' AS class, s.code AS shop, r.external_id AS "order", r.returned_at AS placed_at, l.kind,
       coalesce(k.code, l.charge_code) AS sku, l.name, l.qty, {_PRICE},
       l.amount_minor, {_PRODUCT}, r.currency,
       r.is_simulated, b.kind AS buyer_kind, b.scope AS buyer_scope, b.digest AS buyer, o.external_id AS of_order
FROM orders_return r {_SHOP.format(of="r")} LEFT JOIN orders_returnline l ON l.return_doc_id = r.id
LEFT JOIN orders_order o ON o.id = r.order_id {_GOODS} {_BUYER.format(of="r")}
WHERE {{days}} ORDER BY r.id, l.line_no"""
_CORRECTIONS = f"""
SELECT 'correction' AS class, s.code AS shop, x.external_id AS "order", x.corrected_at AS placed_at, 'charge' AS kind,
       x.code AS sku, x.name, 1 AS qty, x.amount_minor, x.currency, x.is_simulated
FROM orders_correction x {_SHOP.format(of="x")}
WHERE {{days}} ORDER BY x.id"""
# Adjustments that came with a shop's lines; those that a person booked at a node belong to no shop.
_ADJUSTMENTS = """
SELECT 'adjustment' AS class, s.code AS shop, d.external_id AS "order", d.occurred_at AS placed_at, k.code AS sku,
       l.qty, n.code AS node, l.bucket, d.reason, l.note, c.currency, d.is_simulated
FROM inventory_stockdocument d JOIN channels_shop s ON s.code = d.source JOIN channels_channel c ON c.id = s.channel_id
JOIN network_node n ON n.id = d.node_id LEFT JOIN inventory_stockdocumentline l ON l.document_id = d.id
LEFT JOIN catalog_sku k ON k.id = l.sku_id
WHERE d.kind = 'adjustment' AND {days} ORDER BY d.id, l.line_no"""

# (statement, the day that a filter looks at)
LINE_STATEMENTS = (
    (_SALES, "o.business_date"),
    (_PAYMENTS, "o.business_date"),
    (_RETURNS, "r.business_date"),
    (_CORRECTIONS, "x.business_date"),
    (_ADJUSTMENTS, "(d.occurred_at AT TIME ZONE c.zone)::date"),
)
