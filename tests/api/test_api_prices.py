"""Prices through the API: asked for, seen before, read, with floors, costs, lists and the log."""

import pytest
from tests.pricing.support import stock_goods

pytestmark = pytest.mark.usefixtures("company")


def cny(amount):
    return {"amount": amount, "currency": "CNY"}


def change(price_list, sku, amount, **more):
    return {"list": price_list, "sku": sku, "price": amount and cny(amount), **more}


def test_prices_are_asked_for_and_read(api):
    stock_goods()
    body = {"changes": [change("guide", "A", "100.00"), change("tmall", "A", "96.00"), change("jd", "A", "90.00")]}

    shown = api.send("POST", "/prices/preview", body)
    done = api.send("POST", "/prices/requests", {**body, "why": "new season"})

    outcomes = [row["outcome"] for row in done["rows"]]
    assert [row["outcome"] for row in shown["rows"]] == outcomes == ["applied", "applied", "pending"]
    assert (shown["id"], done["state"]) == (None, "pending")
    assert done["rows"][2]["findings"][0]["code"] == "outside_band"
    assert (done["rows"][1]["low"], done["rows"][1]["high"]) == (cny("95.00"), cny("105.00"))
    found = {one["channel"]: one for one in api.get("/prices/skus/A")["channels"]}
    assert (found["tmall"]["price"], found["tmall"]["deviation"], found["jd"]["list"]) == (
        cny("96.00"),
        "-4.00",
        "guide",
    )
    assert [one["list"] for one in api.get("/prices/entries?sku=A&is_current=true")["items"]] == ["guide", "tmall"]
    request = done["id"]
    assert len(api.get(f"/prices/requests/{request}/rows")["items"]) == 3
    assert api.get("/prices/requests?state=pending")["items"][0]["why"] == "new season"
    assert api.send("POST", f"/prices/requests/{request}/withdraw", {})["state"] == "withdrawn"
    assert [one["what"] for one in api.get("/prices/log?sku=A")["items"]] == ["entry", "entry"]


def test_lists_floors_costs_and_settings(api):
    stock_goods()
    lists = {"lists": [{"code": "gold", "kind": "tier", "tier": "gold"}]}
    assert api.send("PUT", "/prices/lists", lists) == {"count": 1}
    assert api.refused(422, "PUT", "/prices/lists", {"lists": [{"code": "w", "kind": "seasonal"}]})["code"] == (
        "price_list.period"
    )
    floors = {"floors": [{"sku": "A", "currency": "CNY", "floor": cny("50.00"), "least_net": cny("40.00")}]}
    assert api.send("PUT", "/prices/floors", floors) == {"count": 1}
    assert api.get("/prices/floors")["items"][0]["least_net"] == cny("40.00")
    assert api.send("PUT", "/prices/costs", {"costs": [{"sku": "A", "currency": "CNY", "cost": cny("30.00")}]}) == {
        "count": 1
    }
    assert api.get("/prices/costs")["items"][0]["cost"] == cny("30.00")
    assert [one["code"] for one in api.get("/prices/lists")["items"]] == ["gold"]
    assert api.get("/prices/settings")["band_lower_pct"] == "5"
    wrong = {"changes": [{"list": "guide", "sku": "A", "price": {"amount": "1.00", "currency": "USD"}}]}
    assert api.refused(422, "POST", "/prices/requests", wrong)["code"] == "money.invalid"
