"""Queues, the page that verifies a pickup, and the public page of an order."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client

from tongpan.access.limits import forget_counts, is_allowed
from tongpan.core.clock import utc_now
from tongpan.fulfillment.models import Fulfillment
from tongpan.fulfillment.pickup.codes import shown
from tongpan.fulfillment.pickup.queries import code_for
from tongpan.fulfillment.tracking_links import order_of, token_of
from tongpan.network.actions import set_staff


@pytest.fixture
def pickup(company) -> int:
    """A pickup of one CUP at the store, routed; the id of its fulfilment."""
    from tongpan.fulfillment.actions import route
    from tongpan.network.models import Node
    from tongpan.orders.actions import accept
    from tongpan.orders.engine import DeliveryDoc, LineDoc, OrderDoc
    from tongpan.orders.models import Order

    now = utc_now()
    some = Order.objects.select_related("shop").get(external_id="T-1")
    store = Node.objects.get(kind="store")
    lines = [LineDoc("goods", "CUP", "茶杯", 1, 1000)]
    delivery = DeliveryDoc("pickup", store.code)
    doc = OrderDoc(some.shop.code, "P-77", now, some.currency, lines, paid_at=now, delivery=delivery)
    (taken,) = accept([doc], actor="test", now=now)
    route([taken.document_id], actor="routing", now=now)
    return Fulfillment.objects.get(order__external_id="P-77").pk


def said(response) -> str:
    return response.content.decode()


def test_the_queue_lists_what_waits_and_takes_steps_for_many_at_once(sign_in, company, pickup) -> None:
    client = sign_in("manager")
    assert "P-77" in said(client.get("/queues/?stage=pick&method=pickup"))

    page = said(client.post("/queues/step/", {"step": "ready", "id": [pickup], "back": "/queues/?q=P-77"}, follow=True))

    assert "1 parcel went on." in page
    assert "Ready for pickup" in page
    order = said(client.get(f"/orders/{Fulfillment.objects.get(pk=pickup).order_id}/"))
    assert "Steps: who, where and when" in order
    assert "user:manager" in order
    refused = said(client.post("/queues/step/", {"step": "pack", "id": [pickup]}, follow=True))
    assert "1 parcel went on." not in refused
    assert "Choose at least one parcel." in said(client.post("/queues/step/", {"step": "pack"}, follow=True))
    assert "Nothing matches" in said(client.get("/queues/?q=nobody"))


def test_papers_open_as_a_pdf_and_a_viewer_gets_none(sign_in, company, pickup) -> None:
    client = sign_in("manager")
    for kind in ("pick-list", "packing-slips", "labels"):
        answer = client.get(f"/queues/papers/{kind}/?id={pickup}")
        assert (answer["Content-Type"], answer.content[:5]) == ("application/pdf", b"%PDF-")
    assert client.get("/queues/papers/poster/?id=1").status_code == 302
    assert sign_in("viewer").get(f"/queues/papers/labels/?id={pickup}").status_code == 403


def test_a_clerk_verifies_a_code_at_her_own_store_only(sign_in, company, pickup) -> None:
    manager = sign_in("manager")
    manager.post("/queues/step/", {"step": "ready", "id": [pickup]})
    code = code_for(pickup)
    clerk = sign_in("store", username="li")

    assert "not here; send the buyer there" in said(clerk.get(f"/p/{code}"))
    set_staff("li", [Fulfillment.objects.get(pk=pickup).node.code], actor="test", now=utc_now())
    looked = said(clerk.get(f"/p/{code}"))
    assert "P-77" in looked
    assert Fulfillment.objects.get(pk=pickup).status == "ready"

    assert "Handed over" in said(clerk.post("/queues/pickup/", {"code": shown(code)}))
    assert "already" in said(clerk.post("/queues/pickup/", {"code": code}))
    assert Fulfillment.objects.get(pk=pickup).worked_by == "user:li"


def test_anybody_with_the_link_sees_where_an_order_is_and_nothing_of_who_bought_it(sign_in, company, pickup) -> None:
    manager = sign_in("manager")
    path = re.search(r'href="(/track/[^"]+)"', said(manager.get(f"/orders/{company.orders['T-1']}/"))).group(1)
    somebody = Client(headers={"Accept-Language": "en"})

    answer = somebody.get(path)
    page = said(answer)
    assert "Where it is" in page
    assert "Being prepared" in page
    assert (answer["X-Robots-Tag"], "noindex" in page) == ("noindex, nofollow", True)
    assert "T-1" not in page.replace("…T-1", "")
    for secret in ("张三", "138"):
        assert secret not in page
    assert 'lang="zh-hans"' in said(Client(headers={"Accept-Language": "zh-CN"}).get(path))
    # a pickup shows its code once it is ready
    token = token_of(Fulfillment.objects.get(pk=pickup).order_id)
    assert code_for(pickup) == ""
    manager.post("/queues/step/", {"step": "ready", "id": [pickup]})
    ready = said(somebody.get(f"/track/{token}"))
    assert shown(code_for(pickup)) in ready
    assert "<svg" in ready


def test_a_token_cannot_be_guessed_or_changed(db) -> None:
    token = token_of(7)

    assert order_of(token) == 7
    assert token_of(8) != token
    for wrong in ("", "x" * 32, token[:-1], token[:-1] + ("A" if token[-1] != "A" else "B"), "é" * 32, "A" * 32):
        assert order_of(wrong) is None
    assert Client().get(f"/track/{token}").status_code == 404


def test_one_address_asks_so_often_in_a_minute_and_no_more(db) -> None:
    now = utc_now().replace(second=0)

    assert [is_allowed("x", "a", 2, now) for _ in range(3)] == [True, True, False]
    assert is_allowed("x", "b", 2, now) and is_allowed("y", "a", 2, now)
    assert is_allowed("x", "a", 2, now + timedelta(minutes=1))
    assert forget_counts(now + timedelta(minutes=3)) == 3


def test_the_queue_shows_how_a_parcel_is_wanted(sign_in, company) -> None:
    from tongpan.fulfillment.actions import route
    from tongpan.orders.actions import accept
    from tongpan.orders.engine import DeliveryDoc, LineDoc, OrderDoc
    from tongpan.orders.models import Order

    now = utc_now()
    some = Order.objects.select_related("shop").get(external_id="T-1")
    lines = [LineDoc("goods", "CUP", "茶杯", 1, 1000)]
    slot = {"slot_start": now + timedelta(days=2), "slot_end": now + timedelta(days=2, hours=2)}
    delivery = DeliveryDoc(contactless=True, gift_wrap="red", gift_card="生日快乐", **slot)
    doc = OrderDoc(some.shop.code, "G-1", now, some.currency, lines, paid_at=now, delivery=delivery)
    (taken,) = accept([doc], actor="test", now=now)
    route([taken.document_id], actor="routing", now=now)

    page = said(sign_in("manager").get("/queues/?q=G-1"))

    for words in ("Contactless", "Gift wrap: red", "Gift card"):
        assert words in page
    assert "生日快乐" not in page
    assert Fulfillment.objects.get(order__external_id="G-1").due_at == slot["slot_end"]
