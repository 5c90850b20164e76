"""Requests that cannot be: more than was bought, another shop's order, too late, twice, not arrived, simulated."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from tests.support.aftersale import ARRIVED, BY, ask, case_of, delivered, line, refunds, spec, stores
from tests.support.company import DAY, NOW, goods, order_ids, paid

from tongpan.core.bulk import execute, fetch_all
from tongpan.core.errors import Refusal
from tongpan.orders.actions import accept
from tongpan.orders.aftersale.actions import quote, refuse, request, save_policy
from tongpan.orders.aftersale.policies import current_policy

pytestmark = pytest.mark.usefixtures("company")


def rows() -> tuple[Any, ...]:
    """How many cases there are, and units taken."""
    return fetch_all(
        "SELECT (SELECT count(*) FROM orders_returncase), coalesce((SELECT sum(taken) FROM orders_unitstaken), 0)::int"
    )[0]


def test_more_than_was_bought_is_refused_and_so_is_the_same_unit_twice() -> None:
    order_id = delivered("T1", goods("A", 2, 2000))

    assert ask(order_id, line(qty=3)).code == "return.too_many"
    assert ask(order_id, line(qty=2)).state == "done"
    again = ask(order_id)

    assert again.code == "return.twice"
    assert again.reason == (
        "Line 1 (A): 2 were bought; 2 came back or are asked for already, so 0 can come back, not 1."
    )
    assert rows() == (1, 2)


def test_two_requests_for_one_unit_in_one_batch_are_taken_once() -> None:
    order_id = delivered("T1")

    first, second = request([spec(order_id), spec(order_id)], **BY)

    assert (first.state, second.code) == ("done", "return.twice")


def test_an_order_of_another_shop_or_of_nobody_is_refused() -> None:
    delivered("T1")

    other, nobody = request([spec(None, shop_code="mall", order_number="T1"), spec(10**9)], **BY)
    (wrong,) = request([spec(order_ids(["T1"])[0], shop_code="mall", order_number="T1")], **BY)

    assert (other.code, nobody.code, wrong.code) == ("order.unknown", "order.unknown", "order.other_shop")
    assert other.reason == "Shop 'mall' has no order 'T1'; look at its receipt again."
    assert "of shop tm, not order T1 of shop mall" in wrong.reason
    assert rows() == (0, 0)


def test_what_left_too_long_ago_has_not_arrived_or_has_not_left_is_refused() -> None:
    late = delivered("T1", delivered_at=NOW - 40 * DAY, dispatched_at=NOW - 41 * DAY, placed_at=NOW - 42 * DAY)
    under_way = delivered("T2", delivered_at=None, dispatched_at=NOW - DAY)
    accept([paid("T3")], **BY)

    answers = [ask(i) for i in (late, under_way, order_ids(["T3"])[0])]

    assert [a.code for a in answers] == ["return.too_late", "return.not_delivered", "return.not_shipped"]
    assert rows() == (0, 0)


def test_a_simulated_order_has_simulated_returns_and_a_real_one_real_ones() -> None:
    simulated, real = delivered("T1", is_simulated=True), delivered("T2")

    assert ask(simulated, is_simulated=False).code == "return.simulated"
    assert ask(real, is_simulated=True).code == "return.simulated"
    case_id = case_of(ask(simulated))

    assert fetch_all("SELECT is_simulated FROM orders_returncase WHERE id = %s", [case_id]) == [(True,)]


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"kind": "gift"}, "return.kind"),
        ({"way": "balloon"}, "return.way"),
        ({"way": "none"}, "return.way"),
        ({"kind": "claim", "way": "mail"}, "return.way"),
        ({"way": "pickup"}, "return.slot"),
        ({"way": "pickup", "slot_start": NOW, "slot_end": NOW}, "return.slot"),
        ({"way": "store"}, "return.node"),
        ({"way": "store", "node_code": "shop-2"}, "return.node"),
        ({"way": "store", "node_code": "nowhere"}, "return.node"),
        ({"amount_minor": 5}, "refund.amount"),
        ({"note": "x" * 501}, "return.text"),
        ({"note": "\x00"}, "return.text"),
    ],
)
def test_a_request_that_makes_no_sense_is_refused(more: dict[str, Any], code: str) -> None:
    stores()

    assert ask(delivered("T1"), **more).code == code
    assert rows() == (0, 0)


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ([line(reason="mood")], "return.reason"),
        ([line(2)], "return.line"),
        ([line(qty=0)], "return.units"),
        ([line(qty=-1)], "return.units"),
        ([line(), line()], "return.lines"),
        ([line(is_opened=True)], "return.opened"),
        ([line(wanted_sku="B")], "exchange.goods"),
    ],
)
def test_lines_that_make_no_sense_are_refused(lines: list[Any], code: str) -> None:
    assert ask(delivered("T1"), *lines).code == code


def test_a_refused_case_says_why_and_frees_its_units() -> None:
    order_id = delivered("T1", goods("A", 1, 90_000))
    case_id = case_of(ask(order_id))

    assert refuse([case_id, 10**9], "worn", **BY)[1].code == "case.unknown"

    story = fetch_all("SELECT kind, data FROM orders_caseevent WHERE case_id = %s ORDER BY id DESC LIMIT 1", [case_id])
    assert story[0][0] == "refused"
    assert (rows(), ask(order_id).state) == ((1, 0), "done")


def test_the_quote_is_what_the_request_then_comes_to_and_writes_nothing() -> None:
    order_id = delivered("T1", goods("A", 3, 1000))
    (planned,) = quote([spec(order_id, line(qty=2))], now=NOW)

    assert (planned.answer.is_allowed, planned.total_minor, planned.approval, rows()) == (True, 667, "", (0, 0))
    case_id = case_of(ask(order_id, line(qty=2)))
    assert fetch_all("SELECT quoted_minor FROM orders_returncase WHERE id = %s", [case_id]) == [(667,)]


def test_a_new_policy_counts_from_the_next_request_on() -> None:
    order_id = delivered("T1", goods("A", 2, 2000), delivered_at=ARRIVED)
    before = case_of(ask(order_id))

    assert save_policy({"no_reason_days": 1, "extended_days": 2}, "shorter", seen=0, **BY) == 1
    with pytest.raises(Refusal, match="it has version 1, you looked at 0"):
        save_policy({}, "", seen=0, **BY)

    assert ask(order_id).code == "return.too_late"
    assert current_policy()[0] == 1
    assert fetch_all("SELECT policy_version FROM orders_returncase WHERE id = %s", [before]) == [(0,)]


def test_the_database_refuses_a_unit_that_comes_back_twice_and_money_beyond_what_was_paid() -> None:
    order_id = delivered("T1")
    ask(order_id)

    with pytest.raises(IntegrityError, match="no_unit_comes_back_twice"), transaction.atomic():
        execute("UPDATE orders_unitstaken SET taken = taken + 1")
    execute("INSERT INTO orders_refundlimit (order_id, paid_minor, refunded_minor) VALUES (%s, 1000, 1000)", [order_id])
    with pytest.raises(IntegrityError, match="never_refunded_twice"), transaction.atomic():
        execute("UPDATE orders_refundlimit SET refunded_minor = refunded_minor + 1")
    assert refunds() == []


def test_the_story_of_a_case_is_not_rewritten() -> None:
    ask(delivered("T1"))

    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        execute("UPDATE orders_caseevent SET actor = 'someone'")


def test_a_batch_of_requests_takes_the_same_statements_as_one() -> None:
    one = delivered("T0")
    many = [delivered(f"T{n}") for n in range(1, 9)]
    with CaptureQueriesContext(connection) as first:
        request([spec(one)], **BY)
    with CaptureQueriesContext(connection) as second:
        request([spec(i) for i in many], **BY)

    assert len(second) == len(first)
