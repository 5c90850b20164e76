"""Channels, goods, customers, search."""

from __future__ import annotations

import csv
import io
import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tongpan.access.models import AuditEntry
from tongpan.channels.models import Channel, Shop
from tongpan.console.channel_tree import group_by_facet, matching
from tongpan.network.models import Service


def export(client, address: str) -> list[dict[str, str]]:
    text = b"".join(client.get(address).streaming_content).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


# Channels


def test_channels_stand_under_their_class(company, sign_in):
    page = sign_in().get("/channels/").content.decode()

    assert "Integrated marketplaces" in page
    assert page.index("Integrated marketplaces") < page.index("Tmall")


def test_a_channel_with_two_classes_stands_under_both_and_one_without_under_none():
    class Facet:
        def __init__(self, pk, parent_id=None):
            self.pk, self.parent_id, self.position, self.code = pk, parent_id, pk, str(pk)

    class Related(list):
        def all(self):
            return self

    class Channel:
        def __init__(self, pk, *facets):
            self.pk, self.facets = pk, Related(facets)

    top, left, right = Facet(1), Facet(2, 1), Facet(3, 1)
    both, none = Channel(1, left, right), Channel(2)

    groups = group_by_facet([both, none], [right, left, top])

    assert [([facet.pk for facet in group.path], list(group.channels)) for group in groups] == [
        ([1, 2], [both]),
        ([1, 3], [both]),
        ([], [none]),
    ]


def test_channels_are_searched_in_both_languages(company):
    found = list(Channel.objects.prefetch_related("shops").order_by("code"))

    assert [one.code for one in matching(found, "天猫", "")] == ["tmall"]
    assert [one.code for one in matching(found, "BRAZ", "used")] == ["olist"]
    assert matching(found, "", "unused") == []


def test_the_channel_page_shows_shops_nodes_and_returns(company, sign_in):
    page = sign_in().get("/channels/tmall/").content.decode()

    assert "天猫旗舰店" in page
    assert re.search(r"中央仓[^<]*· returns", page)
    assert "北京店" in page


def test_a_channel_is_made_by_the_room_s_action(company, sign_in):
    client = sign_in("manager")
    form = {"code": "pop-up", "name_zh": "快闪", "name_en": "Pop-up", "currency": "cny", "zone": "Asia/Shanghai"}

    answer = client.post("/channels/new/", form)

    assert answer["Location"] == "/channels/pop-up/"
    assert Channel.objects.get(code="pop-up").currency == "CNY"
    assert AuditEntry.objects.filter(action="channel.saved", object_id="pop-up", actor="user:manager").count() == 1


def test_editing_a_channel_keeps_what_the_form_does_not_show(company, sign_in):
    Channel.objects.filter(code="olist").update(is_simulated=True, position=7)
    before = set(Channel.objects.get(code="olist").facets.values_list("code", flat=True))
    form = {"name_zh": "巴西", "name_en": "Brasil", "currency": "BRL", "zone": "America/Sao_Paulo"}

    sign_in("manager").post("/channels/olist/edit/", {**form, "tree_class": list(before)})

    channel = Channel.objects.get(code="olist")
    assert (channel.name_en, channel.is_simulated, channel.position) == ("Brasil", True, 7)
    assert set(channel.facets.values_list("code", flat=True)) == before


def test_what_the_room_refuses_is_said_in_the_form(company, sign_in):
    form = {"code": "bad", "name_zh": "坏", "name_en": "Bad", "currency": "CNY", "zone": "Mars/Base"}

    page = sign_in("manager", language="zh-hans").post("/channels/new/", form).content.decode()

    assert "不是有效的 IANA 时区" in page
    assert not Channel.objects.filter(code="bad").exists()


def test_a_shop_is_added_and_served(company, sign_in):
    client = sign_in("manager")
    client.post(
        "/channels/tmall/shops/new/",
        {"code": "group-1", "name": "500人群", "kind": "group", "capacity": "500", "is_active": "on"},
    )

    client.post("/channels/tmall/shops/group-1/nodes/", {"nodes": ["wh"], "returns_node": "wh"})

    shop = Shop.objects.get(code="group-1")
    assert (shop.kind, shop.capacity, shop.channel.code) == ("group", 500, "tmall")
    assert list(Service.objects.filter(shop=shop).values_list("node__code", "takes_returns")) == [("wh", True)]


def test_returns_cannot_go_to_a_node_that_does_not_serve(company, sign_in):
    page = sign_in("manager").post("/channels/tmall/shops/tm/nodes/", {"nodes": ["wh"], "returns_node": "st"})

    assert "does not serve it" in page.content.decode()
    assert Service.objects.filter(shop__code="tm").count() == 2


@pytest.mark.parametrize("address", ["/channels/nope/", "/channels/tmall/shops/br/", "/channels/nope/edit/"])
def test_what_is_not_there_is_not_found(company, sign_in, address):
    assert sign_in("manager").get(address).status_code == 404


def test_the_channel_export_is_the_filtered_registry(company, sign_in):
    assert [row["Code"] for row in export(sign_in(), "/channels/export/?q=tmall&format=csv")] == ["tmall"]


# Goods


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["BAG", "CUP", "OUT"]),
        ("q=ba", ["BAG"]),
        ("q=never", ["OUT"]),
        ("q=there+NEVER", ["OUT"]),
        ("state=inactive", []),
    ],
)
def test_goods_are_found_by_code_and_by_words_of_the_name(company, sign_in, query, found):
    client = sign_in()

    page = client.get(f"/goods/?{query}").content.decode()

    assert re.findall(r'href="/goods/sku/([^/]+)/"', page) == found
    assert [row["SKU"] for row in export(client, f"/goods/export/?{query}&format=csv")] == found


def test_the_goods_page_shows_stock_and_orders(company, sign_in):
    page = sign_in().get("/goods/sku/BAG/").content.decode()

    assert "中央仓" in page
    assert ">T-1</a>" in page
    assert "Red &lt;b&gt;bag" in page


# Customers


def test_customers_show_what_they_bought_without_their_name(company, sign_in):
    client = sign_in("manager")

    page = client.get("/customers/").content.decode()

    [code] = company.customers
    assert code in page
    assert "王小明" not in page and "buyer-77" not in page
    [row] = export(client, "/customers/export/?format=csv")
    assert (row["Customer number"], row["Orders"], row["City"]) == (code, "2", "上海市 上海市")


def test_a_customer_is_found_by_the_whole_buyer_id_only(company, sign_in):
    client = sign_in()
    [code] = company.customers

    assert code in client.get("/customers/?q=buyer-77").content.decode()
    assert code not in re.sub(r"<input[^>]+>", "", client.get("/customers/?q=buyer-7").content.decode())


def test_the_customer_page_masks_personal_data(company, sign_in):
    [pk] = company.customers.values()

    page = sign_in("manager").get(f"/customers/{pk}/").content.decode()

    assert "王**" in page
    assert "王小明" not in page and "buyer-77" not in page
    assert not AuditEntry.objects.filter(action="customer.revealed").exists()


def test_revealing_needs_a_reason_and_is_audited_once(company, sign_in):
    client = sign_in("manager")
    [pk] = company.customers.values()

    refused = client.post(f"/customers/{pk}/", {"reason": ""})
    assert "王小明" not in refused.content.decode()

    shown = client.post(f"/customers/{pk}/", {"reason": "complaint 4711"})
    page = shown.content.decode()
    assert "王小明" in page and "buyer-77" in page
    assert shown["Cache-Control"] == "no-store"
    [entry] = AuditEntry.objects.filter(action="customer.revealed")
    assert (entry.actor, entry.object_id, entry.data) == ("user:manager", str(pk), {"reason": "complaint 4711"})
    assert "王小明" not in client.get(f"/customers/{pk}/").content.decode(), "the next look is masked again"


@pytest.mark.parametrize("role", ["analyst", "store"])
def test_roles_without_the_right_reveal_nothing(company, sign_in, role):
    [pk] = company.customers.values()

    page = sign_in(role).post(f"/customers/{pk}/", {"reason": "just curious"}).content.decode()

    assert "王小明" not in page
    assert not AuditEntry.objects.filter(action="customer.revealed").exists()


@pytest.mark.parametrize("address", ["/customers/", "/goods/", "/channels/"])
def test_lists_cost_few_statements(company, sign_in, address):
    client = sign_in("manager")
    client.get(address)

    with CaptureQueriesContext(connection) as statements:
        client.get(address)

    assert len(statements) <= 12


# Search


def test_a_single_hit_opens_at_once(company, sign_in):
    assert sign_in().get("/search/?q=T-3")["Location"] == f"/orders/{company.orders['T-3']}/"


def test_several_hits_are_listed_by_kind(company, sign_in):
    page = sign_in().get("/search/?q=BAG").content.decode()

    assert ">T-1</a>" in page
    assert 'href="/goods/sku/BAG/"' in page


@pytest.mark.parametrize("text", ["", "   ", "nothing-like-it", "%00", "<script>alert(1)</script>"])
def test_a_search_without_hits_says_what_can_be_found(company, sign_in, text):
    page = sign_in().get("/search/", {"q": text}).content.decode()

    assert "Search for an order number" in page
    assert "<script>alert" not in page


@pytest.mark.parametrize(("role", "finds"), [("manager", True), ("viewer", False)])
def test_a_role_finds_only_what_it_may_see(company, sign_in, role, finds):
    [pk] = company.customers.values()

    page = sign_in(role).get("/search/?q=buyer-77")

    # then the buyer's orders are found as well, so that nothing opens by itself
    assert page.status_code == 200
    assert (f'href="/customers/{pk}/"' in page.content.decode()) is finds
