"""The account of each shop on its platform, entry by entry."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from tongpan.channels.models import Shop


class LedgerEntry(models.Model):
    """What a platform booked on a shop's account; append-only.

    order_number: of the order in the same shop, which may come later; line_key: of its line. parts: what the amount is
    made of, name → minor units (``orders.ledger.PARTS``). more: the other columns of the file, header → text.
    """

    id = models.BigAutoField(primary_key=True)
    shop = models.ForeignKey(Shop, on_delete=models.PROTECT, db_index=False)
    number = models.CharField(_("flow number"), max_length=120)
    digest = models.BinaryField()
    occurred_at = models.DateTimeField()
    currency = models.CharField(max_length=3)
    amount_minor = models.BigIntegerField()
    balance_minor = models.BigIntegerField(null=True)
    scene = models.CharField(max_length=120, blank=True)
    kind = models.CharField(max_length=120, blank=True)
    account = models.CharField(max_length=120, blank=True)
    order_number = models.CharField(max_length=120, blank=True)
    line_key = models.CharField(max_length=80, blank=True)
    after_sale_number = models.CharField(max_length=120, blank=True)
    note = models.CharField(max_length=1000, blank=True)
    parts = models.JSONField(default=dict)
    more = models.JSONField(default=dict)
    import_id = models.BigIntegerField(null=True)
    recorded_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["shop", "number"], name="ledger_entry_once")]
        indexes = [models.Index(fields=["shop", "order_number"], name="ledger_of_order")]
