"""Routing policies as data: versions that never change once published, and which policy counts where."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from tongpan.channels.models import Channel, Shop
from tongpan.network.models import Node
from tongpan.orders.models import Order


class RoutingPolicy(models.Model):
    """A policy of the company; those that come with Tongpan (``presets``) have no row."""

    id = models.BigAutoField(primary_key=True)
    code = models.CharField(_("code"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=80)
    created_by = models.TextField()
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["code"]

    def __str__(self) -> str:
        return self.name


class VersionStatus(models.TextChoices):
    DRAFT = "draft", _("Draft")
    PUBLISHED = "published", _("Published")


class PolicyVersion(models.Model):
    """One state of a policy. A draft is changed until it is published; then the database refuses any change.

    number: counts up from 1 within the policy; the highest that is published counts. document: as
    ``routing.language`` reads it. note: why it was changed.
    """

    id = models.BigAutoField(primary_key=True)
    policy = models.ForeignKey(RoutingPolicy, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    status = models.CharField(max_length=10, choices=VersionStatus.choices)
    document = models.JSONField()
    note = models.CharField(_("note"), max_length=500, blank=True)
    changed_by = models.TextField()
    changed_at = models.DateTimeField()
    published_by = models.TextField(blank=True)
    published_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["policy", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["policy", "number"], name="policy_version_once"),
            models.UniqueConstraint(fields=["policy"], condition=Q(status="draft"), name="one_draft_of_a_policy"),
            models.CheckConstraint(
                condition=Q(status="draft", published_at=None) | Q(status="published", published_at__isnull=False),
                name="published_version_has_its_time",
            ),
        ]


class PolicyAssignment(models.Model):
    """From ``assigned_at`` on the policy counts for a shop, a channel, or (both null) wherever nothing narrower does.

    Append-only: the newest row of a scope counts. policy: a code, of a preset too; "" gives the scope back to the
    wider one.
    """

    id = models.BigAutoField(primary_key=True)
    channel = models.ForeignKey(Channel, null=True, on_delete=models.CASCADE, related_name="+")
    shop = models.ForeignKey(Shop, null=True, on_delete=models.CASCADE, related_name="+")
    policy = models.CharField(max_length=40, blank=True)
    assigned_by = models.TextField()
    assigned_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(channel=None) | Q(shop=None), name="assignment_has_one_scope"),
        ]


class NodeRejection(models.Model):
    """A node that refused an order, or let its time to accept it pass: the order is not routed there again."""

    id = models.BigAutoField(primary_key=True)
    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="+", db_index=False)
    node = models.ForeignKey(Node, on_delete=models.CASCADE, related_name="+", db_index=False)
    reason = models.CharField(max_length=200, blank=True)
    actor = models.TextField()
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["order", "node"], name="node_rejects_an_order_once")]


class DryRun(models.Model):
    """A policy tried on the orders of a past period, beside the policies that counted when it was started.

    policy, version: what was tried; version 0 is a document that was not kept as a version. day_from, day_to:
    business days, half-open. stock: as ``dryrun.engine.STOCKS`` says. done, total: orders. result: as
    ``dryrun.engine.Comparison.as_json`` makes it, empty until it is over. error: why it failed.
    """

    id = models.BigAutoField(primary_key=True)
    policy = models.CharField(max_length=40)
    version = models.PositiveIntegerField()
    document = models.JSONField()
    day_from = models.DateField(_("from"))
    day_to = models.DateField(_("to"))
    stock = models.CharField(_("stock"), max_length=12)
    channel = models.ForeignKey(Channel, null=True, on_delete=models.CASCADE, related_name="+")
    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)
    result = models.JSONField(default=dict)
    error = models.TextField(blank=True)
    created_by = models.TextField()
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(day_to__gt=models.F("day_from")), name="dry_run_has_days"),
        ]


class DryRunChange(models.Model):
    """An order that the tried policy routes otherwise. Distances are tenths of a kilometre, costs minor units."""

    id = models.BigAutoField(primary_key=True)
    run = models.ForeignKey(DryRun, on_delete=models.CASCADE, related_name="changes", db_index=False)
    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="+", db_index=False)
    before_rule = models.CharField(max_length=40)
    after_rule = models.CharField(max_length=40)
    before_nodes = models.TextField()
    after_nodes = models.TextField()
    before_distance = models.BigIntegerField(null=True)
    after_distance = models.BigIntegerField(null=True)
    before_cost = models.BigIntegerField(null=True)
    after_cost = models.BigIntegerField(null=True)
    before_on_time = models.BooleanField(null=True)
    after_on_time = models.BooleanField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "order"], name="dry_run_changes_an_order_once")]
