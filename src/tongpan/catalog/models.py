"""Categories, products and the SKUs that are stocked and sold."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from tongpan.channels.models import Channel, Shop


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


class ListingContent(models.Model):
    """What buyers see of a listing, as the channel last told it (PRD-03).

    attributes: name -> value. return_days, ship_hours: what the page promises; null when it promises nothing.
    """

    listing = models.OneToOneField(Listing, primary_key=True, on_delete=models.CASCADE, related_name="content")
    description = models.TextField(_("description"), blank=True)
    image_count = models.PositiveIntegerField(_("images"), default=0)
    has_video = models.BooleanField(_("video"), default=False)
    attributes = models.JSONField(_("attributes"), default=dict)
    return_days = models.PositiveIntegerField(_("days to return"), null=True)
    ship_hours = models.PositiveIntegerField(_("hours to ship"), null=True)
    has_spares = models.BooleanField(_("spare parts"), default=False)
    updated_at = models.DateTimeField()

    class Meta:
        db_table = "catalog_listing_content"


class RoleKind(models.TextChoices):
    TRAFFIC = "traffic", _("Traffic hot-seller")
    CUSTOM = "custom", _("High-margin custom")
    EXPERIENCE = "experience", _("Experience type")


class ProductRole(models.Model):
    """What a product is for on a channel, where it is not what the kind of the channel says (PRD-02)."""

    id = models.BigAutoField(primary_key=True)
    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="roles", db_index=False)
    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="+")
    role = models.CharField(_("role"), max_length=20, choices=RoleKind.choices)

    class Meta:
        db_table = "catalog_product_role"
        constraints = [models.UniqueConstraint(fields=["product", "channel"], name="product_role_once")]


class FitStandard(models.Model):
    """A version of what a listing must look like on a channel, or on all others without one (PRD-03).

    checks: as ``catalog.fit.read_checks`` reads them. blocks: a listing that fails is not put on sale.
    """

    id = models.BigAutoField(primary_key=True)
    channel = models.ForeignKey(Channel, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    version = models.PositiveIntegerField(_("version"))
    checks = models.JSONField(_("checks"))
    blocks = models.BooleanField(_("blocks"), default=False)
    created_at = models.DateTimeField()
    created_by = models.TextField()

    class Meta:
        db_table = "catalog_fit_standard"
        constraints = [
            models.UniqueConstraint(fields=["channel", "version"], nulls_distinct=False, name="fit_standard_once")
        ]


class FitResult(models.Model):
    """What the standard says of a listing. findings: one for each check, as ``catalog.fit.Finding``."""

    listing = models.OneToOneField(Listing, primary_key=True, on_delete=models.CASCADE, related_name="fit")
    standard = models.ForeignKey(FitStandard, on_delete=models.CASCADE, related_name="+")
    score = models.PositiveSmallIntegerField(_("score"))
    passed = models.BooleanField(_("passed"))
    findings = models.JSONField()
    checked_at = models.DateTimeField()

    class Meta:
        db_table = "catalog_fit_result"


class TruthReview(models.Model):
    """A person compared a detail page with the goods (RET-08); the last one of a listing counts. Append-only."""

    id = models.BigAutoField(primary_key=True)
    listing = models.ForeignKey(Listing, on_delete=models.CASCADE, related_name="truth_reviews")
    passed = models.BooleanField(_("passed"))
    note = models.TextField(_("note"), blank=True)
    reviewer = models.TextField(_("reviewer"))
    reviewed_at = models.DateTimeField(_("reviewed at"))

    class Meta:
        db_table = "catalog_truth_review"
        indexes = [models.Index(fields=["listing", "-id"], name="truth_of_listing")]


class ReviewState(models.TextChoices):
    PENDING = "pending", _("To be checked")
    SHOWN = "shown", _("Shown")
    HIDDEN = "hidden", _("Hidden")


class Review(models.Model):
    """What a buyer says of goods on a channel; (channel, external id) is its natural key. Only SHOWN ones are shown."""

    id = models.BigAutoField(primary_key=True)
    channel = models.ForeignKey(Channel, on_delete=models.PROTECT, related_name="+", db_index=False)
    external_id = models.CharField(max_length=120)
    sku = models.ForeignKey(Sku, on_delete=models.PROTECT, related_name="reviews", db_index=False)
    rating = models.PositiveSmallIntegerField(_("rating"))
    text = models.TextField(_("text"), blank=True)
    said_at = models.DateTimeField(_("said at"))
    state = models.CharField(_("state"), max_length=10, choices=ReviewState.choices, default=ReviewState.SHOWN)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["channel", "external_id"], name="review_once"),
            models.CheckConstraint(condition=Q(rating__gte=1) & Q(rating__lte=5), name="review_rating"),
        ]
        indexes = [models.Index(fields=["sku", "-said_at"], name="review_of_sku")]
