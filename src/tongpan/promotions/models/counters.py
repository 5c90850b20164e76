"""What limits and budgets are taken from, and what each order took."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q


class Counter(models.Model):
    """How much of one limit is used: uses, units, or money in minor units.

    key: as the engine names it in ``Take.counter``. It is consumed by one guarded UPDATE in the order's transaction,
    and given back when the order is cancelled. limit: as the rule said when it was consumed last.
    """

    id = models.BigAutoField(primary_key=True)
    key = models.CharField(max_length=200, unique=True)
    limit = models.BigIntegerField(null=True)
    used = models.BigIntegerField(default=0)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(used__gte=0), name="counter_not_negative")]


class Usage(models.Model):
    """One rule on one order. takes: {counter key: amount}, given back when ``released_at`` is set. customer_id: who
    ordered, null when nobody is known. discount_minor: what the rule took off. version: of the rulebook."""

    id = models.BigAutoField(primary_key=True)
    order_id = models.BigIntegerField()
    rule = models.CharField(max_length=60)
    version = models.PositiveIntegerField()
    customer_id = models.BigIntegerField(null=True)
    discount_minor = models.BigIntegerField(default=0)
    takes = models.JSONField(default=dict)
    used_at = models.DateTimeField()
    released_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["order_id", "rule"], name="usage_once_an_order"),
            models.CheckConstraint(
                condition=Q(released_at=None) | Q(released_at__gte=F("used_at")), name="usage_released_after_use"
            ),
        ]
        indexes = [models.Index(fields=["rule", "-used_at"], name="usage_of_rule")]


class PricedOrder(models.Model):
    """How an order of an own channel was priced at checkout, for whoever asks why it costs what it costs.

    version: of the rulebook. token: of the quote. lines: [[number, SKU, units, unit price, list, kind, net]]; trials:
    [[rule, applied, reason, params]]; gifts: [[rule, SKU, units]]; coupons: codes; list prices, nets and
    shipping_share_minor (taken off the shipping charge) in minor units. said: what the front said of the buyer and
    the cart, so that a replay asks the same: tier, segments, scopes, source, payment, is_member, is_new, and
    coupons: [[code, rule, value]]; empty for orders from before it was kept.
    """

    order_id = models.BigIntegerField(primary_key=True)
    version = models.PositiveIntegerField()
    at = models.DateTimeField()
    token = models.CharField(max_length=24)
    currency = models.CharField(max_length=3)
    lines = models.JSONField()
    trials = models.JSONField()
    gifts = models.JSONField()
    coupons = models.JSONField()
    list_minor = models.BigIntegerField()
    discount_minor = models.BigIntegerField()
    shipping_share_minor = models.BigIntegerField(default=0)
    said = models.JSONField(db_default={})
    released_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["-at"], name="priced_recent")]
