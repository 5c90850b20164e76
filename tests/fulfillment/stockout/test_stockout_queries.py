"""The ways out of a stock-out for real orders and for goods that somebody asks for."""

import pytest
from tests.support.company import (
    ACTOR,
    BEIJING,
    DAY,
    HANGZHOU,
    NOW,
    goods,
    open_holds,
    order_ids,
    paid,
    put,
)
from tests.support.intake import take

from tongpan.core.errors import Refusal
from tongpan.core.stored import store
from tongpan.fulfillment.actions import route
from tongpan.fulfillment.stockout.queries import ways_out_for, ways_out_of_order
from tongpan.inventory.actions import create_transfers, make_ready, send
from tongpan.inventory.engine.transfers import Sending, TransferDoc, Wanted
from tongpan.network.actions import save_nodes, set_services
from tongpan.network.engine import NodeSpec
from tongpan.orders.engine import ShipTo

IN_HANGZHOU = ShipTo("浙江", "杭州", *HANGZHOU)


@pytest.fixture(autouse=True)
def stores(company):
    """A store in Hangzhou and one in Beijing, which ship for no shop."""
    save_nodes(
        [
            NodeSpec("st-hz", "store", "Lakeside", latitude=HANGZHOU[0] + 0.01, longitude=HANGZHOU[1]),
            NodeSpec("st-bj", "store", "Ring Road", latitude=BEIJING[0], longitude=BEIJING[1]),
        ],
        actor=ACTOR,
        now=NOW,
    )


def stuck(number="1", qty=2):
    """A paid order whose goods no node of its shop has."""
    take(paid(number, goods("A", qty), ship_to=IN_HANGZHOU))
    (order_id,) = order_ids([number])
    route([order_id], actor=ACTOR, now=NOW)
    return order_id


def plain(ways):
    return [(o.strategy, o.is_open, o.why, o.node and o.node.code, o.to and o.to.code) for o in ways.options]


def test_an_order_without_goods_online_is_sent_to_the_nearest_store():
    put("st-hz", "s1", A=5)
    put("st-bj", "s2", A=5)
    order_id = stuck()

    ways = ways_out_of_order(order_id)

    assert open_holds() == {("1", "out_of_stock")}
    assert plain(ways) == [
        ("nearest_store", True, "", "st-hz", None),
        ("transfer", True, "", "st-hz", "hz"),
        ("reservation", True, "", None, None),
        ("urgent", True, "", None, "hz"),
    ]
    assert ways.recommended.node.name == "Lakeside"
    assert round(ways.recommended.km, 1) == 1.1
    assert list(ways.short.values()) == [2]


def test_a_store_with_too_few_is_not_offered():
    put("st-hz", "s1", A=1)
    put("st-bj", "s2", A=5)

    ways = ways_out_of_order(stuck())

    assert plain(ways)[:2] == [
        ("nearest_store", False, "too_far", "st-bj", None),
        ("transfer", True, "", "st-bj", "hz"),
    ]
    assert ways.recommended.strategy == "transfer"


def test_units_promised_to_other_orders_are_offered_to_nobody():
    put("st-hz", "s1", A=3)
    order_id = stuck()
    take(paid("2", goods("A", 2)))  # promised two of the three by the pool, not routed yet

    assert plain(ways_out_of_order(order_id))[:2] == [
        ("nearest_store", False, "no_store", None, None),
        ("transfer", False, "no_stock", None, "hz"),
    ]


def test_the_channel_chooses_the_order_of_the_ways():
    put("st-hz", "s1", A=5)
    store("stockout.strategy_order", {"channels": {"tmall": {"order": ["urgent", "transfer"]}}})

    assert [way[0] for way in plain(ways_out_of_order(stuck()))] == ["urgent", "transfer"]


def test_an_order_that_needs_nothing_has_no_ways():
    put("sh", A=5)
    order_id = stuck()

    ways = ways_out_of_order(order_id)

    assert (ways.needs, ways.short, ways.options, ways.recommended) == ({}, {}, [], None)


def test_a_shop_front_asks_before_there_is_an_order():
    put("st-hz", "s1", A=5)
    put("sh", "s2", B=1)

    ways = ways_out_for("tm", {"A": 1}, province="浙江", city="杭州")

    assert plain(ways)[0] == ("nearest_store", True, "", "st-hz", None)
    assert ways_out_for("tm", {"B": 1}).short == {}
    assert plain(ways_out_for("tm", {"A": 1}))[0] == ("nearest_store", False, "no_place", None, None)


@pytest.mark.parametrize(
    ("shop", "wanted", "code"),
    [
        ("nowhere", {"A": 1}, "shop.unknown"),
        ("tm", {"Z": 1}, "sku.unknown"),
        ("tm", {"A": 0}, "stockout.qty"),
        ("tm", {}, "stockout.qty"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused(shop, wanted, code):
    put("sh", A=1)

    with pytest.raises(Refusal) as refused:
        ways_out_for(shop, wanted)

    assert refused.value.code == code
    assert str(refused.value)


def test_an_unknown_order_is_refused():
    with pytest.raises(Refusal) as refused:
        ways_out_of_order(1 << 40)

    assert refused.value.code == "order.unknown"


def test_goods_on_their_way_say_when_a_waiting_order_is_served():
    put("bj", "b1", A=9)
    order_id = stuck_without("hz")
    due = NOW + 3 * DAY
    [made] = create_transfers(
        [TransferDoc("t", "1", "bj", "hz", [Wanted("A", 2)], expected_at=due)], actor=ACTOR, now=NOW
    )
    make_ready([made.transfer_id], actor=ACTOR, now=NOW)
    send([Sending(made.transfer_id)], actor=ACTOR, now=NOW)

    ways = {way.strategy: way for way in ways_out_of_order(order_id).options}

    assert ways["reservation"].due == due


def stuck_without(node):
    """A paid order of a shop that ``node`` alone serves, which has none of its goods."""
    set_services("tm", [node], actor=ACTOR, now=NOW)
    return stuck()
