"""Routing policies and decisions, and the fulfilments that carry goods from a node to a buyer."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from tongpan.catalog.models import Sku
from tongpan.fulfillment.routing.models import (
    DryRun,
    DryRunChange,
    NodeRejection,
    PolicyAssignment,
    PolicyVersion,
    RoutingPolicy,
)
from tongpan.fulfillment.services.models import (
    Appointment,
    AppointmentKind,
    AppointmentSlot,
    ServiceOrder,
    ServiceOrderEvent,
)
from tongpan.network.models import Node
from tongpan.orders.models import Order, OrderLine

__all__ = [
    "Appointment",
    "AppointmentKind",
    "AppointmentSlot",
    "DryRun",
    "DryRunChange",
    "Fulfillment",
    "FulfillmentLine",
    "FulfillmentStatus",
    "NodeRejection",
    "PolicyAssignment",
    "PolicyVersion",
    "RoutingDecision",
    "RoutingPolicy",
    "ServiceOrder",
    "ServiceOrderEvent",
    "Shipment",
    "TrackingEvent",
    "TrackingKind",
]


class RoutingDecision(models.Model):
    """Which nodes were chosen for an order and why every other was not; append-only.

    explanation: as ``fulfillment.routing.basics.Plan`` describes it. An order that is routed again has several
    decisions; the newest counts.
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
    """``fulfillment.states`` says which steps lead from one to another."""

    ALLOCATED = "allocated", _("Allocated")
    OFFERED = "offered", _("Offered")
    ACCEPTED = "accepted", _("Accepted")
    PICKING = "picking", _("Being picked")
    PACKED = "packed", _("Packed")
    READY = "ready", _("Ready for pickup")
    ON_HOLD = "on_hold", _("Waits for its slot")
    DISPATCHED = "dispatched", _("Dispatched")
    DELIVERED = "delivered", _("Delivered")
    CANCELLED = "cancelled", _("Cancelled")
    REJECTED = "rejected", _("Rejected")


class RejectReason(models.TextChoices):
    STOCK_MISSING = "stock_missing", _("Goods are not there")
    DAMAGED = "damaged", _("Goods are damaged")
    NO_CAPACITY = "no_capacity", _("Too much to do")
    CLOSED = "closed", _("The place is closed")
    ADDRESS = "address", _("The address cannot be served")
    TIMEOUT = "timeout", _("No answer in time")
    OTHER = "other", _("Another reason")


class Fulfillment(models.Model):
    """The part of an order that one node ships, or keeps for its buyer.

    accept_by: until when the node may accept what is offered. ready_by: when a pickup must be ready; due_at: when a
    parcel must be there, or gone (``fulfillment.promises``). collect_by: until when a pickup waits for its buyer;
    reminded_at: when the buyer was reminded. worked_by: who took the last step.
    offer_from: when what waits for the slot of its buyer (on_hold) becomes the node's work.
    """

    id = models.BigAutoField(primary_key=True)
    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="fulfillments", db_index=False)
    node = models.ForeignKey(Node, on_delete=models.PROTECT, related_name="fulfillments", db_index=False)
    decision = models.ForeignKey(RoutingDecision, on_delete=models.PROTECT, db_index=False)
    status = models.CharField(max_length=12, choices=FulfillmentStatus.choices)
    promised_at = models.DateTimeField(null=True)
    allocated_at = models.DateTimeField()
    dispatched_at = models.DateTimeField(null=True)
    delivered_at = models.DateTimeField(null=True)
    offered_at = models.DateTimeField(null=True)
    accept_by = models.DateTimeField(null=True)
    accepted_at = models.DateTimeField(null=True)
    picked_at = models.DateTimeField(null=True)
    packed_at = models.DateTimeField(null=True)
    ready_at = models.DateTimeField(null=True)
    ready_by = models.DateTimeField(null=True)
    collect_by = models.DateTimeField(null=True)
    reminded_at = models.DateTimeField(null=True)
    collected_at = models.DateTimeField(null=True)
    due_at = models.DateTimeField(null=True)
    offer_from = models.DateTimeField(null=True)
    rejected_at = models.DateTimeField(null=True)
    reject_reason = models.CharField(max_length=16, blank=True, db_default="", choices=RejectReason.choices)
    worked_by = models.TextField(db_default="")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(status="rejected") | ~models.Q(reject_reason=""), name="rejected_for_a_reason"
            ),
            models.CheckConstraint(
                condition=~models.Q(status="offered") | models.Q(accept_by__isnull=False), name="offered_until"
            ),
            models.CheckConstraint(
                condition=~models.Q(status="on_hold") | models.Q(offer_from__isnull=False), name="on_hold_until"
            ),
        ]
        indexes = [
            models.Index(fields=["order"], name="fulfillment_of_order"),
            models.Index(fields=["node", "status", "promised_at"], name="fulfillment_queue"),
            models.Index(fields=["accept_by"], condition=models.Q(status="offered"), name="fulfillment_on_offer"),
            models.Index(fields=["collect_by"], condition=models.Q(status="ready"), name="fulfillment_waiting"),
            models.Index(fields=["offer_from"], condition=models.Q(status="on_hold"), name="fulfillment_later"),
        ]

    @property
    def due_by(self) -> datetime | None:
        """The promise to the buyer: ready, there or gone by then; None when nobody promised."""
        return self.ready_by or self.due_at or self.promised_at


class FulfillmentEvent(models.Model):
    """One step of a fulfilment: who took it, where and when; append-only. data: reason, note, carrier and the like."""

    id = models.BigAutoField(primary_key=True)
    fulfillment = models.ForeignKey(Fulfillment, on_delete=models.CASCADE, related_name="steps", db_index=False)
    kind = models.CharField(max_length=20)
    at = models.DateTimeField()
    actor = models.TextField()
    node = models.ForeignKey(Node, on_delete=models.PROTECT, db_index=False, related_name="+")
    data = models.JSONField(db_default={})
    recorded_at = models.DateTimeField(db_default=Now())

    LABELS = {
        "offered": _("Offered"),
        "accept": _("Accepted"),
        "rejected": _("Rejected"),
        "pick": _("Picking begun"),
        "pack": _("Packed"),
        "ready": _("Ready for pickup"),
        "reminded": _("Buyer reminded"),
        "collected": _("Collected"),
        "expired": _("Not fetched in time"),
        "dispatched": _("Dispatched"),
        "on_hold": _("Waits for its slot"),
        "released": _("Now the work of its node"),
        "cancelled": _("Cancelled"),
    }

    class Meta:
        indexes = [models.Index(fields=["fulfillment", "id"], name="steps_of_fulfillment")]

    @property
    def label(self) -> str:
        """The kind in words."""
        return str(self.LABELS.get(self.kind, self.kind))


class PickupCode(models.Model):
    """What the buyer shows to fetch the goods. Only a keyed hash of the code is kept; it counts once.

    salt: from it and the vault's key the code is made again for its buyer. hint: its last two characters.
    """

    fulfillment = models.OneToOneField(Fulfillment, on_delete=models.CASCADE, primary_key=True, related_name="pickup")
    salt = models.BinaryField()
    digest = models.BinaryField(unique=True)
    hint = models.CharField(max_length=2)
    issued_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    used_by = models.TextField(db_default="")


class PickupGuess(models.Model):
    """A code that was wrong, and who tried it where: so many in a while and no more are taken."""

    id = models.BigAutoField(primary_key=True)
    actor = models.TextField()
    node = models.ForeignKey(Node, null=True, on_delete=models.CASCADE, db_index=False, related_name="+")
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["actor", "at"], name="guess_of_actor")]


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
