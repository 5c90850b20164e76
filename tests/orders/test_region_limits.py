"""Orders of region-limited goods that go elsewhere wait for a person, with the reason."""

import pytest
from tests.support.company import ACTOR, NOW, goods, open_holds, order_ids, paid, put
from tests.support.intake import take

from tongpan.catalog.regions import limit_regions
from tongpan.core.bulk import fetch_all
from tongpan.orders.actions import review_orders
from tongpan.orders.engine import ShipTo

pytestmark = pytest.mark.usefixtures("company")
BY = {"actor": ACTOR, "now": NOW}
NINGBO = ShipTo("浙江省", "宁波市", 29.87, 121.54, "张三", "13812345678", "中山路1号")


def test_an_order_to_another_province_is_held_and_let_go_when_the_limit_falls():
    put("sh", A=5, B=5)
    limit_regions({"A": ["新疆"]}, **BY)
    take(paid("1", goods("B", 1, 500), goods("A", 1, 1000), ship_to=NINGBO))
    take(paid("2", goods("B", 1, 500), ship_to=NINGBO))

    review_orders(order_ids(["1", "2"]), now=NOW)

    assert open_holds() == {("1", "address")}
    assert fetch_all("SELECT detail FROM orders_hold WHERE reason = 'address'", []) == [
        ("Line 2: A is sold to 新疆维吾尔自治区 only, but the order goes to 浙江省.",)
    ]

    limit_regions({"A": ["新疆", "浙江"]}, **BY)
    review_orders(order_ids(["1", "2"]), now=NOW)

    assert open_holds() == set()


def test_an_order_within_the_provinces_goes_through():
    put("sh", A=5)
    limit_regions({"A": ["浙江"]}, **BY)
    take(paid("1", goods("A", 1, 1000), ship_to=NINGBO))

    review_orders(order_ids(["1"]), now=NOW)

    assert open_holds() == set()
