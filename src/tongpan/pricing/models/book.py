"""Price lists and what they ask for a SKU, with validity."""

from __future__ import annotations

from django.contrib.postgres.fields import DateTimeRangeField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from tongpan.catalog.models import Sku
from tongpan.channels.models import Channel


class ListKind(models.TextChoices):
    """What a list is for. Guide prices are what bands are counted from; live, community, member and tier prices are
    for the buyers of their scope only (PRI-12), all others for everybody (X-33)."""

    GUIDE = "guide", _("Guide price")
    CHANNEL = "channel", _("Channel price")
    TIER = "tier", _("Tier price")
    REGION = "region", _("Region price")
    QUANTITY = "quantity", _("Quantity price")
    LIVE = "live", _("Live-exclusive price")
    COMMUNITY = "community", _("Community price")
    MEMBER = "member", _("Member price")
    SEASONAL = "seasonal", _("Seasonal price")
    DYNAMIC = "dynamic", _("Dynamic price")


class PriceList(models.Model):
    """A set of prices with one scope. Null or "" in a part of the scope means everywhere.

    priority: among lists for everybody the highest that has a price counts. valid: the period of the list; its
    entries count inside it only.
    """

    code = models.CharField(_("code"), max_length=40, unique=True)
    name_zh = models.CharField(_("Chinese name"), max_length=80)
    name_en = models.CharField(_("English name"), max_length=80)
    kind = models.CharField(_("kind"), max_length=10, choices=ListKind.choices)
    channel = models.ForeignKey(Channel, null=True, blank=True, on_delete=models.PROTECT, related_name="price_lists")
    tier = models.CharField(_("tier"), max_length=40, blank=True)
    region = models.CharField(_("region"), max_length=60, blank=True)
    currency = models.CharField(_("currency"), max_length=3, default="CNY")
    priority = models.PositiveSmallIntegerField(_("priority"))
    valid = DateTimeRangeField(_("valid"))
    is_active = models.BooleanField(_("active"), default=True)
    note = models.TextField(_("note"), blank=True)
    created_by = models.TextField()
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["-priority", "code"]
        constraints = [
            models.UniqueConstraint(fields=["currency"], condition=Q(kind="guide"), name="one_guide_per_currency"),
            models.CheckConstraint(condition=~Q(kind="channel") | Q(channel__isnull=False), name="channel_list_scope"),
            models.CheckConstraint(condition=~Q(kind="tier") | ~Q(tier=""), name="tier_list_scope"),
            models.CheckConstraint(condition=~Q(kind="region") | ~Q(region=""), name="region_list_scope"),
            models.CheckConstraint(
                condition=~Q(kind="guide") | (Q(channel__isnull=True) & Q(tier="") & Q(region="")),
                name="guide_list_scope",
            ),
            models.CheckConstraint(
                condition=~Q(kind__in=["live", "community", "seasonal"]) | Q(valid__upper_inf=False),
                name="list_of_a_period",
            ),
        ]


class PriceEntry(models.Model):
    """What a list asks for one unit of a SKU from ``min_qty`` units on, in minor units of the list's currency.

    An entry is ended, never edited: the database refuses every change but a shorter ``valid``, and refuses two
    entries of one (list, SKU, min_qty) that are valid at the same moment. An empty ``valid``: it was withdrawn
    before it began.
    """

    id = models.BigAutoField(primary_key=True)
    price_list = models.ForeignKey(PriceList, on_delete=models.PROTECT, related_name="entries", db_index=False)
    sku = models.ForeignKey(Sku, on_delete=models.PROTECT, related_name="price_entries", db_index=False)
    min_qty = models.PositiveIntegerField(_("from units"), default=1)
    amount_minor = models.BigIntegerField(_("price"))
    valid = DateTimeRangeField(_("valid"))
    row = models.ForeignKey(
        "pricing.ChangeRow", null=True, on_delete=models.PROTECT, related_name="entries", db_index=False
    )
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(amount_minor__gt=0) & Q(amount_minor__lte=10**14), name="price_positive"
            ),
            models.CheckConstraint(condition=Q(min_qty__gt=0), name="price_from_one_unit"),
        ]
        indexes = [models.Index(F("sku"), F("price_list"), name="price_of_sku")]
