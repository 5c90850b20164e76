"""The order desk."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tongpan.channels.models import Channel, Shop
from tongpan.orders.models import Order
from tongpan.orders.queries import OrderFilter, count_orders, fetch_orders

NOW = datetime(2026, 11, 18, 8, 0, tzinfo=UTC)


def numbers_on(client, address: str) -> list[str]:
    page = client.get(address).content.decode()
    return re.findall(r'<a class="strong" href="/orders/\d+/"[^>]*>([^<]+)</a>', page)


def numbers_in_export(client, address: str) -> list[str]:
    text = b"".join(client.get(address).streaming_content).decode("utf-8-sig")
    return [row["Order"] for row in csv.DictReader(io.StringIO(text))]


def test_the_newest_order_is_on_top(company, sign_in):
    assert numbers_on(sign_in(), "/orders/") == ["J-1", "T-4", "T-3", "T-2", "T-1"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=T-", ["T-4", "T-3", "T-2", "T-1"]),
        ("q=T-3", ["T-3"]),
        ("q=T-3+J-1%0AX-9", ["J-1", "T-3"]),
        ("q=BAG", ["T-1"]),
        ("q=nothing", []),
        ("status=cancelled", ["T-3"]),
        ("status=open", ["J-1", "T-2", "T-1"]),
        ("hold=out_of_stock", ["T-2"]),
        ("hold=any", ["T-2"]),
        ("hold=manual", []),
        ("day_from=2026-11-16", []),
        ("day_to=2026-11-15", ["J-1", "T-4", "T-3", "T-2", "T-1"]),
        ("sort=total", ["T-4", "T-3", "J-1", "T-2", "T-1"]),
        ("status=open&q=T-", ["T-2", "T-1"]),
    ],
)
def test_filters_narrow_list_and_export_alike(company, sign_in, query, found):
    client = sign_in("manager")

    listed = numbers_on(client, f"/orders/?{query}")

    assert sorted(listed) == sorted(found)
    assert numbers_in_export(client, f"/orders/export/?{query}&format=csv") == listed


def test_a_customer_is_found_by_number(company, sign_in):
    code = next(iter(company.customers))

    assert numbers_on(sign_in(), f"/orders/?q={code}") == ["J-1", "T-3", "T-2", "T-1"]


def test_channel_and_shop_filters(company, sign_in):
    client = sign_in()
    olist, shop = Channel.objects.get(code="olist"), Shop.objects.get(code="tm")
    second = Shop.objects.create(channel=shop.channel, code="tm2", name="二店")

    assert numbers_on(client, f"/orders/?shop=channel:{olist.pk}") == ["J-1"]
    assert numbers_on(client, f"/orders/?shop=shop:{second.pk}") == []
    assert len(numbers_on(client, f"/orders/?shop=shop:{shop.pk}")) == 4


def test_only_the_chosen_orders_are_exported(company, sign_in):
    ids = "&".join(f"id={company.orders[number]}" for number in ("T-1", "T-4"))

    assert numbers_in_export(sign_in(), f"/orders/export/?sort=-placed&{ids}&format=csv") == ["T-4", "T-1"]


def test_the_export_holds_amounts_times_and_places(company, sign_in):
    text = b"".join(sign_in().get("/orders/export/?q=T-1&format=csv").streaming_content).decode("utf-8-sig")

    [row] = csv.DictReader(io.StringIO(text))
    assert row == {
        "Order": "T-1",
        "Placed at": "2026-11-15 11:00:00+08:00",
        "Channel": "Tmall",
        "Shop": "天猫旗舰店",
        "Status": "Paid",
        "Customer": next(iter(company.customers)),
        "Ship to": "上海市",
        "Units": "3",
        "Total": "242.50",
        "Promised for": "",
        "Tags": "",
        "Paid at": "2026-11-15 11:00:00+08:00",
        "Status on the channel": "WAIT_SELLER",
        "Refunded": "0.00",
        "Currency": "CNY",
        "Goods amount": "230.50",
        "Charges": "12.00",
        "Business day": "2026-11-15",
        "Simulated": "0",
    }


@pytest.mark.parametrize(
    "query",
    [
        "page=999999",
        "status=eaten",
        "day_from=31.12.2026",
        "day_to=9999-12-31",
        "shop=shop:99999999999999999999",
        "sort=x",
        "q=%00",
        "batch=x",
    ],
)
def test_an_odd_address_shows_a_page(company, sign_in, query):
    assert sign_in().get(f"/orders/?{query}").status_code == 200


def test_a_page_of_orders_costs_the_same_few_statements_whatever_it_shows(company, sign_in):
    client = sign_in()
    client.get("/orders/")

    with CaptureQueriesContext(connection) as one:
        client.get("/orders/?status=cancelled")
    with CaptureQueriesContext(connection) as all_of_them:
        client.get("/orders/")

    assert len(one) == len(all_of_them) <= 16


def test_counting_stops_at_the_cap(company):
    assert count_orders(OrderFilter(), 3) == 3
    assert count_orders(OrderFilter(), 100) == 5
    assert [order.external_id for order in fetch_orders(OrderFilter(), "placed", 1, 2)] == ["T-2", "T-3"]


def test_a_day_is_a_business_day_of_the_channel(company):
    """An order of 23:30 in São Paulo belongs to that day there, though Shanghai has the next noon."""
    order = Order.objects.get(external_id="J-1")
    day = order.business_date
    Order.objects.filter(pk=order.pk).update(
        placed_at=datetime(day.year, day.month, day.day, 2, 30, tzinfo=UTC) + timedelta(days=1)
    )

    found = fetch_orders(OrderFilter(day_from=day, day_to=day + timedelta(days=1)), "placed", 0, 50)

    assert "J-1" in [one.external_id for one in found]


def test_the_order_page_tells_money_life_and_routing(company, sign_in):
    page = sign_in().get(f"/orders/{company.orders['T-1']}/").content.decode()

    assert "Red &lt;b&gt;bag&lt;/b&gt;" in page, "names are text, never markup"
    sums = re.findall(r'<dt>([^<]+)</dt><dd class="num">([^<]+)</dd>', page)
    assert sums[:3] == [("Goods", "¥230.50"), ("Postage", "¥12.00"), ("Order total", "¥242.50")]
    assert "Routed" in page
    assert "中央仓" in page and "北京店" in page
    assert "WAIT_SELLER" in page
    assert "2026-11-15 11:00" in page, "times are of the channel's zone"


def test_the_routing_table_names_every_node_with_the_reason(company, sign_in):
    page = sign_in().get(f"/orders/{company.orders['T-1']}/").content.decode()

    rows = re.findall(r'<td class="cell-main">(\S+) <span class="muted small">[^<]+</span></td>.*?</tr>', page, re.S)
    assert set(rows) == {"中央仓", "北京店"}
    assert "Chosen" in page


def test_an_order_nobody_can_serve_says_what_is_short(company, sign_in):
    page = sign_in().get(f"/orders/{company.orders['T-2']}/").content.decode()

    assert "Out of stock" in page
    assert "Put on hold" in page


def test_a_return_is_on_the_page_and_in_the_money(company, sign_in):
    page = sign_in().get(f"/orders/{company.orders['T-4']}/").content.decode()

    assert "R-1" in page
    assert ("After returns", "¥0.00") in re.findall(r'<dt>([^<]+)</dt><dd class="num">([^<]+)</dd>', page)
    assert "Anonymous buyer" in page


def test_personal_data_of_the_address_is_not_on_the_page(company, sign_in):
    page = sign_in("administrator").get(f"/orders/{company.orders['T-1']}/").content.decode()

    for secret in ("王小明", "13800001234", "南京路1号"):
        assert secret not in page


def test_an_order_page_costs_few_statements(company, sign_in):
    client = sign_in()
    client.get("/orders/")

    with CaptureQueriesContext(connection) as statements:
        client.get(f"/orders/{company.orders['T-1']}/")

    assert len(statements) <= 23


def test_an_order_that_is_not_there_is_not_found(company, sign_in):
    assert sign_in().get("/orders/999999/").status_code == 404


def test_another_company_s_money_keeps_its_currency(company, sign_in):
    page = sign_in().get(f"/orders/{company.orders['J-1']}/").content.decode()

    assert "R$30.50" in page
    assert "2026-11-15 04:00" in page, "São Paulo is eleven hours behind Shanghai"
