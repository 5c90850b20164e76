"""Slots of appointments, and which step leads where. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Literal

from tongpan.core.clock import zone
from tongpan.network.hours import Hours

APPOINTMENT_STEPS: dict[str, tuple[str, tuple[str, ...]]] = {
    "cancel": ("cancelled", ("booked",)),
    "attend": ("attended", ("booked", "no_show")),
    "miss": ("no_show", ("booked",)),
}
"""Step: (the status it leads to, those it leads from). Who came late after all has come."""


@dataclass(frozen=True, slots=True)
class KindSpec:
    """A kind of appointment: so many minutes, so many people in one slot.

    facility: what a node must have (``network.models.Facility``). notice_minutes: booked so long before at the latest;
    ahead_days: so many days before at the earliest. remind_hours: the customer is reminded so long before.
    """

    code: str
    name: str
    minutes: int = 60
    capacity: int = 1
    facility: str = "appointment"
    notice_minutes: int = 60
    ahead_days: int = 30
    remind_hours: int = 24
    is_active: bool = True


@dataclass(frozen=True, slots=True)
class Slot:
    """A time at which people can come. capacity: how many; booked: how many will."""

    starts_at: datetime
    ends_at: datetime
    capacity: int
    booked: int

    @property
    def free(self) -> int:
        return max(0, self.capacity - self.booked)


@dataclass(frozen=True, slots=True)
class ServiceOutcome:
    """What became of one appointment or service order, at the position at which it was named.

    done: it is in ``status`` now. unchanged: it was so already. refused: code and reason say why, and nothing changed.
    id: 0 for one that was not made.
    """

    id: int
    state: Literal["done", "unchanged", "refused"]
    status: str = ""
    code: str = ""
    reason: str = ""


def slots_of(hours: Hours, kind: KindSpec, day: date, booked: Mapping[datetime, int], now: datetime) -> list[Slot]:
    """The slots of ``kind`` that begin on the local ``day``, in order, with how many are booked.

    They follow each other from each opening on and end by its close. Those that begin before the notice is over, or
    more than ``ahead_days`` from now, are left out. A place whose hours nobody entered has none.
    """
    if not hours.week and not hours.special:
        return []
    here, length = zone(hours.zone_name), timedelta(minutes=kind.minutes)
    earliest, latest = now + timedelta(minutes=kind.notice_minutes), now + timedelta(days=kind.ahead_days)
    found: dict[datetime, Slot] = {}
    for opens, closes in hours.openings(day):
        last_day = day if closes > opens else day + timedelta(days=1)
        at = datetime.combine(day, opens, here).astimezone(UTC)
        end = datetime.combine(last_day, closes, here).astimezone(UTC)
        while at + length <= end:
            if earliest <= at <= latest:
                found[at] = Slot(at, at + length, kind.capacity, booked.get(at, 0))
            at += length
    return [found[at] for at in sorted(found)]


def refusal_of_appointment(
    step: str, appointment_id: int, status: str, starts_at: datetime, now: datetime
) -> ServiceOutcome | None:
    """Why ``step`` cannot be taken with an appointment in ``status``, or None. One taken before is unchanged."""
    to, allowed = APPOINTMENT_STEPS[step]
    if status == to:
        return ServiceOutcome(appointment_id, "unchanged", status)
    words = status.replace("_", " ")
    if status not in allowed:
        return ServiceOutcome(
            appointment_id,
            "refused",
            status,
            "appointment.status",
            f"Appointment {appointment_id} is {words}; it cannot be {to.replace('_', ' ')} now.",
        )
    if step == "miss" and starts_at > now:
        return ServiceOutcome(
            appointment_id,
            "refused",
            status,
            "appointment.early",
            f"Appointment {appointment_id} has not begun yet; cancel it if the customer will not come.",
        )
    return None


def elsewhere(what: str, item_id: int, node: str, node_id: int | None, nodes: Collection[int] | None) -> str:
    """Why a person of ``nodes`` (None: all) may not do this work, or ""."""
    if nodes is None or node_id in nodes:
        return ""
    return f"{what} {item_id} is the work of node {node or '-'}, where you do not work."


SERVICE_STEPS: dict[str, tuple[str, tuple[str, ...]]] = {
    "assign": ("assigned", ("requested", "assigned", "accepted", "rejected", "scheduled")),
    "accept": ("accepted", ("assigned",)),
    "reject": ("rejected", ("assigned", "accepted", "scheduled")),
    "schedule": ("scheduled", ("accepted", "scheduled")),
    "complete": ("done", ("accepted", "scheduled")),
    "cancel": ("cancelled", ("requested", "assigned", "accepted", "rejected", "scheduled")),
}
"""Step of a service order: (the status it leads to, those it leads from)."""
OPEN_SERVICES = ("requested", "assigned", "accepted", "rejected", "scheduled")
_REPEATS = ("assign", "schedule")
"""Another node or another time is another step."""


def refusal_of_service(step: str, service_id: int, status: str) -> ServiceOutcome | None:
    """Why ``step`` cannot be taken with a service order in ``status``, or None. One taken before is unchanged."""
    to, allowed = SERVICE_STEPS[step]
    if status == to and step not in _REPEATS:
        return ServiceOutcome(service_id, "unchanged", status)
    if status in allowed:
        return None
    sentence = f"Service order {service_id} is {status}; it cannot become {to} now."
    return ServiceOutcome(service_id, "refused", status, "service.status", sentence)
