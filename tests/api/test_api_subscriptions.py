"""Subscriptions by the API: made, changed, stepped, paid; the rules of all."""

from __future__ import annotations

import pytest
from tests.api.calling import NOW, Api, cny

from tongpan.orders.subscriptions.runs import run_due

pytestmark = pytest.mark.usefixtures("company")
LINE = {"sku": "A-1", "qty": 2, "unit_price": cny("29.90")}
BODY = {
    "shop": "flagship",
    "buyer": {"value": "m-1", "name": "张三"},
    "rhythm": {"unit": "week", "every": 2, "day": 3},
    "first_on": "2026-11-18",
    "lines": [LINE],
    "ship_to": {"province": "浙江省", "city": "杭州市", "phone": "13800000000"},
    "delivery": {"method": "ship", "contactless": True},
}


def test_a_subscription_is_made_run_and_paid(api: Api) -> None:
    made = api.send("POST", "/subscriptions", BODY)
    at = f"/subscriptions/{made['id']}"
    assert (made["state"], made["next_on"], made["amount"], made["runs"]) == ("active", "2026-11-18", cny("59.80"), [])
    assert "13800000000" not in str(api.get(at))
    pay = {"method": "wechat", "amount": cny("59.80")}
    assert api.refused(422, "POST", f"{at}/pay", pay)["code"] == "subscription.paid"

    assert run_due(NOW) == 1

    found = api.get(at)
    (run,) = found["runs"]
    assert (run["state"], run["due_on"], run["number"]) == ("unpaid", "2026-11-18", f"sub-{made['id']}-20261118")
    assert (found["next_on"], found["newest_run"]) == ("2026-12-02", "unpaid")
    assert [one["id"] for one in api.get("/subscriptions?state=trouble")["items"]] == [made["id"]]
    assert api.send("POST", f"{at}/pay", pay) == {"order": run["order"]}
    order = api.get(f"/orders/{run['order']}")
    assert (order["status"], order["delivery"]["contactless"]) == ("paid", True)


def test_it_is_changed_and_stepped_and_ends(api: Api) -> None:
    at = f"/subscriptions/{api.send('POST', '/subscriptions', BODY)['id']}"

    changed = api.send("PUT", at, {"lines": [{**LINE, "qty": 1}]})
    assert (changed["amount"], changed["rhythm"]) == (cny("29.90"), {"unit": "week", "every": 2, "day": 3})
    assert api.send("POST", f"{at}/steps/skip", None)["next_on"] == "2026-12-02"
    assert api.send("POST", f"{at}/steps/pause", None)["state"] == "paused"
    assert api.send("POST", f"{at}/steps/cancel", None)["state"] == "cancelled"
    assert api.refused(422, "POST", f"{at}/steps/resume", None)["code"] == "subscription.state"
    assert api.refused(404, "POST", "/subscriptions/999999/steps/pause", None)["code"] == "subscription.unknown"


def test_the_rules_are_set_one_by_one(api: Api) -> None:
    assert api.get("/subscription-rules")["price"] == "agreed"
    assert api.send("PUT", "/subscription-rules", {"price": "list", "tries": 5}) == {
        "price": "list", "remind_days": 3, "pay_hours": 48, "retry_hours": 24, "tries": 5}  # fmt: skip
    assert api.refused(422, "PUT", "/subscription-rules", {"tries": 0})["code"] == "subscription.rules"


def test_a_cart_is_checked_out_for_instant_delivery(api: Api) -> None:
    cart = api.send("POST", "/carts", {"shop": "flagship", "lines": [LINE]})["cart"]
    made = api.send("POST", f"/carts/{cart}/checkout", {"delivery": {"method": "instant", "fee": cny("9.00")}})

    assert api.get(f"/orders/{made['order']}")["delivery"]["method"] == "instant"
