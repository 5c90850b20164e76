"""The work of a node: offered, accepted, picked, packed, ready; each step counts once and says who, where and when."""

from datetime import timedelta

import pytest
from tests.support.company import ACTOR, HOUR, NOW, fulfillments, goods, levels, open_holds, order_ids, paid, pool, put
from tests.support.following import events, route_all
from tests.support.intake import take

from tongpan.core.bulk import execute, fetch_all
from tongpan.core.errors import Refusal
from tongpan.fulfillment.actions.desk import accept, make_ready, pack, pick
from tongpan.fulfillment.actions.dispatch import dispatch
from tongpan.fulfillment.actions.offering import set_clocks
from tongpan.fulfillment.actions.refusing import expire_offers, reject
from tongpan.fulfillment.models import Fulfillment
from tongpan.fulfillment.queries import reconcile
from tongpan.inventory.models import CountSheet
from tongpan.network.actions import save_nodes
from tongpan.network.engine import NodeRules, NodeSpec
from tongpan.orders.engine import DeliveryDoc, ShipTo

pytestmark = pytest.mark.usefixtures("company")
BY = {"actor": "user:li", "now": NOW + HOUR}
NEAR = ShipTo("上海市", "上海市", 31.2, 121.4)


def asking(*codes, minutes=30):
    """Let these nodes be asked before they get an order."""
    kinds = {"sh": "central", "hz": "sub_warehouse", "bj": "sub_warehouse"}
    points = {"sh": (31.23, 121.47), "hz": (30.27, 120.15), "bj": (39.9, 116.4)}
    save_nodes(
        [
            NodeSpec(
                c, kinds[c], c, latitude=points[c][0], longitude=points[c][1], rules=NodeRules(accept_minutes=minutes)
            )
            for c in codes
        ],
        actor=ACTOR,
        now=NOW,
    )


def routed(number="1", **more):
    """The id of the newest fulfilment of a paid and routed order of two units of A."""
    take(paid(number, goods("A", 2), **({"ship_to": NEAR} | more)))
    route_all(number)
    return newest(number)


def newest(number="1"):
    return Fulfillment.objects.filter(order__external_id=number).latest("id").pk


def steps(fulfillment_id):
    return fetch_all(
        """SELECT e.kind, e.actor, n.code, e.at
           FROM fulfillment_fulfillmentevent e JOIN network_node n ON n.id = e.node_id
           WHERE e.fulfillment_id = %s ORDER BY e.id""",
        [fulfillment_id],
    )


def states(outcomes):
    return [(outcome.state, outcome.status, outcome.code) for outcome in outcomes]


def test_a_node_that_is_not_asked_has_the_order_at_once_with_its_clock():
    put("sh", A=5)

    found = Fulfillment.objects.get(pk=routed())

    assert (found.status, found.accept_by, found.offered_at) == ("allocated", None, None)
    assert found.due_at == found.order.placed_at + timedelta(hours=24)
    assert found.ready_by is None


def test_a_node_that_is_asked_gets_an_offer_and_takes_it_through_its_steps():
    put("sh", A=5)
    asking("sh", minutes=30)
    i = routed()

    offered = Fulfillment.objects.get(pk=i)
    assert (offered.status, offered.accept_by - offered.offered_at) == ("offered", timedelta(minutes=30))
    refused = pick([i], **BY)[0]
    assert (refused.code, "is offered and not accepted yet" in refused.reason) == ("fulfillment.status", True)
    assert states(accept([i], **BY)) == [("done", "accepted", "")]
    assert states(pick([i, i], **BY)) == [("done", "picking", "")] * 2
    assert states(pack([i], **BY)) == [("done", "packed", "")]
    # a step that was taken before changes nothing and writes nothing
    assert states(pick([i], **BY)) == [("unchanged", "packed", "")]
    assert steps(i) == [
        ("offered", "routing", "sh", NOW),
        ("accept", "user:li", "sh", NOW + HOUR),
        ("pick", "user:li", "sh", NOW + HOUR),
        ("pack", "user:li", "sh", NOW + HOUR),
    ]
    logged = ("fulfillment.offered", "fulfillment.accepted", "fulfillment.picked", "fulfillment.packed")
    assert [name for name, _ in events(*logged)] == list(logged)
    assert dispatch([i], at=NOW + 2 * HOUR, actor="x") == [i]
    assert fulfillments("1") == [("sh", "dispatched", {"A": 2})]
    assert levels("A")["sh"] == (3, 0)
    assert reconcile()[1] == []


def test_the_steps_are_append_only():
    put("sh", A=5)
    pick([routed()], **BY)

    with pytest.raises(Exception, match="append-only"):
        execute("UPDATE fulfillment_fulfillmentevent SET actor = 'nobody'", [])


def test_nobody_works_at_a_node_that_is_not_theirs_and_what_does_not_exist_is_named():
    put("sh", A=5)
    i = routed()
    elsewhere = fetch_all("SELECT id FROM network_node WHERE code = 'hz'")[0][0]

    one, two = pick([i, 999_999], nodes={elsewhere}, **BY)

    assert (one.code, "node sh" in one.reason) == ("fulfillment.elsewhere", True)
    assert (two.code, two.reason) == ("fulfillment.unknown", "There is no fulfilment 999999.")
    assert fulfillments("1") == [("sh", "allocated", {"A": 2})]


def test_an_order_that_the_office_holds_is_not_packed():
    put("sh", A=5)
    i = routed()
    execute(
        "INSERT INTO orders_hold (order_id, reason, detail, released_by) VALUES (%s, 'manual', '', '')",
        [order_ids(["1"])[0]],
    )

    assert states(pack([i], **BY)) == [("refused", "allocated", "fulfillment.held")]


def test_a_rejected_order_goes_to_the_next_node_and_its_goods_are_free_again():
    put("sh", A=5)
    put("hz", A=5)
    asking("sh", "hz")
    i = routed()

    assert states(reject([i], "no_capacity", "两个人请假", **BY)) == [("done", "rejected", "")]

    assert fulfillments("1") == [("sh", "rejected", {"A": 2}), ("hz", "offered", {"A": 2})]
    assert levels("A") == {"sh": (5, 0), "hz": (5, 2)}
    assert pool("A") == (10, 2, 0)
    (told,) = [payload for _, payload in events("fulfillment.rejected")]
    assert (told["reason"], told["note"]) == ("no_capacity", "两个人请假")
    assert states(reject([i], "no_capacity", **BY)) == [("unchanged", "rejected", "")]
    assert not CountSheet.objects.exists()
    assert reconcile()[1] == []


def test_when_all_nodes_reject_the_order_waits_and_is_not_offered_to_them_again():
    put("sh", A=5)
    put("hz", A=5)
    asking("sh", "hz")
    reject([routed()], "closed", **BY)
    reject([newest()], "closed", **BY)

    assert [status for _, status, _ in fulfillments("1")] == ["rejected", "rejected"]
    assert pool("A") == (10, 0, 0)
    assert {number for number, _ in open_holds()} == {"1"}
    route_all("1")
    assert len(fulfillments("1")) == 2


def test_goods_that_are_missing_are_proposed_to_be_counted():
    put("sh", A=5)
    put("hz", A=5)
    i = routed()

    reject([i], "stock_missing", **BY)

    sheet = CountSheet.objects.get()
    assert (sheet.number, sheet.node.code, sheet.state) == (f"reject-{i}", "sh", "open")
    assert [line.sku.code for line in sheet.lines.all()] == ["A"]
    assert fulfillments("1")[-1] == ("hz", "allocated", {"A": 2})


def test_only_one_part_is_rejected_and_the_other_stays_where_it_is():
    put("sh", A=1)
    put("hz", A=1)
    put("bj", A=3)
    take(paid("1", goods("A", 2), goods("B", 1), ship_to=NEAR))
    put("hz", name="more", B=1)
    route_all("1")
    before = fulfillments("1")
    first = Fulfillment.objects.filter(node__code=before[0][0]).first()

    reject([first.pk], "damaged", **BY)

    after = [(node, status) for node, status, _ in fulfillments("1")]
    assert (before[0][0], "rejected") in after
    assert reconcile()[1] == []
    assert pool("A") == (5, 2, 0)


@pytest.mark.parametrize(
    ("reason", "text", "code"), [("timeout", "", "reject.reason"), ("other", "x" * 501, "reject.note")]
)
def test_a_rejection_without_a_reason_of_ours_is_refused(reason, text, code):
    with pytest.raises(Refusal) as refused:
        reject([1], reason, text, **BY)

    assert refused.value.code == code


def test_an_offer_that_nobody_answers_goes_elsewhere_when_its_time_is_over():
    put("sh", A=5)
    put("hz", A=5)
    asking("sh", minutes=30)
    i = routed()

    assert expire_offers(NOW + timedelta(minutes=29)) == 0
    assert expire_offers(NOW + timedelta(minutes=30)) == 1
    assert expire_offers(NOW + timedelta(minutes=30)) == 0

    assert fulfillments("1") == [("sh", "rejected", {"A": 2}), ("hz", "allocated", {"A": 2})]
    assert Fulfillment.objects.get(pk=i).reject_reason == "timeout"


def test_an_offer_to_a_node_that_was_closed_meanwhile_is_taken_back_at_once():
    put("sh", A=5)
    put("hz", A=5)
    asking("sh", minutes=30)
    routed()
    execute("UPDATE network_node SET is_active = false WHERE code = 'sh'", [])

    assert expire_offers(NOW) == 1

    assert fulfillments("1")[-1] == ("hz", "allocated", {"A": 2})


def test_a_pickup_is_routed_to_its_store_alone_and_ready_in_two_hours_or_in_its_slot():
    put("sh", A=9)
    put("bj", A=9)
    slot = {"slot_start": NOW + 5 * HOUR, "slot_end": NOW + 6 * HOUR}
    one = Fulfillment.objects.get(pk=routed("1", delivery=DeliveryDoc("pickup", "bj")))
    two = Fulfillment.objects.get(pk=routed("2", delivery=DeliveryDoc("pickup", "bj", **slot)))

    assert (one.node.code, one.ready_by, one.due_at) == ("bj", one.order.placed_at + 2 * HOUR, None)
    assert two.ready_by == NOW + 5 * HOUR
    # the store says no: no other store is the one that the buyer chose
    reject([one.pk], "closed", **BY)
    assert fulfillments("1") == [("bj", "rejected", {"A": 2})]
    assert "1" in {number for number, _ in open_holds()}


def test_only_a_pickup_is_made_ready():
    put("sh", A=9)

    assert states(make_ready([routed()], **BY)) == [("refused", "allocated", "fulfillment.not_pickup")]


def test_clocks_are_settings():
    put("sh", A=9)
    set_clocks({"ship_hours": 48, "ship_clock": "dispatched"}, actor="test", now=NOW)

    found = Fulfillment.objects.get(pk=routed())

    assert found.due_at == found.order.placed_at + timedelta(hours=48)
