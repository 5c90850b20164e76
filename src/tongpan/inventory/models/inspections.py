"""Quality inspections of goods, and the goods that are off sale because of one."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from tongpan.catalog.models import Sku
from tongpan.network.models import Node


class InspectionKind(models.TextChoices):
    RECEIPT = "receipt", _("Goods received")
    TRANSFER = "transfer", _("Transfer received")
    BATCH = "batch", _("Production batch")
    SPOT = "spot", _("Spot check")


class HoldDecision(models.TextChoices):
    RELEASED = "released", _("Released for sale")
    CONDEMNED = "condemned", _("Condemned as damaged")


class QualityHold(models.Model):
    """A SKU that is not sold, at ``node`` or (null) anywhere, from a failed inspection until somebody decides."""

    id = models.BigAutoField(primary_key=True)
    sku = models.ForeignKey(Sku, on_delete=models.PROTECT, db_index=False)
    node = models.ForeignKey(Node, null=True, on_delete=models.PROTECT, related_name="quality_holds", db_index=False)
    opened_at = models.DateTimeField()
    opened_by = models.TextField()
    decision = models.CharField(max_length=10, choices=HoldDecision.choices, blank=True, default="")
    reason = models.TextField(blank=True, default="")
    decided_by = models.TextField(blank=True, default="")
    decided_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["sku", "node"],
                condition=Q(decided_at__isnull=True),
                name="one_open_hold",
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                condition=Q(decided_at__isnull=True, decision="")
                | (Q(decided_at__isnull=False) & ~Q(decision="") & ~Q(reason="")),
                name="hold_decided_with_reason",
            ),
        ]


class QualityHoldMove(models.Model):
    """Units that a hold took off sale at one node; its id is the cause of the movements."""

    id = models.BigAutoField(primary_key=True)
    hold = models.ForeignKey(QualityHold, on_delete=models.PROTECT, related_name="moves")
    node = models.ForeignKey(Node, on_delete=models.PROTECT, related_name="+", db_index=False)
    qty = models.PositiveBigIntegerField()
    moved_at = models.DateTimeField()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(qty__gt=0), name="hold_moves_something")]


class Inspection(models.Model):
    """What was found when a lot of one SKU at one node was looked at; (source, number) is the natural key.

    lot, sample, accepted, failed: units. results: [{"code", "name", "critical", "failed", "note"}], the checklist of
    that day. moved: failed units that left the saleable stock. hold: the block that a failed lot caused or met.
    """

    id = models.BigAutoField(primary_key=True)
    source = models.CharField(max_length=60)
    number = models.CharField(max_length=120)
    kind = models.CharField(max_length=10, choices=InspectionKind.choices)
    node = models.ForeignKey(Node, on_delete=models.PROTECT, related_name="inspections", db_index=False)
    sku = models.ForeignKey(Sku, on_delete=models.PROTECT, related_name="inspections")
    supplier = models.CharField(max_length=120, blank=True)
    reference = models.CharField(max_length=120, blank=True)
    rule = models.CharField(max_length=10, choices=[("sample", _("Sample")), ("all", _("All units"))])
    lot = models.PositiveBigIntegerField()
    sample = models.PositiveBigIntegerField()
    accepted = models.PositiveIntegerField()
    failed = models.PositiveBigIntegerField()
    results = models.JSONField(default=list)
    photos = models.JSONField(default=list)
    note = models.TextField(blank=True)
    passed = models.BooleanField()
    moved = models.PositiveBigIntegerField()
    hold = models.ForeignKey(QualityHold, null=True, on_delete=models.PROTECT, related_name="inspections")
    inspector = models.TextField()
    inspected_at = models.DateTimeField()
    recorded_at = models.DateTimeField(db_default=Now())
    is_simulated = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["source", "number"], name="inspection_once"),
            models.CheckConstraint(
                condition=Q(lot__gt=0, sample__gt=0, sample__lte=F("lot"), failed__lte=F("sample"))
                & Q(moved__lte=F("failed")),
                name="inspection_adds_up",
            ),
            models.CheckConstraint(condition=Q(passed=True) | Q(hold__isnull=False), name="failed_lot_is_held"),
        ]
        indexes = [
            models.Index(fields=["-inspected_at", "-id"], name="inspection_recent"),
            models.Index(fields=["node", "-inspected_at"], name="inspection_of_node"),
        ]
