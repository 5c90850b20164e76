"""What the lake's tables hold, row for row."""

from datetime import UTC, date, datetime, timedelta

import pytest
from tests.support.company import DAY, NOW, charge, goods, order, paid, put, return_of, shipped
from tests.support.lake import lake, write_lake

from tongpan.analytics.models import ChannelDay
from tongpan.channels.models import Channel
from tongpan.core.bulk import fetch_all
from tongpan.fulfillment.actions import route
from tongpan.orders.actions import accept, accept_corrections, accept_returns
from tongpan.orders.engine import BuyerDoc, CorrectionDoc, ShipTo

pytestmark = pytest.mark.usefixtures("company")

BUYER = BuyerDoc("customer", "company", "17850", province="浙江省", city="杭州市")


def take(*docs):
    outcomes = accept(docs, actor="test", now=NOW)
    assert [o.state for o in outcomes] == ["accepted"] * len(docs), outcomes
    return [o.document_id for o in outcomes]


def test_an_order_is_one_row_with_its_amounts_and_calendar_keys():
    take(
        order(
            "1",
            goods("A", 2, 1999),
            charge("POST", 500),
            placed_at=datetime(2026, 11, 16, 17, 30, tzinfo=UTC),
            ship_to=ShipTo("浙江省", "杭州市"),
        )
    )

    write_lake()

    # 17:30 UTC on Monday is Tuesday in the channel's zone.
    assert lake(
        "external_id, business_date, day, iso_week, month, quarter, year, goods_minor, charges_minor, total_minor, "
        "units",
        "orders",
    ) == [("1", date(2026, 11, 17), 20261117, 202647, 202611, 20264, 2026, 1999, 500, 2499, 2)]
    assert lake("currency, province, city, status, customer_id", "orders") == [
        ("CNY", "浙江省", "杭州市", "placed", None)
    ]


@pytest.mark.parametrize(
    ("day", "week"), [(date(2027, 1, 1), 202653), (date(2027, 1, 3), 202653), (date(2027, 1, 4), 202701)]
)
def test_the_week_is_the_iso_week_of_its_own_year(day, week):
    take(order("1", placed_at=NOW))
    from tongpan.orders.models import Order

    Order.objects.update(business_date=day)

    write_lake()

    assert lake("iso_week, year", "orders") == [(week, 2027)]


def test_lines_carry_what_their_order_is_grouped_by():
    (order_id,) = take(order("1", goods("A", 2, 1999), charge("POST", 500), buyer=BUYER, ship_to=ShipTo("浙江省", "")))

    write_lake()

    (customer,) = fetch_all("SELECT id FROM customers_customer")[0]
    assert lake(
        "order_id, line_no, kind, is_goods, charge_code, qty, amount_minor, customer_id, province, currency",
        "order_lines",
        "ORDER BY line_no",
    ) == [
        (order_id, 1, "goods", True, "", 2, 1999, customer, "浙江省", "CNY"),
        (order_id, 2, "charge", False, "POST", 1, 500, customer, "浙江省", "CNY"),
    ]
    (sku,) = fetch_all("SELECT id FROM catalog_sku WHERE code = 'A'")[0]
    assert lake("sku_id", "order_lines", "ORDER BY line_no") == [(sku,), (None,)]


def test_an_order_whose_source_has_no_lines_is_one_whole_line():
    (order_id,) = take(order("1", goods("A")))
    from tongpan.orders.models import Order, OrderLine

    OrderLine.objects.all().delete()
    Order.objects.update(goods_minor=12345, total_minor=12345, units=0)

    write_lake()

    assert lake("order_id, line_no, kind, is_goods, sku_id, qty, amount_minor", "order_lines") == [
        (order_id, 0, "whole", True, None, 0, 12345)
    ]


@pytest.mark.parametrize(
    ("_case", "facts", "expected"),
    [
        ("placed only", {}, (False, False)),
        ("paid", {"paid_at": NOW - DAY}, (True, False)),
        ("paid amount without a time", {"paid_minor": 1000}, (True, False)),
        ("nothing paid", {"paid_minor": 0}, (False, False)),
        ("sent by a channel that says nothing of payment", {"is_shipped": True}, (True, False)),
        ("cancelled", {"cancelled_at": NOW - DAY}, (False, True)),
        ("paid, then cancelled", {"paid_at": NOW - DAY, "cancelled_at": NOW - DAY}, (False, True)),
    ],
)
def test_what_counts_as_paid_and_as_cancelled(_case, facts, expected):
    take(order("1", **facts))

    write_lake()

    assert lake("is_paid, is_cancelled", "orders") == [expected]
    assert lake("is_paid, is_cancelled", "order_lines") == [expected]


@pytest.mark.parametrize(
    ("_case", "promised", "dispatched", "expected"),
    [
        ("in time", NOW, NOW, True),
        ("late", NOW - timedelta(seconds=1), NOW, False),
        ("nothing promised", None, NOW, None),
        ("not sent", NOW, None, None),
    ],
)
def test_on_time_is_known_only_with_a_promise_and_a_dispatch(_case, promised, dispatched, expected):
    take(order("1", promised_at=promised, dispatched_at=dispatched))

    write_lake()

    assert lake("is_on_time", "orders") == [(expected,)]


def test_orders_rank_by_time_and_then_by_number():
    ids = take(
        order("late", placed_at=NOW - timedelta(hours=1)),
        order("early", placed_at=NOW - timedelta(hours=2)),
        order("same second", placed_at=NOW - timedelta(hours=2)),
        order("before the epoch of the rank", placed_at=datetime(2009, 12, 31, tzinfo=UTC)),
    )

    write_lake()

    ranked = [row[0] for row in lake("order_id", "orders", "ORDER BY placed_rank")]
    assert ranked == [ids[3], ids[1], ids[2], ids[0]]


def test_returns_take_their_place_from_the_order_or_else_from_the_customer():
    take(shipped("1", buyer=BUYER, ship_to=ShipTo("江苏省", "南京市")))
    accept_returns(
        [return_of("R1", order_external_id="1", buyer=BUYER), return_of("R2", buyer=BUYER), return_of("R3")],
        actor="test",
        now=NOW,
    )

    write_lake()

    assert lake("external_id, goods_minor, units, province, city", "returns", "ORDER BY external_id") == [
        ("R1", -1000, 1, "江苏省", "南京市"),
        ("R2", -1000, 1, "浙江省", "杭州市"),
        ("R3", -1000, 1, "", ""),
    ]
    assert lake("line_no, kind, is_goods, qty, amount_minor, province", "return_lines", "ORDER BY return_id") == [
        (1, "goods", True, 1, -1000, "江苏省"),
        (1, "goods", True, 1, -1000, "浙江省"),
        (1, "goods", True, 1, -1000, ""),
    ]


def test_fulfilments_stand_on_the_day_of_their_order():
    put("sh", A=5)
    ids = take(paid("1", goods("A", 2), placed_at=NOW - 3 * DAY))
    route(ids, actor="test", now=NOW)

    write_lake()

    (node,) = fetch_all("SELECT id FROM network_node WHERE code = 'sh'")[0]
    assert lake("order_id, node_id, status, units, business_date, is_on_time", "fulfillments") == [
        (ids[0], node, "allocated", 2, date(2026, 11, 15), None)
    ]


def test_corrections_and_channel_days_are_kept_by_month():
    accept_corrections(
        [CorrectionDoc("tm", "A1", NOW, "CNY", [charge("B", -1106206)])],
        actor="test",
        now=NOW,
    )
    tmall = Channel.objects.get(code="tmall")
    for day in (1, 30):
        ChannelDay.objects.create(
            channel=tmall, day=date(2026, 11, day), visitors=day, cost_minor=100 * day, currency="CNY"
        )

    write_lake()

    assert lake("code, amount_minor, business_date", "corrections") == [("B", -1106206, date(2026, 11, 18))]
    assert lake("day, visitors, cost_minor", "channel_days", "ORDER BY day") == [
        (20261101, 1, 100),
        (20261130, 30, 3000),
    ]


def test_texts_come_back_as_they_went_in():
    odd = 'a "quoted", line\nof text \\N 中文 ,'
    take(order("1", goods("A", name=odd), ship_to=ShipTo('"', "\\N")), order("\\N"), order("NULL"))

    write_lake()

    assert lake("external_id, province, city", "orders", "ORDER BY external_id") == [
        ("1", '"', "\\N"),
        ("NULL", "", ""),
        ("\\N", "", ""),
    ]
    assert (odd,) in lake("sku_name", "dim_sku")


def test_dimensions_join_each_channel_to_one_class_of_a_tree():
    from tongpan.channels.actions import load_presets

    load_presets(["douyin"])

    write_lake()

    assert lake("tree, facet_code, top_code, top_zh", "dim_channel_facet", "ORDER BY tree") == [
        ("class", "class.public.livestream+class.public.social", "class.public", "线上公域"),
        ("core", "core.online.community_live", "core.online", "线上渠道"),
        ("ownership", "ownership.third_party.content", "ownership.third_party", "第三方平台"),
        ("role", "role.seeding", "role.seeding", "内容种草"),
    ]


def test_an_empty_database_makes_an_empty_lake():
    write_lake()

    assert lake("count(*)", "orders") == [(0,)]
    assert lake("count(*)", "dim_shop") == [(3,)]
