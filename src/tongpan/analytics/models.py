"""The manifest of the lake, and figures by channel and day that come from outside."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

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
