"""What prices are held against: floors, costs, and the bands of channels."""

from __future__ import annotations

from django.contrib.postgres.fields import DateTimeRangeField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from tongpan.catalog.models import Sku
from tongpan.channels.models import Channel


class PriceFloor(models.Model):
    """The least that one unit of a SKU may be offered and sold for, in minor units of ``currency`` (PRI-03).

    region: a province in its full spelling; "" for all that have no floor of their own. floor_minor: the least list
    price. min_net_minor: the least price after all discounts; null means that it is the floor too.
    """

    sku = models.ForeignKey(Sku, on_delete=models.CASCADE, related_name="price_floors")
    region = models.CharField(_("region"), max_length=60, blank=True, db_default="", default="")
    currency = models.CharField(_("currency"), max_length=3)
    floor_minor = models.BigIntegerField(_("floor"))
    min_net_minor = models.BigIntegerField(_("least net price"), null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["sku", "region", "currency"], name="floor_once"),
            models.CheckConstraint(condition=Q(floor_minor__gt=0), name="floor_positive"),
            models.CheckConstraint(
                condition=Q(min_net_minor__isnull=True)
                | (Q(min_net_minor__gt=0) & Q(min_net_minor__lte=F("floor_minor"))),
                name="net_under_floor",
            ),
        ]


class SkuCost(models.Model):
    """What a unit of a SKU costs the company while ``valid``; no two are valid at the same moment, by the database."""

    id = models.BigAutoField(primary_key=True)
    sku = models.ForeignKey(Sku, on_delete=models.PROTECT, related_name="costs")
    currency = models.CharField(_("currency"), max_length=3)
    amount_minor = models.BigIntegerField(_("cost"))
    valid = DateTimeRangeField(_("valid"))
    created_by = models.TextField()
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(amount_minor__gte=0), name="cost_not_negative")]


class ChannelBand(models.Model):
    """A channel's own band, in place of the two settings (X-09). mode "": as the settings say.

    follows: prices of the book are put on the channel's listings without anybody's doing.
    """

    channel = models.OneToOneField(Channel, primary_key=True, on_delete=models.CASCADE, related_name="price_band")
    lower_pct = models.DecimalField(_("below the guide price, %"), max_digits=5, decimal_places=2, null=True)
    upper_pct = models.DecimalField(_("above the guide price, %"), max_digits=6, decimal_places=2, null=True)
    mode = models.CharField(
        _("mode"), max_length=10, blank=True, choices=[("band", _("Band")), ("identical", _("Identical"))]
    )
    follows = models.BooleanField(_("listings follow the price book"), default=False)
    changed_by = models.TextField()
    changed_at = models.DateTimeField()

    class Meta:
        db_table = "pricing_channel_band"
        constraints = [
            models.CheckConstraint(
                condition=Q(lower_pct__isnull=True) | (Q(lower_pct__gte=0) & Q(lower_pct__lt=100)), name="band_lower"
            ),
            models.CheckConstraint(condition=Q(upper_pct__isnull=True) | Q(upper_pct__gte=0), name="band_upper"),
        ]
