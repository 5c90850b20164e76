"""Supply by the API: overstock, allocation, turnover, and the ways out of a stock-out."""

import pytest
from tests.api.calling import Api
from tests.support.company import (
    ACTOR,
    DAY,
    HANGZHOU,
    NOW,
    goods,
    open_company,
    order_ids,
    paid,
    put,
    shipped,
)
from tests.support.intake import take

from tongpan.fulfillment.actions import route
from tongpan.network.actions import save_nodes
from tongpan.network.engine import NodeSpec
from tongpan.orders.engine import ShipTo


@pytest.fixture
def company(db: None) -> None:
    open_company()


@pytest.fixture
def store(company: None) -> None:
    """A store in Hangzhou with five units of A, which ships for no shop."""
    spec = NodeSpec("st", "store", "Lakeside", latitude=HANGZHOU[0] + 0.01, longitude=HANGZHOU[1])
    save_nodes([spec], actor=ACTOR, now=NOW)
    put("st", A=5)


def test_the_supply_of_every_sku(company: None, api: Api) -> None:
    put("sh", A=4)

    body = api.get("/supply")

    assert body["is_complete"] is True
    assert [(row["sku"], row["free"], row["sold"], row["days"]) for row in body["items"]] == [("A", 4, 0, None)]


def test_turnover_says_its_period(company: None, api: Api) -> None:
    put("sh", A=10)
    take(shipped("1", goods("A", 4), placed_at=NOW - 2 * DAY, dispatched_at=NOW - DAY))
    route(order_ids(["1"]), actor=ACTOR, now=NOW)

    body = api.get("/supply/turnover?since=2026-11-14T08:00:00Z&until=2026-11-18T08:00:00Z&by=node")

    assert body["since"] == "2026-11-14T08:00:00Z"
    assert body["items"] == [
        {"code": "sh", "name": "Shanghai", "units": 4, "average": "4.00", "turnover": "1.000", "days": "4.0"}
    ]


def test_a_period_that_ends_before_it_begins_is_refused(company: None, api: Api) -> None:
    problem = api.refused(422, "GET", "/supply/turnover?since=2026-11-18T08:00:00Z&until=2026-11-14T08:00:00Z")

    assert problem["code"] == "turnover.period"


def test_a_shop_front_asks_for_the_ways_out(store: None, api: Api) -> None:
    wanted = {
        "shop": "tm",
        "goods": [{"sku": "A", "qty": 1}, {"sku": "A", "qty": 1}],
        "province": "浙江",
        "city": "杭州",
    }

    body = api.send("POST", "/supply/ways-out", wanted)

    assert body["short"] == {"A": 2}
    assert body["recommended"] == "nearest_store"
    assert body["options"][0]["node"] == {"code": "st", "name": "Lakeside"}
    assert body["options"][0]["km"] == 6.7


def test_the_ways_out_of_an_order(store: None, api: Api) -> None:
    take(paid("1", goods("A", 2), ship_to=ShipTo("浙江", "杭州", *HANGZHOU)))
    (order_id,) = order_ids(["1"])
    route([order_id], actor=ACTOR, now=NOW)

    body = api.get(f"/orders/{order_id}/ways-out")

    assert [(way["strategy"], way["is_open"]) for way in body["options"]] == [
        ("nearest_store", True),
        ("transfer", True),
        ("reservation", True),
        ("urgent", True),
    ]
    api.refused(404, "GET", "/orders/999999/ways-out")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"shop": "nowhere", "goods": [{"sku": "A", "qty": 1}]}, "shop.unknown"),
        ({"shop": "tm", "goods": [{"sku": "ZZ", "qty": 1}]}, "sku.unknown"),
        ({"shop": "tm", "goods": []}, None),
        ({"shop": "tm", "goods": [{"sku": "A", "qty": 0}]}, None),
    ],
)
def test_a_question_that_makes_no_sense_is_refused(
    store: None, api: Api, body: dict[str, object], code: str | None
) -> None:
    problem = api.refused(422, "POST", "/supply/ways-out", body)

    assert code is None or problem["code"] == code


def test_proposals_are_taken_up_once_a_day(company: None, api: Api) -> None:
    put("sh", A=100)
    take(shipped("1", goods("A", 28), dispatched_at=NOW - DAY))
    route(order_ids(["1"]), actor=ACTOR, now=NOW)

    assert [(row["to_node"], row["units"]) for row in api.get("/supply/allocation")["items"]] == [
        ("bj", 15),
        ("hz", 15),
    ]
    first = api.send("POST", "/supply/allocation", {"node": "hz"})["outcomes"]
    again = api.send("POST", "/supply/allocation", {"node": "hz"})["outcomes"]

    assert [row["state"] for row in first] == ["accepted"]
    assert [(row["state"], row["transfer"]) for row in again] == [("unchanged", first[0]["transfer"])]
