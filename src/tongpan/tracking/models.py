"""Visits to stores, the goods tried, and what door counters saw."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from tongpan.catalog.models import Sku
from tongpan.customers.models import Customer
from tongpan.network.models import Node


class VisitKind(models.TextChoices):
    ENTER = "enter", _("Came in")
    EXPERIENCE = "experience", _("Experience")
    TRY_ON = "try_on", _("Tried on")


class Visit(models.Model):
    """Somebody was at a store: came in, or tried something, whether it was bought or not (OFF-06).

    (source, number) is the natural key. day: the business day at the store. staff: who looked after the visitor. note:
    says nothing of who it was. customer: known when the visitor said so, else null.
    """

    id = models.BigAutoField(primary_key=True)
    source = models.CharField(max_length=60)
    number = models.CharField(max_length=120)
    node = models.ForeignKey(Node, on_delete=models.PROTECT, related_name="visits", db_index=False)
    kind = models.CharField(max_length=12, choices=VisitKind.choices)
    at = models.DateTimeField()
    day = models.DateField()
    staff = models.CharField(max_length=80, blank=True)
    customer = models.ForeignKey(Customer, null=True, on_delete=models.SET_NULL, related_name="visits", db_index=False)
    note = models.CharField(max_length=300, blank=True)
    is_simulated = models.BooleanField(default=False)
    recorded_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "number"], name="visit_once")]
        indexes = [
            models.Index(fields=["-at", "-id"], name="visit_recent"),
            models.Index(fields=["node", "day"], name="visit_of_day"),
            models.Index(fields=["customer"], condition=Q(customer__isnull=False), name="visit_of_customer"),
        ]


class VisitGoods(models.Model):
    """A SKU that was shown or tried at a visit."""

    id = models.BigAutoField(primary_key=True)
    visit = models.ForeignKey(Visit, on_delete=models.CASCADE, related_name="goods", db_index=False)
    sku = models.ForeignKey(Sku, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["visit", "sku"], name="visit_goods_once")]


class DoorCount(models.Model):
    """How many came in at a store within the hour that begins at ``hour``. day: the business day at the store."""

    id = models.BigAutoField(primary_key=True)
    node = models.ForeignKey(Node, on_delete=models.PROTECT, related_name="door_counts", db_index=False)
    hour = models.DateTimeField()
    day = models.DateField()
    entered = models.PositiveIntegerField()
    is_simulated = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["node", "hour"], name="door_count_once")]
        indexes = [models.Index(fields=["node", "day"], name="door_count_of_day")]
