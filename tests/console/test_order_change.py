"""Changing, splitting and joining one order by its forms."""

from __future__ import annotations

import json

import pytest
from tests.console.conftest import NOW

from tongpan.access.vault import open_sealed
from tongpan.fulfillment.actions import merge_orders
from tongpan.fulfillment.models import Fulfillment
from tongpan.inventory.queries import reconcile
from tongpan.orders.models import Order, OrderEvent


def lines_of(number: str) -> list[tuple[str, int, int, int]]:
    rows = Order.objects.get(external_id=number).lines.filter(qty__gt=0, kind="goods").order_by("line_no")
    return [(line.sku.code, line.qty, line.amount_minor, line.part) for line in rows]


def given(number: str, **fields) -> dict[str, object]:
    """The form as it opens, with ``fields`` filled in."""
    order = Order.objects.get(external_id=number)
    units = {f"line_{line.line_no}": line.qty for line in order.lines.filter(kind="goods")}
    return {"revision": order.revision, "reason": "buyer asked", **units, **fields}


def test_another_quantity_changes_money_and_stock_and_nothing_else(company, sign_in):
    order_id = company.orders["T-1"]

    answer = sign_in().post(f"/orders/{order_id}/edit/", given("T-1", line_1=1))

    assert answer["Location"] == f"/orders/{order_id}/"
    assert lines_of("T-1") == [("BAG", 1, 10000, 1), ("CUP", 1, 3050, 1)]
    order = Order.objects.get(pk=order_id)
    assert (order.goods_minor, order.charges_minor, order.total_minor) == (13050, 1200, 14250)
    assert json.loads(open_sealed(order.recipient_sealed)) == ["王小明", "13800001234", "南京路1号"]
    assert OrderEvent.objects.filter(order_id=order_id, kind="edited").count() == 1
    assert reconcile().differences == []


def test_goods_are_added_and_an_address_corrected(company, sign_in):
    order_id = company.orders["T-1"]
    form = given("T-1", sku="CUP", sku_qty=1, sku_amount="20.00", phone="13911112222")

    sign_in().post(f"/orders/{order_id}/edit/", form)

    assert ("CUP", 1, 2000, 1) in lines_of("T-1")
    sealed = Order.objects.get(pk=order_id).recipient_sealed
    assert json.loads(open_sealed(sealed)) == ["王小明", "13911112222", "南京路1号"]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"line_1": 500}, 'role="alert"'),
        ({"sku": "CUP"}, "Goods are added with their SKU, their units and their amount."),
        ({"revision": 99}, "was changed meanwhile"),
        ({"reason": ""}, "This field is required."),
    ],
)
def test_an_edit_that_cannot_be_says_why_and_changes_nothing(company, sign_in, fields, said):
    order_id = company.orders["T-1"]
    before, parcels = lines_of("T-1"), list(Fulfillment.objects.order_by("id").values_list("id", "status"))

    page = sign_in().post(f"/orders/{order_id}/edit/", given("T-1", **fields)).content.decode()

    assert said in page
    assert lines_of("T-1") == before
    assert list(Fulfillment.objects.order_by("id").values_list("id", "status")) == parcels


def test_an_order_is_split_and_joined_again(company, sign_in):
    client = sign_in()
    order_id = company.orders["T-1"]

    client.post(f"/orders/{order_id}/split/", {"revision": given("T-1")["revision"], "line_1": 1, "line_2": 0})
    assert sorted(lines_of("T-1")) == [("BAG", 1, 10000, 1), ("BAG", 1, 10000, 2), ("CUP", 1, 3050, 1)]
    assert "Send it whole again" in client.get(f"/orders/{order_id}/").content.decode()

    client.post(f"/orders/{order_id}/join/")
    assert sorted(lines_of("T-1")) == [("BAG", 1, 10000, 1), ("BAG", 1, 10000, 1), ("CUP", 1, 3050, 1)]
    assert Order.objects.get(pk=order_id).total_minor == 24250
    assert reconcile().differences == []


def test_an_order_is_split_into_several_parts_at_once(company, sign_in):
    form = {"revision": given("T-1")["revision"], "parts": 2, "line_1": 1, "line_2": "", "line_1_2": 0, "line_2_2": 1}

    sign_in().post(f"/orders/{company.orders['T-1']}/split/", form)

    assert sorted(lines_of("T-1")) == [("BAG", 1, 10000, 1), ("BAG", 1, 10000, 2), ("CUP", 1, 3050, 3)]


def test_room_for_one_part_more_keeps_what_was_typed_and_splits_nothing(company, sign_in):
    form = {"revision": given("T-1")["revision"], "parts": 1, "line_1": 1, "more": 1}

    page = sign_in().post(f"/orders/{company.orders['T-1']}/split/", form).content.decode()

    assert 'name="line_1" value="1"' in page
    assert 'name="line_1_2"' in page
    assert {line[3] for line in lines_of("T-1")} == {1}


def test_orders_that_are_sent_together_go_apart_again(company, sign_in):
    pair = [company.orders["T-1"], company.orders["T-2"]]
    merge_orders([(order_id, None) for order_id in pair], actor="test", now=NOW)
    client = sign_in()
    assert "Send the orders apart again" in client.get(f"/orders/{pair[0]}/").content.decode()

    client.post(f"/orders/{pair[0]}/unmerge/")

    assert set(Order.objects.filter(pk__in=pair).values_list("merge_id", flat=True)) == {None}
    assert OrderEvent.objects.filter(order_id__in=pair, kind="unmerged").count() == 2
    assert reconcile().differences == []


def test_nothing_to_split_is_said(company, sign_in):
    order_id = company.orders["T-1"]

    page = sign_in().post(f"/orders/{order_id}/split/", {"revision": 1, "line_1": 0, "line_2": 0}).content.decode()

    assert 'class="form-error"' in page
    assert {line[3] for line in lines_of("T-1")} == {1}


@pytest.mark.parametrize("role", ["viewer", "store", "analyst"])
def test_who_may_not_change_orders_gets_no_form(company, sign_in, role):
    client = sign_in(role)
    order_id = company.orders["T-1"]

    for what in ("edit", "split"):
        assert client.get(f"/orders/{order_id}/{what}/").status_code == 403
    assert client.post(f"/orders/{order_id}/join/").status_code == 403
    assert "Change the order" not in client.get(f"/orders/{order_id}/").content.decode()


def test_an_order_that_has_left_offers_no_change(company, sign_in):
    assert "Change the order" not in sign_in().get(f"/orders/{company.orders['T-4']}/").content.decode()
