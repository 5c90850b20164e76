"""The stock pool, the levels at each node, and the movements that alone may change them.

A row of ``Pool`` stands for one SKU over all nodes and is the lock of that SKU: whoever changes a level of the
SKU holds it first, in ascending order of SKU id. ``Movement`` is append-only; pool and levels are its sums.
"""

from __future__ import annotations

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from tongpan.catalog.models import Sku
from tongpan.network.models import Node


class Bucket(models.TextChoices):
    SALEABLE = "saleable", _("Saleable")
    DAMAGED = "damaged", _("Damaged")
    INSPECTION = "inspection", _("Return inspection")
    DISPLAY = "display", _("Display")
    SAMPLE = "sample", _("Sample")
    IN_TRANSIT = "in_transit", _("In transit")


class Kind(models.TextChoices):
    """Why stock moved. The deltas of each kind are fixed in ``inventory.engine``."""

    COUNTED = "counted", _("Counted")
    ADJUSTED = "adjusted", _("Adjusted")
    RESERVED = "reserved", _("Reserved")
    RELEASED = "released", _("Released")
    ALLOCATED = "allocated", _("Allocated")
    DEALLOCATED = "deallocated", _("Deallocated")
    DISPATCHED = "dispatched", _("Dispatched")
    RETURNED = "returned", _("Returned")
    INSPECTED = "inspected", _("Inspected after a return")
    SENT = "sent", _("Sent to another node")
    RECEIVED = "received", _("Received from another node")
    LOST = "lost", _("Lost on the way")
    CHECKED = "checked", _("Quality inspection")


class Pool(models.Model):
    """The saleable stock of one SKU over all nodes: what every channel sells from (INV-01).

    on_hand, allocated: sums over the levels in the saleable bucket. held: promised to orders that no node has
    been chosen for yet. Available = on_hand − allocated − held, never below zero.
    """

    sku = models.OneToOneField(Sku, on_delete=models.PROTECT, primary_key=True, related_name="pool")
    on_hand = models.BigIntegerField(default=0)
    allocated = models.BigIntegerField(default=0)
    held = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(held__gte=0, allocated__gte=0, on_hand__gte=F("allocated") + F("held")),
                name="pool_never_oversold",
            )
        ]


class Level(models.Model):
    """The stock of one SKU at one node in one quality bucket. allocated: pinned to orders, not yet gone."""

    id = models.BigAutoField(primary_key=True)
    sku = models.ForeignKey(Sku, on_delete=models.PROTECT, related_name="levels", db_index=False)
    node = models.ForeignKey(Node, on_delete=models.PROTECT, related_name="levels", db_index=False)
    bucket = models.CharField(max_length=12, choices=Bucket.choices, default=Bucket.SALEABLE)
    on_hand = models.BigIntegerField(default=0)
    allocated = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["sku", "node", "bucket"], name="level_once"),
            models.CheckConstraint(
                condition=Q(allocated__gte=0, on_hand__gte=F("allocated")), name="level_never_oversold"
            ),
        ]
        indexes = [models.Index(fields=["node", "sku"], name="level_of_node")]


class Movement(models.Model):
    """One change of stock; the only writer of ``Pool`` and ``Level``.

    node is null for changes of the pool alone (RESERVED, RELEASED). The cause is the document that moved it
    ("fulfillment", 17); (cause_type, cause_id, kind, sku, node, bucket) is the idempotency key: the same cause
    moves the same stock once.
    """

    id = models.BigAutoField(primary_key=True)
    sku = models.ForeignKey(Sku, on_delete=models.PROTECT, db_index=False)
    node = models.ForeignKey(Node, null=True, on_delete=models.PROTECT, db_index=False)
    bucket = models.CharField(max_length=12, choices=Bucket.choices, default=Bucket.SALEABLE)
    kind = models.CharField(max_length=12, choices=Kind.choices)
    on_hand_delta = models.BigIntegerField(default=0)
    allocated_delta = models.BigIntegerField(default=0)
    held_delta = models.BigIntegerField(default=0)
    cause_type = models.CharField(max_length=16)
    cause_id = models.BigIntegerField()
    actor = models.TextField()
    reason = models.TextField(blank=True)
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["cause_type", "cause_id", "kind", "sku", "node", "bucket"],
                name="movement_once",
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                condition=~Q(on_hand_delta=0, allocated_delta=0, held_delta=0), name="movement_moves_something"
            ),
        ]
        indexes = [
            models.Index(fields=["sku", "node", "-occurred_at"], name="movement_of_level"),
            # Rows come almost in order of time: a day is found by a few blocks, and writing costs nothing.
            BrinIndex(fields=["occurred_at"], name="movement_by_time"),
        ]


class StockDocument(models.Model):
    """Why stock changed outside orders: a count, an opening stock, an adjustment from a file or a person."""

    id = models.BigAutoField(primary_key=True)
    kind = models.CharField(max_length=12, choices=[("count", _("Count")), ("adjustment", _("Adjustment"))])
    source = models.CharField(max_length=60)
    external_id = models.CharField(max_length=120)
    node = models.ForeignKey(Node, on_delete=models.PROTECT, related_name="stock_documents")
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField(db_default=Now())
    actor = models.TextField()
    reason = models.TextField(blank=True)
    is_simulated = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "external_id", "node"], name="stock_document_once")]
        indexes = [models.Index(fields=["-occurred_at", "-id"], name="stock_document_recent")]


class StockDocumentLine(models.Model):
    """One SKU of a stock document.

    qty: what the document says (a count's quantity, an adjustment's signed change). applied: the change that
    was booked; an adjustment below zero books what is there and leaves the rest as an open difference.
    """

    id = models.BigAutoField(primary_key=True)
    document = models.ForeignKey(StockDocument, on_delete=models.CASCADE, related_name="lines")
    line_no = models.PositiveIntegerField()
    sku = models.ForeignKey(Sku, on_delete=models.PROTECT, db_index=False)
    bucket = models.CharField(max_length=12, choices=Bucket.choices, default=Bucket.SALEABLE)
    qty = models.BigIntegerField()
    book_qty = models.BigIntegerField()
    applied = models.BigIntegerField()
    note = models.TextField(blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["document", "line_no"], name="stock_document_line_once")]


class Reservation(models.Model):
    """Units of the pool promised to one order line until routing pins them to a node.

    The line of a kit has one for each part. A promise that ended stays as a row; a new one is a new row, and
    its id is the cause of the movements it makes. policy: the quota it draws on. expires_at: when it ends
    by itself, null when it does not. channel_id: who sold it, and so which nodes may send it; 0: any may.
    """

    id = models.BigAutoField(primary_key=True)
    order_line_id = models.BigIntegerField(db_index=True)
    order_id = models.BigIntegerField(db_index=True)
    sku = models.ForeignKey(Sku, on_delete=models.PROTECT, db_index=False)
    qty = models.PositiveIntegerField()
    state = models.CharField(
        max_length=10,
        choices=[
            ("held", _("Held")),
            ("allocated", _("Allocated")),
            ("shipped", _("Shipped")),
            ("released", _("Released")),
            ("expired", _("Expired")),
        ],
        default="held",
    )
    policy = models.ForeignKey(
        "inventory.ChannelPolicy", null=True, on_delete=models.PROTECT, related_name="reservations", db_index=False
    )
    expires_at = models.DateTimeField(null=True)
    channel_id = models.BigIntegerField(db_default=0)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(qty__gt=0), name="reservation_positive"),
            models.UniqueConstraint(
                fields=["order_line_id", "sku"],
                condition=Q(state__in=["held", "allocated", "shipped"]),
                name="reserved_once",
            ),
        ]
        indexes = [
            models.Index(
                fields=["expires_at"],
                condition=Q(state="held", expires_at__isnull=False),
                name="reservation_expiring",
            ),
            models.Index(fields=["policy"], condition=Q(policy__isnull=False), name="reservation_of_policy"),
            # The few that are not pinned to a node yet.
            models.Index(fields=["sku", "channel_id"], condition=Q(state="held"), name="reservation_held"),
        ]
