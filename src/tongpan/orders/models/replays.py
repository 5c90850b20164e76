"""Replays of past orders by a rulebook, and the orders that they touch."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _


class ReplayRun(models.Model):
    """Past orders through a rulebook, beside what they really were.

    rulebook: a draft's name, or a version's number; document: what it was then. [day_from, day_to): days on which the
    orders were placed, in the book's zone. prices, coupons, tiers: as ``replaying.basics.Ask``. done, total: orders.
    result: as ``replaying.totals.Totals.as_json`` makes it, empty until it is over. error: why it failed.
    is_stopped: somebody called it off.
    """

    id = models.BigAutoField(primary_key=True)
    name = models.CharField(_("name"), max_length=80)
    rulebook = models.CharField(_("rulebook"), max_length=40)
    document = models.JSONField()
    day_from = models.DateField(_("from"))
    day_to = models.DateField(_("to"))
    prices = models.CharField(max_length=10)
    coupons = models.CharField(max_length=10)
    channel = models.CharField(max_length=40, blank=True)
    tiers = models.JSONField(default=dict)
    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)
    result = models.JSONField(default=dict)
    error = models.TextField(blank=True)
    is_stopped = models.BooleanField(default=False)
    created_by = models.TextField()
    created_at = models.DateTimeField(_("asked for"))
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]
        constraints = [models.CheckConstraint(condition=Q(day_to__gt=F("day_from")), name="replay_has_days")]


class ReplayOrder(models.Model):
    """An order that the rulebook changes, or of which something is taken off or broken on one side.

    Orders without any are the same before and after and are only counted. Money is minor units; off_*: discounts on
    goods; margin_*: of lines whose cost is known. breaks_*: lines under their floor or outside the band. rules,
    payers: of both sides. lines: [[number, SKU, units, list, before, after, [[rule, payer, amount]] before, and
    after]]; gifts: [[SKU, units]] after.
    """

    id = models.BigAutoField(primary_key=True)
    run = models.ForeignKey(ReplayRun, on_delete=models.CASCADE, related_name="orders", db_index=False)
    order = models.ForeignKey("orders.Order", on_delete=models.CASCADE, related_name="+", db_index=False)
    channel = models.CharField(max_length=40)
    tier = models.CharField(max_length=40, blank=True)
    is_changed = models.BooleanField()
    before_minor = models.BigIntegerField()
    after_minor = models.BigIntegerField()
    off_before = models.BigIntegerField()
    off_after = models.BigIntegerField()
    margin_before = models.BigIntegerField()
    margin_after = models.BigIntegerField()
    breaks_before = models.PositiveIntegerField()
    breaks_after = models.PositiveIntegerField()
    rules = ArrayField(models.TextField())
    payers = ArrayField(models.TextField())
    lines = models.JSONField()
    gifts = models.JSONField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "order"], name="replay_order_once_a_run")]
