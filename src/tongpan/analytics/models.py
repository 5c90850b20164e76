"""The manifest of the lake, and figures by channel and day that come from outside."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from tongpan.channels.models import Channel


class LakeFile(models.Model):
    """One Parquet file of the lake. The current files of a partition are those with ``superseded_at`` null.

    partition: "2026-11-18" or "2026-11" for facts, "all" for dimensions. path is relative to the lake directory.
    digest: SHA-256 of the file. fingerprint: of the database rows that a dimension was made from, else "".
    """

    id = models.BigAutoField(primary_key=True)
    table = models.CharField(max_length=40)
    partition = models.CharField(max_length=20)
    path = models.CharField(max_length=200, unique=True)
    rows = models.BigIntegerField()
    size = models.BigIntegerField()
    digest = models.CharField(max_length=64)
    schema_version = models.PositiveIntegerField()
    fingerprint = models.CharField(max_length=80, blank=True, default="")
    written_at = models.DateTimeField()
    superseded_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["table", "partition"],
                condition=Q(superseded_at__isnull=True),
                name="one_current_file_of_a_partition",
            )
        ]


class DailyValue(models.Model):
    """The last reading of a day of a number that is measured on the running system: ``number`` of ``base``.

    channel: null for the total, which is not always the sum of the channels.
    """

    id = models.BigAutoField(primary_key=True)
    name = models.CharField(max_length=40)
    day = models.DateField()
    channel = models.ForeignKey(Channel, null=True, on_delete=models.CASCADE, db_index=False)
    number = models.BigIntegerField()
    base = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["name", "day", "channel"], name="daily_value_once", nulls_distinct=False)
        ]


class ChannelDay(models.Model):
    """Visitors and cost of one channel on one day, as its back office reports them (CHN-05, CHN-06)."""

    id = models.BigAutoField(primary_key=True)
    channel = models.ForeignKey(Channel, on_delete=models.CASCADE)
    day = models.DateField()
    visitors = models.BigIntegerField()
    cost_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    is_simulated = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["channel", "day"], name="channel_day_once")]


class Target(models.Model):
    """What a metric shall be, in total, on each channel, or on one. Rows are added and never changed.

    In force on a day is the row of the scope made last whose validity holds the day; a default of the catalogue where
    there is none. kind "value": commitment and stretch are values of the metric (0.98 of a share is 98 %). "change":
    they are its relative change against the baseline (0.2 is +20 %), which is [baseline_from, baseline_to), or without
    days the first whole period that has a value. is_off: there shall be no target.
    """

    id = models.BigAutoField(primary_key=True)
    metric = models.CharField(max_length=60)
    channel = models.ForeignKey(Channel, null=True, on_delete=models.CASCADE, related_name="targets")
    is_each_channel = models.BooleanField(default=False)
    kind = models.CharField(max_length=6, choices=[("value", "value"), ("change", "change")])
    period = models.CharField(max_length=7)
    commitment = models.DecimalField(max_digits=18, decimal_places=6)
    stretch = models.DecimalField(max_digits=18, decimal_places=6, null=True)
    baseline_from = models.DateField(null=True)
    baseline_to = models.DateField(null=True)
    source = models.CharField(max_length=200, blank=True)
    valid_from = models.DateField()
    valid_to = models.DateField(null=True)
    is_off = models.BooleanField(default=False)
    created_by = models.TextField()
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(period__in=["day", "week", "month", "quarter", "year"]), name="target_period_known"
            ),
            models.CheckConstraint(
                condition=Q(channel__isnull=True) | Q(is_each_channel=False), name="target_one_scope"
            ),
            models.CheckConstraint(
                condition=Q(baseline_from__isnull=True, baseline_to__isnull=True)
                | Q(baseline_to__gt=F("baseline_from")),
                name="target_baseline_lasts",
            ),
            models.CheckConstraint(
                condition=Q(valid_to__isnull=True) | Q(valid_to__gt=F("valid_from")), name="target_validity_lasts"
            ),
        ]
        indexes = [models.Index(fields=["metric", "-id"], name="target_of_metric")]


class TargetAlert(models.Model):
    """A target that was missed in a period: one row for metric, scope and period. Open until the metric meets it."""

    id = models.BigAutoField(primary_key=True)
    metric = models.CharField(max_length=60)
    channel = models.ForeignKey(Channel, null=True, on_delete=models.CASCADE, db_index=False)
    period = models.CharField(max_length=7)
    period_from = models.DateField()
    period_to = models.DateField()
    value = models.DecimalField(max_digits=24, decimal_places=6)
    wanted = models.DecimalField(max_digits=24, decimal_places=6)
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["metric", "channel", "period", "period_from"],
                name="target_alert_once",
                nulls_distinct=False,
            )
        ]
        indexes = [
            models.Index(fields=["metric"], condition=Q(closed_at__isnull=True), name="target_alert_open"),
            models.Index(fields=["-opened_at", "-id"], name="target_alert_recent"),
        ]
