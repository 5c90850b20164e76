"""A return from the request to the money: approved by the policy, received anywhere, inspected, refunded, booked."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from tests.support.aftersale import (
    BY,
    ask,
    booked,
    case_of,
    delivered,
    line,
    logged,
    refund_ids,
    refunds,
    status_of,
    stock,
    stores,
)
from tests.support.company import NOW, charge, goods, levels, return_of

from tongpan.core.bulk import fetch_all
from tongpan.core.errors import Refusal
from tongpan.inventory.queries import reconcile as reconcile_stock
from tongpan.orders.actions import accept_returns
from tongpan.orders.aftersale.actions import (
    approve,
    approve_refunds,
    fail_refunds,
    inspect,
    pay_refunds,
    propose_again,
    receive,
    send,
    withdraw,
)
from tongpan.orders.aftersale.specs import Found
from tongpan.orders.engine import DiscountDoc, PaymentDoc
from tongpan.orders.queries import reconcile as reconcile_orders

pytestmark = pytest.mark.usefixtures("company")


def test_an_online_order_comes_back_at_a_store_and_is_on_sale_there_again() -> None:
    stores()
    order_id = delivered("T1", goods("A", 2, 3000), charge("postage", 800))
    case_id = case_of(ask(order_id, way="store", node_code="shop-1"))
    assert status_of(case_id) == "approved"

    (outcome,) = receive([case_id], "shop-1", **BY)
    assert (outcome.state, stock("A")) == ("done", {("shop-1", "inspection"): 1})
    assert refunds() == [("approved", 1500, 0, 0, 0, 0, 1500)]

    inspect(case_id, [Found(1, "saleable", 1)], **BY)
    assert stock("A") == {("shop-1", "saleable"): 1}
    assert (status_of(case_id), booked()) == ("inspected", [(f"AS{case_id}", "restocked", 1, -1500, 0, -1500)])

    pay_refunds(refund_ids(), "alipay-1", **BY)
    assert status_of(case_id) == "closed"
    assert fetch_all("SELECT refunded_minor FROM orders_order WHERE id = %s", [order_id]) == [(1500,)]
    assert logged("aftersale.") == [
        f"aftersale.{step}" for step in ("requested", "approved", "received", "inspected", "closed")
    ]
    assert logged("refund.") == ["refund.proposed", "refund.approved", "refund.paid"]
    assert (reconcile_stock().differences, reconcile_orders()[1]) == ([], [])


def test_who_where_and_when_are_kept_of_every_step() -> None:
    stores()
    case_id = case_of(ask(delivered("T1"), way="store", node_code="shop-1"))
    receive([case_id], "shop-1", actor="user:lin", now=NOW + timedelta(hours=1))

    story = fetch_all(
        """SELECT e.kind, e.actor, n.code, e.at FROM orders_caseevent e LEFT JOIN network_node n ON n.id = e.node_id
           WHERE case_id = %s ORDER BY e.id""",
        [case_id],
    )

    assert [row[:3] for row in story] == [
        ("requested", "test", None),
        ("approved", "returns-policy", None),
        ("received", "user:lin", "shop-1"),
        ("instant_refund", "user:lin", None),
    ]
    assert story[2][3] == NOW + timedelta(hours=1)


def test_one_above_the_cap_waits_for_a_person_and_is_refunded_after_the_inspection_only() -> None:
    order_id = delivered("T1", goods("A", 1, 90_000))
    case_id = case_of(ask(order_id))
    assert status_of(case_id) == "requested"

    approve([case_id], **BY)
    send([(case_id, "SF", "SF1")], **BY)
    receive([case_id], "sh", **BY)
    assert refunds() == []

    inspect(case_id, [Found(1, "damaged", 1)], **BY)
    assert stock("A") == {("sh", "damaged"): 1}
    assert refunds() == [("approved", 90_000, 0, 0, 0, 0, 90_000)]
    assert booked()[0][1] == "received"


def test_a_small_return_is_refunded_when_the_carrier_scans_it() -> None:
    case_id = case_of(ask(delivered("T1")))

    send([(case_id, "SF", "SF1")], **BY)

    assert refunds() == [("approved", 1000, 0, 0, 0, 0, 1000)]
    pay_refunds(refund_ids(), "", **BY)
    assert status_of(case_id) == "in_transit"
    receive([case_id], "sh", **BY)
    inspect(case_id, [Found(1, "scrap", 1)], **BY)
    assert (status_of(case_id), stock("A")) == ("closed", {})
    assert booked() == [(f"AS{case_id}", "received", 1, -1000, 0, -1000)]


def test_goods_that_go_back_to_the_buyer_are_not_refunded_and_may_be_asked_back_again() -> None:
    order_id = delivered("T1", goods("A", 3, 90_001))
    case_id = case_of(ask(order_id, line(qty=3)))
    approve([case_id], **BY)
    receive([case_id], "sh", **BY)

    inspect(case_id, [Found(1, "saleable", 1), Found(1, "inspection", 1), Found(1, "back", 1, "worn")], **BY)

    assert stock("A") == {("sh", "saleable"): 1, ("sh", "inspection"): 1}
    assert refunds()[0][-1] == 30_001 + 30_000
    assert ask(order_id).state == "done"
    assert ask(order_id).code == "return.twice"


def test_partial_returns_one_by_one_give_back_exactly_what_was_paid_per_payer_and_tender() -> None:
    order_id = delivered(
        "T1",
        goods("A", 3, 1000),
        goods("B", 2, 999),
        discounts=[DiscountDoc("platform", 100, 0), DiscountDoc("shop", 31)],
        payments=[PaymentDoc(1, "wechat", 1500), PaymentDoc(2, "points", 499)],
    )
    for line_no in (1, 2, 1, 2, 1):
        case_id = case_of(ask(order_id, line(line_no)))
        receive([case_id], "sh", **BY)
        inspect(case_id, [Found(line_no, "saleable", 1)], **BY)
    pay_refunds(refund_ids(), "x", **BY)

    assert sum(row[-1] for row in refunds()) == 1999
    shares = dict(fetch_all("SELECT payer, sum(amount_minor)::int FROM orders_refundshare GROUP BY 1"))
    assert shares == {"platform": 100, "shop": 31}
    tenders = fetch_all("SELECT kind, action, sum(amount_minor)::int FROM orders_refundtender GROUP BY 1, 2 ORDER BY 1")
    assert tenders == [("money", "pay_back", 1500), ("points", "restore", 499)]
    assert levels("A")["sh"][0] == 3
    assert fetch_all("SELECT paid_minor, refunded_minor FROM orders_refundlimit") == [(1999, 1999)]


def test_postage_and_the_way_back_follow_the_reason() -> None:
    order_id = delivered("T1", goods("A", 2, 4000), charge("postage", 600))
    from_now = {"slot_start": NOW, "slot_end": NOW + timedelta(hours=2)}
    by_courier = ask(order_id, line(reason="changed_mind"), way="pickup", **from_now)
    broken = ask(order_id, line(reason="quality"), way="pickup", **from_now)
    for case_id in (case_of(by_courier), case_of(broken)):
        receive([case_id], "sh", **BY)
        inspect(case_id, [Found(1, "damaged", 1)], **BY)

    assert refunds() == [
        ("approved", 2000, 0, 0, 1000, 0, 1000),
        ("approved", 2000, 300, 0, 0, 0, 2300),
    ]
    assert [row[3:] for row in booked()] == [(-2000, 1000, -1000), (-2000, -300, -2300)]


def test_a_gift_that_is_kept_is_charged() -> None:
    gift = goods("G", 1, 0, unit_price=Decimal("9.90"))
    order_id = delivered("T1", goods("A", 1, 5000), gift)
    case_id = case_of(ask(order_id))
    receive([case_id], "sh", **BY)

    assert refunds() == [("approved", 5000, 0, 990, 0, 0, 4010)]


def test_a_refund_without_a_return_is_booked_as_money_alone() -> None:
    order_id = delivered("T1", goods("A", 2, 4000))
    case_id = case_of(ask(order_id, line(reason="lost"), kind="refund_only", way="none"))
    assert status_of(case_id) == "requested"

    approve([case_id], **BY)
    assert refunds() == [("approved", 2000, 0, 0, 0, 0, 2000)]
    pay_refunds(refund_ids(), "ref", **BY)

    assert (status_of(case_id), booked()) == ("closed", [(f"AS{case_id}", "received", 0, 0, -2000, -2000)])
    assert stock("A") == {}


def test_a_part_of_the_price_is_given_back_while_the_goods_stay_and_counts_when_they_come_back() -> None:
    order_id = delivered("T1", goods("A", 1, 4000))
    too_much = ask(order_id, line(reason="goodwill"), kind="refund_only", way="none", amount_minor=4001)
    assert (too_much.state, too_much.code) == ("refused", "refund.amount")
    goodwill = case_of(ask(order_id, line(reason="goodwill"), kind="refund_only", way="none", amount_minor=500))
    approve([goodwill], **BY)

    case_id = case_of(ask(order_id))
    receive([case_id], "sh", **BY)

    assert [row[-1] for row in refunds()] == [500, 3500]


def test_a_refund_that_failed_is_proposed_again_and_one_that_lives_is_not() -> None:
    case_id = case_of(ask(delivered("T1")))
    send([(case_id, "SF", "1")], **BY)
    assert propose_again([case_id], **BY)[0].code == "refund.again"

    fail_refunds(refund_ids(), "the account is closed", **BY)
    assert fetch_all("SELECT refunded_minor FROM orders_refundlimit") == [(0,)]
    assert propose_again([case_id], **BY)[0].state == "done"

    assert [(row[0], row[-1]) for row in refunds()] == [("failed", 1000), ("approved", 1000)]
    assert approve_refunds([refund_ids()[1]], **BY)[0].state == "unchanged"
    assert pay_refunds([refund_ids()[0]], "", **BY)[0].code == "refund.status"
    assert pay_refunds([10**9], "", **BY)[0].code == "refund.unknown"


def test_a_withdrawn_case_frees_its_units_and_a_step_out_of_order_is_refused() -> None:
    order_id = delivered("T1")
    case_id = case_of(ask(order_id))

    assert withdraw([case_id], "the buyer keeps it", **BY)[0].state == "done"
    assert withdraw([case_id], "again", **BY)[0].state == "unchanged"
    (late,) = receive([case_id], "sh", **BY)

    assert (late.state, late.code) == ("refused", "case.status")
    assert late.reason == (
        f"Case AS{case_id} is withdrawn; it can be received only while it is approved or in transit."
    )
    assert (stock("A"), ask(order_id).state) == ({}, "done")


def test_the_channels_own_return_of_the_same_case_is_matched_and_not_booked_twice() -> None:
    order_id = delivered("T1", goods("A", 2, 4000))
    case_id = case_of(ask(order_id))
    receive([case_id], "sh", **BY)
    inspect(case_id, [Found(1, "saleable", 1)], **BY)
    doc = return_of("R-9", goods("A", 1, -2000), order_external_id="T1")

    first = accept_returns([doc], **BY)[0]
    again = accept_returns([doc], **BY)[0]

    assert (first.state, again.state) == ("unchanged", "unchanged")
    assert first.document_id == again.document_id
    assert [row[0] for row in booked()] == [f"AS{case_id}"]
    assert stock("A") == {("sh", "saleable"): 1}


def test_a_channels_return_that_comes_before_the_goods_is_the_booking_of_the_case() -> None:
    order_id = delivered("T1", goods("A", 2, 4000))
    case_id = case_of(ask(order_id))
    doc = return_of("R-9", goods("A", 1, -2000), order_external_id="T1")

    assert accept_returns([doc], **BY)[0].state == "accepted"
    assert stock("A") == {}
    receive([case_id], "sh", **BY)
    inspect(case_id, [Found(1, "saleable", 1)], **BY)

    assert booked() == [("R-9", "restocked", 1, -2000, 0, -2000)]
    assert stock("A") == {("sh", "saleable"): 1}


def test_a_channels_return_that_is_about_no_case_is_booked_and_counts_towards_the_limit() -> None:
    order_id = delivered("T1", goods("A", 2, 4000))
    accept_returns([return_of("R-9", goods("A", 1, -2000), order_external_id="T1")], **BY)
    assert stock("A") == {("sh", "saleable"): 1}

    assert ask(order_id, line(qty=2)).code == "return.too_many"
    case_id = case_of(ask(order_id))
    receive([case_id], "sh", **BY)

    assert refunds()[0][-1] == 2000
    assert ask(order_id).code == "return.twice"


def test_what_the_channel_says_it_gave_back_counts_once_however_many_refunds_follow() -> None:
    order_id = delivered("T1", goods("A", 2, 2000), refunded_minor=600)
    for _ in range(2):
        case_id = case_of(ask(order_id))
        receive([case_id], "sh", **BY)
        inspect(case_id, [Found(1, "saleable", 1)], **BY)

    assert [(row[5], row[6]) for row in refunds()] == [(0, 1000), (600, 400)]
    pay_refunds(refund_ids(), "x", **BY)
    assert fetch_all("SELECT paid_minor, refunded_minor, outside_minor FROM orders_refundlimit") == [(2000, 1400, 600)]


@pytest.mark.parametrize(
    ("found", "code"),
    [
        ([Found(1, "saleable", 1)], "inspect.units"),
        ([Found(1, "saleable", 3)], "inspect.units"),
        ([Found(1, "saleable", 2), Found(2, "scrap", 1)], "inspect.units"),
        ([Found(1, "burnt", 2)], "inspect.disposition"),
        ([Found(1, "saleable", 2), Found(1, "scrap", 0)], "inspect.units"),
    ],
)
def test_an_inspection_names_every_unit_once(found: list[Found], code: str) -> None:
    case_id = case_of(ask(delivered("T1", goods("A", 2, 90_000)), line(qty=2)))
    approve([case_id], **BY)
    receive([case_id], "sh", **BY)

    with pytest.raises(Refusal) as refused:
        inspect(case_id, found, **BY)

    assert refused.value.code == code
    assert (status_of(case_id), stock("A")) == ("received", {("sh", "inspection"): 2})


def test_goods_are_taken_at_return_points_by_people_who_work_there_only() -> None:
    stores()
    case_id = case_of(ask(delivered("T1"), way="store", node_code="shop-1"))

    for node, nodes in (("shop-2", None), ("nowhere", None), ("shop-1", {0})):
        with pytest.raises(Refusal) as refused:
            receive([case_id], node, nodes=nodes, **BY)
        assert refused.value.code == "return.node"

    assert (status_of(case_id), stock("A")) == ("approved", {})
