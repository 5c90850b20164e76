"""Appointments at stores, whose slots count who comes, and service orders. The database keeps both in bounds."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from tongpan.customers.models import Customer
from tongpan.network.models import Facility, Node
from tongpan.orders.models import Order, OrderLine


class AppointmentKind(models.Model):
    """``services.engine.KindSpec`` says what each column means."""

    id = models.BigAutoField(primary_key=True)
    code = models.CharField(max_length=40, unique=True)
    name = models.CharField(max_length=80)
    minutes = models.PositiveIntegerField()
    capacity = models.PositiveIntegerField()
    facility = models.CharField(max_length=20, choices=Facility.choices)
    notice_minutes = models.PositiveIntegerField()
    ahead_days = models.PositiveIntegerField()
    remind_hours = models.PositiveIntegerField()
    is_active = models.BooleanField(db_default=True)

    class Meta:
        ordering = ["code"]
        constraints = [
            models.CheckConstraint(condition=Q(minutes__gte=5, capacity__gte=1), name="appointment_kind_has_room")
        ]

    def __str__(self) -> str:
        return self.name


class AppointmentSlot(models.Model):
    """How many come at one time. Its row is the lock of those who book at once."""

    id = models.BigAutoField(primary_key=True)
    node = models.ForeignKey(Node, on_delete=models.PROTECT, db_index=False, related_name="+")
    kind = models.ForeignKey(AppointmentKind, on_delete=models.PROTECT, db_index=False, related_name="+")
    starts_at = models.DateTimeField()
    capacity = models.PositiveIntegerField()
    booked = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["node", "kind", "starts_at"], name="appointment_slot_once"),
            models.CheckConstraint(condition=Q(booked__lte=F("capacity")), name="appointment_slot_not_overbooked"),
        ]


class AppointmentStatus(models.TextChoices):
    BOOKED = "booked", _("Booked")
    ATTENDED = "attended", _("Came")
    NO_SHOW = "no_show", _("Did not come")
    CANCELLED = "cancelled", _("Cancelled")


class Appointment(models.Model):
    """One customer at one time. Who it is stands with ``customer``, or sealed by the vault, or both.

    worked_by: who took the last step. reminded_at: when the reminder was logged; moved appointments get another.
    """

    id = models.BigAutoField(primary_key=True)
    slot = models.ForeignKey(AppointmentSlot, on_delete=models.PROTECT, db_index=False, related_name="appointments")
    node = models.ForeignKey(Node, on_delete=models.PROTECT, db_index=False, related_name="appointments")
    kind = models.ForeignKey(AppointmentKind, on_delete=models.PROTECT, db_index=False, related_name="+")
    status = models.CharField(max_length=12, choices=AppointmentStatus.choices)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    customer = models.ForeignKey(Customer, null=True, on_delete=models.SET_NULL, related_name="appointments")
    name_sealed = models.BinaryField(db_default=b"")
    phone_sealed = models.BinaryField(db_default=b"")
    note = models.CharField(max_length=300, blank=True, db_default="")
    source = models.CharField(max_length=20, db_default="console")
    booked_by = models.TextField()
    booked_at = models.DateTimeField()
    reminded_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    worked_by = models.TextField(db_default="")
    recorded_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [
            models.Index(fields=["node", "starts_at"], name="appointments_of_node"),
            models.Index(fields=["starts_at"], condition=Q(status="booked"), name="appointments_to_come"),
        ]


class ServiceKind(models.TextChoices):
    INSTALLATION = "installation", _("Installation")
    REPAIR = "repair", _("Repair")


class ServiceStatus(models.TextChoices):
    REQUESTED = "requested", _("To assign")
    ASSIGNED = "assigned", _("Assigned")
    ACCEPTED = "accepted", _("Accepted")
    REJECTED = "rejected", _("Rejected")
    SCHEDULED = "scheduled", _("Scheduled")
    DONE = "done", _("Done")
    CANCELLED = "cancelled", _("Cancelled")


class ServiceOrder(models.Model):
    """Work at a customer's place: to install what was bought, or to repair it; of an order's line or by itself.

    contact_sealed: [name, phone, address] as JSON, sealed by the vault. node: who does it; of a rejected one, who
    said no. due_at: until when it should be done. outcome: what was done, or why not.
    """

    id = models.BigAutoField(primary_key=True)
    kind = models.CharField(max_length=12, choices=ServiceKind.choices)
    status = models.CharField(max_length=12, choices=ServiceStatus.choices)
    order = models.ForeignKey(Order, null=True, on_delete=models.PROTECT, related_name="service_orders")
    order_line = models.ForeignKey(OrderLine, null=True, on_delete=models.PROTECT, db_index=False, related_name="+")
    node = models.ForeignKey(Node, null=True, on_delete=models.PROTECT, db_index=False, related_name="+")
    goods = models.CharField(max_length=200)
    note = models.CharField(max_length=300, blank=True, db_default="")
    province = models.CharField(max_length=60, blank=True)
    city = models.CharField(max_length=60, blank=True)
    contact_sealed = models.BinaryField()
    due_at = models.DateTimeField()
    starts_at = models.DateTimeField(null=True)
    ends_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=300, blank=True, db_default="")
    requested_by = models.TextField()
    requested_at = models.DateTimeField()
    worked_by = models.TextField(db_default="")
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=["requested", "cancelled"]) | Q(node__isnull=False), name="service_has_a_node"
            ),
            models.CheckConstraint(
                condition=~Q(status="scheduled") | Q(starts_at__isnull=False), name="service_scheduled_at"
            ),
            models.UniqueConstraint(
                fields=["order_line", "kind"],
                condition=~Q(status__in=["done", "cancelled"]),
                name="service_of_a_line_once_at_a_time",
            ),
        ]
        indexes = [models.Index(fields=["node", "status", "due_at"], name="services_of_node")]


class ServiceOrderEvent(models.Model):
    """One step of a service order: who, where and when; append-only."""

    id = models.BigAutoField(primary_key=True)
    service_order = models.ForeignKey(ServiceOrder, on_delete=models.CASCADE, db_index=False, related_name="steps")
    kind = models.CharField(max_length=12)
    at = models.DateTimeField()
    actor = models.TextField()
    node = models.ForeignKey(Node, null=True, on_delete=models.PROTECT, db_index=False, related_name="+")
    note = models.CharField(max_length=300, blank=True)

    class Meta:
        indexes = [models.Index(fields=["service_order", "id"], name="steps_of_service")]

    @property
    def label(self) -> str:
        """The status it led to, in words."""
        return str(ServiceStatus(self.kind).label)
