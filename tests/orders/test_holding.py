"""Holds opened and released by the review and by hand; several at once, each on its own, each with who and why."""

import pytest
from tests.support.company import ACTOR, DAY, NOW, goods, open_holds, order, order_ids, paid, pool, put, shipped
from tests.support.database import statements
from tests.support.following import events
from tests.support.intake import take

from tongpan.core.bulk import execute, fetch_all
from tongpan.core.errors import Refusal
from tongpan.orders.actions import (
    blacklist,
    hold,
    release_hold,
    review_again,
    review_orders,
    save_rules,
    try_rules,
    unblacklist,
)
from tongpan.orders.engine import BuyerDoc, ShipTo
from tongpan.pricing.actions import FloorSpec, set_floors

pytestmark = pytest.mark.usefixtures("company")
BY = {"actor": "user:li", "now": NOW}
PLACE = ShipTo("浙江省", "宁波市", 29.87, 121.54, "张三", "13812345678", "中山路1号")


def review(*numbers):
    ids = order_ids(numbers)
    return review_orders(ids, now=NOW)


def history(number):
    return fetch_all(
        """SELECT h.reason, h.released_at IS NULL, h.opened_by, h.released_by, h.release_note
           FROM orders_hold h JOIN orders_order o ON o.id = h.order_id WHERE o.external_id = %s ORDER BY h.id""",
        [number],
    )


def revision(number):
    return fetch_all("SELECT revision FROM orders_order WHERE external_id = %s", [number])[0][0]


def test_an_unpaid_order_waits_and_is_let_go_when_it_is_paid():
    put("sh", A=5)
    take(order("1"))
    review("1")
    assert open_holds() == {("1", "unpaid")}

    take(paid("1"))
    review("1")

    assert open_holds() == set()
    assert history("1") == [("unpaid", False, "review", "review", "no longer found")]


def test_several_holds_are_open_at_once_and_each_is_released_on_its_own():
    put("sh", A=5)
    take(paid("1", goods("A", 2, 1000), ship_to=ShipTo("浙江省", "宁波市", 29.87, 121.54, "张三", "", "")))
    set_floors([FloorSpec("A", "CNY", 600)], **BY)
    save_rules({"units_over": 1}, "", **BY)
    review("1")
    assert open_holds() == {("1", "address"), ("1", "price_floor"), ("1", "risk")}

    (done,) = release_hold(order_ids(["1"]), "risk", "known buyer", **BY)

    assert (done.state, done.revision) == ("done", 2)
    assert open_holds() == {("1", "address"), ("1", "price_floor")}
    assert ("risk", False, "review", "user:li", "known buyer") in history("1")
    assert events("order.changed")[-1][1]["route"] is False

    release_hold(order_ids(["1"]), "address", "", **BY)
    release_hold(order_ids(["1"]), "price_floor", "sale", **BY)

    assert open_holds() == set()
    assert events("order.changed")[-1][1]["route"] is True
    # and the review lets stand what a person let pass
    assert review("1") == set()
    assert open_holds() == set()


def test_each_hold_says_which_policy_found_what():
    take(order("1", goods("A", 2, 1000)))
    set_floors([FloorSpec("A", "CNY", 600)], **BY)
    version = save_rules({}, "floors count", **BY)
    review("1")

    rows = fetch_all("SELECT detail, data FROM orders_hold WHERE reason = 'price_floor'")

    assert rows[0][0] == "Line 1 sells 2 × A for 10.00 CNY; its floor is 12.00 CNY."
    assert fetch_all(
        "SELECT data->>'policy', data->'found'->0->>'sku' FROM orders_hold WHERE reason = 'price_floor'"
    ) == [(str(version), "A")]


def test_a_blacklisted_buyer_or_phone_waits_until_it_is_taken_off():
    take(
        paid("1", buyer=BuyerDoc("buyer", "tm", "b1")),
        paid("2", ship_to=PLACE),
        paid("3", buyer=BuyerDoc("buyer", "tm", "b3")),
    )
    (code,) = fetch_all(
        "SELECT c.code FROM customers_customer c JOIN orders_order o ON o.customer_id = c.id WHERE o.external_id = '1'"
    )[0]
    assert blacklist("buyer", code, "never pays", **BY) == 1
    assert blacklist("phone", "+86 138-1234-5678", "", **BY) == 1
    assert blacklist("phone", "13812345678", "again", **BY) == 0

    review("1", "2", "3")
    assert open_holds() >= {("1", "risk"), ("2", "risk")}
    assert ("3", "risk") not in open_holds()
    kept = fetch_all("SELECT hint FROM orders_blacklistentry WHERE kind = 'phone'")
    assert "13812345678" not in str(kept)

    assert unblacklist("phone", "13812345678", **BY) == 1
    review("1", "2", "3")
    assert ("2", "risk") not in open_holds()
    assert ("1", "risk") in open_holds()


def test_many_orders_of_one_buyer_within_an_hour_are_a_risk():
    buyer = BuyerDoc("buyer", "tm", "b1")
    put("sh", A=50)
    take(*[paid(str(n), buyer=buyer) for n in range(4)], paid("old", buyer=buyer, placed_at=NOW - 9 * DAY))
    save_rules({"orders_within": [3, 60]}, "", **BY)

    review("0", "1", "2", "3", "old")

    assert {number for number, reason in open_holds() if reason == "risk"} == {"0", "1", "2", "3"}


def test_an_order_that_has_left_or_is_cancelled_waits_for_nobody():
    take(order("1"), order("2"))
    hold(order_ids(["1", "2"]), "manual", "look", **BY)
    review("1", "2")

    take(shipped("1"), order("2", cancelled_at=NOW))
    review("1", "2")

    assert {h for h in open_holds() if h[1] in ("manual", "unpaid")} == set()
    assert ("manual", False, "user:li", "review", "the order is dispatched") in history("1")


def test_holding_by_hand_gives_one_outcome_for_each_order():
    put("sh", A=5)
    take(paid("1"), paid("2"), shipped("3"), order("4", cancelled_at=NOW))
    one, two, three, four = order_ids(["1", "2", "3", "4"])
    hold([two], "manual", "", **BY)

    outcomes = hold([one, two, three, four, 10**9], "manual", "customer called", **BY)

    assert [(o.order_id, o.state, o.code) for o in outcomes] == [
        (one, "done", ""),
        (two, "unchanged", ""),
        (three, "refused", "order.gone"),
        (four, "refused", "order.cancelled"),
        (10**9, "refused", "order.unknown"),
    ]
    assert "return" in outcomes[2].reason
    assert (revision("1"), revision("2"), revision("3")) == (2, 2, 1)
    assert pool("A") == (5, 0, 2)  # what it holds of the stock stays promised to it


def test_a_person_cannot_end_what_the_platform_waits_for():
    take(paid("1"))
    with pytest.raises(Refusal) as refused:
        release_hold(order_ids(["1"]), "out_of_stock", "", **BY)
    assert refused.value.code == "hold.reason"
    with pytest.raises(Refusal):
        hold(order_ids(["1"]), "unpaid", "", **BY)
    with pytest.raises(Refusal):
        hold(order_ids(["1"]), "manual", "x" * 501, **BY)
    assert open_holds() == {("1", "out_of_stock")}


def test_the_review_takes_as_many_statements_for_one_order_as_for_many():
    take(*[order(str(n), goods("A", 1, 100)) for n in range(40)])
    set_floors([FloorSpec("A", "CNY", 600)], **BY)
    ids = order_ids([str(n) for n in range(40)])

    with statements() as of_one:
        review_orders(ids[:1], now=NOW)
    with statements() as of_many:
        review_orders(ids[1:], now=NOW)

    assert len(of_one) == len(of_many) <= 14


def test_new_rules_can_be_tried_on_stored_orders_before_they_count():
    take(order("1", goods("A", 9)), paid("2", goods("A", 2)), shipped("3", goods("A", 9)))

    trial = try_rules({"units_over": 5})

    assert (trial.orders, trial.held, trial.by_rule) == (2, 1, {"units_over": 1})
    assert fetch_all("SELECT count(*) FROM orders_reviewpolicy") == [(0,)]


def test_open_orders_are_reviewed_again_after_a_change_of_rules():
    take(order("1"), paid("2"), shipped("3"))
    execute("TRUNCATE core_event")

    assert review_again() == 2

    assert [name for name, _ in events("order.changed")] == ["order.changed", "order.changed"]


def test_versions_of_the_rules_count_up_and_are_audited():
    assert [save_rules({}, "", actor=ACTOR, now=NOW), save_rules({"units_over": 3}, "", actor=ACTOR, now=NOW)] == [1, 2]
    assert fetch_all("SELECT count(*) FROM access_auditentry WHERE action = 'review.rules_saved'") == [(2,)]


def test_words_in_the_remarks_of_buyer_or_seller_are_a_risk():
    take(order("1", buyer_note="请刷单返现"), order("2", seller_note="刷单"), order("3", buyer_note="谢谢"))
    save_rules({"words": ["刷单"]}, "", **BY)

    review("1", "2", "3")

    assert {number for number, reason in open_holds() if reason == "risk"} == {"1", "2"}
