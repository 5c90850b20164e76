"""Routing policies and decisions, and the fulfilments that carry goods from a node to a buyer."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from tongpan.catalog.models import Sku
from tongpan.network.models import Node
from tongpan.orders.models import Order, OrderLine


class RoutingDecision(models.Model):
    """Which nodes were chosen for an order and why every other was not; append-only.

    explanation: as ``fulfillment.engine.Plan`` describes it. An order that is routed again has several decisions;
    the newest counts.
    """

    id = models.BigAutoField(primary_key=True)
    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="decisions", db_index=False)
    attempt = models.PositiveIntegerField(default=1)
    policy = models.CharField(max_length=40)
    policy_version = models.PositiveIntegerField()
    outcome = models.CharField(max_length=12, choices=[("routed", _("Routed")), ("unfillable", _("Unfillable"))])
    rule = models.CharField(max_length=40)
    explanation = models.JSONField()
    decided_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["order", "attempt"], name="decision_attempt_once")]


class FulfillmentStatus(models.TextChoices):
    ALLOCATED = "allocated", _("Allocated")
    DISPATCHED = "dispatched", _("Dispatched")
    DELIVERED = "delivered", _("Delivered")
    CANCELLED = "cancelled", _("Cancelled")


class Fulfillment(models.Model):
    """The part of an order that one node ships."""

    id = models.BigAutoField(primary_key=True)
    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="fulfillments", db_index=False)
    node = models.ForeignKey(Node, on_delete=models.PROTECT, related_name="fulfillments", db_index=False)
    decision = models.ForeignKey(RoutingDecision, on_delete=models.PROTECT, db_index=False)
    status = models.CharField(max_length=12, choices=FulfillmentStatus.choices)
    promised_at = models.DateTimeField(null=True)
    allocated_at = models.DateTimeField()
    dispatched_at = models.DateTimeField(null=True)
    delivered_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["order"], name="fulfillment_of_order"),
            models.Index(fields=["node", "status", "promised_at"], name="fulfillment_queue"),
        ]


class FulfillmentLine(models.Model):
    """Units of one SKU that a node ships for an order line; the line of a kit has one for each part."""

    id = models.BigAutoField(primary_key=True)
    fulfillment = models.ForeignKey(Fulfillment, on_delete=models.CASCADE, related_name="lines", db_index=False)
    order_line = models.ForeignKey(OrderLine, on_delete=models.PROTECT, db_index=False)
    sku = models.ForeignKey(Sku, on_delete=models.PROTECT, db_index=False)
    qty = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["fulfillment", "order_line", "sku"], name="fulfillment_line_once"),
            models.CheckConstraint(condition=models.Q(qty__gt=0), name="fulfillment_line_positive"),
        ]


class TrackingKind(models.TextChoices):
    """What a carrier tells of a parcel. Delivered and returned are its end."""

    COLLECTED = "collected", _("Collected")
    IN_TRANSIT = "in_transit", _("In transit")
    OUT_FOR_DELIVERY = "out_for_delivery", _("Out for delivery")
    DELIVERED = "delivered", _("Delivered")
    EXCEPTION = "exception", _("Problem")
    RETURNED = "returned", _("Sent back")
    INFO = "info", _("Information")


class Shipment(models.Model):
    """A parcel of a fulfilment, as a carrier knows it. Parcels that travel as one share carrier and number.

    status: "shipped" until the carrier tells something; then the kind of its latest event that is no mere
    information; a parcel that was delivered or sent back stays so. last_event_at: when the carrier told last.
    """

    id = models.BigAutoField(primary_key=True)
    fulfillment = models.ForeignKey(Fulfillment, on_delete=models.CASCADE, related_name="shipments", db_index=False)
    carrier = models.CharField(_("carrier"), max_length=40)
    tracking_number = models.CharField(_("tracking number"), max_length=80)
    status = models.CharField(
        max_length=16, choices=[("shipped", _("Handed over")), *TrackingKind.choices], default="shipped"
    )
    shipped_at = models.DateTimeField()
    last_event_at = models.DateTimeField(null=True)
    delivered_at = models.DateTimeField(null=True)
    actor = models.TextField()
    recorded_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["fulfillment", "carrier", "tracking_number"], name="shipment_once"),
        ]
        indexes = [
            models.Index(fields=["tracking_number"], name="shipment_number"),
            models.Index(
                fields=["shipped_at"],
                condition=~models.Q(status__in=["delivered", "returned"]),
                name="shipment_under_way",
            ),
        ]


class TrackingEvent(models.Model):
    """One thing that a carrier told of a parcel; append-only. key: a digest, so that a repeat is recorded once."""

    id = models.BigAutoField(primary_key=True)
    shipment = models.ForeignKey(Shipment, on_delete=models.CASCADE, related_name="events", db_index=False)
    key = models.BinaryField()
    kind = models.CharField(max_length=16, choices=TrackingKind.choices)
    at = models.DateTimeField()
    place = models.CharField(max_length=120, blank=True)
    text = models.TextField(blank=True)
    actor = models.TextField()
    recorded_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["shipment", "key"], name="tracking_event_once")]
