"""The public page of a store for customers' phones, its poster, and the clerk who takes the payment."""

import json
import uuid

import pytest
from django.test import Client
from tests.support.company import open_company, put

from tongpan.catalog.listings import ListingSpec, save_listings
from tongpan.console import scan
from tongpan.core.clock import utc_now
from tongpan.network.actions import set_staff
from tongpan.orders.models import Order, ScanBasket


@pytest.fixture
def stocked(db):
    open_company()
    put("sh", A=5)
    by = {"actor": "test", "now": utc_now()}
    save_listings([ListingSpec("mall", "I1", "", "A", "Tea", price_minor=1250)], **by)
    return by


def test_a_customer_scans_shows_a_code_and_the_clerk_is_paid_once(sign_in, stocked):
    manager = sign_in("manager")
    assert "Choose a shop first" in manager.get("/network/stores/sh/scan/").content.decode()
    manager.post("/network/stores/sh/scan/", {"shop": "mall"})
    assert "<svg" in manager.get("/network/stores/sh/scan/").content.decode()

    phone = Client()
    page = phone.get("/scan/sh/")
    assert page.status_code == 200 and page["X-Robots-Tag"] == "noindex, nofollow"
    found = phone.get("/scan/sh/goods/?code=A").json()
    assert (found["sku"], found["price"], found["free"]) == ("A", 1250, 5)
    assert phone.get("/scan/sh/goods/?code=nothing").status_code == 404
    body = json.dumps({"lines": [{"sku": "A", "qty": 2}]})
    said = phone.post("/scan/sh/quote/", body, content_type="application/json").json()
    assert said == {
        "lines": [{"sku": "A", "unit": 1250, "net": 2500}],
        "gifts": [],
        "offers": [],
        "before": 2500,
        "total": 2500,
    }
    assert not ScanBasket.objects.exists()
    made = phone.post("/scan/sh/basket/", body, content_type="application/json").json()
    assert made["total"] == 2500 and "<svg" in made["qr"]

    clerk = sign_in("store")
    set_staff("store", ["sh"], **stocked)
    shown = clerk.post("/desk/sh/basket/", {"code": made["code"]}).content.decode()
    assert "25.00" in shown and "Paid and handed over" in shown
    args = {"code": made["code"], "total": "2500", "paid": "wechat"}
    answers = [
        clerk.post(
            "/desk/-/act/",
            json.dumps({"key": str(uuid.uuid4()), "node": "sh", "act": "basket", "args": args}),
            content_type="application/json",
        ).json()
        for _ in range(2)
    ]
    assert [one["state"] for one in answers] == ["done", "refused"]
    assert Order.objects.get().status == "completed"
    assert "no such basket" in clerk.post("/desk/sh/basket/", {"code": made["code"]}).content.decode()


def test_a_store_that_does_not_sell_by_phone_has_no_page_and_nonsense_keeps_nothing(sign_in, stocked):
    phone = Client()
    assert phone.get("/scan/sh/").status_code == 404
    sign_in("manager").post("/network/stores/sh/scan/", {"shop": "mall"})

    for body in ("", "[]", '{"lines": [{"sku": 1, "qty": 1}]}', '{"lines": [{"sku": "A", "qty": true}]}', "{"):
        assert phone.post("/scan/sh/basket/", body, content_type="application/json").status_code == 422
    assert not ScanBasket.objects.exists()


def test_an_address_that_asks_too_often_waits(sign_in, stocked, monkeypatch):
    sign_in("manager").post("/network/stores/sh/scan/", {"shop": "mall"})
    at = utc_now()
    monkeypatch.setattr(scan, "LOOKS", 2)
    monkeypatch.setattr(scan, "utc_now", lambda: at)

    answers = [Client().get("/scan/sh/goods/?code=A").status_code for _ in range(3)]

    assert answers == [200, 200, 429]


def test_only_who_may_edit_the_network_opens_a_store(sign_in, stocked):
    client = sign_in("viewer")

    assert client.get("/network/stores/sh/scan/").status_code == 200
    assert client.post("/network/stores/sh/scan/", {"shop": "mall"}).status_code == 403
