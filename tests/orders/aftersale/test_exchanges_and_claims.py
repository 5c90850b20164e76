"""Goods that are sent instead: an exchange for the price of what came back, a claim without a return."""

from __future__ import annotations

import pytest
from tests.support.aftersale import BY, ask, booked, case_of, delivered, line, refund_ids, refunds, status_of, stock
from tests.support.company import goods, order_ids, put

from tongpan.core.bulk import fetch_all
from tongpan.orders.aftersale.actions import approve, inspect, pay_refunds, receive
from tongpan.orders.aftersale.specs import Found
from tongpan.orders.engine import ShipTo

pytestmark = pytest.mark.usefixtures("company")
HOME = ShipTo("上海市", "上海市", 31.2, 121.4, "林", "13800001111", "南京路 1 号")


def new_order(case_id: int) -> tuple[object, ...]:
    """(total, paid, status, customer is the same, SKU, qty) of the order that a case made."""
    return fetch_all(
        """SELECT n.total_minor, n.paid_minor, n.status, n.customer_id IS NOT DISTINCT FROM o.customer_id, k.code, l.qty
           FROM orders_returncase c JOIN orders_order n ON n.id = c.new_order_id
           JOIN orders_order o ON o.id = c.order_id
           JOIN orders_orderline l ON l.order_id = n.id JOIN catalog_sku k ON k.id = l.sku_id WHERE c.id = %s""",
        [case_id],
    )[0]


def exchange(**more: object) -> int:
    put("sh", A=5, B=5)
    case_id = case_of(ask(delivered("T1", goods("A", 2, 4001), ship_to=HOME), line(**more), kind="exchange"))  # type: ignore[arg-type]
    receive([case_id], "sh", **BY)
    return case_id


def test_an_exchange_at_no_charge_sells_the_other_goods_for_what_came_back() -> None:
    case_id = exchange(wanted_sku="B", reason="wrong_size")

    inspect(case_id, [Found(1, "saleable", 1)], **BY)

    assert new_order(case_id) == (2001, 2001, "paid", True, "B", 1)
    assert (status_of(case_id), refunds()) == ("closed", [("paid", 2001, 0, 0, 0, 0, 2001)])
    assert fetch_all("SELECT action, amount_minor FROM orders_refundtender") == [("exchange", 2001)]
    assert booked() == [(f"AS{case_id}", "restocked", 1, -2001, 0, -2001)]
    assert fetch_all(
        "SELECT n.ship_city FROM orders_order n WHERE n.external_id = %s", [f"T1-AS{case_id}"]
    ) == [("上海市",)]  # fmt: skip
    assert stock("A") == {("sh", "saleable"): 6}


def test_what_costs_less_gives_the_difference_back_and_what_costs_more_is_paid() -> None:
    cheaper = exchange(wanted_sku="B", wanted_minor=1500, reason="wrong_size")
    inspect(cheaper, [Found(1, "damaged", 1)], **BY)

    assert new_order(cheaper)[:2] == (1500, 1500)
    assert fetch_all("SELECT action, amount_minor FROM orders_refundtender ORDER BY id") == [
        ("exchange", 1500),
        ("pay_back", 501),
    ]
    assert (status_of(cheaper), refunds()[0][0]) == ("inspected", "approved")
    pay_refunds(refund_ids(), "x", **BY)
    assert status_of(cheaper) == "closed"

    dearer = line(wanted_sku="B", wanted_minor=2500, reason="wrong_size")
    assert ask(order_ids(["T1"])[0], dearer, kind="exchange").code == "exchange.difference"
    case_id = case_of(ask(order_ids(["T1"])[0], dearer, kind="exchange", paid_with="wechat"))
    receive([case_id], "sh", **BY)
    inspect(case_id, [Found(1, "damaged", 1)], **BY)
    assert fetch_all(
        """SELECT p.method, p.amount_minor FROM orders_payment p JOIN orders_returncase c ON c.new_order_id = p.order_id
           WHERE c.id = %s ORDER BY p.seq""",
        [case_id],
    ) == [("exchange", 2000), ("wechat", 500)]


def test_goods_that_go_back_to_the_buyer_are_not_exchanged() -> None:
    case_id = exchange(wanted_sku="B", reason="wrong_size")

    inspect(case_id, [Found(1, "back", 1)], **BY)

    assert (status_of(case_id), refunds(), booked()) == ("closed", [], [])
    assert fetch_all("SELECT new_order_id FROM orders_returncase") == [(None,)]


def test_a_claim_sends_the_goods_again_without_a_return_or_a_refund() -> None:
    put("sh", A=5)
    case_id = case_of(
        ask(delivered("T1", goods("A", 2, 4000), ship_to=HOME), line(reason="damaged"), kind="claim", way="none")
    )
    assert status_of(case_id) == "requested"

    approve([case_id], **BY)
    assert status_of(case_id) == "closed"

    assert new_order(case_id) == (0, 0, "paid", True, "A", 1)
    assert (refunds(), booked()) == ([], [])
