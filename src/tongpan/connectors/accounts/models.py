"""The account of a shop on its platform, what is to be sent to it, and what could not be taken from it."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from tongpan.channels.models import Shop


class Health(models.TextChoices):
    NEW = "new", _("Not tried yet")
    GOOD = "good", _("Good")
    FAILING = "failing", _("Failing")


class Account(models.Model):
    """How one shop is reached by its platform's API.

    secret, access_token and refresh_token are sealed by the vault and never leave it but to sign a call. cursor:
    every order that was changed before it has been taken. free_at: when the next call may be made (the pace of
    the shop, shared by all processes). renewing_until: a process is fetching a new token until then at the latest.
    """

    shop = models.OneToOneField(Shop, on_delete=models.PROTECT, related_name="account")
    platform = models.CharField(_("platform"), max_length=20)
    endpoint = models.CharField(_("address"), max_length=300)
    app_key = models.CharField(_("app key"), max_length=200, blank=True)
    secret = models.BinaryField(default=b"")
    access_token = models.BinaryField(default=b"")
    refresh_token = models.BinaryField(default=b"")
    token_expires_at = models.DateTimeField(null=True)
    options = models.JSONField(default=dict)
    is_active = models.BooleanField(default=True)
    cursor = models.DateTimeField(null=True)
    health = models.CharField(max_length=10, choices=Health.choices, default=Health.NEW)
    failures = models.PositiveIntegerField(default=0)
    last_error = models.TextField(blank=True)
    last_error_at = models.DateTimeField(null=True)
    last_pulled_at = models.DateTimeField(null=True)
    last_taken = models.JSONField(default=dict)
    skew_seconds = models.FloatField(null=True)
    free_at = models.DateTimeField(null=True)
    renewing_until = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()

    class Meta:
        db_table = "connectors_account"
        ordering = ["id"]


class PushKind(models.TextChoices):
    STOCK = "stock", _("Stock")
    PRICE = "price", _("Price")
    SHIPMENT = "shipment", _("Shipment")


class PushState(models.TextChoices):
    WAITING = "waiting", _("Waiting")
    SENDING = "sending", _("Being sent")
    SENT = "sent", _("Sent")
    SUPERSEDED = "superseded", _("Superseded")
    DEAD = "dead", _("Failed")
    DISMISSED = "dismissed", _("Done by hand")


class Push(models.Model):
    """Something that a platform must be told. key: the listing or the fulfilment it is about.

    Of a listing at most one number waits, the newest; a fulfilment is acknowledged once for all.
    """

    id = models.BigAutoField(primary_key=True)
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="pushes", db_index=False)
    kind = models.CharField(max_length=10, choices=PushKind.choices)
    key = models.BigIntegerField()
    payload = models.JSONField(default=dict)
    state = models.CharField(max_length=10, choices=PushState.choices, default=PushState.WAITING)
    attempts = models.PositiveIntegerField(default=0)
    next_at = models.DateTimeField()
    claimed_at = models.DateTimeField(null=True)
    last_error = models.TextField(blank=True)
    created_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "connectors_push"
        constraints = [
            models.UniqueConstraint(
                fields=["account", "kind", "key"], condition=Q(state="waiting"), name="push_waits_once"
            ),
            models.UniqueConstraint(fields=["account", "key"], condition=Q(kind="shipment"), name="shipment_told_once"),
        ]
        indexes = [
            models.Index(fields=["account", "next_at"], condition=Q(state__in=["waiting", "sending"]), name="push_due"),
            models.Index(fields=["-id"], condition=Q(state="dead"), name="push_dead"),
        ]


class RefusedOrder(models.Model):
    """An order of the platform that the hub did not take, with the reason and what the platform sent.

    It is gone as soon as a later copy of it is taken. raw is sealed.
    """

    id = models.BigAutoField(primary_key=True)
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="refused_orders", db_index=False)
    external_id = models.CharField(max_length=120)
    code = models.CharField(max_length=60)
    reason = models.TextField()
    raw = models.BinaryField()
    refused_at = models.DateTimeField()

    class Meta:
        db_table = "connectors_refusedorder"
        constraints = [models.UniqueConstraint(fields=["account", "external_id"], name="order_refused_once")]
