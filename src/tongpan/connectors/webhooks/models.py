"""Subscriptions, what is to be delivered to them, and every attempt to do so."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class Webhook(models.Model):
    """A subscription: events of the log that are sent to an address.

    is_full: the payload tells the whole thing, not only its id. token: names the subscription in message ids.
    previous_sealed signs beside the secret until previous_until. paused_until: the receiver asked to be left alone.
    failing_since: the first failure after the last delivery.
    """

    id = models.BigAutoField(primary_key=True)
    name = models.CharField(_("name"), max_length=80)
    url = models.CharField(_("address"), max_length=2000)
    events = ArrayField(models.TextField(), verbose_name=_("events"))
    is_full = models.BooleanField(_("full payload"), default=False)
    token = models.CharField(max_length=32)
    secret_sealed = models.BinaryField()
    previous_sealed = models.BinaryField(default=b"")
    previous_until = models.DateTimeField(null=True)
    is_active = models.BooleanField(_("active"), default=True)
    disabled_reason = models.TextField(blank=True)
    paused_until = models.DateTimeField(null=True)
    failing_since = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    created_by = models.TextField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["name"], name="webhook_name_once")]


class DeliveryState(models.TextChoices):
    WAITING = "waiting", _("Waiting")
    DELIVERED = "delivered", _("Delivered")
    FAILED = "failed", _("Failed")


class WebhookDelivery(models.Model):
    """One event for one subscription. body: the bytes that are sent, at every attempt the same.

    attempts: how many were begun. leased_until: a sender is at it until then; if it died, another takes over.
    """

    id = models.BigAutoField(primary_key=True)
    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="deliveries", db_index=False)
    message_id = models.CharField(max_length=40)
    event_id = models.CharField(max_length=40)
    event_name = models.CharField(_("event"), max_length=60)
    event_at = models.DateTimeField()
    body = models.TextField()
    state = models.CharField(max_length=10, choices=DeliveryState.choices, default=DeliveryState.WAITING)
    attempts = models.PositiveIntegerField(default=0)
    next_at = models.DateTimeField()
    leased_until = models.DateTimeField(null=True)
    last_status = models.PositiveSmallIntegerField(null=True)
    delivered_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["webhook", "message_id"], name="webhook_delivery_once")]
        indexes = [
            models.Index(fields=["webhook", "next_at", "id"], condition=Q(state="waiting"), name="webhook_due"),
            models.Index(fields=["webhook", "-id"], name="webhook_log"),
            models.Index(fields=["created_at"], condition=~Q(state="waiting"), name="webhook_done"),
        ]


class WebhookAttempt(models.Model):
    """One try. status: of the HTTP answer, None when there was none: then error says why."""

    id = models.BigAutoField(primary_key=True)
    delivery = models.ForeignKey(WebhookDelivery, on_delete=models.CASCADE, related_name="tries")
    number = models.PositiveIntegerField()
    at = models.DateTimeField()
    duration_ms = models.PositiveIntegerField()
    status = models.PositiveSmallIntegerField(null=True)
    error = models.TextField(blank=True)
    response = models.TextField(blank=True)
