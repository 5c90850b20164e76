"""Parcels and tracking through the API."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.api.calling import NOW, Api, order

from tongpan.fulfillment.actions import route
from tongpan.fulfillment.models import Fulfillment, Shipment
from tongpan.orders.models import Order

PARCEL = {
    "shop": "flagship",
    "order": "T1",
    "carrier": "sf",
    "tracking_number": "SF1",
    "shipped_at": "2026-11-18T15:00:00+08:00",
}
SIGNED = {"carrier": "sf", "tracking_number": "SF1", "kind": "delivered", "at": "2026-11-18T15:30:00+08:00"}


@pytest.fixture(autouse=True)
def _allocated(company: None, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tongpan.api.shipments.utc_now", lambda: NOW)
    api.send("POST", "/orders", {"orders": [order()]})
    route(list(Order.objects.values_list("pk", flat=True)), actor="routing", now=NOW)


def test_a_parcel_is_shipped_tracked_and_delivered(api: Api) -> None:
    shipped = api.send("POST", "/shipments", {"shipments": [PARCEL]})["outcomes"]
    assert [(one["state"], one["tracking_number"]) for one in shipped] == [("accepted", "SF1")]
    assert api.send("POST", "/tracking", {"events": [SIGNED, SIGNED]})["outcomes"][1]["state"] == "unchanged"

    found = Order.objects.get()
    assert found.status == "delivered"
    [one] = api.get(f"/orders/{found.pk}/shipments")["shipments"]
    assert (one["order"], one["node"], one["status"]) == ("T1", "hz", "delivered")
    assert one["delivered_at"] == "2026-11-18T07:30:00Z"
    assert [event["kind"] for event in one["events"]] == ["delivered"]
    assert [row["id"] for row in api.get("/shipments?tracking_number=SF1")["items"]] == [one["id"]]


def test_by_the_fulfilment_too(api: Api) -> None:
    body = {key: PARCEL[key] for key in ("carrier", "tracking_number", "shipped_at")}
    fulfillment = Fulfillment.objects.get().pk
    assert api.send("POST", "/shipments", {"shipments": [body | {"fulfillment": fulfillment}]})["outcomes"][0]["id"]
    api.refused(422, "POST", "/shipments", {"shipments": [body]})


def test_what_is_refused_says_why(api: Api) -> None:
    problem = api.refused(422, "POST", "/shipments", {"shipments": [PARCEL | {"order": "nobody"}]})
    assert (problem["code"], problem["outcomes"][0]["state"]) == ("parcel.no_fulfillment", "refused")
    assert api.refused(422, "POST", "/tracking", {"events": [SIGNED]})["code"] == "parcel.unknown"
    assert not Shipment.objects.exists()


def test_silent_parcels(api: Api) -> None:
    api.send("POST", "/shipments", {"shipments": [PARCEL]})
    assert api.get("/shipments?silent_hours=2")["items"] == []
    Shipment.objects.update(shipped_at=NOW - timedelta(hours=3))
    assert [row["tracking_number"] for row in api.get("/shipments?silent_hours=2")["items"]] == ["SF1"]
