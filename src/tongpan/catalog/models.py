"""Categories, products and the SKUs that are stocked and sold."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from tongpan.channels.models import Shop


class Category(models.Model):
    code = models.CharField(_("code"), max_length=120, unique=True)
    name = models.CharField(_("name"), max_length=120)
    parent = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="children")

    class Meta:
        ordering = ["code"]


class Product(models.Model):
    """What a buyer recognises as one article; its SKUs are its sizes and colours."""

    code = models.CharField(_("code"), max_length=120, unique=True)
    name = models.CharField(_("name"), max_length=300)
    category = models.ForeignKey(Category, null=True, blank=True, on_delete=models.PROTECT, related_name="products")

    class Meta:
        ordering = ["code"]


class Sku(models.Model):
    """The unit of stock. ``code`` is the company's own code, the same on every channel.

    is_core: its supply is guaranteed on all channels (INV-13).
    """

    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="skus")
    code = models.CharField(_("code"), max_length=120, unique=True)
    name = models.CharField(_("name"), max_length=300)
    barcode = models.CharField(_("barcode"), max_length=60, blank=True)
    is_active = models.BooleanField(_("active"), default=True)
    is_core = models.BooleanField(_("core"), db_default=False, default=False)

    class Meta:
        ordering = ["code"]


class Listing(models.Model):
    """A SKU as one shop offers it: the channel's own item and variant ids, and what they stand for here (PRD-01).

    price_minor: what the shop asks, in minor units of ``currency``; null when it is not known.
    """

    id = models.BigAutoField(primary_key=True)
    shop = models.ForeignKey(Shop, on_delete=models.PROTECT, related_name="listings", db_index=False)
    external_item_id = models.CharField(_("item on the channel"), max_length=120)
    external_sku_id = models.CharField(_("variant on the channel"), max_length=120, blank=True)
    sku = models.ForeignKey(Sku, on_delete=models.PROTECT, related_name="listings")
    title = models.CharField(_("title"), max_length=300, blank=True)
    is_on_sale = models.BooleanField(_("on sale"), default=True)
    price_minor = models.BigIntegerField(_("price"), null=True)
    currency = models.CharField(max_length=3)

    class Meta:
        ordering = ["shop", "external_item_id", "external_sku_id"]
        constraints = [
            models.UniqueConstraint(fields=["shop", "external_item_id", "external_sku_id"], name="listing_once")
        ]


class KitPart(models.Model):
    """A kit has no stock of its own: selling one takes ``qty`` units of each of its parts. Kits do not nest."""

    id = models.BigAutoField(primary_key=True)
    kit = models.ForeignKey(Sku, on_delete=models.CASCADE, related_name="parts", db_index=False)
    part = models.ForeignKey(Sku, on_delete=models.PROTECT, related_name="kits")
    qty = models.PositiveIntegerField(_("units"))

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kit", "part"], name="kit_part_once"),
            models.CheckConstraint(condition=Q(qty__gt=0) & ~Q(kit=F("part")), name="kit_part_counts"),
        ]


class SkuRegion(models.Model):
    """A province that a region-limited SKU is sold to (PRD-08). A SKU without any is sold everywhere."""

    id = models.BigAutoField(primary_key=True)
    sku = models.ForeignKey(Sku, on_delete=models.CASCADE, related_name="regions", db_index=False)
    province = models.CharField(_("province"), max_length=60)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["sku", "province"], name="sku_region_once")]
