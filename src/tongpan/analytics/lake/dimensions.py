"""The dimensions of the lake; the conventions are those of ``lake.tables``."""

from __future__ import annotations

from tongpan.analytics.lake.table import Table

DIM_CHANNEL = Table(
    name="dim_channel",
    grain="all",
    raw={
        "channel_id": "BIGINT",
        "channel_code": "VARCHAR",
        "name_zh": "VARCHAR",
        "name_en": "VARCHAR",
        "zone": "VARCHAR",
        "channel_currency": "VARCHAR",
        "launched_on": "DATE",
        "closed_on": "DATE",
        "is_simulated": "BOOLEAN",
        "position": "INTEGER",
    },
    select="""
        SELECT id, code, name_zh, name_en, zone, currency, launched_on, closed_on, is_simulated, position
        FROM channels_channel""",
    order_by=("channel_id",),
)

# One row per channel and tree: a channel with several classes of one tree has them joined ("private+public"),
# so that a total over classes counts each order once. top_code is the class at the top of the tree.
DIM_CHANNEL_FACET = Table(
    name="dim_channel_facet",
    grain="all",
    raw={
        "channel_id": "BIGINT",
        "tree": "VARCHAR",
        "facet_code": "VARCHAR",
        "facet_zh": "VARCHAR",
        "facet_en": "VARCHAR",
        "top_code": "VARCHAR",
        "top_zh": "VARCHAR",
        "top_en": "VARCHAR",
    },
    select="""
        SELECT cf.channel_id, f.tree,
               string_agg(DISTINCT f.code, '+' ORDER BY f.code), string_agg(DISTINCT f.name_zh, '+'),
               string_agg(DISTINCT f.name_en, '+'),
               string_agg(DISTINCT t.code, '+' ORDER BY t.code), string_agg(DISTINCT t.name_zh, '+'),
               string_agg(DISTINCT t.name_en, '+')
        FROM channels_channel_facets cf
        JOIN channels_facet f ON f.id = cf.facet_id
        JOIN LATERAL (WITH RECURSIVE up AS (
                        SELECT f.id, f.code, f.name_zh, f.name_en, f.parent_id
                        UNION ALL SELECT p.id, p.code, p.name_zh, p.name_en, p.parent_id
                        FROM up JOIN channels_facet p ON p.id = up.parent_id)
                      SELECT * FROM up WHERE parent_id IS NULL) t ON true
        GROUP BY cf.channel_id, f.tree""",
    order_by=("channel_id", "tree"),
)

DIM_SHOP = Table(
    name="dim_shop",
    grain="all",
    raw={
        "shop_id": "BIGINT",
        "shop_code": "VARCHAR",
        "shop_name": "VARCHAR",
        "kind": "VARCHAR",
        "channel_id": "BIGINT",
        "is_active": "BOOLEAN",
        "is_simulated": "BOOLEAN",
    },
    select="SELECT id, code, name, kind, channel_id, is_active, is_simulated FROM channels_shop",
    order_by=("shop_id",),
)

DIM_SKU = Table(
    name="dim_sku",
    grain="all",
    raw={
        "sku_id": "BIGINT",
        "sku_code": "VARCHAR",
        "sku_name": "VARCHAR",
        "product_id": "BIGINT",
        "product_code": "VARCHAR",
        "product_name": "VARCHAR",
        "category_code": "VARCHAR",
        "category_name": "VARCHAR",
        "is_active": "BOOLEAN",
    },
    select="""
        SELECT s.id, s.code, s.name, p.id, p.code, p.name, coalesce(c.code, ''), coalesce(c.name, ''), s.is_active
        FROM catalog_sku s JOIN catalog_product p ON p.id = s.product_id
        LEFT JOIN catalog_category c ON c.id = p.category_id""",
    order_by=("sku_id",),
)

DIM_NODE = Table(
    name="dim_node",
    grain="all",
    raw={
        "node_id": "BIGINT",
        "node_code": "VARCHAR",
        "node_name": "VARCHAR",
        "kind": "VARCHAR",
        "division": "VARCHAR",
        "node_city": "VARCHAR",
        "is_active": "BOOLEAN",
        "is_simulated": "BOOLEAN",
    },
    select="SELECT id, code, name, kind, division, city, is_active, is_simulated FROM network_node",
    order_by=("node_id",),
)

# Which nodes serve a channel: the stock that it sells from.
DIM_SERVICE = Table(
    name="dim_service",
    grain="all",
    raw={"channel_id": "BIGINT", "node_id": "BIGINT"},
    select="""
        SELECT DISTINCT h.channel_id, v.node_id
        FROM network_service v JOIN channels_shop h ON h.id = v.shop_id""",
    order_by=("channel_id", "node_id"),
)

DIMENSIONS = (DIM_CHANNEL, DIM_CHANNEL_FACET, DIM_SHOP, DIM_SKU, DIM_NODE, DIM_SERVICE)
