"""Stock below its safety line, and what is done about it."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from tongpan.catalog.models import Sku
from tongpan.inventory.models.transfers import Transfer
from tongpan.network.models import Node


class StockAlert(models.Model):
    """A SKU lies below its safety line at a node: one row from the moment it fell below until it was back.

    units: free units when it was opened. line: the safety line at that time.
    """

    id = models.BigAutoField(primary_key=True)
    node = models.ForeignKey(Node, on_delete=models.CASCADE, related_name="stock_alerts", db_index=False)
    sku = models.ForeignKey(Sku, on_delete=models.CASCADE, related_name="stock_alerts")
    units = models.BigIntegerField()
    line = models.BigIntegerField()
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["node", "sku"], condition=Q(closed_at__isnull=True), name="one_open_alert_of_a_level"
            ),
            models.CheckConstraint(condition=Q(units__lt=F("line")), name="alert_is_below_its_line"),
        ]


class ReplenishmentState(models.TextChoices):
    PROPOSED = "proposed", _("Proposed")
    ACCEPTED = "accepted", _("Accepted")
    DONE = "done", _("Done")
    DISMISSED = "dismissed", _("Dismissed")
    LAPSED = "lapsed", _("No longer needed")


class Replenishment(models.Model):
    """Goods that a node should get: proposed by an alert, or asked for urgently by a person.

    from_node: where a transfer would come from; null when a supplier must deliver. (source, number) is the natural key
    of an urgent one. due_at: until when it should be there; overdue_at: when it was marked as late.
    """

    id = models.BigAutoField(primary_key=True)
    source = models.CharField(max_length=60)
    number = models.CharField(max_length=120)
    node = models.ForeignKey(Node, on_delete=models.PROTECT, related_name="replenishments", db_index=False)
    sku = models.ForeignKey(Sku, on_delete=models.PROTECT, db_index=False)
    qty = models.BigIntegerField()
    from_node = models.ForeignKey(Node, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    is_urgent = models.BooleanField(default=False)
    state = models.CharField(max_length=10, choices=ReplenishmentState.choices, default=ReplenishmentState.PROPOSED)
    alert = models.ForeignKey(StockAlert, null=True, on_delete=models.SET_NULL, related_name="replenishments")
    transfer = models.ForeignKey(Transfer, null=True, on_delete=models.SET_NULL, related_name="replenishments")
    reason = models.TextField(blank=True)
    decision = models.TextField(blank=True)
    created_by = models.TextField()
    created_at = models.DateTimeField()
    recorded_at = models.DateTimeField(db_default=Now())
    due_at = models.DateTimeField()
    decided_by = models.TextField(blank=True)
    decided_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    overdue_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["source", "number"], name="replenishment_once"),
            models.UniqueConstraint(
                fields=["node", "sku"],
                condition=Q(is_urgent=False, state__in=["proposed", "accepted"]),
                name="one_open_replenishment_of_a_level",
            ),
            models.CheckConstraint(condition=Q(qty__gt=0), name="replenishment_positive"),
            models.CheckConstraint(
                condition=Q(state__in=["proposed", "accepted"], closed_at__isnull=True)
                | Q(state__in=["done", "dismissed", "lapsed"], closed_at__isnull=False),
                name="replenishment_open_or_closed",
            ),
        ]
        indexes = [
            models.Index(
                fields=["-is_urgent", "due_at", "id"],
                condition=Q(state__in=["proposed", "accepted"]),
                name="replenishment_open",
            ),
            models.Index(fields=["-created_at", "-id"], name="replenishment_recent"),
        ]

    @property
    def is_late(self) -> bool:
        """True when it was closed after it was due, or has been marked as overdue."""
        return self.overdue_at is not None or (self.closed_at is not None and self.closed_at > self.due_at)
