"""Appointments and service orders over HTTP."""

from __future__ import annotations

from datetime import datetime, time, timedelta

import pytest
from tests.api.calling import BY, Api

from tongpan.core.clock import utc_now
from tongpan.network.actions import save_nodes
from tongpan.network.engine import NodeRules, NodeSpec, Timetable

KIND = {"code": "try-on", "name": "Try on", "minutes": 30, "capacity": 1}


@pytest.fixture
def store(db: None) -> None:
    """Node "s1" takes appointments at any hour."""
    week = tuple((d, time(0), time(0)) for d in range(7))
    rules = NodeRules(facilities=("appointment", "repair", "installation"))
    save_nodes([NodeSpec("s1", "store", "Store", rules=rules, hours=Timetable(week))], **BY)


@pytest.mark.usefixtures("store")
def test_an_appointment_is_booked_moved_and_attended(api: Api) -> None:
    day = (utc_now() + timedelta(days=2)).date().isoformat()
    assert api.send("PUT", "/appointment-kinds", {"kinds": [KIND]})["kinds"][0]["ahead_days"] == 30
    free = api.get(f"/appointment-slots?node=s1&kind=try-on&day={day}")["slots"]
    assert (len(free), free[0]["free"]) == (48, 1)
    wish = {"kind": "try-on", "node": "s1", "starts_at": free[0]["starts_at"], "name": "李雷", "phone": "13812345678"}

    first, second = api.send("POST", "/appointments", {"appointments": [wish, wish]}, Idempotency_Key="a1")["outcomes"]

    assert (first["state"], second["code"]) == ("done", "appointment.full")
    again = api.send("POST", "/appointments", {"appointments": [wish, wish]}, Idempotency_Key="a1")["outcomes"]
    assert again[0]["id"] == first["id"]
    move = {"appointment": first["id"], "starts_at": free[3]["starts_at"]}
    assert api.send("POST", "/appointments/move", move)["outcomes"][0]["state"] == "done"
    (one,) = api.get("/appointments?node=s1&status=booked")["items"]
    assert (one["name"], one["phone"]) == ("李**", "138****5678")
    assert datetime.fromisoformat(one["starts_at"]) == datetime.fromisoformat(free[3]["starts_at"])
    done = api.send("POST", "/appointments/steps/attend", {"appointments": [one["id"]]})["outcomes"][0]
    assert (done["state"], done["status"]) == ("done", "attended")
    assert api.refused(422, "GET", f"/appointment-slots?node=x&kind=try-on&day={day}")["code"] == "node.unknown"
    assert api.refused(422, "GET", f"/appointment-slots?node=s1&kind=x&day={day}")["code"] == "appointment.kind"


@pytest.mark.usefixtures("store")
def test_a_repair_is_asked_for_assigned_and_done(api: Api) -> None:
    told = {"kind": "repair", "goods": "风扇", "name": "李雷", "phone": "13812345678", "province": "浙江省"}
    wish = told | {"city": "杭州市", "address": "文三路 1 号"}

    first, second = api.send("POST", "/service-orders", {"service_orders": [wish, {"kind": "repair"}]})["outcomes"]

    assert (first["status"], second["code"]) == ("requested", "service.where")
    mine = {"service_orders": [first["id"]]}
    assert api.get(f"/service-orders/{first['id']}/nodes")["nodes"] == [{"code": "s1", "name": "Store"}]
    assert api.send("POST", "/service-orders/assign", mine | {"node": "x"})["outcomes"][0]["code"] == "service.node"
    assert api.send("POST", "/service-orders/assign", mine | {"node": "s1"})["outcomes"][0]["state"] == "done"
    assert api.send("POST", "/service-orders/steps/accept", mine)["outcomes"][0]["status"] == "accepted"
    assert api.refused(422, "POST", "/service-orders/steps/complete", mine)["code"] == "service.note"
    assert api.send("POST", "/service-orders/steps/complete", mine | {"note": "ok"})["outcomes"][0]["status"] == "done"
    (one,) = api.get("/service-orders?node=s1&status=done")["items"]
    assert (one["outcome"], one["goods"], "13812345678" in str(one)) == ("ok", "风扇", False)
    assert api.get("/service-orders?status=open")["items"] == []
    assert (
        api.send("POST", "/service-orders/cancel", mine | {"note": "late"})["outcomes"][0]["code"] == "service.status"
    )
