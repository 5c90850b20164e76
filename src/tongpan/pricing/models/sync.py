"""Listings whose price is another than that of the book."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from tongpan.catalog.models import Listing


class PriceAlert(models.Model):
    """A listing asks another price than the book, by more than the alarm allows: one row from the moment it was seen
    until both agreed again. asked_minor, book_minor: when it was opened."""

    id = models.BigAutoField(primary_key=True)
    listing = models.ForeignKey(Listing, on_delete=models.CASCADE, related_name="price_alerts", db_index=False)
    asked_minor = models.BigIntegerField()
    book_minor = models.BigIntegerField()
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["listing"], condition=Q(closed_at__isnull=True), name="one_open_price_alert"
            )
        ]
