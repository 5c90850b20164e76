"""Subscriptions: what comes again, and its runs."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from tongpan.catalog.models import Sku
from tongpan.channels.models import Shop
from tongpan.customers.models import Customer


class SubscriptionState(models.TextChoices):
    ACTIVE = "active", _("Active")
    PAUSED = "paused", _("Paused")
    CANCELLED = "cancelled", _("Ended")


class RunState(models.TextChoices):
    """planned: its subscriber was told. short: goods or a price were missing; again: it was not paid. Both are tried
    again, until it is given up (failed)."""

    PLANNED = "planned", _("Announced")
    SHORT = "short", _("Goods are missing")
    UNPAID = "unpaid", _("Waits for payment")
    AGAIN = "again", _("Not paid in time")
    PAID = "paid", _("Paid")
    SKIPPED = "skipped", _("Left out")
    FAILED = "failed", _("Given up")


class Subscription(models.Model):
    """Goods that a buyer of an own channel gets again and again.

    every, unit, day: as ``orders.subscriptions.engine.Rhythm``. next_on: the day of the next run, in the channel's
    zone. contents_sealed: buyer, address and delivery, personal data.
    """

    id = models.BigAutoField(primary_key=True)
    shop = models.ForeignKey(Shop, on_delete=models.PROTECT, related_name="+")
    customer = models.ForeignKey(Customer, null=True, on_delete=models.SET_NULL, related_name="subscriptions")
    state = models.CharField(max_length=10, choices=SubscriptionState.choices, default=SubscriptionState.ACTIVE)
    unit = models.CharField(max_length=5, choices=[("week", _("Weeks")), ("month", _("Months"))])
    every = models.PositiveSmallIntegerField()
    day = models.PositiveSmallIntegerField()
    next_on = models.DateField()
    contents_sealed = models.BinaryField()
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(every__gte=1) & (Q(unit="week", day__range=(1, 7)) | Q(unit="month", day__range=(1, 31))),
                name="subscription_rhythm",
            ),
            models.CheckConstraint(
                condition=Q(state="cancelled", ended_at__isnull=False) | ~Q(state="cancelled") & Q(ended_at=None),
                name="subscription_ended",
            ),
        ]
        indexes = [models.Index(fields=["next_on", "id"], condition=Q(state="active"), name="subscription_due")]


class SubscriptionLine(models.Model):
    """Units of one SKU in every run, at the unit price that was agreed."""

    id = models.BigAutoField(primary_key=True)
    subscription = models.ForeignKey(Subscription, on_delete=models.CASCADE, related_name="lines", db_index=False)
    sku = models.ForeignKey(Sku, on_delete=models.PROTECT, related_name="+")
    qty = models.PositiveIntegerField()
    unit_minor = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["subscription", "sku"], name="subscription_line_once"),
            models.CheckConstraint(condition=Q(qty__gt=0, unit_minor__gte=0), name="subscription_line_positive"),
        ]


class SubscriptionRun(models.Model):
    """One day of a subscription; there is one at most for each day.

    order: what it became, the newest where it was tried again. orders_made, attempts: how often it became an order, and
    was tried. next_try_at: of a run that is tried again. problem: why it is, as a sentence.
    """

    id = models.BigAutoField(primary_key=True)
    subscription = models.ForeignKey(Subscription, on_delete=models.CASCADE, related_name="runs", db_index=False)
    due_on = models.DateField()
    state = models.CharField(max_length=8, choices=RunState.choices)
    order = models.ForeignKey("orders.Order", null=True, on_delete=models.SET_NULL, related_name="subscription_runs")
    orders_made = models.PositiveSmallIntegerField(default=0)
    attempts = models.PositiveSmallIntegerField(default=0)
    reminded_at = models.DateTimeField(null=True)
    tried_at = models.DateTimeField(null=True)
    next_try_at = models.DateTimeField(null=True)
    problem = models.TextField(blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["subscription", "due_on"], name="subscription_run_once"),
            models.CheckConstraint(
                condition=~Q(state__in=["unpaid", "paid"]) | Q(orders_made__gt=0), name="subscription_run_has_order"
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["short", "again"]) | Q(next_try_at__isnull=False),
                name="subscription_run_tried_again",
            ),
        ]
        indexes = [
            models.Index(fields=["next_try_at"], condition=Q(state__in=["short", "again"]), name="run_tried_again"),
            models.Index(fields=["order"], condition=Q(state="unpaid"), name="run_unpaid"),
        ]
