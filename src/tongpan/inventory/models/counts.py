"""Counts on the shelf: sheets, their lines, and who found what."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from tongpan.catalog.models import Sku
from tongpan.inventory.models.levels import Bucket
from tongpan.network.models import Node


class CountKind(models.TextChoices):
    FULL = "full", _("Full count")
    CYCLE = "cycle", _("Cycle count")


class CountState(models.TextChoices):
    OPEN = "open", _("Being counted")
    SUBMITTED = "submitted", _("Waits for approval")
    BOOKED = "booked", _("Booked")
    CANCELLED = "cancelled", _("Cancelled")


class CountSheet(models.Model):
    """What shall be counted at a node, and what came of it; (source, number) is its natural key.

    is_blind: whoever counts does not see the book. snapshot_at: the instant whose book the sheet began with.
    reason: why the difference is there, or why the sheet was sent back or cancelled.
    """

    id = models.BigAutoField(primary_key=True)
    source = models.CharField(max_length=60)
    number = models.CharField(max_length=120)
    node = models.ForeignKey(Node, on_delete=models.PROTECT, related_name="count_sheets", db_index=False)
    kind = models.CharField(max_length=10, choices=CountKind.choices)
    is_blind = models.BooleanField(default=False)
    state = models.CharField(max_length=10, choices=CountState.choices, default=CountState.OPEN)
    note = models.TextField(blank=True)
    reason = models.TextField(blank=True)
    created_by = models.TextField()
    snapshot_at = models.DateTimeField()
    recorded_at = models.DateTimeField(db_default=Now())
    submitted_by = models.TextField(blank=True)
    submitted_at = models.DateTimeField(null=True)
    approved_by = models.TextField(blank=True)
    booked_at = models.DateTimeField(null=True)
    is_simulated = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["source", "number"], name="count_sheet_once"),
            models.CheckConstraint(
                condition=Q(state="booked", booked_at__isnull=False) | (~Q(state="booked") & Q(booked_at__isnull=True)),
                name="count_sheet_booked_at",
            ),
        ]
        indexes = [
            models.Index(fields=["node", "booked_at"], name="count_sheet_of_node"),
            models.Index(fields=["-snapshot_at", "-id"], name="count_sheet_recent"),
        ]


class CountLine(models.Model):
    """One SKU of a sheet in one quality.

    book: on hand when the sheet began. counted: what was found, None before. expected: on hand at the instant of
    counting, so that what moved meanwhile is no difference. applied: the change that was booked; a variance below what
    is pinned to orders stays an open difference.
    """

    id = models.BigAutoField(primary_key=True)
    sheet = models.ForeignKey(CountSheet, on_delete=models.CASCADE, related_name="lines", db_index=False)
    line_no = models.PositiveIntegerField()
    sku = models.ForeignKey(Sku, on_delete=models.PROTECT, db_index=False)
    bucket = models.CharField(max_length=12, choices=Bucket.choices, default=Bucket.SALEABLE)
    book = models.BigIntegerField()
    counted = models.BigIntegerField(null=True)
    expected = models.BigIntegerField(null=True)
    counted_by = models.TextField(blank=True)
    counted_at = models.DateTimeField(null=True)
    applied = models.BigIntegerField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["sheet", "line_no"], name="count_line_once"),
            models.UniqueConstraint(fields=["sheet", "sku", "bucket"], name="count_line_sku_once"),
            models.CheckConstraint(
                condition=Q(counted__isnull=True, expected__isnull=True)
                | Q(counted__gte=0, expected__isnull=False, counted_at__isnull=False),
                name="count_line_found_or_not",
            ),
        ]
        indexes = [models.Index(fields=["sku", "counted_at"], name="count_line_of_sku")]

    @property
    def variance(self) -> int | None:
        return None if self.counted is None or self.expected is None else self.counted - self.expected


class CountEntry(models.Model):
    """One number that somebody entered; never changed. key: names the entry, so that it counts once."""

    id = models.BigAutoField(primary_key=True)
    line = models.ForeignKey(CountLine, on_delete=models.CASCADE, related_name="entries")
    qty = models.BigIntegerField()
    is_more = models.BooleanField(default=False)
    entered_by = models.TextField()
    counted_at = models.DateTimeField()
    recorded_at = models.DateTimeField(db_default=Now())
    key = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["line", "key"], condition=~Q(key=""), name="count_entry_once"),
            models.CheckConstraint(condition=Q(qty__gte=0), name="count_entry_not_negative"),
        ]
