"""The overview on a small lake."""

from __future__ import annotations

import html
import json
import re
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from tongpan.channels.actions import save_channel, save_shops
from tongpan.channels.engine import ChannelSpec, ShopSpec
from tongpan.network.actions import save_nodes, set_services
from tongpan.network.engine import NodeSpec
from tongpan.orders.actions import accept
from tongpan.orders.engine import BuyerDoc, LineDoc, OrderDoc
from tongpan.runtime.readers import catch_up

NOW = datetime.now(UTC)
BY = {"actor": "test", "now": NOW}


def order(number: str, days_ago: int, amount: int, *, shop="tm", buyer="", currency="CNY", **facts):
    day = timezone.localdate() - timedelta(days=days_ago)
    at = datetime(day.year, day.month, day.day, 4, tzinfo=UTC)
    who = BuyerDoc("buyer", "company", buyer) if buyer else None
    return OrderDoc(shop, number, at, currency, [LineDoc("goods", "BAG", "Bag", 2, amount)], who, paid_at=at, **facts)


@pytest.fixture
def lake(transactional_db):
    """Yesterday: 300.00 on Tmall in two orders and one cancelled; the day before the last 7: 100.00."""
    save_channel(ChannelSpec("tmall", "天猫", "Tmall"), **BY)
    save_channel(ChannelSpec("mall", "商城", "Own mall", is_simulated=True), **BY)
    save_shops([ShopSpec("tm", "tmall", "T"), ShopSpec("om", "mall", "M")], **BY)
    save_nodes([NodeSpec("wh", "central", "W", city="上海", is_simulated=True)], **BY)
    for shop in ("tm", "om"):
        set_services(shop, ["wh"], "wh", **BY)
    accept(
        [
            order("a", 1, 20000, buyer="x"),
            order("b", 1, 10000, buyer="y", cancelled_at=NOW),
            order("c", 2, 5000, shop="om", buyer="x", is_shipped=True, dispatched_at=NOW - timedelta(days=1)),
            order("d", 8, 10000, buyer="x"),
        ],
        **BY,
    )
    catch_up()


def cards(page: str) -> dict[str, tuple[str, list[str]]]:
    """label -> (value, changes)"""
    found = {}
    for card in re.findall(r'<article class="card kpi".*?</article>', page, re.S):
        label = re.search(r'class="kpi-name"[^>]*>([^<]+)<', card)[1]
        value = re.search(r'<p class="kpi-value">([^<]+)', card)[1].strip()
        texts = [
            re.sub(r"<[^>]+>", "", part) for part in re.findall(r'<span class="delta[^>]*>(.*?)</span>', card, re.S)
        ]
        found[html.unescape(label)] = (value, [text.strip() for text in texts])
    return found


def chart(page: str, key: str) -> dict:
    return json.loads(re.search(rf'id="chart-{key}">(.*?)</script>', page, re.S)[1])


def test_cards_show_the_catalogue_s_figures_with_two_comparisons(lake, sign_in):
    found = cards(sign_in().get("/overview/?period=7d").content.decode())

    assert found["GMV"] == ("¥350.00", ["+250.0%", "—"])
    assert found["Orders"][0] == "3"
    assert found["Buyers"][0] == "2"
    assert found["Units sold"][0] == "6"
    assert "Definition of GMV" in sign_in(username="again").get("/overview/").content.decode()


def test_the_chart_stacks_the_channels_of_every_day(lake, sign_in):
    spec = chart(sign_in().get("/overview/?period=7d").content.decode(), "gmv-by-channel")

    assert len(spec["option"]["xAxis"]["data"]) == 7
    assert [(one["name"], sum(one["data"])) for one in spec["option"]["series"]] == [("Tmall", 300), ("Own mall", 50)]
    assert spec["unit"] == {"kind": "money", "currency": "CNY", "digits": 2}


def test_top_goods_lead_to_their_page(lake, sign_in):
    spec = chart(sign_in().get("/overview/?period=7d").content.decode(), "top-goods")

    assert spec["option"]["series"][0]["data"] == [{"value": 350.0, "link": "/goods/sku/BAG/"}]


def test_the_funnel_counts_steps_and_leaves_cancelled_orders_out(lake, sign_in):
    page = sign_in().get("/overview/?period=7d").content.decode()

    spec = chart(page, "order-funnel")
    assert [one["value"] for one in spec["option"]["series"][0]["data"]] == [2, 2, 1, 0]
    assert "1 cancelled" in page


def test_one_channel_alone(lake, sign_in):
    page = sign_in().get("/overview/?period=7d&channel=mall").content.decode()

    assert cards(page)["GMV"][0] == "¥50.00"
    assert "GMV share" not in cards(page)


def test_what_the_demo_makes_up_is_marked(lake, sign_in):
    page = sign_in().get("/overview/").content.decode()

    assert "Demo company" in page
    assert page.count("simulated") >= 3


def test_amounts_of_two_currencies_are_never_added(lake, sign_in):
    save_channel(ChannelSpec("olist", "巴西", "Brazil", currency="BRL"), **BY)
    save_shops([ShopSpec("br", "olist", "B")], **BY)
    accept([order("z", 1, 999, shop="br", currency="BRL")], **BY)
    catch_up()

    found = cards(sign_in().get("/overview/?period=7d").content.decode())

    assert found["GMV (CNY)"][0] == "¥350.00"
    assert found["GMV (BRL)"][0] == "R$9.99"


@pytest.mark.parametrize(
    "query",
    ["period=x", "day_from=2020-01-01&day_to=2020-01-02", "day_from=2099-01-01", "channel=nope", "day_to=0001-01-01"],
)
def test_odd_addresses_show_a_page(lake, sign_in, query):
    assert sign_in().get(f"/overview/?{query}").status_code == 200


def test_an_empty_company_is_told_what_to_do_next(transactional_db, sign_in):
    page = sign_in().get("/overview/").content.decode()

    assert "No order is in yet" in page
    assert 'href="/imports/"' in page
