"""Appointments: slots from opening hours, places that never run out twice, moved, cancelled, attended, reminded."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest
from tests.support.company import ACTOR, HOUR, NOW
from tests.support.following import events

from tongpan.core.bulk import execute, fetch_all
from tongpan.core.errors import Refusal
from tongpan.fulfillment.models import Appointment
from tongpan.fulfillment.services.appointments import BookingSpec, book, move, remind, reveal, save_kinds, take_step
from tongpan.fulfillment.services.engine import KindSpec, slots_of
from tongpan.fulfillment.services.queries import AppointmentFilter, kinds_by_code, masked, select_appointments, slots
from tongpan.network.actions import save_nodes
from tongpan.network.engine import NodeRules, NodeSpec, Timetable
from tongpan.network.hours import Hours

BY = {"actor": "user:li", "now": NOW}
TRY_ON = KindSpec("try-on", "试穿", minutes=60, capacity=2, facility="appointment")
# NOW is Wednesday 2026-11-18 16:00 in Shanghai; the store is open from 10:00 to 20:00 but on Thursdays to 12:00.
FIRST = datetime(2026, 11, 18, 18, 0, tzinfo=UTC) - timedelta(hours=8)
THURSDAY = datetime(2026, 11, 19, 2, 0, tzinfo=UTC)


@pytest.fixture
def store(company):
    """Store "s1" that takes appointments, and "s2" that has no facility for them."""
    week = tuple((d, time(10), time(12) if d == 3 else time(20)) for d in range(7))
    rules = NodeRules(facilities=("appointment",))
    save_nodes(
        [
            NodeSpec("s1", "store", "Store one", rules=rules, hours=Timetable(week)),
            NodeSpec("s2", "store", "Store two", hours=Timetable(week)),
        ],
        actor=ACTOR,
        now=NOW,
    )
    save_kinds([TRY_ON], **BY)
    return fetch_all("SELECT id FROM network_node WHERE code = 's1'")[0][0]


def wish(at=THURSDAY, node="s1", **more):
    return BookingSpec("try-on", node, at, **({"name": "王小明", "phone": "13812345678"} | more))


def places(at=THURSDAY):
    rows = fetch_all("SELECT booked FROM fulfillment_appointmentslot WHERE starts_at = %s", [at])
    return rows[0][0] if rows else 0


def test_slots_fill_the_opening_hours_and_leave_out_what_is_too_soon_or_too_far():
    hours = Hours({2: ((time(10), time(12)), (time(13), time(14, 30)))})
    kind = KindSpec("x", "x", minutes=45, capacity=3, notice_minutes=30, ahead_days=10)
    day = date(2026, 11, 18)
    morning = datetime(2026, 11, 18, 2, 0, tzinfo=UTC)

    found = slots_of(hours, kind, day, {morning: 2}, morning - HOUR)

    assert [(s.starts_at - morning, s.free) for s in found] == [
        (timedelta(0), 1),
        (timedelta(minutes=45), 3),
        (timedelta(hours=3), 3),
        (timedelta(hours=3, minutes=45), 3),
    ]
    assert [s.starts_at for s in slots_of(hours, kind, day, {}, morning - timedelta(minutes=29))] == [
        s.starts_at for s in found[1:]
    ]
    assert slots_of(hours, kind, day, {}, morning - timedelta(days=11)) == []
    assert slots_of(hours, kind, date(2026, 11, 19), {}, morning - HOUR) == []
    assert slots_of(Hours(), kind, day, {}, morning - HOUR) == []


def test_an_appointment_takes_a_place_and_its_person_is_sealed(store):
    (done,) = book([wish()], **BY)

    assert (done.state, done.status) == ("done", "booked")
    one = Appointment.objects.get(pk=done.id)
    assert one.ends_at - one.starts_at == HOUR
    assert masked(one) == ("王**", "138****5678")
    assert "王小明".encode() not in bytes(one.name_sealed)
    (slot, _) = slots(store, TRY_ON, now=NOW, day=date(2026, 11, 19))
    assert (slot.booked, slot.free) == (1, 1)
    ((_, told),) = events("appointment.booked")
    assert (told["node"], told["starts_at"], told["actor"]) == (store, "2026-11-19T02:00:00+00:00", "user:li")
    assert "王小明" not in str(told)


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize(
    ("spec", "code"),
    [
        (wish(THURSDAY + timedelta(minutes=30)), "appointment.slot"),
        (wish(THURSDAY + 3 * HOUR), "appointment.slot"),
        (wish(FIRST - 2 * HOUR), "appointment.slot"),
        (wish(node="s2"), "appointment.slot"),
        (wish(node="nowhere"), "appointment.node"),
        (wish(name="", phone=""), "appointment.who"),
        (wish(customer="C404"), "appointment.customer"),
        (BookingSpec("haircut", "s1", THURSDAY, name="a", phone="1"), "appointment.kind"),
    ],
)
def test_what_cannot_be_booked_is_refused_and_takes_no_place(spec, code):
    (refused,) = book([spec], **BY)

    assert (refused.state, refused.code, refused.id) == ("refused", code, 0)
    assert (Appointment.objects.count(), places()) == (0, 0)


@pytest.mark.usefixtures("store")
def test_a_full_slot_refuses_and_a_cancelled_appointment_gives_its_place_back():
    first, second, third = book([wish(), wish(), wish()], **BY)
    assert [first.state, second.state, third.code] == ["done", "done", "appointment.full"]

    assert [o.state for o in take_step("cancel", [first.id, first.id, 404], **BY)] == ["done", "done", "refused"]

    assert places() == 1
    assert take_step("cancel", [first.id], **BY)[0].state == "unchanged"
    assert places() == 1
    assert book([wish()], **BY)[0].state == "done"
    assert len(events("appointment.cancelled")) == 1


@pytest.mark.usefixtures("store")
def test_a_moved_appointment_frees_its_place_only_when_it_gets_another():
    (one,) = book([wish()], **BY)
    book([wish(THURSDAY + HOUR), wish(THURSDAY + HOUR)], **BY)

    assert move(one.id, THURSDAY + HOUR, **BY).code == "appointment.full"
    assert (places(), Appointment.objects.get(pk=one.id).starts_at) == (1, THURSDAY)
    assert move(one.id, FIRST, **BY).state == "done"
    assert (places(), places(FIRST)) == (0, 1)
    assert move(one.id, FIRST, **BY).state == "unchanged"
    take_step("cancel", [one.id], **BY)
    assert move(one.id, THURSDAY, **BY).code == "appointment.status"


def test_people_of_a_store_see_to_their_own_appointments_only(store):
    (one,) = book([wish()], **BY)

    for outcome in (
        take_step("attend", [one.id], nodes={store + 1000}, **BY)[0],
        move(one.id, FIRST, nodes=set(), **BY),
        book([wish()], nodes=set(), **BY)[0],
    ):
        assert (outcome.state, outcome.code) == ("refused", "appointment.elsewhere")
    with pytest.raises(Refusal, match="where you do not work"):
        reveal(one.id, nodes=set(), **BY)
    assert reveal(one.id, nodes={store}, **BY) == ("王小明", "13812345678")
    assert fetch_all("SELECT count(*) FROM access_auditentry WHERE action = 'appointment.contact_seen'") == [(1,)]
    assert list(select_appointments(AppointmentFilter(nodes=set()))) == []


@pytest.mark.usefixtures("store")
def test_who_did_not_come_is_said_after_the_time_and_may_come_late_after_all():
    (one,) = book([wish()], **BY)
    later = {"actor": "user:li", "now": THURSDAY + HOUR}

    assert take_step("miss", [one.id], **BY)[0].code == "appointment.early"
    assert take_step("miss", [one.id], **later)[0].status == "no_show"
    assert take_step("cancel", [one.id], **later)[0].code == "appointment.status"
    assert take_step("attend", [one.id], **later)[0].status == "attended"
    assert [name for name, _ in events("appointment.missed", "appointment.attended")] == [
        "appointment.missed",
        "appointment.attended",
    ]


@pytest.mark.usefixtures("store")
def test_a_reminder_is_logged_once_and_again_after_a_move():
    (one,) = book([wish()], **BY)

    assert (remind(THURSDAY - 25 * HOUR), remind(THURSDAY - 24 * HOUR), remind(THURSDAY - HOUR)) == (0, 1, 0)
    move(one.id, THURSDAY + HOUR, **BY)
    assert remind(THURSDAY) == 1
    assert len(events("appointment.reminder")) == 2


@pytest.mark.usefixtures("store")
def test_a_kind_is_data_and_a_smaller_one_keeps_what_is_booked():
    book([wish(), wish()], **BY)

    save_kinds([KindSpec("try-on", "试穿", capacity=1)], **BY)

    assert kinds_by_code()["try-on"][1].capacity == 1
    assert book([wish()], **BY)[0].code == "appointment.full"
    assert Appointment.objects.filter(status="booked").count() == 2
    with pytest.raises(Refusal, match="minutes"):
        save_kinds([KindSpec("x", "x", minutes=1)], **BY)


@pytest.mark.usefixtures("store")
def test_the_database_refuses_one_too_many():
    book([wish()], **BY)

    with pytest.raises(Exception, match="appointment_slot_not_overbooked"):
        execute("UPDATE fulfillment_appointmentslot SET booked = 3")
