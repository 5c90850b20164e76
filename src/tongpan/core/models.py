"""The event log, its readers' cursors, and the platform's settings."""

from __future__ import annotations

from django.db import models


class Event(models.Model):
    """One row of the event log; the table is partitioned by month and made in SQL (migration 0001)."""

    id = models.BigIntegerField(primary_key=True)
    tx = models.TextField()
    recorded_at = models.DateTimeField()
    name = models.TextField()
    key = models.TextField()
    payload = models.JSONField()

    class Meta:
        managed = False
        db_table = "core_event"


class Cursor(models.Model):
    """How far one reader has come in the event log; made in SQL (migration 0001)."""

    reader = models.TextField(primary_key=True)
    event_id = models.BigIntegerField()
    events_read = models.BigIntegerField()
    moved_at = models.DateTimeField(null=True)

    class Meta:
        managed = False
        db_table = "core_cursor"


class Setting(models.Model):
    """A platform setting that differs from its default."""

    key = models.TextField(primary_key=True)
    value = models.JSONField()
    changed_at = models.DateTimeField(auto_now=True)
