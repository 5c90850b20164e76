"""Appointments: book, move, cancel, came or not, remind. A slot never holds more than its capacity.

Steps take many and give one ``ServiceOutcome`` for each, at the same position. ``nodes`` are the ids of the nodes where
the person works (``network.queries.nodes_of``), None for all. Locks the appointments in ascending order of id, then
the slots in order of (node, kind, time).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from tongpan.access.actions import Note, audit, audit_many
from tongpan.access.vault import seal
from tongpan.core.bulk import execute, fetch_all
from tongpan.core.errors import Refusal
from tongpan.core.eventlog import NewEvent, append
from tongpan.core.races import run_in_transaction
from tongpan.customers.models import Customer
from tongpan.fulfillment import events
from tongpan.fulfillment.services.engine import (
    APPOINTMENT_STEPS,
    KindSpec,
    ServiceOutcome,
    elsewhere,
    refusal_of_appointment,
)
from tongpan.fulfillment.services.models import Appointment, AppointmentKind
from tongpan.fulfillment.services.queries import kinds_by_code, opened, slots
from tongpan.network.models import Facility, Node

_EVENTS = {
    "cancel": events.APPOINTMENT_CANCELLED,
    "attend": events.APPOINTMENT_ATTENDED,
    "miss": events.APPOINTMENT_MISSED,
}


@dataclass(frozen=True, slots=True)
class BookingSpec:
    """Who comes when to which node. customer: a customer number; without one a name and a phone must be given."""

    kind: str
    node: str
    starts_at: datetime
    customer: str = ""
    name: str = ""
    phone: str = ""
    note: str = ""


def save_kinds(specs: Sequence[KindSpec], *, actor: str, now: datetime) -> None:
    """Make kinds of appointment or change them, by code; what is booked stays. Raises Refusal appointment_kind.*."""
    for spec in specs:
        _check_kind(spec)
    with transaction.atomic():
        for spec in specs:
            values = {name: getattr(spec, name) for name in KindSpec.__slots__ if name != "code"}
            AppointmentKind.objects.update_or_create(code=spec.code, defaults=values)
        audit_many([Note("appointment_kind.saved", "appointment_kind", s.code) for s in specs], actor=actor, now=now)


def _check_kind(spec: KindSpec) -> None:
    ranges = (
        ("minutes", 5, 1440),
        ("capacity", 1, 500),
        ("notice_minutes", 0, 20_160),
        ("ahead_days", 1, 365),
        ("remind_hours", 0, 720),
    )
    for name, least, most in ranges:
        if not least <= getattr(spec, name) <= most:
            raise Refusal("appointment_kind.range", f"{name} must be a whole number from {least} to {most}.")
    if spec.facility not in Facility.values:
        raise Refusal(
            "appointment_kind.facility", f"There is no facility {spec.facility!r}; one of {', '.join(Facility.values)}."
        )
    if not spec.code.strip() or not 0 < len(spec.name.strip()) <= 80:
        raise Refusal("appointment_kind.name", "A kind of appointment needs a code and a name of 1 to 80 characters.")


def book(
    specs: Sequence[BookingSpec],
    *,
    actor: str,
    now: datetime,
    nodes: Collection[int] | None = None,
    source: str = "console",
) -> list[ServiceOutcome]:
    """Book appointments; of several who want the last place of a slot at once one gets it."""
    order = sorted(range(len(specs)), key=lambda i: (specs[i].node, specs[i].kind, specs[i].starts_at))

    def work() -> list[ServiceOutcome]:
        outcomes = {i: _book(specs[i], actor=actor, now=now, nodes=nodes, source=source) for i in order}
        return [outcomes[i] for i in range(len(specs))]

    return run_in_transaction(work)


def _book(
    spec: BookingSpec, *, actor: str, now: datetime, nodes: Collection[int] | None, source: str
) -> ServiceOutcome:
    customer = Customer.objects.filter(code=spec.customer).first() if spec.customer else None
    if spec.customer and customer is None:
        return _no("appointment.customer", f"There is no customer {spec.customer!r}.")
    name, phone = spec.name.strip(), spec.phone.strip()
    if customer is None and not (name and phone):
        return _no("appointment.who", "Say who comes: a customer number, or a name and a phone number.")
    if len(name) > 80 or len(phone) > 40 or len(spec.note.strip()) > 300:
        return _no("appointment.long", "A name has at most 80 characters, a phone 40 and a note 300.")
    try:
        place = _take_place(spec.kind, spec.node, spec.starts_at, now=now, nodes=nodes)
    except Refusal as refusal:
        return _no(refusal.code, str(refusal))
    made = Appointment.objects.create(
        **place,
        status="booked",
        customer=customer,
        name_sealed=seal(name),
        phone_sealed=seal(phone),
        note=spec.note.strip(),
        source=source[:20],
        booked_by=actor,
        booked_at=now,
        worked_by=actor,
    )
    _log(events.APPOINTMENT_BOOKED, [made], actor)
    return ServiceOutcome(made.pk, "done", "booked")


def _no(code: str, sentence: str) -> ServiceOutcome:
    return ServiceOutcome(0, "refused", "", code, sentence)


def _take_place(
    kind_code: str, node_code: str, starts_at: datetime, *, now: datetime, nodes: Collection[int] | None
) -> dict[str, Any]:
    """One place of a slot, counted in its row, which stays locked. Raises Refusal appointment.*."""
    found = kinds_by_code().get(kind_code)
    if found is None or not found[1].is_active:
        raise Refusal("appointment.kind", f"There is no kind of appointment {kind_code!r} that can be booked.")
    kind_id, kind = found
    node = Node.objects.filter(code=node_code, is_active=True).first()
    if node is None:
        raise Refusal("appointment.node", f"There is no active node {node_code!r}.")
    if nodes is not None and node.pk not in nodes:
        raise Refusal("appointment.elsewhere", f"You do not work at node {node.code}.")
    slot = next((s for s in slots(node.pk, kind, now=now, at=starts_at) if s.starts_at == starts_at), None)
    if slot is None:
        raise Refusal(
            "appointment.slot",
            f"{node.code} takes no {kind.code} at that time: choose one of its slots. A node needs the facility "
            f"{kind.facility} and opening hours.",
        )
    counted = fetch_all(
        """INSERT INTO fulfillment_appointmentslot AS t (node_id, kind_id, starts_at, capacity, booked)
           VALUES (%s, %s, %s, %s, 1)
           ON CONFLICT (node_id, kind_id, starts_at) DO UPDATE
             SET booked = t.booked + 1, capacity = excluded.capacity WHERE t.booked < excluded.capacity
           RETURNING id""",
        [node.pk, kind_id, starts_at, kind.capacity],
    )
    if not counted:
        raise Refusal("appointment.full", f"This slot of {kind.code} at {node.code} is full; choose another one.")
    return {
        "slot_id": counted[0][0],
        "node": node,
        "kind_id": kind_id,
        "starts_at": slot.starts_at,
        "ends_at": slot.ends_at,
    }


def move(
    appointment_id: int,
    starts_at: datetime,
    *,
    actor: str,
    now: datetime,
    node: str = "",
    nodes: Collection[int] | None = None,
) -> ServiceOutcome:
    """Move an appointment to another slot, at another node when one is named; it loses its place only for a new one."""

    def work() -> ServiceOutcome:
        held = Appointment.objects.select_for_update(of=("self",)).select_related("node", "kind")
        one = held.filter(pk=appointment_id).first()
        if one is None:
            return _unknown(appointment_id)
        if why := elsewhere("Appointment", one.pk, one.node.code, one.node_id, nodes):
            return ServiceOutcome(one.pk, "refused", one.status, "appointment.elsewhere", why)
        if one.status != "booked":
            sentence = f"Appointment {one.pk} is {one.status.replace('_', ' ')}; only a booked one can be moved."
            return ServiceOutcome(one.pk, "refused", one.status, "appointment.status", sentence)
        to = node or one.node.code
        if to == one.node.code and starts_at == one.starts_at:
            return ServiceOutcome(one.pk, "unchanged", one.status)
        before = (one.slot_id, one.starts_at)
        # both rows in one order, so that two who change places wait for nobody in a circle
        execute(
            """SELECT 1 FROM fulfillment_appointmentslot s JOIN network_node n ON n.id = s.node_id
               WHERE s.id = %s OR (n.code = %s AND s.kind_id = %s AND s.starts_at = %s)
               ORDER BY s.node_id, s.kind_id, s.starts_at FOR UPDATE OF s""",
            [one.slot_id, to, one.kind_id, starts_at],
        )
        try:
            place = _take_place(one.kind.code, to, starts_at, now=now, nodes=nodes)
        except Refusal as refusal:
            return ServiceOutcome(one.pk, "refused", one.status, refusal.code, str(refusal))
        for name, value in place.items():
            setattr(one, name, value)
        one.reminded_at, one.worked_by = None, actor
        one.save()
        _give_back([before[0]])
        _log(events.APPOINTMENT_MOVED, [one], actor, {"from": before[1].isoformat()})
        return ServiceOutcome(one.pk, "done", one.status)

    return run_in_transaction(work)


def take_step(
    step: str, ids: Sequence[int], *, actor: str, now: datetime, nodes: Collection[int] | None = None
) -> list[ServiceOutcome]:
    """One of ``engine.APPOINTMENT_STEPS``: cancel (its place is free again), attend, or miss."""

    def work() -> list[ServiceOutcome]:
        held = Appointment.objects.select_for_update(of=("self",)).select_related("node", "kind").order_by("pk")
        rows = {one.pk: one for one in held.filter(pk__in=list(ids))}
        outcomes: dict[int, ServiceOutcome] = {}
        done = []
        for i in dict.fromkeys(ids):
            one = rows.get(i)
            if one is None:
                outcomes[i] = _unknown(i)
            elif why := elsewhere("Appointment", i, one.node.code, one.node_id, nodes):
                outcomes[i] = ServiceOutcome(i, "refused", one.status, "appointment.elsewhere", why)
            elif no := refusal_of_appointment(step, i, one.status, one.starts_at, now):
                outcomes[i] = no
            else:
                done.append(one)
                outcomes[i] = ServiceOutcome(i, "done", APPOINTMENT_STEPS[step][0])
        if done:
            execute(
                """UPDATE fulfillment_appointment SET status = %s, ended_at = %s, worked_by = %s
                   WHERE id = ANY(%s)""",
                [APPOINTMENT_STEPS[step][0], now, actor, [one.pk for one in done]],
            )
            if step == "cancel":
                _give_back([one.slot_id for one in done])
            _log(_EVENTS[step], done, actor)
        return [outcomes[i] for i in ids]

    return run_in_transaction(work)


def remind(now: datetime, *, limit: int = 500) -> int:
    """Log a reminder for those who come soon, as their kind says, once each; how many."""

    def work() -> int:
        due = fetch_all(
            """SELECT a.id FROM fulfillment_appointment a JOIN fulfillment_appointmentkind k ON k.id = a.kind_id
               WHERE a.status = 'booked' AND a.reminded_at IS NULL AND a.starts_at > %(now)s
                 AND a.starts_at <= %(now)s + make_interval(hours => k.remind_hours)
               ORDER BY a.starts_at, a.id LIMIT %(limit)s FOR UPDATE OF a SKIP LOCKED""",
            {"now": now, "limit": limit},
        )
        ids = sorted(i for (i,) in due)
        if ids:
            execute("UPDATE fulfillment_appointment SET reminded_at = %s WHERE id = ANY(%s)", [now, ids])
            rows = Appointment.objects.filter(pk__in=ids).select_related("kind").order_by("pk")
            _log(events.APPOINTMENT_REMINDER, list(rows), "")
        return len(ids)

    return run_in_transaction(work)


def reveal(appointment_id: int, *, actor: str, now: datetime, nodes: Collection[int] | None = None) -> tuple[str, str]:
    """The name and phone of who comes; who looked is in the audit trail. Raises Refusal appointment.*."""
    one = Appointment.objects.filter(pk=appointment_id).select_related("node", "customer").first()
    if one is None:
        raise Refusal("appointment.unknown", f"There is no appointment {appointment_id}.")
    if why := elsewhere("Appointment", one.pk, one.node.code, one.node_id, nodes):
        raise Refusal("appointment.elsewhere", why)
    audit(actor, "appointment.contact_seen", "appointment", str(one.pk), now=now)
    return opened(one)


def _unknown(appointment_id: int) -> ServiceOutcome:
    sentence = f"There is no appointment {appointment_id}."
    return ServiceOutcome(appointment_id, "refused", "", "appointment.unknown", sentence)


def _give_back(slot_ids: Sequence[int]) -> None:
    """One place for each of ``slot_ids``, which may name a slot several times."""
    execute(
        """UPDATE fulfillment_appointmentslot s SET booked = s.booked - g.places
           FROM (SELECT t.id, count(*) AS places FROM unnest(%s::bigint[]) AS t(id) GROUP BY 1) g WHERE s.id = g.id""",
        [sorted(slot_ids)],
    )


def _log(event: str, rows: Sequence[Appointment], actor: str, more: dict[str, Any] | None = None) -> None:
    append(
        [
            NewEvent(
                event,
                str(one.pk),
                {
                    "node": one.node_id,
                    "kind": one.kind_id,
                    "starts_at": one.starts_at.isoformat(),
                    "customer": one.customer_id,
                    "actor": actor,
                    **(more or {}),
                },
            )
            for one in rows
        ]
    )
