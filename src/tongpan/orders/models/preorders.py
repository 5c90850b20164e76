"""Pre-orders: goods that are sold before they are there, up to a cap, held by a deposit."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from tongpan.catalog.models import Sku
from tongpan.channels.models import Channel


class PreorderOffer(models.Model):
    """What of a SKU may be sold before it is there, on one channel or, without one, on any.

    cap: units at most; taken: units that were ordered and not given back; the database refuses more. deposit_percent
    of a line's amount, or deposit_minor a unit in the channel's currency, holds the order; 0 and None: all is due at
    once or later as the buyer likes. expected_at: when the goods should come. balance_hours: how long the goods are
    kept for the balance once they are there; balance_due_at: the instant until which they are kept at least.
    """

    id = models.BigAutoField(primary_key=True)
    sku = models.ForeignKey(Sku, on_delete=models.PROTECT, related_name="preorder_offers", db_index=False)
    channel = models.ForeignKey(Channel, null=True, on_delete=models.PROTECT, related_name="+")
    cap = models.PositiveIntegerField(_("units at most"))
    taken = models.PositiveIntegerField(default=0)
    deposit_percent = models.PositiveSmallIntegerField(_("deposit in percent"), default=0)
    deposit_minor = models.BigIntegerField(_("deposit for a unit"), null=True)
    expected_at = models.DateTimeField(_("expected at"), null=True)
    balance_hours = models.PositiveIntegerField(_("hours to pay the balance"), default=72)
    balance_due_at = models.DateTimeField(_("balance not due before"), null=True)
    is_open = models.BooleanField(_("on offer"), default=True)
    changed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["sku", "channel"], name="preorder_offer_once", nulls_distinct=False),
            models.CheckConstraint(condition=Q(taken__gte=0, taken__lte=F("cap")), name="preorder_cap_holds"),
            models.CheckConstraint(
                condition=Q(deposit_percent__lte=100) & (Q(deposit_minor__isnull=True) | Q(deposit_minor__gt=0)),
                name="preorder_deposit_possible",
            ),
        ]


class PreorderState(models.TextChoices):
    ASKED = "asked", _("Waits for the deposit")
    HELD = "held", _("Waits for the goods")
    SERVED = "served", _("Goods are there")
    ENDED = "ended", _("Ended")


class Preorder(models.Model):
    """An order that waits for goods that are not there yet. placed_at orders the queue before the deposit came.

    deposit_due_at: until when the deposit must be paid; deposit_paid_at: when it was, which is its place in the queue.
    """

    order = models.OneToOneField("orders.Order", on_delete=models.CASCADE, primary_key=True, related_name="preorder")
    state = models.CharField(max_length=8, choices=PreorderState.choices)
    deposit_minor = models.BigIntegerField()
    placed_at = models.DateTimeField()
    deposit_due_at = models.DateTimeField(null=True)
    deposit_paid_at = models.DateTimeField(null=True)
    served_at = models.DateTimeField(null=True)
    balance_due_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~Q(state__in=["held", "served"]) | Q(deposit_paid_at__isnull=False),
                name="preorder_held_by_deposit",
            ),
            models.CheckConstraint(condition=Q(deposit_minor__gte=0), name="preorder_deposit_not_negative"),
        ]
        indexes = [
            models.Index(fields=["deposit_paid_at", "order"], condition=Q(state="held"), name="preorder_queue"),
            models.Index(fields=["deposit_due_at"], condition=Q(state="asked"), name="preorder_asked"),
        ]


class PreorderLine(models.Model):
    """Units that an order took of an offer."""

    id = models.BigAutoField(primary_key=True)
    preorder = models.ForeignKey(Preorder, on_delete=models.CASCADE, related_name="lines", db_index=False)
    offer = models.ForeignKey(PreorderOffer, on_delete=models.PROTECT, related_name="lines")
    qty = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["preorder", "offer"], name="preorder_line_once"),
            models.CheckConstraint(condition=Q(qty__gt=0), name="preorder_line_positive"),
        ]
