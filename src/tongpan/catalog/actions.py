"""Writes of the catalogue."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.db import transaction

from tongpan.catalog.events import SKUS_CHANGED
from tongpan.core.bulk import execute, fetch_all, texts
from tongpan.core.eventlog import NewEvent, append


@dataclass(frozen=True, slots=True)
class SkuSpec:
    """What a source says of a SKU; empty text means it does not say. Without a product code the SKU is its own."""

    name: str = ""
    product_code: str = ""
    product_name: str = ""
    category: str = ""


def fullest(named: Iterable[tuple[str, SkuSpec]]) -> dict[str, SkuSpec]:
    """One spec for each SKU code: of what is said of it, the first that is not empty."""
    specs: dict[str, SkuSpec] = {}
    for code, spec in named:
        known = specs.get(code)
        if known is None:
            specs[code] = spec
        elif known != spec:
            specs[code] = SkuSpec(
                known.name or spec.name,
                known.product_code or spec.product_code,
                known.product_name or spec.product_name,
                known.category or spec.category,
            )
    return specs


def ensure_skus(specs: Mapping[str, SkuSpec]) -> dict[str, int]:
    """The id of every SKU code in ``specs``; unknown ones are made, with their products and categories.

    A name that was unknown is filled in; a known one is never overwritten. Rows are inserted and locked in one
    order, so that two intakes cannot wait for each other. Seven statements at most.
    """
    if not specs:
        return {}
    known, nameless = _ids_and_gaps(list(specs))
    missing = sorted(specs.keys() - known.keys()) if len(known) < len(specs) else []
    unnamed = sorted(code for code in nameless if specs[code].name.strip())
    if missing:
        _insert(missing, specs)
    if unnamed:
        execute(
            """WITH n AS (SELECT s.id, n.name FROM unnest(%s::text[], %s::text[]) AS n(code, name)
                          JOIN catalog_sku s ON s.code = n.code WHERE s.name = '' ORDER BY s.id FOR NO KEY UPDATE OF s)
               UPDATE catalog_sku s SET name = n.name FROM n WHERE s.id = n.id""",
            [unnamed, [specs[code].name[:300] for code in unnamed]],
        )
        execute(
            """WITH n AS (SELECT p.id, s.name FROM catalog_product p JOIN catalog_sku s ON s.product_id = p.id
                          WHERE s.code = ANY(%s) AND p.name = '' ORDER BY p.id, s.code FOR NO KEY UPDATE OF p)
               UPDATE catalog_product p SET name = n.name
               FROM (SELECT DISTINCT ON (id) id, name FROM n ORDER BY id) n WHERE p.id = n.id""",
            [unnamed],
        )
    if missing:
        known |= _ids_and_gaps(missing)[0]
    return known


def _ids_and_gaps(codes: list[str]) -> tuple[dict[str, int], list[str]]:
    """The ids of known SKUs by code, and the codes of those that have no name."""
    rows = fetch_all("SELECT code, id, name <> '' FROM catalog_sku WHERE code = ANY(%s::text[])", [texts(codes)])
    return {code: sku_id for code, sku_id, _ in rows}, [code for code, _, named in rows if not named]


def _insert(codes: list[str], specs: Mapping[str, SkuSpec]) -> None:
    categories = sorted({specs[code].category for code in codes} - {""})
    if categories:
        execute(
            """INSERT INTO catalog_category (code, name) SELECT left(c, 120), left(c, 120)
               FROM unnest(%s::text[]) AS c ON CONFLICT DO NOTHING""",
            [categories],
        )
    products: dict[str, tuple[str, str]] = {}
    for code in codes:
        spec = specs[code]
        product_code = spec.product_code or code
        products.setdefault(product_code, (spec.product_name or spec.name, spec.category))
    ordered = sorted(products)
    execute(
        """INSERT INTO catalog_product (code, name, category_id)
           SELECT p.code, left(p.name, 300), c.id
           FROM unnest(%s::text[], %s::text[], %s::text[]) AS p(code, name, category)
           LEFT JOIN catalog_category c ON c.code = left(p.category, 120)
           ORDER BY p.code ON CONFLICT DO NOTHING""",
        [ordered, [products[code][0] for code in ordered], [products[code][1] for code in ordered]],
    )
    execute(
        """INSERT INTO catalog_sku (product_id, code, name, barcode, is_active)
           SELECT p.id, s.code, left(s.name, 300), '', true
           FROM unnest(%s::text[], %s::text[], %s::text[]) AS s(code, name, product)
           JOIN catalog_product p ON p.code = s.product
           ORDER BY s.code ON CONFLICT DO NOTHING""",
        [codes, [specs[c].name for c in codes], [specs[c].product_code or c for c in codes]],
    )


@transaction.atomic
def mark_core(codes: Mapping[str, bool]) -> int:
    """Say of SKUs, by code, whether they are core goods (INV-13); how many changed. Two statements."""
    ordered = sorted(codes)
    changed = fetch_all(
        """UPDATE catalog_sku s SET is_core = k.is_core FROM unnest(%s::text[], %s::bool[]) AS k(code, is_core)
           WHERE s.code = k.code AND s.is_core <> k.is_core RETURNING s.id""",
        [ordered, [codes[code] for code in ordered]],
    )
    append([NewEvent(SKUS_CHANGED, str(sku_id), {}) for (sku_id,) in sorted(changed)])
    return len(changed)
