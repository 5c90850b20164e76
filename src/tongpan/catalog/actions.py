"""Writes of the catalogue."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tongpan.core.bulk import execute, fetch_all


@dataclass(frozen=True, slots=True)
class SkuSpec:
    """What a source says of a SKU; empty text means it does not say. Without a product code the SKU is its own."""

    name: str = ""
    product_code: str = ""
    product_name: str = ""
    category: str = ""


def ensure_skus(specs: Mapping[str, SkuSpec]) -> dict[str, int]:
    """The id of every SKU code in ``specs``; unknown ones are made, with their products and categories.

    A name or category that was unknown is filled in; a known one is never overwritten. Rows are inserted in
    ascending order of code, so that two intakes cannot wait for each other. Five statements at most.
    """
    if not specs:
        return {}
    known = _ids_and_gaps(list(specs))
    missing = sorted(code for code in specs if code not in known)
    unnamed = sorted(code for code, (_, named) in known.items() if not named and specs[code].name)
    if missing:
        _insert(missing, specs)
    if unnamed:
        execute(
            """UPDATE catalog_sku s SET name = n.name FROM unnest(%s::text[], %s::text[]) AS n(code, name)
               WHERE s.code = n.code AND s.name = ''""",
            [unnamed, [specs[code].name[:300] for code in unnamed]],
        )
        execute(
            """UPDATE catalog_product p SET name = s.name FROM catalog_sku s
               WHERE s.product_id = p.id AND s.code = ANY(%s) AND p.name = ''""",
            [unnamed],
        )
    if missing:
        known |= _ids_and_gaps(missing)
    return {code: sku_id for code, (sku_id, _) in known.items()}


def _ids_and_gaps(codes: list[str]) -> dict[str, tuple[int, bool]]:
    rows = fetch_all("SELECT code, id, name <> '' FROM catalog_sku WHERE code = ANY(%s)", [codes])
    return {code: (sku_id, named) for code, sku_id, named in rows}


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
