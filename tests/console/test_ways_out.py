"""The ways out of a stock-out on an order's page."""

import pytest
from tests.support.company import ACTOR, HANGZHOU, NOW, goods, levels, open_company, order_ids, paid, put
from tests.support.intake import take

from tongpan.fulfillment.actions import route
from tongpan.network.actions import save_nodes
from tongpan.network.engine import NodeSpec
from tongpan.orders.engine import ShipTo
from tongpan.orders.models import OrderNote


@pytest.fixture
def stuck(db):
    """The id of an order that no node of its shop can serve, and a store near the buyer that can."""
    open_company()
    spec = NodeSpec("st", "store", "Lakeside", latitude=HANGZHOU[0] + 0.01, longitude=HANGZHOU[1])
    save_nodes([spec], actor=ACTOR, now=NOW)
    put("st", A=5)
    take(paid("1", goods("A", 2), ship_to=ShipTo("浙江", "杭州", *HANGZHOU)))
    (order_id,) = order_ids(["1"])
    route([order_id], actor=ACTOR, now=NOW)
    return order_id


def test_the_order_page_asks_for_the_ways_of_an_order_without_goods(stuck, sign_in):
    page = sign_in().get(f"/orders/{stuck}/").content.decode()

    assert f'hx-get="/orders/{stuck}/ways-out/"' in page


def test_each_way_says_what_it_would_do(stuck, sign_in):
    page = sign_in().get(f"/orders/{stuck}/ways-out/").content.decode()

    assert "Lakeside has everything, 1 km from the buyer." in page
    assert page.count("Recommended") == 1
    assert page.index("Recommended") < page.index("Transfer")


def test_taking_a_way_does_it_and_says_so(stuck, sign_in):
    answer = sign_in().post(f"/orders/{stuck}/ways-out/", {"strategy": "nearest_store"}, follow=True)

    assert "Done; it is noted on the order." in answer.content.decode()
    assert levels("A") == {"st": (5, 2)}


def test_a_way_that_closed_meanwhile_says_why_and_does_nothing(stuck, sign_in):
    put("st", "gone", A=-4)

    answer = sign_in().post(f"/orders/{stuck}/ways-out/", {"strategy": "nearest_store"}, follow=True)

    assert "is not open to order 1" in answer.content.decode()
    assert levels("A") == {"st": (1, 0)}
    assert OrderNote.objects.count() == 0


def test_who_may_only_look_takes_no_way(stuck, sign_in):
    client = sign_in("viewer")

    assert "Take this way" not in client.get(f"/orders/{stuck}/ways-out/").content.decode()
    assert client.post(f"/orders/{stuck}/ways-out/", {"strategy": "nearest_store"}).status_code == 403
    assert levels("A") == {"st": (5, 0)}


@pytest.mark.parametrize(("path", "strategy"), [("999999", "transfer"), ("", "teleport")])
def test_what_there_is_not_is_not_found(stuck, sign_in, path, strategy):
    client = sign_in()

    assert client.post(f"/orders/{path or stuck}/ways-out/", {"strategy": strategy}).status_code == 404
