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
