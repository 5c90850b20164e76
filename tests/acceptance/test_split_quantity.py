"""Acceptance case "Split quantity": stock 6 + 20 and an order of 10 never becomes 16 units."""

import pytest
from tests.support.company import HANGZHOU, fulfillments, goods, levels, paid, pool, put
from tests.support.following import route_all
from tests.support.intake import take

from tongpan.inventory.queries import reconcile
from tongpan.orders.engine import ShipTo

pytestmark = pytest.mark.usefixtures("company")
HERE = ShipTo("浙江省", "杭州市", *HANGZHOU)


@pytest.mark.parametrize(
    "_case, near, far, expected",
    [
        ("the far node has all", 6, 20, {"sh": 10}),
        ("the near node has all", 20, 6, {"hz": 10}),
        ("neither has all", 6, 6, {"hz": 6, "sh": 4}),
        ("both are needed whole", 4, 6, {"hz": 4, "sh": 6}),
    ],
)
def test_an_order_of_ten_takes_ten(_case, near, far, expected):
    put("hz", A=near)
    put("sh", A=far)
    take(paid("1", goods("A", 10), ship_to=HERE))

    assert route_all() == {"1": "routed"}

    assert {node: units["A"] for node, _, units in fulfillments("1")} == expected
    assert pool("A") == (near + far, 10, 0)
    assert {node: allocated for node, (_, allocated) in levels("A").items() if allocated} == expected
    assert reconcile().differences == []


def test_an_order_of_ten_takes_nothing_of_nine():
    put("hz", A=6)
    put("sh", A=3)
    take(paid("1", goods("A", 10), ship_to=HERE))

    assert route_all() == {"1": "unfillable"}

    assert (fulfillments("1"), pool("A")) == ([], (9, 0, 0))
