"""Reads of appointments: slots that are free, the day of a node, and lists."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple

from django.db.models import QuerySet

from tongpan.access.vault import mask, open_sealed
from tongpan.core.bulk import fetch_all
from tongpan.fulfillment.services.engine import KindSpec, Slot, slots_of
from tongpan.fulfillment.services.models import Appointment, AppointmentKind
from tongpan.network.queries import hours_of, node_facts


@dataclass(frozen=True, slots=True)
class AppointmentFilter:
    """What a list is narrowed to; an empty field narrows nothing. text: the number of an appointment or a customer."""

    status: str = ""
    kind: str = ""
    node_id: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    text: str = ""
    nodes: Collection[int] | None = None


def kinds_by_code() -> dict[str, tuple[int, KindSpec]]:
    """code -> (id, kind) of every kind of appointment, by code."""
    return {
        one.code: (one.pk, KindSpec(*(getattr(one, name) for name in KindSpec.__slots__)))
        for one in AppointmentKind.objects.order_by("code")
    }


def slots(
    node_id: int, kind: KindSpec, *, now: datetime, day: date | None = None, at: datetime | None = None
) -> list[Slot]:
    """The slots of ``kind`` that a node offers on its local ``day`` (or that of ``at``), with what is booked.

    None for a node without the kind's facility. An opening past midnight belongs to the day on which it begins.
    """
    facts = node_facts([node_id]).get(node_id)
    if facts is None or not facts.is_active or kind.facility not in facts.rules.facilities:
        return []
    hours = hours_of([node_id])[node_id]
    days = [day] if day is not None else []
    if at is not None:
        days = [hours.local_day(at) - timedelta(days=1), hours.local_day(at)]
    taken = dict(
        fetch_all(
            """SELECT s.starts_at, s.booked FROM fulfillment_appointmentslot s
               JOIN fulfillment_appointmentkind k ON k.id = s.kind_id
               WHERE s.node_id = %s AND k.code = %s AND s.starts_at >= %s AND s.starts_at < %s""",
            [node_id, kind.code, days[0] - timedelta(days=1), days[-1] + timedelta(days=3)],
        )
    )
    return [slot for one in days for slot in slots_of(hours, kind, one, taken, now)]


def select_appointments(wanted: AppointmentFilter) -> QuerySet[Appointment]:
    """The appointments of ``wanted`` with node, kind and customer, unordered."""
    rows = Appointment.objects.select_related("node", "kind", "customer")
    if wanted.status:
        rows = rows.filter(status=wanted.status)
    if wanted.kind:
        rows = rows.filter(kind__code=wanted.kind)
    if wanted.node_id is not None:
        rows = rows.filter(node_id=wanted.node_id)
    if wanted.nodes is not None:
        rows = rows.filter(node_id__in=list(wanted.nodes))
    if wanted.since is not None:
        rows = rows.filter(starts_at__gte=wanted.since)
    if wanted.until is not None:
        rows = rows.filter(starts_at__lt=wanted.until)
    if wanted.text:
        text = wanted.text.strip()
        is_number = text.isascii() and text.isdigit() and len(text) < 18
        rows = rows.filter(pk=int(text)) if is_number else rows.filter(customer__code=text)
    return rows


def opened(one: Appointment) -> tuple[str, str]:
    """(name, phone) in the clear: as given at booking, else the customer's name."""
    name = open_sealed(one.name_sealed)
    if not name and one.customer is not None:
        name = open_sealed(one.customer.name_sealed)
    return name, open_sealed(one.phone_sealed)


def masked(one: Appointment) -> tuple[str, str]:
    """(name, phone) for eyes without the right to see them."""
    name, phone = opened(one)
    return mask(name), mask(phone)


class Place(NamedTuple):
    """A node that does such work."""

    id: int
    code: str
    name: str


def places(facility: str, nodes: Collection[int] | None = None) -> list[Place]:
    """The active nodes with ``facility`` (any kind of service when ""), of ``nodes`` (None: all), by code."""
    rows = fetch_all(
        """SELECT id, code, name FROM network_node
           WHERE is_active AND facilities && %(any)s::text[]
             AND (%(nodes)s::bigint[] IS NULL OR id = ANY(%(nodes)s::bigint[])) ORDER BY code""",
        {
            "any": [facility] if facility else ["appointment", "experience", "installation", "repair"],
            "nodes": None if nodes is None else list(nodes),
        },
    )
    return [Place(*row) for row in rows]
