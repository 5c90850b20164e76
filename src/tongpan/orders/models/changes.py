"""What people changed in orders: lines as the channel still knows them, and orders that are sent together."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now


class ChannelLine(models.Model):
    """A line of an order as its channel knows it, kept once people have changed the order's own lines.

    Newer copies from the channel are compared with these (``orders.engine.precedence``).
    """

    id = models.BigAutoField(primary_key=True)
    order = models.ForeignKey("orders.Order", on_delete=models.CASCADE, related_name="channel_lines")
    kind = models.CharField(max_length=6)
    code = models.CharField(max_length=120)
    qty = models.IntegerField()
    amount_minor = models.BigIntegerField()


class Merge(models.Model):
    """Orders of one buyer to one address that are sent together. Its orders name it while it stands."""

    id = models.BigAutoField(primary_key=True)
    numbers = models.JSONField()
    actor = models.TextField()
    made_at = models.DateTimeField(db_default=Now())
    undone_by = models.TextField(db_default="")
    undone_at = models.DateTimeField(null=True)
