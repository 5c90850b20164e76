"""Imports: one row per file that was read, with what became of its rows."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from tongpan.channels.models import Shop
from tongpan.connectors.accounts.models import Account, Push, RefusedOrder
from tongpan.connectors.exchange.models import ExchangeFile, ExchangePartner, Handover
from tongpan.connectors.inbound.models import InboundMessage, InboundSource
from tongpan.connectors.webhooks.models import Webhook, WebhookAttempt, WebhookDelivery

__all__ = [
    "Account",
    "ExchangeFile",
    "ExchangePartner",
    "Handover",
    "Import",
    "InboundMessage",
    "InboundSource",
    "Push",
    "RefusedOrder",
    "Webhook",
    "WebhookAttempt",
    "WebhookDelivery",
]


class Import(models.Model):
    """One run of the importer over one file (or one folder of files that belong together).

    result: the JSON that ``tongpan import --json`` prints. stored_path: where an uploaded file is kept, relative
    to the uploads directory; empty for a file imported in place.
    """

    id = models.BigAutoField(primary_key=True)
    file_name = models.CharField(_("file"), max_length=255)
    stored_path = models.CharField(max_length=300, blank=True)
    format = models.CharField(_("format"), max_length=40)
    mapping = models.JSONField(default=dict)
    shop = models.ForeignKey(Shop, null=True, on_delete=models.PROTECT)
    is_dry_run = models.BooleanField(default=False)
    status = models.CharField(
        max_length=10,
        choices=[
            ("waiting", _("Waiting")),
            ("running", _("Running")),
            ("done", _("Done")),
            ("failed", _("Failed")),
        ],
    )
    rows_read = models.BigIntegerField(default=0)
    rows_total = models.BigIntegerField(null=True)
    result = models.JSONField(default=dict)
    failure = models.TextField(blank=True)
    errors_path = models.CharField(max_length=300, blank=True)
    actor = models.TextField()
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]


class Part(models.Model):
    """What one file said of one document, where the files of a format come one at a time.

    part: the table of the format. number: the document's. content: the cells as JSON, sealed, because a head holds
    names, phones and addresses. digest: of the content. exported_at: when the file was made, as far as its name says.
    """

    id = models.BigAutoField(primary_key=True)
    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, db_index=False)
    format = models.CharField(max_length=40)
    part = models.CharField(max_length=40)
    number = models.CharField(max_length=120)
    exported_at = models.DateTimeField(null=True)
    digest = models.BinaryField()
    content = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["shop", "format", "number", "part"], name="part_once")]
