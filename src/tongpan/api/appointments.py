"""Appointments at stores: their kinds, free slots, and who comes when."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from django.http import HttpRequest
from ninja import Path, Query, Router
from pydantic import Field

from tongpan.api.operations import actor_of, read, write
from tongpan.api.problems import Problem
from tongpan.api.values import Code, Day, Flag, Id, In, Instant, Name80, Out, Text40, Text80, Text300
from tongpan.core.clock import utc_now
from tongpan.fulfillment.services import appointments as actions
from tongpan.fulfillment.services.engine import KindSpec, ServiceOutcome
from tongpan.fulfillment.services.models import Appointment, AppointmentStatus
from tongpan.fulfillment.services.queries import AppointmentFilter, kinds_by_code, masked, select_appointments, slots
from tongpan.network.models import Facility
from tongpan.network.queries import node_ids

router = Router(tags=["appointments"])
AppointmentStep = Literal["cancel", "attend", "miss"]


class AppointmentKindIn(In):
    """A kind of appointment; what is left out is the default."""

    code: Code
    name: Name80
    minutes: int = Field(60, strict=True, ge=5, le=1440)
    capacity: int = Field(1, strict=True, ge=1, le=500, description="So many people come to one slot")
    facility: Facility = Field(Facility.APPOINTMENT, description="What a node must have")
    notice_minutes: int = Field(60, strict=True, ge=0, le=20_160, description="Booked so long before at the latest")
    ahead_days: int = Field(30, strict=True, ge=1, le=365, description="Booked so many days before at the earliest")
    remind_hours: int = Field(24, strict=True, ge=0, le=720, description="The customer is reminded so long before")
    is_active: Flag = True


class AppointmentKindsIn(In):
    kinds: Annotated[list[AppointmentKindIn], Field(min_length=1, max_length=100)]


class AppointmentKindOut(Out):
    code: str
    name: str
    minutes: int
    capacity: int
    facility: Facility
    notice_minutes: int
    ahead_days: int
    remind_hours: int
    is_active: bool


class AppointmentKindsOut(Out):
    kinds: list[AppointmentKindOut]


class AppointmentSlotsQuery(Out):
    node: Text40
    kind: Text40
    day: Day = Field(description="The local day of the node")


class AppointmentSlotOut(Out):
    starts_at: Instant
    ends_at: Instant
    capacity: int
    booked: int
    free: int


class AppointmentSlotsOut(Out):
    slots: list[AppointmentSlotOut]


class AppointmentIn(In):
    """Who comes when to which node: a customer number, or a name and a phone, which are sealed."""

    kind: Code
    node: Text80
    starts_at: Instant
    customer: Text80 = ""
    name: Text80 = ""
    phone: Text40 = ""
    note: Text300 = ""


class AppointmentsIn(In):
    appointments: Annotated[list[AppointmentIn], Field(min_length=1, max_length=100)]


class AppointmentStepIn(In):
    appointments: Annotated[list[Id], Field(min_length=1, max_length=200)]


class AppointmentMoveIn(In):
    appointment: Id
    starts_at: Instant
    node: Text80 = Field("", description="Empty: the node where it is")


class ServiceOutcomeOut(Out):
    """What became of one appointment or service order, at the position at which it was named."""

    id: int = Field(description="0 for one that was not made")
    state: Literal["done", "unchanged", "refused"]
    status: str
    code: str = Field(description="Why it was refused, for programs")
    reason: str = Field(description="Why it was refused, for people")


class ServiceOutcomesOut(Out):
    outcomes: list[ServiceOutcomeOut]


class AppointmentsQuery(Out):
    node: Text40 = ""
    kind: Text40 = ""
    status: AppointmentStatus | Literal[""] = ""
    since: Instant | None = None
    until: Instant | None = None
    limit: int = Field(100, ge=1, le=500)


class AppointmentOut(Out):
    """Names and phones are masked."""

    id: int
    kind: str
    node: str
    status: AppointmentStatus
    starts_at: Instant
    ends_at: Instant
    customer: str
    name: str
    phone: str
    note: str
    reminded_at: Instant | None


class AppointmentsOut(Out):
    items: list[AppointmentOut] = Field(description="In order of time")


def answer_of(outcomes: Sequence[ServiceOutcome]) -> ServiceOutcomesOut:
    """Refusals are answers, not errors: the others of the same request have happened."""
    return ServiceOutcomesOut(
        outcomes=[
            ServiceOutcomeOut(id=o.id, state=o.state, status=o.status, code=o.code, reason=o.reason) for o in outcomes
        ]
    )


def _shown(one: Appointment) -> AppointmentOut:
    name, phone = masked(one)
    return AppointmentOut(
        id=one.pk,
        kind=one.kind.code,
        node=one.node.code,
        status=AppointmentStatus(one.status),
        starts_at=one.starts_at,
        ends_at=one.ends_at,
        customer=one.customer.code if one.customer else "",
        name=name,
        phone=phone,
        note=one.note,
        reminded_at=one.reminded_at,
    )


def node_of(code: str) -> int:
    """The id of node ``code``. Raises Problem node.unknown."""
    found = node_ids([code]).get(code)
    if found is None:
        raise Problem(422, "node.unknown", f"There is no node {code!r}.")
    return found


@read(router, "/appointment-kinds", "orders.view", AppointmentKindsOut)
def get_kinds(request: HttpRequest) -> AppointmentKindsOut:
    """The kinds of appointment."""
    rows = [kind for _, kind in kinds_by_code().values()]
    return AppointmentKindsOut(
        kinds=[AppointmentKindOut(**{name: getattr(k, name) for name in KindSpec.__slots__}) for k in rows]
    )


@write(router, "PUT", "/appointment-kinds", "network.edit", AppointmentKindsOut)
def put_kinds(request: HttpRequest, body: AppointmentKindsIn) -> AppointmentKindsOut:
    """Make kinds of appointment or change them, by code. What is booked stays."""
    specs = [KindSpec(**kind.model_dump(mode="json")) for kind in body.kinds]
    actions.save_kinds(specs, actor=actor_of(request), now=utc_now())
    return get_kinds(request)


@read(router, "/appointment-slots", "orders.view", AppointmentSlotsOut)
def get_slots(request: HttpRequest, query: Query[AppointmentSlotsQuery]) -> AppointmentSlotsOut:
    """The slots of one kind at one node on one day, with what is free. None where the node lacks the facility."""
    node_id, found = node_of(query.node), kinds_by_code().get(query.kind)
    if found is None:
        raise Problem(422, "appointment.kind", f"There is no kind of appointment {query.kind!r}.")
    rows = slots(node_id, found[1], now=utc_now(), day=query.day)
    return AppointmentSlotsOut(
        slots=[
            AppointmentSlotOut(
                starts_at=s.starts_at, ends_at=s.ends_at, capacity=s.capacity, booked=s.booked, free=s.free
            )
            for s in rows
        ]
    )


@read(router, "/appointments", "orders.view", AppointmentsOut)
def get_appointments(request: HttpRequest, query: Query[AppointmentsQuery]) -> AppointmentsOut:
    """Appointments by time."""
    node_id = node_of(query.node) if query.node else None
    wanted = AppointmentFilter(query.status, query.kind, node_id, query.since, query.until)
    rows = select_appointments(wanted).order_by("starts_at", "pk")[: query.limit]
    return AppointmentsOut(items=[_shown(one) for one in rows])


@write(router, "POST", "/appointments", "fulfillment.work", ServiceOutcomesOut)
def post_appointments(request: HttpRequest, body: AppointmentsIn) -> ServiceOutcomesOut:
    """Book appointments. A slot that is full refuses, whoever comes at once."""
    specs = [actions.BookingSpec(**one.model_dump()) for one in body.appointments]
    return answer_of(actions.book(specs, actor=actor_of(request), now=utc_now(), source="api"))


@write(router, "POST", "/appointments/move", "fulfillment.work", ServiceOutcomesOut)
def post_move(request: HttpRequest, body: AppointmentMoveIn) -> ServiceOutcomesOut:
    """Move an appointment to another slot; it keeps its place when the other is full."""
    actor = actor_of(request)
    return answer_of([actions.move(body.appointment, body.starts_at, node=body.node, actor=actor, now=utc_now())])


@write(router, "POST", "/appointments/steps/{step}", "fulfillment.work", ServiceOutcomesOut)
def post_appointment_step(
    request: HttpRequest, step: Path[AppointmentStep], body: AppointmentStepIn
) -> ServiceOutcomesOut:
    """Cancel appointments, or say that their customers came (attend) or did not (miss)."""
    return answer_of(actions.take_step(step, body.appointments, actor=actor_of(request), now=utc_now()))
