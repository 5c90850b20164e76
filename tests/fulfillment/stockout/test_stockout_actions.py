"""Taking a way out of a stock-out: what it does, and that nothing is done twice or half."""

import pytest
from tests.support.company import (
    ACTOR,
    BEIJING,
    HANGZHOU,
    NOW,
    fulfillments,
    goods,
    levels,
    open_holds,
    order_ids,
    paid,
    pool,
    put,
)
from tests.support.intake import take

from tongpan.core.errors import Refusal
from tongpan.core.stored import store
from tongpan.fulfillment.actions import route
from tongpan.fulfillment.actions.desk import make_ready
from tongpan.fulfillment.actions.handing import collect
from tongpan.fulfillment.models import Fulfillment
from tongpan.fulfillment.pickup.queries import code_for
from tongpan.fulfillment.stockout.actions import Taken, take_way_out
from tongpan.inventory.models import Replenishment, Transfer, TransferLine
from tongpan.network.actions import save_nodes
from tongpan.network.engine import NodeSpec
from tongpan.orders.engine import ShipTo
from tongpan.orders.models import Order, OrderNote, OrderTag

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


def stuck(*lines, number="1"):
    take(paid(number, *(lines or (goods("A", 2),)), ship_to=IN_HANGZHOU))
    (order_id,) = order_ids([number])
    route([order_id], actor=ACTOR, now=NOW)
    return order_id


def way(order_id, strategy):
    return take_way_out(order_id, strategy, actor="ann", now=NOW)


def notes():
    return list(OrderNote.objects.values_list("text", "actor"))


def test_the_nearest_store_gets_the_order_and_its_goods_are_allocated_there():
    put("st-hz", "s1", A=5)
    order_id = stuck()

    assert way(order_id, "nearest_store") == Taken("nearest_store", "done")

    assert levels("A") == {"st-hz": (5, 2)}
    assert open_holds() == set()
    assert len(fulfillments("1")) == 1
    assert notes() == [("Collection at Lakeside (st-hz).", "ann")]


def test_the_buyer_fetches_it_there_with_a_code():
    put("st-hz", "s1", A=5)
    order_id = stuck()
    way(order_id, "nearest_store")

    [parcel] = Fulfillment.objects.all()
    [made] = make_ready([parcel.pk], actor="ann", now=NOW)
    done = collect(code_for(parcel.pk), actor="ann", now=NOW)

    assert (made.status, done.status) == ("ready", "delivered")
    order = Order.objects.get(pk=order_id)
    assert (order.delivery_method, order.delivery_node, order.local_fields) == ("pickup", "st-hz", ["delivery"])
    assert levels("A") == {"st-hz": (3, 0)}


def test_a_store_that_sold_out_meanwhile_refuses_and_nothing_is_written():
    put("st-hz", "s1", A=2)
    order_id = stuck()
    put("st-hz", "gone", A=-1)

    with pytest.raises(Refusal) as refused:
        way(order_id, "nearest_store")

    assert refused.value.code == "stockout.closed"
    assert (levels("A"), notes(), open_holds()) == ({"st-hz": (1, 0)}, [], {("1", "out_of_stock")})


def test_a_transfer_brings_what_the_receiving_node_lacks():
    put("hz", "h1", A=1)
    put("st-bj", "s1", A=5)
    order_id = stuck(goods("A", 3))

    taken = way(order_id, "transfer")

    assert (taken.strategy, taken.state) == ("transfer", "done")
    lines = TransferLine.objects.values_list("transfer_id", "transfer__state", "sku__code", "qty")
    assert list(lines) == [(taken.transfer_id, "draft", "A", 2)]
    assert levels("A") == {"hz": (1, 0), "st-bj": (5, 0)}
    assert open_holds() == {("1", "out_of_stock")}


def test_the_same_transfer_is_not_made_twice():
    put("st-bj", "s1", A=5)
    order_id = stuck()
    first = way(order_id, "transfer")

    again = way(order_id, "transfer")

    assert again == Taken("transfer", "unchanged", first.transfer_id)
    assert Transfer.objects.count() == 1
    assert len(notes()) == 1


def test_a_buyer_who_waits_keeps_the_place_in_the_queue():
    order_id = stuck()

    assert way(order_id, "reservation") == Taken("reservation", "done")
    assert way(order_id, "reservation") == Taken("reservation", "unchanged")

    assert list(OrderTag.objects.values_list("order_id", "tag")) == [(order_id, "pre-order")]
    assert open_holds() == {("1", "out_of_stock")}
    assert pool("A") == (0, 0, 0)


def test_a_way_that_the_channel_does_not_use_is_refused():
    put("st-hz", "s1", A=5)
    store("stockout.strategy_order", {"default": {"order": ["transfer"]}})

    with pytest.raises(Refusal, match="the channel does not use it"):
        way(stuck(), "nearest_store")


def test_an_order_that_has_its_goods_needs_no_way_out():
    put("sh", A=5)

    with pytest.raises(Refusal) as refused:
        way(stuck(), "reservation")

    assert refused.value.code == "stockout.settled"
    assert notes() == []


def test_an_unknown_order_is_refused():
    with pytest.raises(Refusal) as refused:
        way(1 << 40, "transfer")

    assert refused.value.code == "order.unknown"


def test_an_urgent_replenishment_asks_for_what_is_lacking_once():
    put("hz", "h1", A=1)
    order_id = stuck(goods("A", 3))

    assert way(order_id, "urgent") == Taken("urgent", "done")
    assert way(order_id, "urgent") == Taken("urgent", "unchanged")

    asked = Replenishment.objects.values_list("node__code", "sku__code", "qty", "is_urgent", "reason")
    assert list(asked) == [("hz", "A", 2, True, "Order 1 waits for it.")]
    assert levels("A") == {"hz": (1, 0)}
    assert len(notes()) == 1
