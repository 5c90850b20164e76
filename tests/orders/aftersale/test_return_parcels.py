"""Carriers tell of parcels that come back: the case follows, and nothing is restocked before somebody looked."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.support.aftersale import BY, ask, case_of, delivered, status_of, stock, stores
from tests.support.company import NOW, goods

from tongpan.core.bulk import fetch_all
from tongpan.fulfillment.actions import record_tracking
from tongpan.fulfillment.parcels import TrackingDoc
from tongpan.orders.aftersale.actions import receive, send
from tongpan.orders.models import ReturnCase

pytestmark = pytest.mark.usefixtures("company")


def scan(kind: str, hours: int = 0, number: str = "R1") -> TrackingDoc:
    return TrackingDoc("SF", number, kind, NOW - timedelta(hours=10 - hours), "Hangzhou", "scanned")


def told(case_id: int) -> list[str]:
    rows = fetch_all(
        "SELECT kind FROM orders_caseevent WHERE case_id = %s AND kind LIKE 'parcel%%' ORDER BY id", [case_id]
    )
    return [kind for (kind,) in rows]


def test_a_case_follows_the_parcel_that_comes_back_and_waits_for_a_person() -> None:
    stores()
    case_id = case_of(ask(delivered("T1", goods("A", 2, 3000)), way="mail", node_code="shop-1"))
    send([(case_id, "SF", "R1")], **BY)
    due = ReturnCase.objects.get(pk=case_id).due_at
    before = stock("A")

    states = [o.state for o in record_tracking([scan("in_transit"), scan("delivered", 5)], **BY)]
    again = [o.state for o in record_tracking([scan("delivered", 5), scan("in_transit", 0, "R9")], **BY)]

    assert (states, again) == (["accepted", "accepted"], ["unchanged", "refused"])
    assert told(case_id) == ["parcel_in_transit", "parcel_delivered"]
    assert status_of(case_id) == "in_transit"
    assert stock("A") == before, "nothing is back on the shelf by a carrier's word"
    assert ReturnCase.objects.get(pk=case_id).due_at < due, "it is to be looked at now"
    (outcome,) = receive([case_id], "shop-1", **BY)
    assert outcome.state == "done"


def test_an_approved_case_is_on_its_way_with_the_first_scan() -> None:
    stores()
    case_id = case_of(ask(delivered("T1", goods("A", 2, 3000)), way="mail", node_code="shop-1"))
    ReturnCase.objects.filter(pk=case_id).update(carrier="SF", tracking_number="R1")

    record_tracking([scan("info")], **BY)
    assert status_of(case_id) == "approved"
    record_tracking([scan("collected", 1)], **BY)

    assert status_of(case_id) == "in_transit"
