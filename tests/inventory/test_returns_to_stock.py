"""Returned goods are back on sale at the node that takes the shop's returns, once."""

import pytest
from tests.support.company import HOUR, NOW, charge, goods, levels, movements, pool, put, return_of, shipped
from tests.support.database import contents
from tests.support.following import events, route_all
from tests.support.intake import states, take, take_back

from tongpan.core.bulk import fetch_all
from tongpan.inventory.queries import reconcile
from tongpan.orders.models import Return, ReturnLine

pytestmark = pytest.mark.usefixtures("company")


def test_goods_come_back_to_the_returns_node():
    put("hz", A=5)
    take(shipped("1", goods("A", 3)))
    route_all()

    outcomes = take_back(return_of("R1", goods("A", 2, -2000), charge("POST", -500), order_external_id="1"))

    assert states(outcomes) == ["accepted"]
    assert (levels("A"), pool("A")) == ({"hz": (2, 0), "sh": (2, 0)}, (4, 0, 0))
    assert movements("A")[-1] == ("returned", "sh", 2, 0, 0)
    found = Return.objects.values(
        "status", "order__external_id", "goods_minor", "charges_minor", "total_minor", "units", "returned_at"
    ).get()
    assert found == {
        "status": "restocked",
        "order__external_id": "1",
        "goods_minor": -2000,
        "charges_minor": -500,
        "total_minor": -2500,
        "units": 2,
        "returned_at": NOW - HOUR,
    }
    assert list(ReturnLine.objects.order_by("line_no").values_list("kind", "sku__code", "charge_code", "qty")) == [
        ("goods", "A", "", 2),
        ("charge", None, "POST", 1),
    ]
    assert events("return.received") == [("return.received", {"day": "2026-11-18"})]
    assert reconcile().differences == []


def test_the_same_return_puts_goods_back_once():
    first = take_back(return_of("R1", goods("A", 2, -2000)))
    before = contents()

    again = take_back(return_of("R1", goods("A", 2, -2000)), return_of("R1", goods("A", 2, -2000)))

    assert states(again) == ["unchanged", "unchanged"]
    assert [o.document_id for o in again] == [first[0].document_id] * 2
    assert contents() == before
    assert levels("A") == {"sh": (2, 0)}


def test_a_return_twice_in_one_batch_is_booked_once():
    outcomes = take_back(return_of("R1"), return_of("R1"), return_of("R2"))

    assert states(outcomes) == ["accepted", "unchanged", "accepted"]
    assert outcomes[1].document_id == outcomes[0].document_id
    assert levels("A") == {"sh": (2, 0)}


def test_another_return_with_the_same_number_is_refused():
    take_back(return_of("R1", goods("A", 2, -2000)))
    before = contents()

    (outcome,) = take_back(return_of("R1", goods("A", 1, -1000)))

    assert (outcome.state, outcome.code) == ("refused", "return.conflict")
    assert contents() == before


def test_the_same_goods_on_two_lines_come_back_together():
    take_back(return_of("R1", goods("A", 2, -10), goods("A", 3, -10)))

    assert (movements("A"), levels("A")) == ([("returned", "sh", 5, 0, 0)], {"sh": (5, 0)})


def test_a_shop_without_a_returns_node_leaves_its_returns_received():
    take_back(return_of("R1", shop_code="tm2"))

    assert Return.objects.get().status == "received"
    assert (movements(), levels("A")) == ([], {})


def test_a_return_of_money_alone_moves_no_stock():
    take_back(return_of("R1", charge("GOODWILL", -500)))

    assert (movements(), Return.objects.get().total_minor) == ([], -500)


def test_a_return_of_an_unknown_order_stands_alone():
    assert states(take_back(return_of("R1", order_external_id="never seen"))) == ["accepted"]
    assert Return.objects.get().order is None


def test_a_return_that_gives_money_is_refused_and_the_others_go_in():
    outcomes = take_back(return_of("R1", goods("A", 1, 100)), return_of("R2"))

    assert [(o.state, o.code) for o in outcomes] == [("refused", "return.sign"), ("accepted", "")]
    assert fetch_all("SELECT external_id FROM orders_return") == [("R2",)]
