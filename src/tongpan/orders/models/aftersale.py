"""After-sale: the policy by version, cases with their lines and story, and refunds with their shares.

``UnitsTaken`` and ``RefundLimit`` are the counters that let the database refuse a unit that comes back twice and a
refund beyond what was paid. Whoever changes them holds the order.
"""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from tongpan.catalog.models import Sku
from tongpan.channels.models import Channel, Shop
from tongpan.customers.models import Customer
from tongpan.network.models import Node
from tongpan.orders.models.documents import Order, OrderLine, Return


class ReturnPolicy(models.Model):
    """The policy of returns (``aftersale.engine.Policy`` as JSON); the newest version counts, none: the defaults."""

    version = models.PositiveIntegerField(primary_key=True)
    rules = models.JSONField()
    note = models.TextField(blank=True)
    actor = models.TextField()
    created_at = models.DateTimeField(db_default=Now())


class CaseKind(models.TextChoices):
    RETURN = "return", _("Return")
    REFUND_ONLY = "refund_only", _("Refund only")
    EXCHANGE = "exchange", _("Exchange")
    CLAIM = "claim", _("Sent again")


class CaseStatus(models.TextChoices):
    REQUESTED = "requested", _("Requested")
    APPROVED = "approved", _("Approved")
    REFUSED = "refused", _("Refused")
    WITHDRAWN = "withdrawn", _("Withdrawn")
    IN_TRANSIT = "in_transit", _("On its way back")
    RECEIVED = "received", _("Goods received")
    INSPECTED = "inspected", _("Inspected")
    CLOSED = "closed", _("Closed")


class Way(models.TextChoices):
    """How the goods come back. NONE: they do not."""

    STORE = "store", _("Handed in at a store")
    MAIL = "mail", _("Sent by the buyer")
    PICKUP = "pickup", _("Picked up at the door")
    NONE = "none", _("No goods come back")


class ReturnCase(models.Model):
    """One request of a buyer after the sale, and what became of it.

    answer: what the policy said (``deciding.Answer``), of policy ``policy_version``. quoted_minor: the refund that
    was shown when it was asked for; a refund up to it needs no further approval. credit_minor: a part of the price
    that is given back while the goods stay. paid_with: how the buyer pays what an exchange costs more. node: where
    the goods come back to. owner: who of customer service works on it. due_at: when the next step is due.
    return_doc: the booked return. channel_number: the number under which the channel itself told of the same return.
    new_order: of an exchange or a claim. is_instant: it was refunded before anyone looked at the goods.
    """

    id = models.BigAutoField(primary_key=True)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="cases", db_index=False)
    shop = models.ForeignKey(Shop, on_delete=models.PROTECT, db_index=False)
    channel = models.ForeignKey(Channel, on_delete=models.PROTECT, db_index=False)
    customer = models.ForeignKey(Customer, null=True, on_delete=models.PROTECT, db_index=False)
    kind = models.CharField(_("kind"), max_length=12, choices=CaseKind.choices)
    status = models.CharField(_("status"), max_length=12, choices=CaseStatus.choices)
    way = models.CharField(_("way back"), max_length=8, choices=Way.choices)
    currency = models.CharField(max_length=3)
    units = models.PositiveIntegerField(_("units"))
    quoted_minor = models.BigIntegerField(_("refund quoted"))
    credit_minor = models.BigIntegerField(null=True)
    paid_with = models.CharField(max_length=40, blank=True)
    policy_version = models.PositiveIntegerField()
    answer = models.JSONField()
    note = models.TextField(_("note"), blank=True)
    source = models.CharField(max_length=20)
    node = models.ForeignKey(Node, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    slot_start = models.DateTimeField(null=True)
    slot_end = models.DateTimeField(null=True)
    carrier = models.CharField(_("carrier"), max_length=40, blank=True)
    tracking_number = models.CharField(_("tracking number"), max_length=80, blank=True)
    owner = models.CharField(_("owner"), max_length=150, blank=True)
    due_at = models.DateTimeField(_("due"), null=True)
    requested_at = models.DateTimeField(_("requested"))
    decided_at = models.DateTimeField(null=True)
    scanned_at = models.DateTimeField(null=True)
    received_at = models.DateTimeField(null=True)
    inspected_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    return_doc = models.OneToOneField(Return, null=True, on_delete=models.PROTECT, related_name="case")
    channel_number = models.CharField(max_length=120, blank=True)
    new_order = models.ForeignKey(Order, null=True, on_delete=models.PROTECT, related_name="made_by", db_index=False)
    is_instant = models.BooleanField(default=False)
    is_simulated = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["shop", "channel_number"], condition=~Q(channel_number=""), name="case_of_channel_return_once"
            ),
            models.CheckConstraint(condition=Q(quoted_minor__gte=0), name="case_quote_not_negative"),
        ]
        indexes = [
            models.Index(fields=["order", "id"], name="case_of_order"),
            models.Index(fields=["customer", "-requested_at"], name="case_of_customer"),
            models.Index(
                fields=["due_at", "id"],
                condition=~Q(status__in=["closed", "refused", "withdrawn"]),
                name="case_open",
            ),
            models.Index(fields=["-requested_at", "-id"], name="case_recent"),
            models.Index(fields=["tracking_number", "carrier"], condition=~Q(tracking_number=""), name="case_parcel"),
        ]

    @property
    def number(self) -> str:
        """What people call it; also the number of the return that it books."""
        return f"AS{self.pk}"


class ReturnCaseLine(models.Model):
    """Units of one order line that a case is about. Reason and its nature are as the policy had them then.

    wanted_sku, wanted_minor: of an exchange, what is sent instead and its amount; null: at no charge.
    """

    id = models.BigAutoField(primary_key=True)
    case = models.ForeignKey(ReturnCase, on_delete=models.CASCADE, related_name="lines", db_index=False)
    order_line = models.ForeignKey(OrderLine, on_delete=models.PROTECT, db_index=False)
    line_no = models.PositiveIntegerField()
    sku = models.ForeignKey(Sku, on_delete=models.PROTECT, db_index=False, related_name="+")
    qty = models.PositiveIntegerField()
    reason = models.CharField(max_length=40)
    is_quality = models.BooleanField()
    is_opened = models.BooleanField(default=False)
    wanted_sku = models.ForeignKey(Sku, null=True, on_delete=models.PROTECT, db_index=False, related_name="+")
    wanted_minor = models.BigIntegerField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["case", "order_line"], name="case_line_once"),
            models.CheckConstraint(condition=Q(qty__gt=0), name="case_line_positive"),
        ]
        indexes = [models.Index(fields=["order_line"], name="case_line_of_order_line")]


class Disposition(models.TextChoices):
    """What becomes of goods that came back."""

    SALEABLE = "saleable", _("On sale again")
    DAMAGED = "damaged", _("Damaged goods")
    INSPECTION = "inspection", _("Kept for a closer look")
    SCRAP = "scrap", _("Scrapped")
    BACK = "back", _("Back to the buyer")


class ReturnInspection(models.Model):
    """Units of one case line that were found alike; append-only."""

    id = models.BigAutoField(primary_key=True)
    case_line = models.ForeignKey(ReturnCaseLine, on_delete=models.CASCADE, related_name="inspections")
    disposition = models.CharField(max_length=12, choices=Disposition.choices)
    qty = models.PositiveIntegerField()
    note = models.TextField(blank=True)
    actor = models.TextField()
    at = models.DateTimeField()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(qty__gt=0), name="inspection_positive")]


class CaseEvent(models.Model):
    """One thing that happened to a case: who, where, when; append-only."""

    id = models.BigAutoField(primary_key=True)
    case = models.ForeignKey(ReturnCase, on_delete=models.CASCADE, related_name="events", db_index=False)
    kind = models.CharField(max_length=20)
    at = models.DateTimeField()
    actor = models.TextField()
    node = models.ForeignKey(Node, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    data = models.JSONField(default=dict)
    recorded_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [models.Index(fields=["case", "id"], name="case_event_of_case")]


class RefundStatus(models.TextChoices):
    PROPOSED = "proposed", _("Proposed")
    APPROVED = "approved", _("Approved")
    PAID = "paid", _("Paid back")
    FAILED = "failed", _("Failed")


class Refund(models.Model):
    """Money that goes back to a buyer; before, after or without goods that come back.

    total = goods + charges − withheld − deducted − cut, as ``aftersale.engine.RefundShares`` explains them. A failed
    one frees what it took of the limit; a new one takes its place. reference: what the payment is known by outside.
    """

    id = models.BigAutoField(primary_key=True)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="refunds", db_index=False)
    case = models.ForeignKey(ReturnCase, on_delete=models.PROTECT, related_name="refunds", db_index=False)
    status = models.CharField(_("status"), max_length=10, choices=RefundStatus.choices)
    currency = models.CharField(max_length=3)
    goods_minor = models.BigIntegerField()
    charges_minor = models.BigIntegerField(default=0)
    withheld_minor = models.BigIntegerField(default=0)
    deducted_minor = models.BigIntegerField(default=0)
    cut_minor = models.BigIntegerField(default=0)
    total_minor = models.BigIntegerField(_("total"))
    proposed_at = models.DateTimeField()
    proposed_by = models.TextField()
    approved_at = models.DateTimeField(null=True)
    approved_by = models.TextField(blank=True)
    paid_at = models.DateTimeField(null=True)
    reference = models.CharField(max_length=120, blank=True)
    failure = models.TextField(blank=True)
    is_simulated = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    total_minor=F("goods_minor")
                    + F("charges_minor")
                    - F("withheld_minor")
                    - F("deducted_minor")
                    - F("cut_minor")
                ),
                name="refund_adds_up",
            ),
            models.CheckConstraint(condition=Q(total_minor__gte=0), name="refund_not_negative"),
            # What is given back for one case is given back once.
            models.UniqueConstraint(fields=["case"], condition=~Q(status="failed"), name="refund_of_case_once"),
        ]
        indexes = [
            models.Index(fields=["order", "id"], name="refund_of_order"),
            models.Index(fields=["proposed_at"], condition=Q(status__in=["proposed", "approved"]), name="refund_open"),
        ]


class RefundLine(models.Model):
    """What one line of the order gives back to the buyer: units of goods, or a part of a charge (qty 0)."""

    id = models.BigAutoField(primary_key=True)
    refund = models.ForeignKey(Refund, on_delete=models.CASCADE, related_name="lines", db_index=False)
    order_line = models.ForeignKey(OrderLine, on_delete=models.PROTECT, db_index=False)
    qty = models.PositiveIntegerField()
    buyer_minor = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["refund", "order_line"], name="refund_line_once"),
            models.CheckConstraint(condition=Q(buyer_minor__gte=0), name="refund_line_not_negative"),
        ]
        indexes = [models.Index(fields=["order_line"], name="refund_line_of_order_line")]


class RefundShare(models.Model):
    """What a payer of a discount gets back for the units of a refund line."""

    id = models.BigAutoField(primary_key=True)
    line = models.ForeignKey(RefundLine, on_delete=models.CASCADE, related_name="shares", db_index=False)
    payer = models.CharField(max_length=12)
    code = models.CharField(max_length=80, blank=True)
    amount_minor = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["line", "payer", "code"], name="refund_share_once"),
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="refund_share_positive"),
        ]


class RefundTender(models.Model):
    """What one payment of the order gets back. seq: of the payment, 0 where the order names none.

    action: pay_back (money), restore (points, coupon, stored value and gift card, by who keeps them), or exchange
    (it pays for the goods that are sent instead).
    """

    id = models.BigAutoField(primary_key=True)
    refund = models.ForeignKey(Refund, on_delete=models.CASCADE, related_name="tenders", db_index=False)
    seq = models.PositiveIntegerField()
    method = models.CharField(max_length=40, blank=True)
    kind = models.CharField(max_length=12)
    action = models.CharField(max_length=10)
    amount_minor = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["refund", "seq", "action"], name="refund_tender_once"),
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="refund_tender_positive"),
        ]


class UnitsTaken(models.Model):
    """How many units of an order line cases have asked back; never more than were bought."""

    order_line = models.OneToOneField(OrderLine, on_delete=models.CASCADE, primary_key=True, related_name="taken")
    qty = models.PositiveIntegerField()
    taken = models.PositiveIntegerField()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(taken__lte=F("qty")), name="no_unit_comes_back_twice")]


class RefundLimit(models.Model):
    """What was paid for an order and what refunds took of it; never more than was paid.

    outside_minor: what the channel had given back by itself when a refund was last proposed. Its figure may count
    refunds of ours from then on.
    """

    order = models.OneToOneField(Order, on_delete=models.CASCADE, primary_key=True, related_name="refund_limit")
    paid_minor = models.BigIntegerField()
    refunded_minor = models.BigIntegerField()
    outside_minor = models.BigIntegerField(db_default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(refunded_minor__gte=0, refunded_minor__lte=F("paid_minor")), name="never_refunded_twice"
            )
        ]
