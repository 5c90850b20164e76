"""Parcels under way, and the journey on the order page."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tongpan.core.clock import utc_now
from tongpan.fulfillment.actions import record_tracking, ship
from tongpan.fulfillment.models import Fulfillment
from tongpan.fulfillment.parcels import ShipDoc, TrackingDoc


@pytest.fixture
def parcels(company) -> None:
    """T-1 left in two parcels: SF1 three days ago, silent since; SF2 an hour ago."""
    now = utc_now()
    fulfillment = Fulfillment.objects.get(order__external_id="T-1").pk
    docs = [
        ShipDoc("sf", "SF1", now - timedelta(days=3), fulfillment_id=fulfillment),
        ShipDoc("yto", "SF2", now - timedelta(hours=1), fulfillment_id=fulfillment),
    ]
    assert [one.state for one in ship(docs, actor="wms", now=now)] == ["accepted", "accepted"]
    told = TrackingDoc("yto", "SF2", "in_transit", now, "<b>嘉兴</b>", "到达转运中心")
    record_tracking([told], actor="carrier", now=now)


def test_those_longest_silent_come_first_and_can_be_filtered(sign_in, company, parcels) -> None:
    client = sign_in("manager")
    page = client.get("/parcels/").content.decode()
    assert page.index("SF1") < page.index("SF2")

    silent = client.get("/parcels/?silent=48").content.decode()
    assert "SF1" in silent
    assert "SF2" not in silent
    assert "SF2" in client.get("/parcels/?carrier=yto").content.decode()
    assert "SF1" in client.get("/parcels/?q=T-1").content.decode()
    assert "Nothing matches" in client.get("/parcels/?q=nobody").content.decode()


def test_the_order_page_shows_the_journey(sign_in, company, parcels) -> None:
    client = sign_in("manager")
    for address in (f"/orders/{company.orders['T-1']}/", f"/orders/{company.orders['T-1']}/panel/"):
        page = client.get(address).content.decode()
        assert "Journey" in page
        assert "SF2" in page
        assert "&lt;b&gt;嘉兴" in page
    assert "Journey" not in client.get(f"/orders/{company.orders['T-2']}/").content.decode()


def test_the_export_holds_what_is_filtered(sign_in, company, parcels) -> None:
    answer = sign_in("manager").get("/parcels/export/?carrier=sf&format=csv")
    text = b"".join(answer.streaming_content).decode("utf-8-sig")

    assert [line.split(",")[0] for line in text.splitlines()] == ["Tracking number", "SF1"]


def test_no_parcel(sign_in, company) -> None:
    assert "No parcel is under way" in sign_in("manager").get("/parcels/").content.decode()
