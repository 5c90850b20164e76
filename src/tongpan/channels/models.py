"""Channels, the facets they are classified by, and the shops on them."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Facet(models.Model):
    """One class of one classification tree (CHN-01, CHN-02): "live-stream e-commerce" under "public domain".

    A channel carries any number of facets (X-29); ``tree`` names the classification.
    """

    tree = models.CharField(max_length=20)
    code = models.CharField(max_length=40, unique=True)
    parent = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="children")
    name_zh = models.CharField(max_length=60)
    name_en = models.CharField(max_length=60)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        verbose_name = _("channel class")
        verbose_name_plural = _("channel classes")
        ordering = ["tree", "position", "code"]

    def __str__(self) -> str:
        return self.name_zh


class Channel(models.Model):
    """A way in which the company sells: Tmall, its mini-program, its stores, its dealers."""

    code = models.CharField(_("code"), max_length=40, unique=True)
    name_zh = models.CharField(_("Chinese name"), max_length=60)
    name_en = models.CharField(_("English name"), max_length=60)
    zone = models.CharField(_("time zone"), max_length=40, default="Asia/Shanghai")
    currency = models.CharField(_("currency"), max_length=3, default="CNY")
    facets = models.ManyToManyField(Facet, related_name="channels", blank=True)
    launched_on = models.DateField(_("launched on"), null=True, blank=True)
    closed_on = models.DateField(_("closed on"), null=True, blank=True)
    is_simulated = models.BooleanField(_("simulated"), default=False)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["position", "code"]


class ShopKind(models.TextChoices):
    SHOP = "shop", _("Shop")
    CONTENT = "content", _("Content account")
    GROUP = "group", _("Community group")
    STORE = "store", _("Physical store")
    DEALER = "dealer", _("Dealer")


class Shop(models.Model):
    """An account on a channel that takes orders or reaches people (CHN-04).

    An order's natural key is (shop, external id).
    """

    channel = models.ForeignKey(Channel, on_delete=models.PROTECT, related_name="shops")
    code = models.CharField(_("code"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=80)
    kind = models.CharField(_("kind"), max_length=20, choices=ShopKind.choices, default=ShopKind.SHOP)
    external_account = models.CharField(_("account on the channel"), max_length=80, blank=True)
    capacity = models.PositiveIntegerField(_("head-count capacity"), null=True, blank=True)
    is_active = models.BooleanField(_("active"), default=True)
    is_simulated = models.BooleanField(_("simulated"), default=False)

    class Meta:
        ordering = ["code"]
