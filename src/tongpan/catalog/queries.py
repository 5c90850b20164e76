"""Reads of categories, products and SKUs."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from django.db.models import Prefetch, Q, QuerySet

from tongpan.catalog.models import Category, Product, Sku

SORTS = {"code": ("code",), "name": ("name", "code")}


@dataclass(frozen=True, slots=True)
class SkuFilter:
    """What a list of SKUs is narrowed to; an empty field narrows nothing.

    text: the beginning of a SKU code, a whole barcode, or words that its name contains. state: "active",
    "inactive" or "" for both.
    """

    text: str = ""
    category_id: int | None = None
    state: str = ""


def select_skus(wanted: SkuFilter) -> QuerySet[Sku]:
    """The SKUs of ``wanted``, unordered."""
    skus = Sku.objects.all()
    if wanted.category_id is not None:
        skus = skus.filter(product__category_id=wanted.category_id)
    if wanted.state:
        skus = skus.filter(is_active=wanted.state == "active")
    if wanted.text:
        in_name = Q()
        for word in wanted.text.split():
            in_name &= Q(name__icontains=word)
        skus = skus.filter(Q(code__istartswith=wanted.text) | Q(barcode=wanted.text) | in_name)
    return skus


def _sorted(skus: QuerySet[Sku], sort: str) -> QuerySet[Sku]:
    sign = "-" if sort.startswith("-") else ""
    return skus.order_by(*(f"{sign}{name}" for name in SORTS[sort.removeprefix("-")]))


def fetch_skus(wanted: SkuFilter, sort: str, offset: int, limit: int) -> list[Sku]:
    """One page of SKUs with product and category. ``sort`` is a key of SORTS, with "-" for descending."""
    rows = _sorted(select_skus(wanted), sort).select_related("product__category")
    return list(rows[offset : offset + limit])


def count_skus(wanted: SkuFilter, cap: int) -> int:
    """How many SKUs ``wanted`` has; counting stops at ``cap``."""
    return select_skus(wanted).order_by()[:cap].count()


def iterate_skus(wanted: SkuFilter, sort: str) -> Iterator[Sku]:
    """All SKUs of ``wanted`` with product and category, through a cursor."""
    return _sorted(select_skus(wanted), sort).select_related("product__category").iterator(chunk_size=2000)


def select_products(code: str = "") -> QuerySet[Product]:
    """All products, or the one called ``code``, unordered, with category and SKUs fetched along."""
    skus = Prefetch("skus", Sku.objects.order_by("code"))
    rows = Product.objects.select_related("category").prefetch_related(skus)
    return rows.filter(code=code) if code else rows


def sku_by_code(code: str) -> Sku | None:
    """The SKU called ``code`` with product, category and the product's SKUs."""
    found = Sku.objects.filter(code=code).select_related("product__category")
    return found.prefetch_related("product__skus").first()


def categories() -> list[Category]:
    """All categories by code."""
    return list(Category.objects.all())


def codes_of_skus(sku_ids: Collection[int]) -> dict[int, str]:
    """The code of each SKU, by id."""
    return dict(Sku.objects.filter(pk__in=sku_ids).values_list("pk", "code"))
