"""Sources that push to us, and every message that they pushed."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from tongpan.channels.models import Shop


class SourceKind(models.TextChoices):
    STANDARD = "standard", _("Standard Webhooks")
    WOOCOMMERCE = "woocommerce", "WooCommerce"
    SHOPIFY = "shopify", "Shopify"
    YOUZAN = "youzan", _("Youzan")
    WECHAT = "wechat", _("WeChat shop")


class InboundSource(models.Model):
    """Somebody who pushes to ``/hooks/CODE``. last_refused_at: when a message came that the secret did not sign."""

    id = models.BigAutoField(primary_key=True)
    code = models.CharField(_("code"), max_length=40)
    kind = models.CharField(_("kind"), max_length=12, choices=SourceKind.choices)
    shop = models.ForeignKey(Shop, on_delete=models.PROTECT, verbose_name=_("shop"))
    secret_sealed = models.BinaryField()
    is_active = models.BooleanField(_("active"), default=True)
    last_received_at = models.DateTimeField(null=True)
    last_refused_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    created_by = models.TextField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["code"], name="inbound_source_once")]


class MessageState(models.TextChoices):
    WAITING = "waiting", _("Waiting")
    DONE = "done", _("Done")
    IGNORED = "ignored", _("Not for us")
    FAILED = "failed", _("Failed")


class InboundMessage(models.Model):
    """One message as it came; the same (source, message_id) is kept once, repeats only counted.

    body_sealed: the raw body, sealed because it holds names and addresses. reason: why it failed or was not taken.
    document_id: the order or return that it became.
    """

    id = models.BigAutoField(primary_key=True)
    source = models.ForeignKey(InboundSource, on_delete=models.CASCADE, related_name="messages", db_index=False)
    message_id = models.CharField(max_length=200)
    topic = models.CharField(_("event"), max_length=80)
    body_sealed = models.BinaryField()
    state = models.CharField(max_length=8, choices=MessageState.choices, default=MessageState.WAITING)
    outcome = models.CharField(max_length=12, blank=True)
    reason = models.TextField(blank=True)
    document_id = models.BigIntegerField(null=True)
    repeats = models.PositiveIntegerField(default=0)
    received_at = models.DateTimeField()
    processed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "message_id"], name="inbound_message_once")]
        indexes = [
            models.Index(fields=["id"], condition=Q(state="waiting"), name="inbound_waiting"),
            models.Index(fields=["source", "-id"], name="inbound_log"),
            models.Index(fields=["received_at"], condition=~Q(state="waiting"), name="inbound_ended"),
        ]
