"""The pages of appointments: kinds, booking from free slots, moving, steps, and who may look at a phone."""

from __future__ import annotations

import re
from datetime import time, timedelta

import pytest

from tongpan.core.bulk import fetch_all
from tongpan.core.clock import utc_now
from tongpan.fulfillment.models import Appointment
from tongpan.network.actions import save_nodes, set_staff
from tongpan.network.engine import NodeRules, NodeSpec, Timetable

KIND = {"code": "try-on", "name": "Try on", "minutes": 60, "capacity": 1, "facility": "appointment"} | {
    "notice_minutes": 60,
    "ahead_days": 30,
    "remind_hours": 24,
    "is_active": "on",
}


@pytest.fixture
def store(db) -> None:
    week = tuple((d, time(10), time(20)) for d in range(7))
    rules = NodeRules(facilities=("appointment",))
    specs = [NodeSpec(code, "store", f"Store {code}", rules=rules, hours=Timetable(week)) for code in ("s1", "s2")]
    save_nodes(specs, actor="test", now=utc_now())


def said(response) -> str:
    return response.content.decode()


@pytest.mark.usefixtures("store")
def test_a_kind_is_made_and_an_appointment_booked_moved_and_attended(sign_in) -> None:
    client = sign_in("manager")
    assert "Nothing can be booked yet" in said(client.get("/appointments/new/"))
    assert "Saved." in said(client.post("/appointments/kinds/", KIND, follow=True))
    assert "Try on" in said(client.get("/appointments/kinds/?code=try-on"))
    day = f"{(utc_now() + timedelta(days=3)).date()}"
    page = said(client.get(f"/appointments/new/?kind=try-on&node=s1&day={day}"))
    times = re.findall(r'name="starts_at" value="([^"]+)"', page)
    assert (len(times), "10:00–11:00" in page) == (10, True)
    wish = {"kind": "try-on", "node": "s1", "day": day, "starts_at": times[0], "name": "韩梅梅", "phone": "13812345678"}

    booked = client.post("/appointments/new/", wish)

    one = Appointment.objects.get()
    assert booked["Location"] == f"/appointments/{one.pk}/"
    again = client.post("/appointments/new/", wish)
    assert (again.status_code, "is full" in said(again), "韩梅梅" in said(again)) == (422, True, True)
    detail = said(client.get(f"/appointments/{one.pk}/?day={day}"))
    assert ("13812345678" in detail, "138****5678" in detail) == (False, True)
    assert "13812345678" in said(client.post(f"/appointments/{one.pk}/", {"step": "contact"}))
    assert fetch_all("SELECT actor FROM access_auditentry WHERE action = 'appointment.contact_seen'") == [
        ("user:manager",)
    ]
    client.post(f"/appointments/{one.pk}/", {"step": "move", "starts_at": times[4]})
    assert Appointment.objects.get().starts_at.isoformat() == times[4]
    listed = said(client.get(f"/appointments/?day={day}&status=booked"))
    assert "韩**" in listed or "韩*" in listed
    done = client.post("/appointments/steps/", {"step": "attend", "id": [one.pk]}, follow=True)
    assert "1 appointment done." in said(done)
    assert Appointment.objects.get().status == "attended"
    exported = b"".join(client.get("/appointments/export/?format=csv").streaming_content).decode()
    assert ("13812345678" in exported, "138****5678" in exported) == (False, True)


@pytest.mark.usefixtures("store")
def test_store_staff_see_and_book_at_their_own_store_only(sign_in) -> None:
    client = sign_in("store")
    now = utc_now()
    set_staff("store", ["s2"], actor="test", now=now)
    from tongpan.fulfillment.services.appointments import BookingSpec, book, save_kinds
    from tongpan.fulfillment.services.engine import KindSpec
    from tongpan.fulfillment.services.queries import slots
    from tongpan.network.queries import node_ids

    save_kinds([KindSpec("try-on", "Try on")], actor="test", now=now)
    day = (now + timedelta(days=2)).date()
    (slot, *_) = slots(node_ids(["s1"])["s1"], KindSpec("try-on", "Try on"), now=now, day=day)
    (elsewhere,) = book(
        [BookingSpec("try-on", "s1", slot.starts_at, name="a", phone="13800000000")], actor="test", now=now
    )

    assert client.get(f"/appointments/{elsewhere.id}/").status_code == 404
    assert "Nobody comes yet" in said(client.get("/appointments/"))
    page = said(client.get("/appointments/new/"))
    assert ("Store s2" in page, "Store s1" in page) == (True, False)
    client.post("/appointments/steps/", {"step": "cancel", "id": [elsewhere.id]})
    assert Appointment.objects.get().status == "booked"
    assert client.get("/appointments/kinds/").status_code == 403
