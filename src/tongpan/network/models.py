"""Nodes that hold stock and ship it, and which shop each of them serves."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from tongpan.access.models import User
from tongpan.channels.models import Shop


class NodeKind(models.TextChoices):
    CENTRAL = "central", _("Central warehouse")
    SUB_WAREHOUSE = "sub_warehouse", _("Sub-warehouse")
    STORE = "store", _("Store")
    COUNTER = "counter", _("Counter")
    DEALER = "dealer", _("Dealer")
    SUPPLIER = "supplier", _("Supplier")
    IN_TRANSIT = "in_transit", _("In transit")


class Facility(models.TextChoices):
    EXPERIENCE = "experience", _("Experience area")
    PICKUP = "pickup", _("Pickup point")
    RETURN = "return", _("Return point")
    APPOINTMENT = "appointment", _("Appointments")
    INSTALLATION = "installation", _("Installation")
    REPAIR = "repair", _("Repair")


class Node(models.Model):
    """A place that holds stock. ``latitude``/``longitude`` are degrees (GCJ-02 within China).

    tracks_stock: False for a supplier who ships from its own stock: its fulfilments move none of ours. The one node
    of kind IN_TRANSIT is no place: goods on their way between two nodes are booked there, and nobody ships from it.
    The columns from ``groups`` on are ``engine.NodeRules``, which says what each means.
    """

    code = models.CharField(_("code"), max_length=60, unique=True)
    kind = models.CharField(_("kind"), max_length=20, choices=NodeKind.choices)
    name = models.CharField(_("name"), max_length=80)
    division = models.CharField(_("administrative division"), max_length=12, blank=True)
    city = models.CharField(_("city"), max_length=60, blank=True)
    latitude = models.FloatField(_("latitude"), null=True, blank=True)
    longitude = models.FloatField(_("longitude"), null=True, blank=True)
    zone = models.CharField(_("time zone"), max_length=40, default="Asia/Shanghai")
    tracks_stock = models.BooleanField(_("tracks stock"), default=True)
    is_active = models.BooleanField(_("active"), default=True)
    is_simulated = models.BooleanField(_("simulated"), default=False)
    groups = ArrayField(models.TextField(), verbose_name=_("groups"), blank=True, default=list, db_default=[])
    order_limit = models.IntegerField(_("orders a day"), null=True, blank=True)
    accept_minutes = models.IntegerField(_("minutes to accept"), null=True, blank=True)
    cut_off = models.TimeField(_("cut-off"), null=True, blank=True)
    base_cost_minor = models.BigIntegerField(_("cost of a parcel"), null=True, blank=True)
    cost_per_km_minor = models.BigIntegerField(_("cost per kilometre"), null=True, blank=True)
    cost_currency = models.CharField(_("currency"), max_length=3, blank=True, default="", db_default="")
    priority = models.IntegerField(_("priority"), default=100, db_default=100)
    territory = ArrayField(models.TextField(), verbose_name=_("territory"), blank=True, default=list, db_default=[])
    facilities = ArrayField(models.TextField(), verbose_name=_("facilities"), blank=True, default=list, db_default=[])
    in_pool = models.BooleanField(_("stock is in the pool"), default=True, db_default=True)

    class Meta:
        verbose_name = _("node")
        verbose_name_plural = _("nodes")
        ordering = ["code"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(order_limit__isnull=True) | models.Q(order_limit__gte=0),
                name="node_order_limit_not_negative",
            ),
            models.CheckConstraint(
                condition=models.Q(accept_minutes__isnull=True) | models.Q(accept_minutes__gt=0),
                name="node_accept_minutes_positive",
            ),
            models.CheckConstraint(
                condition=models.Q(base_cost_minor__isnull=True, cost_per_km_minor__isnull=True)
                | ~models.Q(cost_currency=""),
                name="node_costs_have_a_currency",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Service(models.Model):
    """``node`` may serve the orders of ``shop``. A shop without any row is served by no node.

    takes_returns: goods of returns without a named node come back here (one node of a shop).
    """

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="services")
    node = models.ForeignKey(Node, on_delete=models.CASCADE, related_name="services")
    takes_returns = models.BooleanField(_("takes returns"), default=False)

    class Meta:
        db_table = "network_service"
        constraints = [
            models.UniqueConstraint(fields=["shop", "node"], name="service_once"),
            models.UniqueConstraint(
                fields=["shop"], condition=models.Q(takes_returns=True), name="one_returns_node_of_a_shop"
            ),
        ]


class OpeningHours(models.Model):
    """The node opens on ``weekday`` (0 = Monday) from ``opens`` to ``closes``, local time; several a day.

    ``closes`` at or before ``opens`` is on the next day, so 00:00 is midnight at the end of the day.
    """

    node = models.ForeignKey(Node, on_delete=models.CASCADE, related_name="opening_hours")
    weekday = models.SmallIntegerField(_("weekday"))
    opens = models.TimeField(_("opens"))
    closes = models.TimeField(_("closes"))

    class Meta:
        db_table = "network_opening_hours"
        constraints = [
            models.UniqueConstraint(fields=["node", "weekday", "opens"], name="opening_hours_once"),
            models.CheckConstraint(
                condition=models.Q(weekday__gte=0) & models.Q(weekday__lte=6), name="opening_hours_weekday"
            ),
        ]


class SpecialDay(models.Model):
    """What counts on ``day`` in place of the week's hours; without ``opens`` and ``closes`` it is closed."""

    node = models.ForeignKey(Node, on_delete=models.CASCADE, related_name="special_days")
    day = models.DateField(_("day"))
    opens = models.TimeField(_("opens"), null=True, blank=True)
    closes = models.TimeField(_("closes"), null=True, blank=True)

    class Meta:
        db_table = "network_special_day"
        constraints = [
            models.UniqueConstraint(fields=["node", "day", "opens"], nulls_distinct=False, name="special_day_once"),
            models.CheckConstraint(
                condition=models.Q(opens__isnull=True, closes__isnull=True)
                | models.Q(opens__isnull=False, closes__isnull=False),
                name="special_day_has_both_or_neither",
            ),
        ]


class Staff(models.Model):
    """``user`` works at ``node``. It limits people of role "store" only."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    node = models.ForeignKey(Node, on_delete=models.CASCADE, related_name="staff")

    class Meta:
        db_table = "network_staff"
        constraints = [models.UniqueConstraint(fields=["user", "node"], name="staff_once")]


class PriceRight(models.TextChoices):
    LIST = "list", _("List price only")
    BAND = "band", _("Within the price band")
    OWN = "own", _("Sets its own prices")


class DealerContract(models.Model):
    """What the company agreed with a dealer or agent (DLR-01); the dealer is the node of kind DEALER.

    ends_on: the first day on which it no longer holds, null for no end. permits_pool: its stock may join the pool
    (DLR-06). services: of ``engine.DEALER_SERVICES``, what it must do for buyers of its territory, which is the node's.
    """

    node = models.OneToOneField(Node, primary_key=True, on_delete=models.CASCADE, related_name="contract")
    level = models.CharField(_("level"), max_length=40)
    starts_on = models.DateField(_("starts on"))
    ends_on = models.DateField(_("ends on"), null=True, blank=True)
    permits_pool = models.BooleanField(_("its stock joins the pool"), default=False)
    price_right = models.CharField(_("price right"), max_length=10, choices=PriceRight.choices)
    services = ArrayField(models.TextField(), verbose_name=_("services"), default=list)

    class Meta:
        db_table = "network_dealer_contract"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(ends_on__isnull=True) | models.Q(ends_on__gt=models.F("starts_on")),
                name="dealer_contract_ends_after_it_starts",
            )
        ]
