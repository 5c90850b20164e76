"""Products and SKUs."""

from __future__ import annotations

from typing import Annotated

from django.http import HttpRequest
from ninja import Path, Query, Router
from pydantic import Field

from tongpan.api.operations import actor_of, read, write
from tongpan.api.pages import Page, PageQuery, page_of
from tongpan.api.problems import not_found
from tongpan.api.values import Id, In, Out, Text120
from tongpan.catalog.models import Product, Sku
from tongpan.catalog.queries import SkuFilter, select_products, select_skus
from tongpan.catalog.regions import limit_regions, regions_of
from tongpan.core.clock import utc_now

router = Router(tags=["goods"])


class SkuOut(Out):
    id: int
    code: str
    name: str
    barcode: str
    is_active: bool
    product: str
    category: str | None


class ProductOut(Out):
    id: int
    code: str
    name: str
    category: str | None
    skus: list[str]


class SkuQuery(PageQuery):
    search: Text120 = Field("", description="The beginning of a code, a whole barcode, or words of the name")


class ProductQuery(PageQuery):
    code: Text120 = ""


def _sku(row: Sku) -> SkuOut:
    category = row.product.category
    return SkuOut(
        id=row.pk,
        code=row.code,
        name=row.name,
        barcode=row.barcode,
        is_active=row.is_active,
        product=row.product.code,
        category=category.code if category else None,
    )


def _product(row: Product) -> ProductOut:
    return ProductOut(
        id=row.pk,
        code=row.code,
        name=row.name,
        category=row.category.code if row.category else None,
        skus=[sku.code for sku in row.skus.all()],
    )


@read(router, "/skus", "goods.view", Page[SkuOut])
def list_skus(request: HttpRequest, query: Query[SkuQuery]) -> Page[SkuOut]:
    """SKUs by code: the units of stock."""
    rows = select_skus(SkuFilter(text=query.search.strip())).select_related("product__category")
    return page_of(rows, ["code"], query, _sku)


@read(router, "/skus/{sku_id}", "goods.view", SkuOut)
def get_sku(request: HttpRequest, sku_id: Path[Id]) -> SkuOut:
    """One SKU."""
    row = select_skus(SkuFilter()).select_related("product__category").filter(pk=sku_id).first()
    if row is None:
        raise not_found("sku", sku_id)
    return _sku(row)


class RegionsIn(In):
    """The provinces that the SKU is sold to; none lets it be sold everywhere."""

    provinces: list[Annotated[str, Field(strict=True, min_length=1, max_length=60)]] = Field(
        max_length=40, examples=[["新疆", "西藏"]]
    )


class RegionsOut(Out):
    sku: str
    provinces: list[str]


@read(router, "/skus/{sku_id}/regions", "goods.view", RegionsOut)
def get_regions(request: HttpRequest, sku_id: Path[Id]) -> RegionsOut:
    """The provinces that a region-limited SKU is sold to; none means everywhere."""
    row = select_skus(SkuFilter()).filter(pk=sku_id).first()
    if row is None:
        raise not_found("sku", sku_id)
    return RegionsOut(sku=row.code, provinces=regions_of([row.pk]).get(row.pk, []))


@write(router, "PUT", "/skus/{sku_id}/regions", "goods.edit", RegionsOut)
def put_regions(request: HttpRequest, sku_id: Path[Id], given: RegionsIn) -> RegionsOut:
    """Limit a SKU to provinces. An order that goes elsewhere is held by the review, with the reason."""
    row = select_skus(SkuFilter()).filter(pk=sku_id).first()
    if row is None:
        raise not_found("sku", sku_id)
    stored = limit_regions({row.code: given.provinces}, actor=actor_of(request), now=utc_now())
    return RegionsOut(sku=row.code, provinces=stored[row.code])


@read(router, "/products", "goods.view", Page[ProductOut])
def list_products(request: HttpRequest, query: Query[ProductQuery]) -> Page[ProductOut]:
    """Products by code, with the codes of their SKUs."""
    return page_of(select_products(query.code), ["code"], query, _product)


@read(router, "/products/{product_id}", "goods.view", ProductOut)
def get_product(request: HttpRequest, product_id: Path[Id]) -> ProductOut:
    """One product."""
    row = select_products().filter(pk=product_id).first()
    if row is None:
        raise not_found("product", product_id)
    return _product(row)
