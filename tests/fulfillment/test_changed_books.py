"""After any mixture of edits, splits and merges the books agree."""

import pytest
from tests.support.company import NOW, goods, order_ids, paid, pool, put
from tests.support.following import route_all
from tests.support.intake import take

from tongpan.core.bulk import fetch_all
from tongpan.fulfillment.actions import edit_order, merge_orders, split_order, unmerge_orders
from tongpan.orders.editing import Edit, LineEdit
from tongpan.orders.engine import BuyerDoc, ShipTo
from tongpan.runtime.reconcile import reconcile

BY = {"actor": "user:li", "now": NOW}
PLACE = ShipTo("浙江省", "宁波市", 29.87, 121.54, "张三", "13812345678", "中山路1号")
BUYER = BuyerDoc("buyer", "tm", "b1")


@pytest.mark.usefixtures("live_company")
def test_the_books_agree_after_edits_splits_and_merges():
    put("sh", A=9, B=9)
    put("hz", A=9, B=9)
    take(
        paid("1", goods("A", 3, 1000), goods("B", 2, 501), buyer=BUYER, ship_to=PLACE),
        paid("2", goods("B", 1, 100), buyer=BUYER, ship_to=PLACE),
        paid("3", goods("A", 4, 999)),
    )
    route_all()
    one, three = order_ids(["1", "3"])
    merge_id, _ = merge_orders([(i, None) for i in order_ids(["1", "2"])], **BY)
    edit_order(three, None, Edit([LineEdit(1, 2)]), "", **BY)
    split_order(three, None, [{1: 1}], **BY)
    unmerge_orders(merge_id, **BY)
    edit_order(one, None, Edit([LineEdit(2, 0)]), "", **BY)
    assert fetch_all("SELECT external_id, total_minor FROM orders_order ORDER BY 1") == [
        ("1", 1000),
        ("2", 100),
        ("3", 500),
    ]

    assert reconcile()["clean"]
    assert (pool("A"), pool("B")) == ((18, 5, 0), (18, 1, 0))
