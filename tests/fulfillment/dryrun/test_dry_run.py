"""Trying a policy on past orders: both sides see the same orders and stock, nothing is booked, the result is kept."""

from datetime import date, timedelta

import pytest
from tests.support.company import ACTOR, BEIJING, DAY, HANGZHOU, NOW, SHANGHAI, goods, order, paid, put
from tests.support.following import route_all
from tests.support.intake import take

from tongpan.core.bulk import execute, fetch_all
from tongpan.core.errors import Refusal
from tongpan.fulfillment.dryrun.actions import ask_dry_run, run_dry
from tongpan.fulfillment.dryrun.engine import Ask, Shelf
from tongpan.fulfillment.dryrun.queries import changes_of, dry_run_by_id, dry_runs
from tongpan.fulfillment.routing.language import BadPolicy
from tongpan.network.actions import save_nodes
from tongpan.network.engine import NodeRules, NodeSpec
from tongpan.orders.engine import ShipTo

pytestmark = pytest.mark.usefixtures("company")
BY = {"actor": ACTOR, "now": NOW}
CHEAP = {"rules": [{"name": "cheap", "rank": ["cost", "distance"]}]}
DAYS = (date(2026, 11, 16), date(2026, 11, 19))
TO_HANGZHOU = ShipTo("浙江省", "杭州市", *HANGZHOU)


def costs():
    for code, kind, place, cost in (("sh", "central", SHANGHAI, 500), ("hz", "sub_warehouse", HANGZHOU, 900),
                                    ("bj", "sub_warehouse", BEIJING, 100)):  # fmt: skip
        rules = NodeRules(base_cost_minor=cost, cost_currency="CNY")
        save_nodes([NodeSpec(code, kind, code, latitude=place[0], longitude=place[1], rules=rules)], **BY)


def tried(document=CHEAP, stock="now", **more):
    run = ask_dry_run(Ask("cheap", 0, document, *DAYS, stock, **more), is_queued=False, **BY)
    return run_dry(run.pk)


def figures(run, *names):
    return [[run.result[side][name] for name in names] for side in ("before", "after")]


def test_cost_distance_parcels_and_on_time_share_are_compared_and_nothing_is_booked():
    costs()
    for node in ("sh", "hz", "bj"):
        put(node, A=50)
    take(*(paid(str(n), ship_to=TO_HANGZHOU, placed_at=NOW - DAY) for n in range(3)), order("unpaid"))
    take(paid("far", ship_to=ShipTo("北京市", "北京市", *BEIJING), placed_at=NOW - DAY))
    route_all("0")
    before = fetch_all("SELECT count(*), sum(on_hand_delta), sum(allocated_delta) FROM inventory_movement")
    seen = []

    run = ask_dry_run(Ask("cheap", 0, CHEAP, *DAYS), is_queued=False, **BY)
    run = run_dry(run.pk, progress=lambda done, total: seen.append((done, total)))

    assert (run.done, run.total, seen, run.error) == (4, 4, [(4, 4)], "")
    assert figures(run, "orders", "routed", "parcels", "cost", "on_time", "judged") == [
        [4, 4, 4, 3 * 900 + 100, 4, 4], [4, 4, 4, 400, 1, 4],
    ]  # fmt: skip
    assert figures(run, "distance") == [[0], [3 * 11235]]
    assert (run.result["changed"], run.result["currency"]) == (3, "CNY")
    assert run.result["nodes"] == [{"node": "bj", "before": 1, "after": 4}, {"node": "hz", "before": 3, "after": 0}]
    changes = list(changes_of(run.pk))
    assert [(c.order.external_id, c.before_nodes, c.after_nodes, c.after_rule) for c in changes] == [
        (str(n), "hz", "bj", "cheap") for n in range(3)
    ]
    assert (changes[0].before_cost, changes[0].after_cost, changes[0].after_on_time) == (900, 100, False)
    assert fetch_all("SELECT count(*), sum(on_hand_delta), sum(allocated_delta) FROM inventory_movement") == before
    assert fetch_all("SELECT count(*) FROM fulfillment_routingdecision") == [(1,)]
    # a run that is over stays as it is, and is found again
    assert run_dry(run.pk).finished_at == run.finished_at
    assert [one.pk for one in dry_runs("cheap")] == [run.pk]


def test_every_day_begins_with_the_stock_of_now():
    put("hz", A=1)
    put("sh", A=9)
    take(*(paid(f"d{n}", ship_to=TO_HANGZHOU, placed_at=NOW - timedelta(days=n % 2, minutes=n)) for n in range(4)))

    run = tried({"rules": [{"name": "far", "rank": ["distance desc"]}]})

    assert run.result["nodes"] == [{"node": "hz", "before": 2, "after": 0}, {"node": "sh", "before": 2, "after": 4}]


def test_stock_without_end_serves_every_order_from_a_node_that_ever_kept_the_goods():
    put("bj", A=1)
    take(*(paid(f"u{n}", goods("A", 50), ship_to=TO_HANGZHOU) for n in range(2)))

    assert figures(tried(), "routed") == [[0], [0]]
    assert figures(tried(stock="unlimited"), "routed") == [[2], [2]]


def test_stock_as_recorded_is_that_of_the_beginning_and_what_came_since():
    put("hz", A=2)  # two days ago: within the period, before the orders
    take(*(paid(f"r{n}", ship_to=TO_HANGZHOU, placed_at=NOW - DAY + timedelta(minutes=n)) for n in range(3)))
    route_all()

    run = tried({"rules": [{"name": "one"}]}, stock="recorded")

    assert figures(run, "orders", "routed") == [[3, 2], [3, 2]]
    assert run.result["changed"] == 0


def test_two_runs_of_the_same_agree():
    costs()
    put("sh", A=5, B=5)
    put("bj", A=9, B=1)
    take(*(paid(f"t{n}", goods("A", 1 + n % 3), goods("B"), ship_to=TO_HANGZHOU) for n in range(6)))

    assert tried().result == tried().result


def test_a_batch_is_measured_against_its_optimum_by_distance_and_by_cost():
    costs()
    put("hz", A=1)
    put("sh", A=1)
    put("bj", A=1)
    # The first one could come from anywhere and takes what is nearest; the second would have needed that more.
    take(
        paid("a", ship_to=ShipTo("上海市", "上海市", 30.8, 120.8), placed_at=NOW - DAY),
        paid("b", ship_to=TO_HANGZHOU, placed_at=NOW - DAY + timedelta(minutes=1)),
    )

    run = tried({"rules": [{"name": "near"}]})

    gap = run.result["gap"]
    by_distance, by_cost = gap["by"]
    assert (gap["orders"], by_distance["by"], by_cost["by"]) == (2, "distance", "cost")
    for one in gap["by"]:
        assert one["is_proven"] and one["best"] == one["bound"] <= one["policy"]
        assert one["best"][:2] == one["policy"][:2] == [0, 2]
    assert by_cost["best"] == [0, 2, 100 + 500]
    assert by_cost["shares"][2] == round((by_cost["policy"][2] - 600) / 600, 6)
    # nothing that the measuring took is missing from the run
    assert run.result["after"]["routed"] == 2


def test_a_node_that_refused_an_order_refuses_it_again():
    put("hz", A=9)
    put("sh", A=9)
    take(paid("r", ship_to=TO_HANGZHOU, placed_at=NOW - DAY), paid("s", ship_to=TO_HANGZHOU, placed_at=NOW - DAY))
    route_all()
    execute(
        """INSERT INTO fulfillment_noderejection (order_id, node_id, reason, actor, at)
           SELECT o.id, n.id, 'broken', 'test', now() FROM orders_order o, network_node n
           WHERE o.external_id = 'r' AND n.code = 'hz'"""
    )

    run = tried({"rules": [{"name": "near"}]}, stock="unlimited")

    assert figures(run, "routed", "refusals") == [[2, 1], [2, 1]]
    assert run.result["nodes"] == [{"node": "hz", "before": 1, "after": 1}, {"node": "sh", "before": 1, "after": 1}]


def test_what_cannot_be_tried_is_refused():
    with pytest.raises(BadPolicy):
        ask_dry_run(Ask("p", 0, {"rules": []}, *DAYS), **BY)
    for ask, code in (
        (Ask("p", 0, CHEAP, DAYS[1], DAYS[0]), "dry_run.days"),
        (Ask("p", 0, CHEAP, DAYS[0], DAYS[0] + timedelta(days=367)), "dry_run.days"),
        (Ask("p", 0, CHEAP, *DAYS, "much"), "dry_run.stock"),
        (Ask("p", 0, CHEAP, *DAYS, channel="none"), "channel.unknown"),
    ):
        with pytest.raises(Refusal) as refused:
            ask_dry_run(ask, **BY)
        assert refused.value.code == code
    with pytest.raises(Refusal):
        dry_run_by_id(0)
    with pytest.raises(Refusal):
        run_dry(0)


def test_a_shelf_shares_what_is_not_touched():
    base = {1: {7: 5}, 2: {7: 5}}
    shelf = Shelf(base)

    shelf.move(1, 7, -9)
    shelf.move(3, 8, 2)

    assert (shelf, base) == ({1: {7: 0}, 2: {7: 5}, 3: {8: 2}}, {1: {7: 5}, 2: {7: 5}})
    assert shelf[2] is base[2]
