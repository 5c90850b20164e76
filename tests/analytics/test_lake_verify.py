"""``verify`` finds every way in which the lake can be wrong."""

from datetime import date

import pytest
from tests.support.company import NOW, order
from tests.support.lake import partitions, write_lake

from tongpan.analytics.lake.verify import Difference, verify
from tongpan.analytics.models import ChannelDay
from tongpan.channels.models import Channel, Shop
from tongpan.orders.actions import accept
from tongpan.orders.models import Order, OrderLine

pytestmark = pytest.mark.usefixtures("company")


@pytest.fixture(autouse=True)
def written(company):
    accept([order("1"), order("2")], actor="test", now=NOW)
    ChannelDay.objects.create(
        channel=Channel.objects.get(code="tmall"), day=date(2026, 11, 1), visitors=1, cost_minor=1, currency="CNY"
    )
    write_lake()


def test_a_right_lake_has_no_differences():
    assert verify() == []


def test_a_changed_amount_differs_on_both_sides():
    OrderLine.objects.filter(order__external_id="1").update(amount_minor=999)

    assert verify() == [Difference("order_lines", "2026-11-17", "rows differ", 2)]


def test_a_missing_row_and_a_missing_day_differ():
    Order.objects.filter(external_id="2").update(business_date=date(2026, 11, 1))

    assert verify() == [
        Difference("orders", "2026-11-01", "rows differ", 1),
        Difference("orders", "2026-11-17", "rows differ", 1),
        Difference("order_lines", "2026-11-01", "rows differ", 1),
        Difference("order_lines", "2026-11-17", "rows differ", 1),
    ]


def test_a_table_by_the_month_and_a_dimension_are_compared_too():
    ChannelDay.objects.update(visitors=2)
    Shop.objects.filter(code="tm").update(name="Renamed")

    assert verify() == [
        Difference("channel_days", "2026-11", "rows differ", 2),
        Difference("dim_shop", "all", "rows differ", 2),
    ]


def test_a_file_that_is_gone_or_was_changed_is_named(lake_dir):
    (lake_dir / partitions("orders")["2026-11-17"][1]).unlink()
    lines = lake_dir / partitions("order_lines")["2026-11-17"][1]
    lines.write_bytes(lines.read_bytes()[:-1] + b"X")

    assert sorted(verify(), key=lambda d: d.table) == [
        Difference("order_lines", "2026-11-17", "file changed", 2),
        Difference("orders", "2026-11-17", "file missing", 2),
    ]
