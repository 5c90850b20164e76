"""Orders edited, split and merged before they leave: exact money, and stock that follows."""

import json
from datetime import timedelta

import pytest
from tests.support.company import (
    ACTOR,
    DAY,
    NOW,
    charge,
    fulfillments,
    goods,
    levels,
    open_holds,
    order_ids,
    paid,
    pool,
    put,
    shipped,
    statuses,
)
from tests.support.following import retry_all, route_all
from tests.support.intake import states, take

from tongpan.access.vault import open_sealed
from tongpan.core.bulk import fetch_all
from tongpan.core.errors import Refusal
from tongpan.fulfillment.actions import (
    dispatch,
    edit_order,
    join_order,
    merge_orders,
    split_order,
    unmerge_orders,
)
from tongpan.orders.actions import hold, release_hold
from tongpan.orders.actions.carts import CartLineSpec, checkout, open_cart
from tongpan.orders.editing import AddressEdit, Edit, LineAdded, LineEdit
from tongpan.orders.engine import BuyerDoc, DiscountDoc, ShipTo
from tongpan.orders.queries import reconcile as reconcile_orders

pytestmark = pytest.mark.usefixtures("company")
BY = {"actor": "user:li", "now": NOW}
PLACE = ShipTo("浙江省", "宁波市", 29.87, 121.54, "张三", "13812345678", "中山路1号")
BUYER = BuyerDoc("buyer", "tm", "b1")


def edit(number, *lines, added=(), revision=None, **more):
    return edit_order(order_ids([number])[0], revision, Edit(lines, added, **more), "asked for", **BY)


def lines(number):
    return fetch_all(
        """SELECT l.line_no, coalesce(s.code, l.charge_code), l.qty, l.amount_minor, l.part
           FROM orders_orderline l JOIN orders_order o ON o.id = l.order_id LEFT JOIN catalog_sku s ON s.id = l.sku_id
           WHERE o.external_id = %s ORDER BY l.line_no""",
        [number],
    )


def totals(number):
    return fetch_all(
        "SELECT goods_minor, charges_minor, total_minor, units FROM orders_order WHERE external_id = %s", [number]
    )[0]


def told(number, kind):
    rows = fetch_all(
        """SELECT e.data::text FROM orders_orderevent e JOIN orders_order o ON o.id = e.order_id
           WHERE o.external_id = %s AND e.kind = %s ORDER BY e.id""",
        [number, kind],
    )
    return [json.loads(text) for (text,) in rows]


# edits


def test_a_smaller_quantity_frees_stock_and_says_what_it_costs_now():
    put("sh", A=5)
    take(paid("1", goods("A", 3, 1000), charge("POST", 800)))
    route_all()

    done = edit("1", LineEdit(1, 2))

    assert (done.state, done.revision) == ("done", 2)
    assert lines("1") == [(1, "A", 2, 667, 1), (2, "POST", 1, 800, 1)]
    assert totals("1") == (667, 800, 1467, 2)
    assert (pool("A"), levels("A")) == ((5, 2, 0), {"sh": (5, 2)})
    assert [(s, u) for _, s, u in fulfillments("1")] == [("cancelled", {"A": 3}), ("allocated", {"A": 2})]
    (event,) = told("1", "edited")
    assert event == {
        "reason": "asked for",
        "lines": [{"line": 1, "qty": [3, 2], "amount": [1000, 667]}],
        "added": [],
        "total": [1800, 1467],
    }
    assert reconcile_orders()[1] == []


def test_lines_are_taken_out_and_added():
    put("sh", A=5, B=5)
    take(paid("1", goods("A", 1, 1000)))

    edit("1", LineEdit(1, 0), added=[LineAdded("B", 2, 1500)])

    assert lines("1") == [(1, "A", 0, 0, 1), (2, "B", 2, 1500, 1)]
    assert totals("1") == (1500, 0, 1500, 2)
    assert (pool("A"), pool("B")) == ((5, 0, 0), (5, 2, 0))
    assert fulfillments("1") == [("sh", "allocated", {"B": 2})]


def test_an_edit_that_the_pool_cannot_serve_leaves_the_order_as_it_was():
    put("sh", A=5)
    take(paid("1", goods("A", 3)), paid("2", goods("A", 1)))
    route_all()
    before = (lines("1"), totals("1"), fulfillments("1"), pool("A"))

    refused = edit("1", LineEdit(1, 5))

    assert (refused.state, refused.code) == ("refused", "edit.stock")
    assert (lines("1"), totals("1"), fulfillments("1"), pool("A")) == before
    assert (told("1", "edited"), open_holds()) == ([], set())


def test_an_order_that_waits_for_goods_may_be_made_smaller_until_it_is_served():
    put("sh", A=2)
    take(paid("1", goods("A", 3)))
    assert open_holds() == {("1", "out_of_stock")}

    edit("1", LineEdit(1, 2))

    assert (fulfillments("1"), open_holds()) == ([("sh", "allocated", {"A": 2})], set())


def test_a_checkout_that_is_edited_holds_its_goods_until_the_same_time():
    put("sh", A=5)
    token = open_cart("mall", [CartLineSpec("A", 3, 100)], None, now=NOW)
    made = checkout(token, None, ShipTo(), **BY)

    assert edit(made.number, LineEdit(1, 2)).state == "done"

    assert fetch_all("SELECT qty, expires_at FROM inventory_reservation WHERE state = 'held'") == [(2, made.hold_until)]
    assert (pool("A"), fulfillments(made.number)) == ((5, 0, 2), [])
    assert edit(made.number, LineEdit(1, 9)).code == "edit.stock"
    assert pool("A") == (5, 0, 2)


def test_a_held_order_is_promised_but_not_routed_after_an_edit():
    put("sh", A=5)
    take(paid("1", goods("A", 3)))
    hold(order_ids(["1"]), "manual", "", **BY)

    edit("1", LineEdit(1, 2))

    assert (fulfillments("1"), pool("A")) == ([], (5, 0, 2))


def test_discount_shares_follow_their_line():
    put("sh", A=5)
    take(paid("1", goods("A", 3, 900), discounts=[DiscountDoc("shop", 100, 0, "C1")]))

    edit("1", LineEdit(1, 1))

    assert fetch_all("SELECT amount_minor FROM orders_discount") == [(33,)]


def test_a_new_address_is_sealed_located_and_ends_the_hold_for_the_old_one():
    from tongpan.orders.actions import review_orders

    put("sh", A=5)
    take(paid("1", ship_to=ShipTo("浙江省", "宁波市", 29.87, 121.54, "张三", "", "中山路1号")))
    review_orders(order_ids(["1"]), now=NOW)
    assert open_holds() == {("1", "address")}

    edit("1", address=AddressEdit(phone="13812345678", province="北京市", city="北京市"))

    sealed, province, latitude = fetch_all("SELECT recipient_sealed, ship_province, ship_latitude FROM orders_order")[0]
    assert json.loads(open_sealed(sealed)) == ["张三", "13812345678", "中山路1号"]
    assert (province, round(latitude)) == ("北京市", 40)
    assert open_holds() == set()
    assert fulfillments("1") == [("sh", "allocated", {"A": 1})]
    assert "138" not in str(told("1", "edited"))


def test_a_promise_is_changed_without_touching_the_goods():
    put("sh", A=5)
    take(paid("1"))
    route_all()
    before = (fulfillments("1"), pool("A"))

    edit("1", promised_at=NOW + DAY)

    assert (fulfillments("1"), pool("A")) == before
    assert fetch_all("SELECT promised_at FROM fulfillment_fulfillment") == [(NOW + DAY,)]
    assert fetch_all("SELECT promised_at FROM orders_order") == [(NOW + DAY,)]


def test_what_has_left_or_was_changed_meanwhile_is_not_edited():
    put("sh", A=5)
    take(paid("1"), shipped("2"))

    assert edit("2", LineEdit(1, 1)).code == "order.gone"
    assert edit("1", LineEdit(1, 1), revision=7).code == "order.revision"
    with pytest.raises(Refusal) as refused:
        edit("1", added=[LineAdded("no such", 1, 1)])
    assert refused.value.code == "edit.sku"
    assert told("1", "edited") == []


def test_later_copies_of_the_channel_do_not_undo_an_edit_but_bring_their_news():
    put("sh", A=9, B=9)
    first = paid("1", goods("A", 3, 900), ship_to=PLACE, promised_at=NOW, version=NOW - DAY)
    take(first)
    edit("1", LineEdit(1, 1), address=AddressEdit(city="杭州市"), promised_at=NOW + DAY)

    again = take(paid("1", goods("A", 3, 900), ship_to=PLACE, promised_at=NOW, version=NOW, refunded_minor=600))

    assert states(again) == ["updated"]
    assert (lines("1"), totals("1")) == ([(1, "A", 1, 300, 1)], (300, 0, 300, 1))
    assert fetch_all("SELECT refunded_minor, ship_city, promised_at FROM orders_order") == [(600, "杭州市", NOW + DAY)]
    assert fetch_all("SELECT revision FROM orders_order") == [(3,)]

    # a line that the channel adds is added, after our own
    more = take(paid("1", goods("A", 3, 900), goods("B", 1, 200), ship_to=PLACE, version=NOW + timedelta(minutes=1)))
    assert states(more) == ["updated"]
    assert lines("1") == [(1, "A", 1, 300, 1), (2, "B", 1, 200, 1)]
    assert totals("1") == (500, 0, 500, 2)
    # and the same copy once more is known
    same = paid("1", goods("A", 3, 900), goods("B", 1, 200), ship_to=PLACE, version=NOW + timedelta(minutes=2))
    assert states(take(same)) == ["updated"]
    assert len(lines("1")) == 2
    assert states(take(first)) == ["stale"]
    assert reconcile_orders()[1] == []


# splits


def split(number, *parts):
    return split_order(order_ids([number])[0], None, parts, **BY)


def test_a_part_that_is_there_does_not_wait_for_one_that_is_not():
    put("sh", A=2)
    take(paid("1", goods("A", 2, 700), goods("B", 1, 301), charge("POST", 99)))
    assert open_holds() == {("1", "out_of_stock")}
    before = totals("1")

    split("1", {2: 1})

    assert fulfillments("1") == [("sh", "allocated", {"A": 2})]
    assert open_holds() == {("1", "out_of_stock")}
    assert (totals("1"), lines("1")[1]) == (before, (2, "B", 1, 301, 2))

    put("hz", "later", B=1)
    assert retry_all("B") == 1
    assert fulfillments("1") == [("sh", "allocated", {"A": 2}), ("hz", "allocated", {"B": 1})]
    assert (open_holds(), pool("A"), pool("B")) == (set(), (2, 2, 0), (1, 1, 0))


def test_a_line_is_divided_with_its_money_exact_and_each_part_is_a_parcel():
    put("sh", A=5)
    take(paid("1", goods("A", 3, 1000), discounts=[DiscountDoc("platform", 100, 0)]))
    route_all()
    before = totals("1")

    split("1", {1: 1})

    assert lines("1") == [(1, "A", 2, 667, 1), (2, "A", 1, 333, 2)]
    assert totals("1") == before
    assert fetch_all("SELECT sum(amount_minor)::int, count(*) FROM orders_discount") == [(100, 2)]
    assert [(n, u) for n, s, u in fulfillments("1") if s == "allocated"] == [("sh", {"A": 2}), ("sh", {"A": 1})]
    assert pool("A") == (5, 3, 0)

    # the order has left when both parts have
    ids = [i for (i,) in fetch_all("SELECT id FROM fulfillment_fulfillment WHERE status = 'allocated' ORDER BY id")]
    dispatch(ids[:1], at=NOW, actor=ACTOR)
    assert statuses() == {"1": "paid"}
    dispatch(ids[1:], at=NOW, actor=ACTOR)
    assert statuses() == {"1": "dispatched"}


def test_a_copy_of_the_channel_does_not_join_a_split_order():
    put("sh", A=5)
    take(paid("1", goods("A", 3, 1000), version=NOW - DAY))
    split("1", {1: 1})

    assert states(take(paid("1", goods("A", 3, 1000), version=NOW, refunded_minor=5))) == ["updated"]

    assert lines("1") == [(1, "A", 2, 667, 1), (2, "A", 1, 333, 2)]
    assert totals("1") == (1000, 0, 1000, 3)


def test_a_split_order_is_joined_again():
    put("sh", A=5)
    take(paid("1", goods("A", 3, 1000)))
    split("1", {1: 1})

    assert join_order(order_ids(["1"])[0], None, **BY).state == "done"

    assert [(n, u) for n, s, u in fulfillments("1") if s == "allocated"] == [("sh", {"A": 3})]
    assert (totals("1"), pool("A")) == ((1000, 0, 1000, 3), (5, 3, 0))
    with pytest.raises(Refusal) as refused:
        join_order(order_ids(["1"])[0], None, **BY)
    assert refused.value.code == "split.whole"


# merges


def merge(*numbers):
    return merge_orders([(i, None) for i in order_ids(numbers)], **BY)


def two_of_one_buyer(**more):
    put("sh", A=1, B=5)
    put("hz", A=5, B=1)
    take(
        paid("1", goods("A", 2, 700), buyer=BUYER, ship_to=PLACE),
        paid("2", goods("B", 3, 301), buyer=BUYER, ship_to=PLACE, **more),
    )
    route_all()


def test_merged_orders_are_shipped_as_one_and_stay_two():
    put("sh", A=5)
    put("hz", B=5)
    put("bj", "all", A=5, B=5)
    take(
        paid("1", goods("A", 2, 700), buyer=BUYER, ship_to=PLACE),
        paid("2", goods("B", 3, 301), buyer=BUYER, ship_to=PLACE),
    )
    route_all()
    assert {node for n in ("1", "2") for node, _, _ in fulfillments(n)} == {"sh", "hz"}
    before = (totals("1"), totals("2"))

    merge_id, outcomes = merge("1", "2")

    assert [o.state for o in outcomes] == ["done", "done"]
    assert [f for n in ("1", "2") for f in fulfillments(n) if f[1] == "allocated"] == [
        ("bj", "allocated", {"A": 2}),
        ("bj", "allocated", {"B": 3}),
    ]
    assert (totals("1"), totals("2")) == before
    assert (pool("A"), pool("B")) == ((10, 2, 0), (10, 3, 0))
    assert told("1", "merged") == [{"merge": merge_id, "orders": ["1", "2"]}]

    # one parcel: what goes along leaves along
    one = fetch_all("SELECT min(id) FROM fulfillment_fulfillment WHERE status = 'allocated'")[0][0]
    assert len(dispatch([one], at=NOW, actor=ACTOR)) == 2
    assert statuses() == {"1": "dispatched", "2": "dispatched"}


def test_a_merge_is_undone_before_the_parcel_leaves():
    two_of_one_buyer()
    merge_id, _ = merge("1", "2")
    stock = (pool("A"), pool("B"))

    assert [o.state for o in unmerge_orders(merge_id, **BY)] == ["done", "done"]

    assert fetch_all("SELECT count(*) FROM orders_order WHERE merge_id IS NOT NULL") == [(0,)]
    assert fetch_all("SELECT undone_by FROM orders_merge") == [("user:li",)]
    assert (pool("A"), pool("B")) == stock
    assert [f[0] for n in ("1", "2") for f in fulfillments(n) if f[1] == "allocated"] == ["hz", "sh"]
    with pytest.raises(Refusal):
        unmerge_orders(merge_id, **BY)


def test_a_merge_whose_parcel_has_left_stays():
    two_of_one_buyer()
    merge_id, _ = merge("1", "2")
    dispatch([i for (i,) in fetch_all("SELECT id FROM fulfillment_fulfillment")], at=NOW, actor=ACTOR)

    assert {o.code for o in unmerge_orders(merge_id, **BY)} == {"order.gone"}


def test_merged_orders_wait_for_one_another():
    two_of_one_buyer()
    merge("1", "2")
    hold(order_ids(["2"]), "manual", "", **BY)
    edit("1", LineEdit(1, 1))

    assert [f for f in fulfillments("1") if f[1] == "allocated"] == []

    release_hold(order_ids(["2"]), "manual", "", **BY)
    route_all()
    assert [u for _, s, u in fulfillments("1") if s == "allocated"] == [{"A": 1}]


@pytest.mark.parametrize(
    ("other", "code"),
    [
        ({"buyer": BuyerDoc("buyer", "tm", "b2")}, "merge.buyer"),
        ({"buyer": None}, "merge.buyer"),
        ({"ship_to": ShipTo("浙江省", "宁波市", 29.87, 121.54, "李四", "13812345678", "中山路1号")}, "merge.address"),
        ({"ship_to": ShipTo("浙江省", "宁波市", 29.87, 121.54, "张三", "13812345678", "中山路2号")}, "merge.address"),
        ({"shop_code": "tm2"}, "merge.shop"),
        ({"placed_at": NOW - 9 * DAY}, "merge.window"),
        ({"paid_at": None}, "merge.unpaid"),
    ],
)
def test_only_orders_of_one_buyer_and_address_are_merged(other, code):
    put("sh", A=9)
    given = {"buyer": BUYER, "ship_to": PLACE} | other
    take(paid("1", buyer=BUYER, ship_to=PLACE), paid("2", **given))

    with pytest.raises(Refusal) as refused:
        merge("1", "2")

    assert refused.value.code == code
    assert fetch_all("SELECT count(*) FROM orders_merge") == [(0,)]


def test_an_address_that_is_written_otherwise_is_the_same():
    put("sh", A=9)
    same = ShipTo("浙江省", "宁波市", 29.87, 121.54, " 张三", "+86 138-1234-5678", "中山路 1号")
    take(paid("1", buyer=BUYER, ship_to=PLACE), paid("2", buyer=BUYER, ship_to=same))

    assert merge("1", "2")[0] is not None


def test_all_are_merged_or_none():
    put("sh", A=9)
    take(paid("1", buyer=BUYER, ship_to=PLACE), shipped("2", buyer=BUYER, ship_to=PLACE))

    merge_id, outcomes = merge("1", "2")

    assert (merge_id, [o.code for o in outcomes]) == (None, ["merge.others", "order.gone"])
