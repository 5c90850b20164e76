"""Coupons: batches of codes and what became of each code."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from tongpan.customers.models import Customer

MOST_NUMBERS = 2**32
"""How many codes there can ever be (``promotions.codes``)."""


class BatchKind(models.TextChoices):
    UNIQUE = "unique", _("A code for each use")
    PUBLIC = "public", _("One code for everybody")


class CouponBatch(models.Model):
    """Coupons that open one rule, made together.

    rule: the code of a rule that needs a coupon. kind unique: ``count`` codes with the numbers from ``first_number``
    on, of which ``made`` are stored by now. kind public: everybody uses ``word``, ``count`` times altogether (null:
    any number). per_customer: how many one customer may claim or, of a public code, use; null: any number. segment:
    when set, only customers whom the shop front or the profile puts in it; has_targets: only those of ``targets``.
    [valid_from, valid_until): when they can be used; days_after_claim: also at most so many days after the claim.
    is_stopped: nothing more is claimed or used.
    """

    id = models.BigAutoField(primary_key=True)
    name = models.CharField(_("name"), max_length=80)
    rule = models.CharField(_("rule"), max_length=60)
    kind = models.CharField(_("kind"), max_length=8, choices=BatchKind.choices)
    word = models.CharField(_("code"), max_length=40, null=True, unique=True)  # noqa: DJ001 unique, so null is none
    count = models.BigIntegerField(null=True)
    first_number = models.BigIntegerField(null=True)
    made = models.BigIntegerField(default=0)
    per_customer = models.PositiveIntegerField(null=True)
    segment = models.CharField(max_length=60, blank=True)
    has_targets = models.BooleanField(default=False)
    valid_from = models.DateTimeField()
    valid_until = models.DateTimeField(null=True)
    days_after_claim = models.PositiveIntegerField(null=True)
    is_stopped = models.BooleanField(default=False)
    created_by = models.TextField()
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind="unique", word=None, count__gt=0, first_number__isnull=False)
                | Q(kind="public", word__isnull=False, first_number=None),
                name="batch_has_codes_or_a_word",
            ),
            models.CheckConstraint(
                condition=Q(made__gte=0) & (Q(count=None) | Q(made__lte=models.F("count"))), name="batch_made_in_range"
            ),
            models.CheckConstraint(
                condition=Q(valid_until=None) | Q(valid_until__gt=models.F("valid_from")), name="batch_has_a_window"
            ),
        ]
        indexes = [models.Index(fields=["rule"], name="batch_of_rule")]


class BatchTarget(models.Model):
    """A customer for whom a batch is meant."""

    id = models.BigAutoField(primary_key=True)
    batch = models.ForeignKey(CouponBatch, on_delete=models.CASCADE, related_name="targets", db_index=False)
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["batch", "customer"], name="target_once_a_batch")]


class CouponState(models.TextChoices):
    """Each arrow is a guarded UPDATE: issued → claimed → locked → used, locked → claimed or issued, issued → void."""

    ISSUED = "issued", _("Issued")
    CLAIMED = "claimed", _("Claimed")
    LOCKED = "locked", _("Locked by an order")
    USED = "used", _("Used")
    VOID = "void", _("Void")


class Coupon(models.Model):
    """One coupon. number: the counter that its code is made of, null for a use of a public code.

    The code itself is stored nowhere: it is computed (``promotions.codes``). customer: who claimed or used it, null for
    a code on paper. order_id: the order that holds or used it; reference: that of a till instead ("SHOP:RECEIPT").
    expires_at: of a claimed one, as its batch says.
    source: where it was claimed, a channel code or "store:CODE".
    """

    id = models.BigAutoField(primary_key=True)
    batch = models.ForeignKey(CouponBatch, on_delete=models.PROTECT, related_name="coupons", db_index=False)
    number = models.BigIntegerField(null=True, unique=True)
    state = models.CharField(max_length=8, choices=CouponState.choices, default=CouponState.ISSUED)
    customer = models.ForeignKey(Customer, null=True, on_delete=models.PROTECT, db_index=False)
    order_id = models.BigIntegerField(null=True)
    reference = models.CharField(max_length=120, blank=True, db_default="")
    source = models.CharField(max_length=60, blank=True, db_default="")
    claimed_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    locked_at = models.DateTimeField(null=True)
    used_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=("issued", "void"), claimed_at=None, order_id=None, reference="")
                | Q(state="claimed", claimed_at__isnull=False, order_id=None, reference="")
                | (Q(state="locked", locked_at__isnull=False) & (Q(order_id__isnull=False) ^ ~Q(reference="")))
                | (Q(state="used", used_at__isnull=False) & (Q(order_id__isnull=False) ^ ~Q(reference=""))),
                name="coupon_state_has_its_facts",
            ),
            models.CheckConstraint(
                condition=Q(number=None) | Q(number__gte=0, number__lt=MOST_NUMBERS), name="coupon_number_in_space"
            ),
            models.UniqueConstraint(
                fields=["batch", "order_id"], condition=Q(number=None), name="public_code_once_an_order"
            ),
        ]
        indexes = [
            models.Index(fields=["batch", "state", "id"], name="coupon_of_batch"),
            models.Index(fields=["customer", "-id"], condition=Q(customer__isnull=False), name="coupon_of_customer"),
            models.Index(fields=["order_id"], condition=Q(order_id__isnull=False), name="coupon_of_order"),
            models.Index(fields=["reference"], condition=~Q(reference=""), name="coupon_of_till"),
        ]


class CodeSpace(models.Model):
    """One row: the next number that no batch has taken. Batches take ranges of it, one after the other."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    next_number = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(id=1), name="one_code_space"),
            models.CheckConstraint(
                condition=Q(next_number__gte=0, next_number__lte=MOST_NUMBERS), name="code_space_is_bounded"
            ),
        ]


class FailedCode(models.Model):
    """How many wrong codes somebody named in one minute; who: "customer:ID" or "source:NAME"."""

    id = models.BigAutoField(primary_key=True)
    who = models.CharField(max_length=120)
    minute = models.DateTimeField()
    count = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["who", "minute"], name="failed_codes_once_a_minute")]
        indexes = [models.Index(fields=["minute"], name="failed_codes_by_minute")]
