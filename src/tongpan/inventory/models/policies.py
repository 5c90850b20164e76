"""How channels share the pool, what each node keeps back, and what core goods never run below."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from tongpan.catalog.models import Listing, Sku
from tongpan.channels.models import Channel
from tongpan.network.models import Node


class Mode(models.TextChoices):
    """What each mode lets a channel take: ``inventory.engine.sharing``."""

    SHARED = "shared", _("Shared")
    RESERVED = "reserved", _("Ring-fenced")
    PERCENT = "percent", _("Share of stock")
    CAP = "cap", _("Cap")


class LiveSession(models.Model):
    """A live broadcast on a channel; the units fenced off for it are everybody's again when it ends (X-31)."""

    id = models.BigAutoField(primary_key=True)
    channel = models.ForeignKey(Channel, on_delete=models.PROTECT, related_name="live_sessions")
    name = models.CharField(_("name"), max_length=80)
    starts_at = models.DateTimeField(_("starts"))
    ends_at = models.DateTimeField(_("ends"))
    closed_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-starts_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["channel", "name"], name="live_session_once"),
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="live_session_lasts"),
        ]


class ChannelPolicy(models.Model):
    """What a channel may take of a SKU (of every SKU, each by itself, when ``sku`` is null).

    value: units of a fence or cap, hundredths of a share. threshold: units that are never published to the
    channel. It counts in [starts_at, ends_at), null being without end; closed_at: when it was replaced, taken
    away or released. announced_at: when its beginning was made known to whoever follows.
    """

    id = models.BigAutoField(primary_key=True)
    channel = models.ForeignKey(Channel, on_delete=models.PROTECT, related_name="stock_policies")
    sku = models.ForeignKey(Sku, null=True, on_delete=models.PROTECT, related_name="policies")
    session = models.ForeignKey(LiveSession, null=True, on_delete=models.PROTECT, related_name="quotas")
    mode = models.CharField(_("mode"), max_length=8, choices=Mode.choices)
    value = models.BigIntegerField(_("value"), default=0)
    threshold = models.BigIntegerField(_("threshold"), default=0)
    may_exceed = models.BooleanField(_("may exceed its fence"), default=False)
    starts_at = models.DateTimeField(_("starts"), null=True)
    ends_at = models.DateTimeField(_("ends"), null=True)
    announced_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["channel", "sku", "session"],
                condition=Q(closed_at__isnull=True),
                name="one_policy_at_a_time",
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                condition=Q(value__gte=0, threshold__gte=0) & (~Q(mode="percent") | Q(value__lte=100)),
                name="policy_in_range",
            ),
            models.CheckConstraint(
                condition=Q(starts_at__isnull=True) | Q(ends_at__isnull=True) | Q(ends_at__gt=F("starts_at")),
                name="policy_lasts",
            ),
        ]


class QuotaUse(models.Model):
    """Units of a SKU promised under a policy. limit_units: what it may never exceed; null: no fixed number."""

    id = models.BigAutoField(primary_key=True)
    policy = models.ForeignKey(ChannelPolicy, on_delete=models.PROTECT, related_name="uses", db_index=False)
    sku = models.ForeignKey(Sku, on_delete=models.PROTECT, db_index=False)
    used = models.BigIntegerField(default=0)
    limit_units = models.BigIntegerField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["policy", "sku"], name="quota_use_once"),
            models.CheckConstraint(
                condition=Q(used__gte=0) & (Q(limit_units__isnull=True) | Q(used__lte=F("limit_units"))),
                name="quota_never_exceeded",
            ),
        ]


class NodePolicy(models.Model):
    """Three floors of a SKU at a node (of every SKU without a policy of its own when ``sku`` is null), in units.

    safety_stock: not published. routing_floor: routing never takes the last of them. safety_line: below it, the
    node asks for more.
    """

    id = models.BigAutoField(primary_key=True)
    node = models.ForeignKey(Node, on_delete=models.CASCADE, related_name="stock_policies")
    sku = models.ForeignKey(Sku, null=True, on_delete=models.CASCADE, related_name="node_policies")
    safety_stock = models.PositiveIntegerField(_("safety stock"), default=0)
    routing_floor = models.PositiveIntegerField(_("routing floor"), default=0)
    safety_line = models.PositiveIntegerField(_("safety line"), default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["node", "sku"], name="node_policy_once", nulls_distinct=False)]


class Cover(models.Model):
    """What a core SKU never runs below on the channels (INV-13): units, or days of its sales, whichever is more.

    daily: units sold in a day, on average over the last four weeks, when ``counted_at``.
    """

    sku = models.OneToOneField(Sku, on_delete=models.CASCADE, primary_key=True, related_name="cover")
    units = models.PositiveIntegerField(_("units"), default=0)
    days = models.PositiveSmallIntegerField(_("days"), default=0)
    daily = models.DecimalField(max_digits=14, decimal_places=4, default=0)
    counted_at = models.DateTimeField(null=True)


class CoverAlert(models.Model):
    """A core SKU has less than its minimum cover for a channel: one row from when it fell below until it was back.

    units: free at the nodes that serve the channel when it was opened. cover: what it should have had then.
    """

    id = models.BigAutoField(primary_key=True)
    sku = models.ForeignKey(Sku, on_delete=models.CASCADE, related_name="cover_alerts", db_index=False)
    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="cover_alerts")
    units = models.BigIntegerField()
    cover = models.BigIntegerField()
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["sku", "channel"], condition=Q(closed_at__isnull=True), name="one_open_alert_of_a_cover"
            ),
            models.CheckConstraint(condition=Q(units__lt=F("cover")), name="alert_is_below_its_cover"),
        ]


class PublishedStock(models.Model):
    """What a channel is told of a listing, with the steps that lead to it (``inventory.engine.publishing``)."""

    listing = models.OneToOneField(Listing, on_delete=models.CASCADE, primary_key=True, related_name="published")
    qty = models.BigIntegerField(_("published"))
    reason = models.JSONField()
    computed_at = models.DateTimeField()
    changed_at = models.DateTimeField()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(qty__gte=0), name="published_never_negative")]
