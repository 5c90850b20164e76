"""Routing by policies that are data: drafts, versions, where they count, limits, rejections, and what comes after."""

from datetime import time, timedelta

import pytest
from django.db import IntegrityError, transaction
from tests.support.company import (
    ACTOR,
    DAY,
    HANGZHOU,
    NOW,
    fulfillments,
    goods,
    levels,
    open_holds,
    order_ids,
    paid,
    put,
)
from tests.support.following import decisions, retry_all, route_all
from tests.support.intake import take

from tongpan.core.bulk import execute, fetch_all
from tongpan.core.errors import Refusal
from tongpan.fulfillment.actions import reroute, route
from tongpan.fulfillment.actions.ending import cancel_waiting
from tongpan.fulfillment.actions.retry import retry_without_node
from tongpan.fulfillment.models import RoutingDecision
from tongpan.fulfillment.routing.actions import assign, discard_draft, publish, save_draft
from tongpan.fulfillment.routing.language import BadPolicy
from tongpan.fulfillment.routing.queries import differences, document_of, list_policies, scopes_now, versions_of
from tongpan.network.actions import save_nodes
from tongpan.network.engine import NodeRules, NodeSpec, Timetable
from tongpan.orders.engine import DeliveryDoc, ShipTo

pytestmark = pytest.mark.usefixtures("company")
BY = {"actor": ACTOR, "now": NOW}
TO_HANGZHOU = ShipTo("浙江省", "杭州市", *HANGZHOU)
CHEAP = {"rules": [{"name": "cheap", "rank": ["cost", "distance"]}]}


def policy(code, document, **scope):
    save_draft(code, document, **BY)
    publish(code, **BY)
    assign(code, **scope, **BY)


def rules_of(code, kind="sub_warehouse", hours=None, **rules):
    save_nodes([NodeSpec(code, kind, code, latitude=HANGZHOU[0], longitude=HANGZHOU[1],
                         rules=NodeRules(**rules), hours=hours)], **BY)  # fmt: skip


def node_id(code):
    return fetch_all("SELECT id FROM network_node WHERE code = %s", [code])[0][0]


def test_a_draft_counts_nowhere_until_it_is_published_and_assigned():
    put("sh", A=5)
    put("hz", A=5)
    rules_of("hz", base_cost_minor=900, cost_currency="CNY")
    rules_of("sh", "central", base_cost_minor=100, cost_currency="CNY")
    save_draft("cheap", CHEAP, name="Cheap", note="try", **BY)
    with pytest.raises(Refusal) as refused:
        assign("cheap", **BY)
    assert refused.value.code == "policy.unpublished"

    published = publish("cheap", **BY)
    take(paid("1", goods("A"), ship_to=TO_HANGZHOU))
    route_all("1")
    assign("cheap", channel="tmall", **BY)
    take(paid("2", goods("A"), ship_to=TO_HANGZHOU))
    route_all("2")

    assert (published.number, published.published_by, published.published_at) == (1, ACTOR, NOW)
    assert list(RoutingDecision.objects.order_by("id").values_list("policy", "policy_version", "rule")) == [
        ("nearest-then-fewest", 1, "nearest-with-all"), ("cheap", 1, "cheap"),
    ]  # fmt: skip
    assert scopes_now() == {"channel:tmall": "cheap"}


def test_the_policy_of_a_shop_goes_before_that_of_its_channel_and_can_be_given_back():
    put("hz", A=9)
    policy("one", {"rules": [{"name": "one"}]})
    policy("two", {"rules": [{"name": "two"}]}, channel="tmall")
    policy("three", {"rules": [{"name": "three"}]}, shop="tm")
    take(paid("a"), paid("b", shop_code="tm2"), paid("c", shop_code="mall"))
    route_all()
    assert [decisions(number)[0][2] for number in "abc"] == ["three", "two", "one"]

    assign("", shop="tm", **BY)
    assign("default-cn", **BY)
    take(paid("d"), paid("e", shop_code="mall", ship_to=TO_HANGZHOU))
    route_all("d", "e")

    assert [decisions(number)[0][2] for number in "de"] == ["two", "one-node-near"]


def test_a_published_version_is_never_changed():
    policy("p", CHEAP)
    first = versions_of("p")[0]
    second = save_draft("p", {"rules": [{"name": "other"}]}, **BY)
    save_draft("p", {"rules": [{"name": "third"}]}, note="why", **BY)

    assert second.number == 2
    assert [(v.number, v.status, v.note) for v in versions_of("p")] == [(2, "draft", "why"), (1, "published", "")]
    assert document_of("p", "published") == (1, CHEAP)
    assert [sign for sign, _ in differences(CHEAP, document_of("p", "draft")[1])].count("+") == 1
    for statement in ("UPDATE fulfillment_policyversion SET note = 'x'", "DELETE FROM fulfillment_policyversion"):
        with pytest.raises(IntegrityError, match="is published"), transaction.atomic():
            execute(f"{statement} WHERE id = %s", [first.pk])
    discard_draft("p", **BY)
    assert [v.number for v in versions_of("p")] == [1]
    assert [row.code for row in list_policies()][:2] == ["p", "nearest-then-fewest"]


@pytest.mark.parametrize(
    ("work", "code"),
    [
        (lambda: save_draft("default-cn", CHEAP, **BY), "policy.preset"),
        (lambda: save_draft("Ä b", CHEAP, **BY), "policy.code"),
        (lambda: publish("none", **BY), "policy.unknown"),
        (lambda: discard_draft("none", **BY), "policy.unknown"),
        (lambda: assign("none", **BY), "policy.unknown"),
        (lambda: assign("default-cn", shop="none", **BY), "shop.unknown"),
        (lambda: assign("default-cn", shop="tm", channel="tmall", **BY), "policy.scope"),
        (lambda: document_of("none", "published"), "policy.unknown"),
        (lambda: document_of("default-cn", 2), "policy.version"),
    ],
)
def test_what_cannot_be_done_is_refused(work, code):
    with pytest.raises(Refusal) as refused:
        work()

    assert refused.value.code == code


def test_a_document_with_problems_is_not_kept():
    with pytest.raises(BadPolicy):
        save_draft("p", {"rules": [{"name": "A"}]}, **BY)

    assert versions_of("p") == []


def test_a_node_gets_no_more_orders_of_a_day_than_its_limit_also_within_one_batch():
    put("sh", A=9)
    put("hz", A=9)
    rules_of("hz", order_limit=2, cut_off=time(12, 0))
    take(*(paid(str(n), ship_to=TO_HANGZHOU, placed_at=NOW - DAY + timedelta(minutes=n)) for n in range(4)))
    route_all("0")
    route_all()

    assert [fulfillments(str(n))[0][0] for n in range(4)] == ["hz", "hz", "sh", "sh"]
    row = RoutingDecision.objects.order_by("-id").first().explanation["candidates"][0]
    assert (row["why"], row["because"]) == ("order-limit", {"given": 2, "limit": 2})

    # 16:00 in Shanghai is after the cut-off: they count for the 19th; at noon of the 19th a new day begins.
    take(paid("5", ship_to=TO_HANGZHOU), paid("6", ship_to=TO_HANGZHOU))
    assert route(order_ids(["5"]), actor="routing", now=NOW + timedelta(hours=19, minutes=59))
    assert route(order_ids(["6"]), actor="routing", now=NOW + timedelta(hours=20))
    assert [fulfillments(number)[0][0] for number in "56"] == ["sh", "hz"]


def test_a_closed_node_is_passed_over_and_an_order_without_a_node_is_tried_again():
    put("hz", A=5)
    rules_of("hz", hours=Timetable(((3, time(9), time(18)),)))
    policy("open", {"rules": [{"name": "open-now", "nodes": {"open": "now"}}], "after": {"queue": "closed"}})
    take(paid("1", ship_to=TO_HANGZHOU))

    assert route_all() == {"1": "unfillable"}
    decision = RoutingDecision.objects.get()
    [row] = [r for r in decision.explanation["candidates"] if r["node"] == "hz"]
    assert (decision.rule, row["why"], row["because"]) == ("no-rule", "closed", {"until": "2026-11-19T01:00:00+00:00"})
    assert decision.explanation["queue"] == "closed"
    assert open_holds() == {("1", "no_node")}
    assert fetch_all("SELECT detail FROM orders_hold")[0][0].startswith("No rule of the routing policy")

    assert retry_without_node(actor="routing", now=NOW) == 0
    assert RoutingDecision.objects.count() == 1
    assert retry_without_node(actor="routing", now=NOW + DAY) == 1
    assert (fulfillments("1")[0][0], open_holds()) == ("hz", set())


def test_an_order_is_never_routed_again_to_a_node_that_refused_it():
    put("sh", A=5)
    put("hz", A=5)
    take(paid("1", goods("A", 2), ship_to=TO_HANGZHOU))
    route_all()
    [order_id] = order_ids(["1"])

    first = reroute([order_id], excluding={order_id: {node_id("hz")}}, reason="shop is full", **BY)
    assert (first, fulfillments("1")) == (
        {order_id: "routed"}, [("hz", "cancelled", {"A": 2}), ("sh", "allocated", {"A": 2})],
    )  # fmt: skip
    second = reroute([order_id], excluding={order_id: {node_id("sh")}}, **BY)

    assert second == {order_id: "unfillable"}
    assert decisions("1")[-1] == (3, "unfillable", "all-rejected")
    assert (levels("A"), open_holds()) == ({"hz": (5, 0), "sh": (5, 0)}, {("1", "no_node")})
    assert fetch_all("SELECT detail FROM orders_hold WHERE released_at IS NULL")[0][0].startswith("Every node that has")
    row = next(r for r in RoutingDecision.objects.latest("id").explanation["candidates"] if r["node"] == "hz")
    assert (row["why"], row["because"]) == ("rejected", {"reason": "shop is full"})
    # a third node that gets the goods takes it
    put("bj", A=5)
    assert retry_without_node(actor="routing", now=NOW) == 1
    assert fulfillments("1")[-1] == ("bj", "allocated", {"A": 2})


def test_goods_are_gathered_by_a_transfer_once_and_the_order_follows_them():
    put("sh", A=2)
    put("hz", A=3)
    policy("gather", {"rules": [{"name": "one"}, {"name": "gather", "transfer": {"max_wait_days": 3}}]})
    take(paid("1", goods("A", 5), ship_to=TO_HANGZHOU))

    assert route_all() == {"1": "unfillable"}
    assert route_all() == {"1": "unfillable"}
    [order_id] = order_ids(["1"])
    asked = fetch_all(
        """SELECT t.source, t.number, f.code, n.code, l.qty, t.expected_at FROM inventory_transfer t
           JOIN inventory_transferline l ON l.transfer_id = t.id
           JOIN network_node f ON f.id = t.from_node_id JOIN network_node n ON n.id = t.to_node_id"""
    )
    assert asked == [("routing", f"order-{order_id}-1-sh-hz", "sh", "hz", 2, NOW + 3 * DAY)]
    assert (decisions("1"), open_holds()) == ([(1, "unfillable", "gather")], {("1", "out_of_stock")})

    put("hz", "arrived", A=2)
    assert retry_all("A") == 1
    assert fulfillments("1") == [("hz", "allocated", {"A": 5})]


def test_an_order_that_waits_too_long_is_cancelled_unless_its_buyer_agreed_to_wait():
    policy("short", {"rules": [{"name": "one"}], "after": {"auto_cancel_days": 7}})
    policy("patient", {"rules": [{"name": "one"}], "after": {"backorder": True, "auto_cancel_days": 7}}, shop="tm2")
    take(paid("1"), paid("2", shop_code="tm2"))
    route_all()
    opened = fetch_all("SELECT max(opened_at) FROM orders_hold")[0][0]

    assert cancel_waiting(actor="routing", now=opened + timedelta(days=6)) == 0
    assert cancel_waiting(actor="routing", now=opened + timedelta(days=7)) == 1

    assert fetch_all("SELECT external_id, status FROM orders_order ORDER BY 1") == [("1", "cancelled"), ("2", "paid")]
    assert fetch_all("SELECT tag FROM orders_ordertag") == [("pre-order",)]


def test_orders_that_the_policy_leaves_out_wait_and_the_urgent_ones_go_first():
    put("hz", A=1)
    put("sh", A=5)
    policy(
        "urgent",
        {
            "batch": {"exclude": {"tag": "later"}, "priority": [{"tag": "vip"}], "sort": ["priority", "placed_at"]},
            "rules": [{"name": "one"}],
        },
    )
    to = {"ship_to": TO_HANGZHOU}
    take(paid("1", tags=["later"], **to), paid("2", placed_at=NOW - 2 * DAY, **to), paid("3", tags=["vip"], **to))

    assert route_all() == {"1": "unfillable", "2": "routed", "3": "routed"}
    assert [fulfillments(number)[0][0] for number in "23"] == ["sh", "hz"]
    assert decisions("1") == [(1, "unfillable", "batch")]


def test_a_pickup_is_routed_to_the_store_that_the_buyer_chose():
    put("hz", A=5)
    put("bj", A=5)
    take(paid("1", ship_to=TO_HANGZHOU, delivery=DeliveryDoc("pickup", "bj")))

    assert route_all() == {"1": "routed"}
    assert (fulfillments("1"), decisions("1")) == ([("bj", "allocated", {"A": 1})], [(1, "routed", "chosen-store")])


def test_an_address_without_a_known_city_is_placed_at_its_province_or_nowhere_and_flagged():
    put("hz", A=5)
    take(paid("1", ship_to=ShipTo("浙江省", "不存在的市", *HANGZHOU)), paid("2", ship_to=ShipTo("Nowhere", "Nothing")))

    assert route_all() == {"1": "routed", "2": "routed"}
    flags = {d.order.external_id: d.explanation.get("place") for d in RoutingDecision.objects.select_related("order")}
    assert flags["2"] == "unknown"
