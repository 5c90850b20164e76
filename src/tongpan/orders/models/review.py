"""What the review of orders goes by: rules with a version, and the blacklist."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class ReviewPolicy(models.Model):
    """The rules of the review (``orders.review.Rules`` as JSON); the newest version counts, none means the defaults."""

    version = models.PositiveIntegerField(primary_key=True)
    rules = models.JSONField()
    note = models.TextField(blank=True)
    actor = models.TextField()
    created_at = models.DateTimeField(db_default=Now())


class BlacklistEntry(models.Model):
    """A buyer or a phone whose orders wait. digest: the vault's blind index of the identifier or phone number.

    hint: a masked form that people recognise.
    """

    kind = models.CharField(max_length=6, choices=[("buyer", _("Buyer")), ("phone", _("Phone"))])
    digest = models.BinaryField()
    hint = models.CharField(max_length=80, blank=True)
    note = models.TextField(blank=True)
    added_by = models.TextField()
    added_at = models.DateTimeField(db_default=Now())
    removed_by = models.TextField(blank=True)
    removed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "digest"], condition=Q(removed_at__isnull=True), name="blacklisted_once"
            )
        ]


class OrderNote(models.Model):
    """What a person wrote on an order; append-only. grams: the pairs of letters in it, by which it is found."""

    id = models.BigAutoField(primary_key=True)
    order = models.ForeignKey("orders.Order", on_delete=models.CASCADE, related_name="notes")
    text = models.TextField()
    actor = models.TextField()
    at = models.DateTimeField()
    grams = ArrayField(models.TextField(), db_default=[])

    class Meta:
        indexes = [GinIndex(fields=["grams"], name="order_note_grams")]


class OrderContact(models.Model):
    """By what an order is found beside its numbers: the vault's blind indexes of its recipient and phone, and the
    pairs of letters in what buyer and seller remarked on the channel."""

    order = models.OneToOneField("orders.Order", on_delete=models.CASCADE, primary_key=True, related_name="contact")
    phone_index = models.BinaryField(default=b"")
    recipient_index = models.BinaryField(default=b"")
    remark_grams = ArrayField(models.TextField(), db_default=[])

    class Meta:
        indexes = [
            GinIndex(fields=["remark_grams"], condition=~Q(remark_grams=[]), name="order_by_remark"),
            models.Index(fields=["phone_index"], condition=~Q(phone_index=b""), name="order_by_phone"),
            models.Index(fields=["recipient_index"], condition=~Q(recipient_index=b""), name="order_by_recipient"),
        ]
