"""Partners that exchange files with us, and every file that came or went."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from tongpan.channels.models import Shop
from tongpan.fulfillment.models import Fulfillment
from tongpan.network.models import Node


class ExchangePartner(models.Model):
    """A system with folders of its own under ``exchange/CODE``.

    node: whose orders and stock are laid out for it; without one nothing is. shop: of rows that name none.
    """

    id = models.BigAutoField(primary_key=True)
    code = models.CharField(_("code"), max_length=40)
    node = models.ForeignKey(Node, null=True, on_delete=models.PROTECT, verbose_name=_("node"))
    shop = models.ForeignKey(Shop, null=True, on_delete=models.PROTECT, verbose_name=_("shop"))
    file_format = models.CharField(_("format"), max_length=4, choices=[("csv", "CSV"), ("json", "JSON")], default="csv")
    sends_orders = models.BooleanField(_("orders to ship"), default=False)
    sends_stock = models.BooleanField(_("stock"), default=False)
    is_active = models.BooleanField(_("active"), default=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["code"], name="exchange_partner_once")]


class FileState(models.TextChoices):
    WORKING = "working", _("Being worked on")
    DONE = "done", _("Done")
    PARTLY = "partly", _("Partly taken")
    FAILED = "failed", _("Failed")
    REPEATED = "repeated", _("Taken before")


class ExchangeFile(models.Model):
    """One file that came in ("in") or was laid out ("out"). digest: SHA-256 of the content of one that came in."""

    id = models.BigAutoField(primary_key=True)
    partner = models.ForeignKey(ExchangePartner, on_delete=models.CASCADE, related_name="files", db_index=False)
    direction = models.CharField(max_length=3, choices=[("in", _("In")), ("out", _("Out"))])
    kind = models.CharField(max_length=40, blank=True)
    name = models.CharField(max_length=255)
    digest = models.BinaryField(default=b"")
    state = models.CharField(max_length=8, choices=FileState.choices)
    rows = models.PositiveIntegerField(default=0)
    rejected = models.PositiveIntegerField(default=0)
    reason = models.TextField(blank=True)
    import_id = models.BigIntegerField(null=True)
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["partner", "-id"], name="exchange_log"),
            models.Index(fields=["partner", "digest"], condition=Q(direction="in"), name="exchange_content"),
        ]


class Handover(models.Model):
    """A fulfilment that a partner was told to ship, or, when it was cancelled afterwards, not to ship any more."""

    id = models.BigAutoField(primary_key=True)
    fulfillment = models.ForeignKey(Fulfillment, on_delete=models.CASCADE, db_index=False)
    file = models.ForeignKey(ExchangeFile, on_delete=models.CASCADE, related_name="handovers")
    action = models.CharField(max_length=6, choices=[("ship", _("Ship")), ("cancel", _("Do not ship"))])

    class Meta:
        constraints = [models.UniqueConstraint(fields=["fulfillment", "action"], name="handover_once")]
