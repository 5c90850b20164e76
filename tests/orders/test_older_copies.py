"""A newer copy moves an order forward; an older or truncated one does not take it back."""

import pytest
from tests.support.company import DAY, HOUR, NOW, charge, goods, order, paid, pool, put, shipped, statuses
from tests.support.database import contents, row_counts
from tests.support.intake import states, take

from tongpan.core.bulk import fetch_all
from tongpan.orders.engine import BuyerDoc, PaymentDoc, ShipTo
from tongpan.orders.models import Order, OrderEvent, OrderLine, Payment

pytestmark = pytest.mark.usefixtures("company")
A, B = goods("A", 1, 100), goods("B", 2, 200)


def events():
    return fetch_all("SELECT name, payload->>'route' FROM core_event WHERE name LIKE 'order.%%' ORDER BY id")


@pytest.mark.parametrize(
    "_case, older",
    [
        ("an earlier version", shipped("1", A, B, version=NOW - DAY, channel_status="早")),
        ("the same version with other words", shipped("1", A, B, version=NOW, channel_status="早")),
        ("no version and not so far", order("1", A, channel_status="早")),
        ("no version and truncated", paid("1", channel_status="早", lines=[])),
        ("the version of last week says cancelled", paid("1", A, version=NOW - 7 * DAY, cancelled_at=NOW - 8 * DAY)),
    ],
)
def test_an_older_copy_changes_nothing(_case, older):
    put("sh", A=5, B=5)
    take(paid("1", A, version=NOW, channel_status="新"))
    before = contents()

    outcomes = take(older)

    assert states(outcomes) == ["stale"]
    assert outcomes[0].document_id == Order.objects.get().id
    assert contents() == before


def test_a_truncated_copy_without_versions_changes_nothing():
    take(paid("1", A, B))
    before = contents()

    assert states(take(paid("1", A), paid("1", B))) == ["stale", "stale"]

    assert contents() == before


def test_a_further_copy_moves_the_order_on():
    take(order("1", A))

    outcomes = take(shipped("1", A, delivered_at=NOW - HOUR))

    assert states(outcomes) == ["updated"]
    assert Order.objects.values_list("status", "paid_at", "dispatched_at", "delivered_at").get() == (
        "delivered",
        NOW - DAY + (NOW - NOW) + 5 * (HOUR / 60),
        NOW - 2 * HOUR,
        NOW - HOUR,
    )
    assert list(OrderEvent.objects.order_by("at").values_list("kind", flat=True)) == [
        "placed",
        "paid",
        "dispatched",
        "delivered",
    ]
    assert events() == [("order.accepted", "false"), ("order.changed", "true")]
    assert OrderLine.objects.count() == 1


def test_a_copy_with_more_lines_adds_them_after_the_stored_ones():
    put("sh", A=5, B=5)
    take(paid("1", A, charge("POST", 10)))

    outcomes = take(paid("1", B, A, charge("POST", 10), A))

    assert states(outcomes) == ["updated"]
    assert list(OrderLine.objects.order_by("line_no").values_list("line_no", "sku__code", "charge_code", "qty")) == [
        (1, "A", "", 1),
        (2, None, "POST", 1),
        (3, "B", "", 2),
        (4, "A", "", 1),
    ]
    assert Order.objects.values_list("goods_minor", "charges_minor", "total_minor", "units").get() == (400, 10, 410, 4)
    assert (pool("A"), pool("B")) == ((5, 0, 2), (5, 0, 2))


def test_a_newer_version_fills_in_what_was_unknown_and_keeps_what_it_does_not_say():
    # given an order of which little is known
    take(paid("1", A, version=NOW - HOUR, promised_at=NOW + DAY, ship_to=ShipTo(city="杭州市"), channel_status="一"))

    # when
    outcomes = take(
        paid(
            "1",
            A,
            B,
            version=NOW,
            buyer=BuyerDoc("buyer", "tm", "u1", "张三"),
            payments=[PaymentDoc(1, "alipay", 300, NOW)],
            ship_to=ShipTo("上海市", "上海市", 31.0, 121.0, "李四", "13900000000", "浦东"),
            paid_minor=300,
        )
    )

    # then
    assert states(outcomes) == ["updated"]
    found = Order.objects.get()
    assert (found.version, found.promised_at, found.channel_status) == (NOW, NOW + DAY, "一")
    assert (found.ship_province, found.ship_city, found.ship_latitude) == ("上海市", "上海市", 31.0)
    assert (found.customer_id is not None, bytes(found.recipient_sealed) != b"") == (True, True)
    assert (found.paid_minor, found.goods_minor) == (300, 300)
    assert list(Payment.objects.values_list("seq", "method", "amount_minor", "paid_at")) == [(1, "alipay", 300, NOW)]


def test_a_copy_that_does_not_say_where_keeps_the_place():
    to = ShipTo("浙江省", "杭州市", 30.0, 120.0, "张三", "", "")
    take(paid("1", A, ship_to=to, payments=[PaymentDoc(1, "card", 5)]))

    take(shipped("1", A, payments=[PaymentDoc(1, "card", 5, NOW)]))

    assert Order.objects.values_list("ship_city", "ship_latitude").get() == ("杭州市", 30.0)
    assert bytes(Order.objects.get().recipient_sealed) != b""
    assert list(Payment.objects.values_list("seq", "paid_at")) == [(1, NOW)]


def test_a_copy_with_other_lines_is_refused_and_changes_nothing():
    take(paid("1", A))
    before = contents()

    (outcome,) = take(paid("1", B))

    assert (outcome.state, outcome.code, outcome.document_id) == ("refused", "order.conflict", Order.objects.get().id)
    assert "is stored with other lines" in outcome.reason
    assert contents() == before


def test_a_long_charge_code_does_not_make_copies_differ():
    long = charge("DISCOUNT-" + "X" * 60, -10)
    take(paid("1", A, long))

    assert states(take(shipped("1", A, long))) == ["updated"]

    assert OrderLine.objects.count() == 2
    assert statuses() == {"1": "dispatched"}


def test_a_refused_copy_leaves_the_others_of_the_batch_in():
    take(paid("1", A))

    outcomes = take(paid("1", B), paid("2", A), shipped("3", A))

    assert states(outcomes) == ["refused", "accepted", "accepted"]
    assert statuses() == {"1": "paid", "2": "paid", "3": "dispatched"}
    assert row_counts()["orders_orderline"] == 3
