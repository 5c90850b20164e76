"""What a customer put together with a phone in a store, until a clerk has taken the payment (FUL-14)."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from tongpan.channels.models import Shop
from tongpan.network.models import Node


class ScanBasket(models.Model):
    """Goods that somebody scanned in a store. Nobody is named; the code that shows it is kept as a keyed hash.

    lines, offers: what was shown, at the prices and offers of that minute (``queries.baskets.kept_lines``,
    ``offers_of``); token: of the quote they are of. expires_at: until when a clerk may take the payment. order: what it
    became, once.
    """

    id = models.BigAutoField(primary_key=True)
    digest = models.BinaryField(unique=True)
    node = models.ForeignKey(Node, on_delete=models.CASCADE, related_name="+", db_index=False)
    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="+", db_index=False)
    currency = models.CharField(max_length=3)
    lines = models.JSONField()
    offers = models.JSONField(default=list)
    token = models.CharField(max_length=24, default="", blank=True)
    total_minor = models.BigIntegerField()
    made_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    order = models.OneToOneField("orders.Order", null=True, on_delete=models.SET_NULL, related_name="basket")
    paid_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["expires_at"], condition=Q(order__isnull=True), name="basket_unsold")]
