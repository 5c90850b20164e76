"""Transfers: goods that go from one node to another, and where they are meanwhile."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from tongpan.catalog.models import Sku
from tongpan.inventory.models.levels import Bucket
from tongpan.network.models import Node


class TransferState(models.TextChoices):
    DRAFT = "draft", _("Draft")
    READY = "ready", _("Ready to send")
    IN_TRANSIT = "in_transit", _("In transit")
    RECEIVED = "received", _("Received")
    RECEIVED_SHORT = "received_short", _("Received short")
    CANCELLED = "cancelled", _("Cancelled")


class Transfer(models.Model):
    """Goods that go from one node to another; (source, number) is its natural key.

    Nothing is promised before it is sent: a draft takes no stock. While it is IN_TRANSIT its goods are booked at the
    node that is no place, in the bucket "in_transit", which nobody sells from. reason: of the shortage or the
    cancellation.
    """

    id = models.BigAutoField(primary_key=True)
    source = models.CharField(max_length=60)
    number = models.CharField(max_length=120)
    from_node = models.ForeignKey(Node, on_delete=models.PROTECT, related_name="transfers_out", db_index=False)
    to_node = models.ForeignKey(Node, on_delete=models.PROTECT, related_name="transfers_in", db_index=False)
    state = models.CharField(max_length=14, choices=TransferState.choices, default=TransferState.DRAFT)
    note = models.TextField(blank=True)
    reason = models.TextField(blank=True)
    created_by = models.TextField()
    created_at = models.DateTimeField()
    recorded_at = models.DateTimeField(db_default=Now())
    expected_at = models.DateTimeField(null=True)
    ready_at = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    is_simulated = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["source", "number"], name="transfer_once"),
            models.CheckConstraint(condition=~Q(from_node=F("to_node")), name="transfer_goes_somewhere"),
            models.CheckConstraint(
                condition=Q(sent_at__isnull=False) | ~Q(state__in=["in_transit", "received", "received_short"]),
                name="transfer_left_before_it_arrives",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["draft", "ready", "in_transit"], closed_at__isnull=True)
                | Q(state__in=["received", "received_short", "cancelled"], closed_at__isnull=False),
                name="transfer_open_or_closed",
            ),
        ]
        indexes = [
            models.Index(fields=["to_node", "state"], name="transfer_to"),
            models.Index(fields=["from_node", "state"], name="transfer_from"),
            models.Index(fields=["-created_at", "-id"], name="transfer_recent"),
        ]

    @property
    def is_open(self) -> bool:
        return self.closed_at is None


class TransferLine(models.Model):
    """qty: units wanted. sent: units that left. good, damaged: units that have arrived; None before any did.

    sent − good − damaged are still on their way while the transfer is open, and were lost when it is closed.
    """

    id = models.BigAutoField(primary_key=True)
    transfer = models.ForeignKey(Transfer, on_delete=models.CASCADE, related_name="lines", db_index=False)
    line_no = models.PositiveIntegerField()
    sku = models.ForeignKey(Sku, on_delete=models.PROTECT)
    bucket = models.CharField(max_length=12, choices=Bucket.choices, default=Bucket.SALEABLE)
    qty = models.BigIntegerField()
    sent = models.BigIntegerField(null=True)
    good = models.BigIntegerField(null=True)
    damaged = models.BigIntegerField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["transfer", "line_no"], name="transfer_line_once"),
            models.UniqueConstraint(fields=["transfer", "sku", "bucket"], name="transfer_sku_once"),
            models.CheckConstraint(condition=Q(qty__gt=0), name="transfer_line_positive"),
            models.CheckConstraint(
                condition=Q(sent__isnull=True) | Q(sent__gte=0, sent__lte=F("qty")), name="transfer_sends_what_it_says"
            ),
            models.CheckConstraint(
                condition=Q(good__isnull=True, damaged__isnull=True)
                | Q(good__gte=0, damaged__gte=0, sent__gte=F("good") + F("damaged")),
                name="transfer_receives_what_was_sent",
            ),
        ]

    @property
    def rest(self) -> int:
        """Units that left and have not arrived."""
        return (self.sent or 0) - (self.good or 0) - (self.damaged or 0)

    @property
    def short(self) -> int:
        """Units that left and did not arrive; nothing before the transfer is received."""
        return 0 if self.good is None or self.transfer.is_open else self.rest


class TransferReceipt(models.Model):
    """One delivery of a transfer that came in several, or that was named by a key. arrivals: [line, good, damaged]."""

    id = models.BigAutoField(primary_key=True)
    transfer = models.ForeignKey(Transfer, on_delete=models.CASCADE, related_name="receipts", db_index=False)
    key = models.CharField(max_length=120)
    is_final = models.BooleanField()
    arrivals = models.JSONField()
    received_by = models.TextField()
    received_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["transfer", "key"], name="transfer_receipt_once"),
            models.UniqueConstraint(
                fields=["transfer"], condition=Q(is_final=True), name="transfer_receipt_final_once"
            ),
        ]
