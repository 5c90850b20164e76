"""A shop front of one's own: cart, checkout, payment."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.api.calling import NOW, Api, cny

from tongpan.inventory.actions import sweep_expired

pytestmark = pytest.mark.usefixtures("company")
LINE = {"sku": "A-1", "qty": 2, "unit_price": cny("29.90")}


def test_a_cart_is_filled_checked_out_and_paid(api: Api) -> None:
    cart = api.send("POST", "/carts", {"shop": "flagship", "lines": [{**LINE, "qty": 99}]})
    assert cart["availability"] == [{"sku": "A-1", "wanted": 99, "free": 10, "is_enough": False}]
    at = f"/carts/{cart['cart']}"
    assert api.refused(422, "POST", f"{at}/checkout", {})["code"] == "cart.short"
    changed = api.send("PUT", f"{at}/lines", {"lines": [LINE]})
    assert (changed["goods"], changed["state"]) == (cny("59.80"), "open")
    assert api.refused(422, "POST", f"{at}/pay", {"method": "wechat", "amount": cny("59.80")})["code"] == "cart.open"

    postage = [{"code": "postage", "amount": cny("6.00")}]
    made = api.send("POST", f"{at}/checkout", {"buyer": {"value": "m-1"}, "charges": postage})

    assert (made["total"], made["hold_until"]) == (cny("65.80"), "2026-11-18T08:15:00Z")
    assert api.get(f"/orders/{made['order']}")["status"] == "placed"
    wrong = {"method": "wechat", "amount": cny("1.00")}
    assert api.refused(422, "POST", f"{at}/pay", wrong)["code"] == "payment.amount"
    assert api.send("POST", f"{at}/pay", {"method": "wechat", "amount": cny("65.80")})["order"] == made["order"]
    assert api.get(f"/orders/{made['order']}")["status"] == "paid"
    assert [c["order"] for c in api.get("/carts?state=ordered")["items"]] == [made["order"]]
    assert api.get("/carts?state=open")["items"] == []


def test_a_payment_after_its_time_is_refused(api: Api) -> None:
    cart = api.send("POST", "/carts", {"shop": "flagship", "lines": [LINE]})["cart"]
    api.send("POST", f"/carts/{cart}/checkout", {})
    sweep_expired(NOW + timedelta(hours=1))

    late = {"method": "wechat", "amount": cny("59.80")}
    assert api.refused(422, "POST", f"/carts/{cart}/pay", late)["code"] == "reservation.expired"


def test_a_cart_that_is_not_there_is_a_problem(api: Api) -> None:
    assert api.refused(404, "GET", f"/carts/{'0' * 32}")["code"] == "cart.unknown"
    assert api.refused(422, "POST", "/carts", {"shop": "nowhere"})["code"] == "cart.shop"
    euro = [{**LINE, "unit_price": {"amount": "1.00", "currency": "EUR"}}]
    assert api.refused(422, "POST", "/carts", {"shop": "flagship", "lines": euro})["code"] == "money.invalid"
