"""The order desk: pages from row to row, views with counts, columns, the panel, and the sealed address."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from tongpan.access.models import AuditEntry
from tongpan.console.models import ListLayout
from tongpan.console.order_filters import STANDARD_VIEWS
from tongpan.core.clock import utc_now
from tongpan.fulfillment.models import Fulfillment, Shipment
from tongpan.orders.actions import accept, add_note, add_tags, hold, release_hold
from tongpan.orders.engine import LineDoc, OrderDoc
from tongpan.orders.models import Discount, Order
from tongpan.orders.queries import OrderFilter, page_of_orders, sums_of_orders, tags_in_use

NOW = datetime(2026, 11, 18, 8, 0, tzinfo=UTC)
BY = {"actor": "test", "now": NOW}


def numbers_on(client, address: str) -> list[str]:
    page = client.get(address).content.decode()
    return re.findall(r'<a class="strong" href="/orders/\d+/"[^>]*>([^<]+)</a>', page)


def numbers(page) -> list[str]:
    return [order.external_id for order in page.rows]


@pytest.mark.parametrize("sort", ["-placed", "placed", "-total", "total"])
def test_pages_forward_and_back_hold_each_order_once(company, sort):
    whole = numbers(page_of_orders(OrderFilter(), sort, 10))
    assert len(whole) == 5

    first = page_of_orders(OrderFilter(), sort, 2)
    second = page_of_orders(OrderFilter(), sort, 2, after=first.rows[-1].pk)
    third = page_of_orders(OrderFilter(), sort, 2, after=second.rows[-1].pk)
    back = page_of_orders(OrderFilter(), sort, 2, before=third.rows[0].pk)

    assert numbers(first) + numbers(second) + numbers(third) == whole
    assert numbers(back) == numbers(second)
    assert [(page.has_before, page.has_after) for page in (first, second, third, back)] == [
        (False, True),
        (True, True),
        (True, False),
        (True, True),
    ]


def test_orders_of_the_same_amount_are_told_apart_by_their_id(company):
    Order.objects.update(goods_minor=100, charges_minor=0, total_minor=100)

    first = page_of_orders(OrderFilter(), "total", 3)
    rest = page_of_orders(OrderFilter(), "total", 3, after=first.rows[-1].pk)

    ids = [order.pk for order in first.rows + rest.rows]
    assert ids == sorted(company.orders.values())


def test_a_place_that_is_not_there_is_the_beginning(company):
    page = page_of_orders(OrderFilter(), "-placed", 2, after=10**12)

    assert numbers(page) == ["J-1", "T-4"]
    assert not page.has_before


def test_the_sums_are_those_of_the_filter_by_currency(company):
    sums = sums_of_orders(OrderFilter(), 100)

    assert (sums.orders, sums.units, sums.is_capped) == (5, 7, False)
    assert sums.totals == [("CNY", 24250 + 5000 + 3050 + 3050), ("BRL", 3050)]
    assert sums_of_orders(OrderFilter(), 3).is_capped
    assert sums_of_orders(OrderFilter(ids=[company.orders["J-1"]]), None).totals == [("BRL", 3050)]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("least=30.51", {"T-1", "T-2"}),
        ("most=30.50", {"T-3", "T-4", "J-1"}),
        ("least=30.50&most=50", {"T-2", "T-3", "T-4", "J-1"}),
        ("tag=vip", {"T-1"}),
        ("tag=none", {"T-1", "T-2", "T-3", "T-4", "J-1"}),
        ("hold=review", {"J-1"}),
        ("status=unknown", {"T-4"}),
        ("due=overdue", {"T-1"}),
        ("due=today", {"T-1", "T-2"}),
    ],
)
def test_what_the_desk_can_be_narrowed_to(company, sign_in, query, found):
    ids = company.orders
    add_tags([ids["T-1"]], ["vip"], **BY)
    hold([ids["J-1"]], "manual", "call the buyer", **BY)
    midnight = timezone.localtime(utc_now()).replace(hour=23, minute=59, second=59)
    Order.objects.filter(pk=ids["T-1"]).update(promised_at=utc_now() - timedelta(hours=1))
    Order.objects.filter(pk=ids["T-2"]).update(promised_at=midnight)
    Order.objects.filter(pk=ids["T-3"]).update(promised_at=utc_now() - timedelta(hours=1))
    Order.objects.filter(pk=ids["J-1"]).update(promised_at=midnight + timedelta(minutes=1))
    Order.objects.filter(pk=ids["T-4"]).update(is_status_known=False)

    listed = numbers_on(sign_in(), f"/orders/?{query}")

    assert set(listed) == found


def test_orders_are_narrowed_to_the_node_that_ships_them(company, sign_in):
    client = sign_in()

    assert set(numbers_on(client, f"/orders/?node={company.nodes['wh']}")) == {"T-1"}
    assert set(numbers_on(client, f"/orders/?node={company.nodes['st']}")) == {"T-4", "J-1"}


def test_amounts_of_currencies_without_cents_are_compared_as_written(company):
    Order.objects.filter(external_id="J-1").update(currency="JPY", goods_minor=40, charges_minor=0, total_minor=40)

    found = page_of_orders(OrderFilter(total_from=Decimal("35"), total_to=Decimal("45")), "placed", 10)

    assert numbers(found) == ["J-1"]


def test_a_tag_is_listed_once_however_many_orders_carry_it(company):
    add_tags(list(company.orders.values()), ["vip", "fragile"], **BY)

    assert tags_in_use() == ["fragile", "vip"]


def test_every_standard_view_is_a_filter_that_the_desk_knows(company, sign_in):
    client = sign_in()
    hold([company.orders["J-1"]], "risk", "", **BY)

    page = client.get("/orders/views/?hold=out_of_stock").content.decode()

    counts = dict(re.findall(r">([^<]+)<span class=\"tab-count\" data-count>([^<]+)</span>", page))
    assert counts == {"To review": "1", "Out of stock": "1", "To ship today": "0", "Overdue": "0", "Unknown state": "0"}
    assert re.search(r'href="/orders/\?hold=out_of_stock"[^>]* aria-current="page"', page)
    for view in STANDARD_VIEWS:
        answer = client.get(f"/orders/?{view.query}").content.decode()
        assert 'class="error"' not in answer, view.key


def test_an_empty_view_says_what_it_is_for(company, sign_in):
    page = sign_in().get("/orders/?due=overdue").content.decode()

    assert "Nothing to do here" in page
    assert "Not yet sent though the promised time has passed." in page


def test_chosen_columns_are_remembered_for_the_person_alone(company, sign_in, person, client):
    sign_in("manager")

    client.post("/views/columns/", {"view_page": "orders", "query": "status=paid", "column": ["total", "tags", "x"]})
    mine = client.get("/orders/").content.decode()
    client.force_login(person("viewer"))
    other = client.get("/orders/").content.decode()

    head = re.findall(r'<th scope="col"[^>]*>(?:<a[^>]*>)?([^<]+)', mine)
    assert [text.strip() for text in head if text.strip()] == ["Order", "Total", "Tags"]
    assert "Promised for</th>" in other
    assert ListLayout.objects.count() == 1


def test_columns_can_be_as_they_were_at_first(company, sign_in):
    client = sign_in()
    client.post("/views/columns/", {"view_page": "orders", "column": ["total"]})

    answer = client.post("/views/columns/", {"view_page": "orders", "reset": "1", "column": ["total"]})

    assert answer["Location"] == "/orders/?"
    assert not ListLayout.objects.exists()


def test_the_panel_is_the_story_without_the_frame(company, sign_in):
    order_id = company.orders["T-1"]
    Discount.objects.create(order_id=order_id, payer="platform", amount_minor=500, code="11.11")
    client = sign_in()

    panel = client.get(f"/orders/{order_id}/panel/").content.decode()

    assert "<html" not in panel and '<aside class="sidebar"' not in panel
    assert "T-1" in panel and "中央仓" in panel
    sums = re.findall(r'<dt>([^<]+)</dt><dd class="num">([^<]+)</dd>', panel)
    assert sums[:4] == [("Goods", "¥230.50"), ("Postage", "¥12.00"), ("Order total", "¥242.50"), ("Platform", "¥5.00")]
    assert re.findall(r'<span class="badge badge-warn">(Allocated \d)</span>', panel) == ["Allocated 2", "Allocated 1"]
    movements = re.findall(r'data-label="Movement">([^<]+)', panel)
    assert movements.count("Allocated") == 2 and movements.count("Reserved") == 2


def test_holds_and_notes_are_told_with_who_and_why(company, sign_in):
    ids = [company.orders["T-2"]]
    hold(ids, "manual", "call the buyer", actor="user:li", now=NOW)
    release_hold(ids, "manual", "reached her", actor="user:wang", now=NOW + timedelta(hours=1))
    add_note(ids, "wants <red>", actor="user:li", now=NOW + timedelta(hours=2))

    page = sign_in().get(f"/orders/{ids[0]}/").content.decode()

    for told in ("Manual: call the buyer", "Manual: reached her", "wants &lt;red&gt;", "user:wang"):
        assert told in page


def test_the_address_is_shown_for_a_reason_that_is_logged(company, sign_in):
    client = sign_in("manager")
    order_id = company.orders["T-1"]

    refused = client.post(f"/orders/{order_id}/address/", {"reason": "no"})
    assert "王小明" not in refused.content.decode()
    assert not AuditEntry.objects.filter(action="order.address_revealed").exists()

    answer = client.post(f"/orders/{order_id}/address/", {"reason": "the courier asks"})

    text = answer.content.decode()
    assert all(secret in text for secret in ("王小明", "13800001234", "南京路1号"))
    assert answer["Cache-Control"] == "no-store"
    entry = AuditEntry.objects.get(action="order.address_revealed")
    assert (entry.actor, entry.object_id, entry.data) == ("user:manager", str(order_id), {"reason": "the courier asks"})
    assert "王小明" not in json.dumps(entry.data)


def test_what_the_channel_sent_is_shown_for_a_reason_that_is_logged(company, sign_in):
    client = sign_in("manager")
    payload = b'{"format":"f","tables":[{"table":"rows","columns":["No","Colour"],"rows":[["T-9","red"]]}]}'
    lines = [LineDoc("charge", "SERVICE", "service", 1, 100)]
    shop = Order.objects.get(pk=company.orders["T-1"]).shop
    doc = OrderDoc(shop.code, "T-9", NOW, shop.channel.currency, lines, raw=payload)
    [outcome] = accept([doc], actor="test", now=NOW)
    address = f"/orders/{outcome.document_id}/source/"

    page = client.get(f"/orders/{outcome.document_id}/").content.decode()
    refused = client.post(address, {"reason": "no"})

    assert "Colour" not in page + refused.content.decode()
    assert not AuditEntry.objects.filter(action="order.source_revealed").exists()

    answer = client.post(address, {"reason": "the platform asks"})

    assert "Colour" in answer.content.decode()
    assert '<td class="break">red</td>' in answer.content.decode()
    assert AuditEntry.objects.get(action="order.source_revealed").object_id == str(outcome.document_id)
    assert sign_in("viewer").post(address, {"reason": "the platform asks"}).status_code == 403


@pytest.mark.parametrize("role", ["store", "analyst", "viewer"])
def test_who_may_not_see_addresses_gets_none(company, sign_in, role):
    client = sign_in(role)
    order_id = company.orders["T-1"]

    answer = client.post(f"/orders/{order_id}/address/", {"reason": "the courier asks"})

    assert answer.status_code == 403
    assert "王小明" not in answer.content.decode()
    assert "are sealed" not in client.get(f"/orders/{order_id}/panel/").content.decode()


def test_an_order_is_found_by_the_tracking_number_of_its_parcel(company, sign_in):
    parcel = Fulfillment.objects.get(order_id=company.orders["T-4"])
    Shipment.objects.create(
        fulfillment=parcel, carrier="sf", tracking_number="SF1234567890", shipped_at=NOW, actor="test"
    )
    client = sign_in()

    assert numbers_on(client, "/orders/?q=SF1234567890") == ["T-4"]
    assert numbers_on(client, "/orders/?q=SF123456789") == []
