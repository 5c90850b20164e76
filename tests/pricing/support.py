"""Prices for tests: SKUs A to D, the guide list, and shorthands."""

from tests.support.company import NOW

from tongpan.catalog.actions import SkuSpec, ensure_skus
from tongpan.core.bulk import fetch_all
from tongpan.pricing.actions import PriceChange, request_changes

BY = {"actor": "user:li", "now": NOW}


def stock_goods(codes="ABCD"):
    ensure_skus({code: SkuSpec(f"Goods {code}") for code in codes})


def ask(*rows, **more):
    """Request (list, SKU, amount[, min_qty, starts, ends]) rows."""
    return request_changes([PriceChange(*row) for row in rows], **{**BY, **more})


def outcomes(done):
    return [(row.outcome, [finding.code for finding in row.findings]) for row in done.rows]


def entries(sku="A"):
    """(list, amount, lower, upper) of the entries that count or will count, by list and time."""
    return fetch_all(
        """SELECT l.code, e.amount_minor, lower(e.valid), upper(e.valid) FROM pricing_priceentry e
           JOIN pricing_pricelist l ON l.id = e.price_list_id JOIN catalog_sku s ON s.id = e.sku_id
           WHERE s.code = %s AND NOT isempty(e.valid) ORDER BY l.code, e.min_qty, lower(e.valid)""",
        [sku],
    )
