"""Appointments at stores. Their kinds are data; a slot counts who comes, and the database keeps it within its size."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from tongpan.customers.models import Customer
from tongpan.network.models import Facility, Node


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
