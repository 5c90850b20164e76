"""What activities keep: groups that buy together."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from tongpan.customers.models import Customer


class GroupOffer(models.Model):
    """How groups for one rule of the kind group_price are made (PRM-09).

    rule: its code; who may buy (community, lower-tier markets) is said by its conditions. size: orders that must be
    paid. hours: from the leader's payment until the group must be whole. is_open: new groups may be opened.
    """

    id = models.BigAutoField(primary_key=True)
    rule = models.CharField(_("rule"), max_length=60, unique=True)
    size = models.PositiveSmallIntegerField(_("group size"))
    hours = models.PositiveSmallIntegerField(_("hours"))
    is_open = models.BooleanField(_("new groups may be opened"), default=True)
    updated_by = models.TextField()
    updated_at = models.DateTimeField()

    class Meta:
        ordering = ["rule"]
        constraints = [
            models.CheckConstraint(condition=Q(size__gte=2, size__lte=1000), name="group_of_two_at_least"),
            models.CheckConstraint(condition=Q(hours__gte=1, hours__lte=720), name="group_has_hours"),
        ]


class GroupState(models.TextChoices):
    """waiting → open (its leader paid) → formed or expired. Nothing but paid orders forms a group."""

    WAITING = "waiting", _("Waits for its leader's payment")
    OPEN = "open", _("Open")
    FORMED = "formed", _("Formed")
    EXPIRED = "expired", _("Not formed in time")


class Group(models.Model):
    """Buyers who get a price together. code: opens the rule for their carts.

    taken: places that orders hold, paid or not; paid: those that are paid. Both move by guarded UPDATEs only.
    size: as the offer said when the group was opened. expires_at: null until the leader has paid.
    """

    id = models.BigAutoField(primary_key=True)
    code = models.CharField(_("code"), max_length=24, unique=True)
    offer = models.ForeignKey(GroupOffer, on_delete=models.PROTECT, related_name="groups", db_index=False)
    state = models.CharField(_("status"), max_length=8, choices=GroupState.choices, default=GroupState.WAITING)
    size = models.PositiveSmallIntegerField(_("group size"))
    taken = models.PositiveSmallIntegerField(default=0)
    paid = models.PositiveSmallIntegerField(default=0)
    opened_at = models.DateTimeField(_("opened"))
    expires_at = models.DateTimeField(_("until"), null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(taken__lte=F("size")), name="group_not_overfull"),
            models.CheckConstraint(condition=Q(paid__lte=F("taken")), name="group_paid_places_are_taken"),
            models.CheckConstraint(condition=~Q(state="formed") | Q(paid=F("size")), name="group_formed_by_payments"),
            models.CheckConstraint(
                condition=~Q(state__in=("open", "formed")) | Q(expires_at__isnull=False), name="open_group_has_an_end"
            ),
        ]
        indexes = [
            models.Index(fields=["offer", "-id"], name="group_of_offer"),
            models.Index(fields=["expires_at"], condition=Q(state="open"), name="group_open_until"),
        ]


class PlaceState(models.TextChoices):
    HELD = "held", _("Waits for payment")
    PAID = "paid", _("Paid")
    LEFT = "left", _("Left the group")


class GroupPlace(models.Model):
    """One order in a group. is_settled: nothing is left to do for it: it was let go to be sent, or called off."""

    id = models.BigAutoField(primary_key=True)
    group = models.ForeignKey(Group, on_delete=models.PROTECT, related_name="places", db_index=False)
    order_id = models.BigIntegerField(unique=True)
    customer = models.ForeignKey(Customer, null=True, on_delete=models.PROTECT, db_index=False, related_name="+")
    is_leader = models.BooleanField(default=False)
    state = models.CharField(max_length=4, choices=PlaceState.choices, default=PlaceState.HELD)
    at = models.DateTimeField()
    is_settled = models.BooleanField(default=False)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["group", "customer"], condition=~Q(state="left"), name="group_once_a_customer"
            ),
        ]
        indexes = [
            models.Index(fields=["group", "id"], name="place_of_group"),
            models.Index(fields=["group"], condition=Q(is_settled=False), name="place_unsettled"),
        ]


class PrizeKind(models.TextChoices):
    COUPON = "coupon", _("Coupon")
    POINTS = "points", _("Points")
    GOODS = "goods", _("Goods")


class EntrySource(models.TextChoices):
    ORDER = "order", _("Order")
    ACTION = "action", _("Action")
    POINTS = "points", _("Points")
    LIVE = "live", _("Live session")


class Lottery(models.Model):
    """A draw with a fairness log (PRM-15). What is announced is never changed: prizes, chances and ``seed_hash``.

    seed_hash: SHA-256 of the seed, published before the first entry. seed_sealed: the seed, which nobody reads before
    ``revealed_at``; seed: it in hexadecimal from then on. entries: how many there are, also the number of the last.
    """

    id = models.BigAutoField(primary_key=True)
    code = models.CharField(_("code"), max_length=40, unique=True)
    name_zh = models.CharField(_("Chinese name"), max_length=80)
    name_en = models.CharField(_("English name"), max_length=80)
    campaign = models.CharField(_("campaign"), max_length=40, blank=True)
    starts = models.DateTimeField(_("starts"))
    ends = models.DateTimeField(_("ends"))
    per_customer = models.PositiveIntegerField(_("entries of one customer at most"))
    seed_hash = models.CharField(max_length=64)
    seed_sealed = models.BinaryField()
    seed = models.CharField(max_length=64, blank=True)
    revealed_at = models.DateTimeField(null=True)
    entries = models.BigIntegerField(default=0)
    announced_by = models.TextField()
    announced_at = models.DateTimeField()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(ends__gt=F("starts")), name="lottery_has_a_window"),
            models.CheckConstraint(condition=Q(per_customer__gte=1), name="lottery_lets_enter"),
            models.CheckConstraint(
                condition=Q(seed="") ^ Q(revealed_at__isnull=False), name="seed_shown_when_revealed"
            ),
        ]


class LotteryPrize(models.Model):
    """per_million: its chance in millionths. stock: how many there are; given by guarded UPDATE. what: the id of a
    batch of coupons, an amount of points, or a SKU, by kind."""

    id = models.BigAutoField(primary_key=True)
    lottery = models.ForeignKey(Lottery, on_delete=models.CASCADE, related_name="prizes", db_index=False)
    place = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=6, choices=PrizeKind.choices)
    name_zh = models.CharField(max_length=80)
    name_en = models.CharField(max_length=80)
    what = models.CharField(max_length=120)
    per_million = models.PositiveIntegerField()
    stock = models.PositiveIntegerField()
    given = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["place"]
        constraints = [
            models.UniqueConstraint(fields=["lottery", "place"], name="prize_place_once"),
            models.CheckConstraint(condition=Q(given__lte=F("stock")), name="prize_never_given_twice"),
            models.CheckConstraint(
                condition=Q(per_million__gte=1, per_million__lte=1_000_000), name="prize_chance_is_a_share"
            ),
        ]


class LotteryDraw(models.Model):
    """One entry and what was drawn for it, at the same moment; append-only.

    number: 1, 2, 3, … within the lottery. drawn: 0 to 999,999, computed of the seed and the number. hit: the prize
    that this number means, null for none. is_given: False when the last of it had been given before. reward: the code
    of the coupon. chain: SHA-256 over the chain of the entry before and this row, so that a row taken out shows.
    """

    id = models.BigAutoField(primary_key=True)
    lottery = models.ForeignKey(Lottery, on_delete=models.PROTECT, related_name="draws", db_index=False)
    number = models.BigIntegerField(_("entry"))
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="+")
    source = models.CharField(_("source"), max_length=6, choices=EntrySource.choices)
    reference = models.CharField(_("reference"), max_length=120)
    drawn = models.PositiveIntegerField(_("number drawn"))
    hit = models.ForeignKey(LotteryPrize, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    is_given = models.BooleanField(default=False)
    reward = models.CharField(max_length=40, blank=True)
    at = models.DateTimeField(_("when"))
    chain = models.CharField(max_length=64)

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["lottery", "number"], name="lottery_number_once"),
            models.UniqueConstraint(fields=["lottery", "source", "reference"], name="lottery_entry_once"),
            models.CheckConstraint(condition=Q(drawn__lt=1_000_000), name="drawn_in_a_million"),
            models.CheckConstraint(condition=Q(is_given=False) | Q(hit__isnull=False), name="given_prize_was_hit"),
        ]
        indexes = [models.Index(fields=["lottery", "customer"], name="draws_of_customer")]
