"""An order is known by its shop and its number there, and is stored with all it says."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction
from tests.support.company import ACTOR, DAY, HOUR, NOW, charge, goods, order
from tests.support.intake import states, take

from tongpan.access import vault
from tongpan.core.bulk import execute, fetch_all
from tongpan.orders.engine import BuyerDoc, OrderDoc, PaymentDoc, ShipTo
from tongpan.orders.models import Order, OrderEvent, OrderLine, Payment

pytestmark = pytest.mark.usefixtures("company")


def test_the_same_number_in_two_shops_is_two_orders():
    outcomes = take(order("1"), order("1", shop_code="tm2"), order("1", shop_code="mall"))

    assert states(outcomes) == ["accepted"] * 3
    assert len({outcome.document_id for outcome in outcomes}) == 3
    assert sorted(Order.objects.values_list("shop__code", "channel__code", "external_id")) == [
        ("mall", "own", "1"),
        ("tm", "tmall", "1"),
        ("tm2", "tmall", "1"),
    ]


def test_outcomes_stand_at_the_position_of_their_document():
    outcomes = take(order("b"), order("nowhere", shop_code="?"), order("a"))

    assert states(outcomes) == ["accepted", "refused", "accepted"]
    numbers = dict(Order.objects.values_list("id", "external_id"))
    assert [numbers.get(outcome.document_id) for outcome in outcomes] == ["b", None, "a"]


def test_an_order_is_stored_with_all_it_says():
    # given a document that says everything
    doc = OrderDoc(
        shop_code="tm",
        external_id="T-1",
        placed_at=NOW - 2 * DAY,
        currency="CNY",
        lines=[
            goods("A", 2, 3998, unit_price=Decimal("19.99"), line_key="L1", product_code="P", category="tea"),
            goods("B", 1, 500, wanted_node="hz"),
            charge("POST", 800),
            charge("COUPON", -1000),
        ],
        buyer=BuyerDoc("buyer", "tm", "u1", "张三", "浙江省", "杭州市"),
        ship_to=ShipTo("浙江省", "杭州市", 30.25, 120.125, "张三", "13800000000", "西湖区 1 号"),
        payments=[PaymentDoc(1, "alipay", 4298, NOW - 2 * DAY + HOUR)],
        version=NOW - HOUR,
        channel_status="已发货",
        paid_at=NOW - 2 * DAY + HOUR,
        dispatched_at=NOW - DAY,
        promised_at=NOW + DAY,
        paid_minor=4298,
        refunded_minor=5,
        is_simulated=True,
    )

    # when
    (outcome,) = take(doc)

    # then
    stored = Order.objects.values().get()
    sealed, digest = stored.pop("recipient_sealed"), stored.pop("digest")
    recorded_at, customer_id = stored.pop("recorded_at"), stored.pop("customer_id")
    shop_id, channel_id = Order.objects.values_list("shop_id", "shop__channel_id").get()
    assert stored == {
        "id": outcome.document_id,
        "shop_id": shop_id,
        "channel_id": channel_id,
        "external_id": "T-1",
        "version": NOW - HOUR,
        "superseded": b"",
        "status": "dispatched",
        "channel_status": "已发货",
        "business_date": date(2026, 11, 16),
        "placed_at": NOW - 2 * DAY,
        "paid_at": NOW - 2 * DAY + HOUR,
        "dispatched_at": NOW - DAY,
        "delivered_at": None,
        "completed_at": None,
        "cancelled_at": None,
        "promised_at": NOW + DAY,
        "currency": "CNY",
        "goods_minor": 4498,
        "charges_minor": -200,
        "total_minor": 4298,
        "paid_minor": 4298,
        "refunded_minor": 5,
        "units": 3,
        "ship_province": "浙江省",
        "ship_city": "杭州市",
        "ship_latitude": 30.25,
        "ship_longitude": 120.125,
        "buyer_note": "",
        "seller_note": "",
        "is_status_known": True,
        "hold_until": None,
        "invoice_sealed": b"",
        "raw_digest": None,
        "revision": 1,
        "local_fields": [],
        "merge_id": None,
        "delivery_method": "ship",
        "delivery_node": "",
        "slot_start": None,
        "slot_end": None,
        "contactless": False,
        "gift_wrap": "",
        "gift_card_sealed": b"",
        "delivery_fee_minor": None,
        "import_id": None,
        "is_simulated": True,
    }
    assert vault.open_sealed(sealed) == '["张三", "13800000000", "西湖区 1 号"]'
    assert (len(bytes(digest)), recorded_at is not None, customer_id is not None) == (16, True, True)
    assert list(
        OrderLine.objects.order_by("line_no").values_list(
            "line_no",
            "line_key",
            "kind",
            "sku__code",
            "charge_code",
            "qty",
            "unit_price",
            "amount_minor",
            "wanted_node",
        )
    ) == [
        (1, "L1", "goods", "A", "", 2, Decimal("19.99"), 3998, ""),
        (2, "", "goods", "B", "", 1, None, 500, "hz"),
        (3, "", "charge", None, "POST", 1, None, 800, ""),
        (4, "", "charge", None, "COUPON", 1, None, -1000, ""),
    ]
    assert list(Payment.objects.values_list("seq", "method", "amount_minor", "paid_at")) == [
        (1, "alipay", 4298, NOW - 2 * DAY + HOUR)
    ]
    assert list(OrderEvent.objects.order_by("at").values_list("kind", "at", "actor", "data")) == [
        ("placed", NOW - 2 * DAY, ACTOR, {}),
        ("paid", NOW - 2 * DAY + HOUR, ACTOR, {}),
        ("dispatched", NOW - DAY, ACTOR, {}),
    ]
    assert fetch_all("SELECT name, key, payload::text FROM core_event WHERE name LIKE 'order%%'") == [
        ("order.accepted", str(outcome.document_id), '{"day": "2026-11-16", "route": true}')
    ]
    assert fetch_all("SELECT s.code, p.code, c.code FROM catalog_sku s JOIN catalog_product p ON p.id = s.product_id "
                     "LEFT JOIN catalog_category c ON c.id = p.category_id ORDER BY 1") == [
        ("A", "P", "tea"), ("B", "B", None)]  # fmt: skip


def test_the_business_day_is_that_of_the_channel():
    take(order("late", placed_at=NOW.replace(hour=15, minute=59)), order("next", placed_at=NOW.replace(hour=16)))

    assert dict(Order.objects.values_list("external_id", "business_date")) == {
        "late": date(2026, 11, 18),
        "next": date(2026, 11, 19),
    }


def test_an_order_without_lines_has_the_total_that_it_says():
    take(order("report", lines=[], total_minor=12345))

    assert Order.objects.values_list("goods_minor", "charges_minor", "total_minor", "units").get() == (
        12345,
        0,
        12345,
        0,
    )
    assert not OrderLine.objects.exists()


def test_the_database_refuses_the_same_number_twice():
    take(order("1"))

    with pytest.raises(IntegrityError, match="order_once"), transaction.atomic():
        execute(
            """INSERT INTO orders_order (shop_id, channel_id, external_id, digest, superseded, status, channel_status,
                 business_date, placed_at, currency, goods_minor, charges_minor, total_minor, refunded_minor, units,
                 ship_province, ship_city, recipient_sealed, is_simulated)
               SELECT shop_id, channel_id, external_id, '', '', status, '', business_date, placed_at, currency,
                 0, 0, 0, 0, 0, '', '', '', false FROM orders_order"""
        )


def test_the_database_refuses_a_total_that_does_not_add_up():
    take(order("1"))

    with pytest.raises(IntegrityError, match="order_total_adds_up"), transaction.atomic():
        execute("UPDATE orders_order SET total_minor = total_minor + 1")


@pytest.mark.parametrize("hours, state", [(24, "accepted"), (24.001, "refused")])
def test_an_order_may_be_a_day_ahead_of_our_clock(hours, state):
    assert states(take(order("1", placed_at=NOW + timedelta(hours=hours)))) == [state]
