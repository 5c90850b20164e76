"""Prices on a phone and at the desk: the pages hold no more than their width and meet the rules of accessibility."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

import pytest
from tests.console.test_accessibility import needs_axe, violations
from tests.console.test_browser import PHONE, console, overflow
from tests.pricing.support import ask, stock_goods

from tongpan.catalog.listings import ListingSpec, save_listings
from tongpan.pricing.actions import CostSpec, FloorSpec, ListSpec, save_lists, set_costs, set_floors
from tongpan.pricing.actions.watching import watch_listings

__all__ = ["console"]
pytestmark = [
    pytest.mark.browser,
    needs_axe,
]


def test_every_page_of_prices_is_clean_in_both_widths(console, company):
    now = datetime.now(UTC)
    early = {"actor": "user:li", "now": now - timedelta(days=60)}
    stock_goods()
    ask(("guide", "A", 9700), ("guide", "B", 6000), ("tmall", "B", 6000), ("guide", "C", 4000), **early)
    set_floors([FloorSpec("A", "CNY", 8000, min_net_minor=7000), FloorSpec("A", "CNY", 9000, "西藏")], **early)
    set_costs([CostSpec("A", "CNY", 5500)], **early)
    save_lists([ListSpec("members", "member", "会员价", "Members")], **early)
    later = {"actor": "user:li", "now": now - timedelta(days=20)}
    ask(("guide", "A", 10000), ("tmall", "A", 9600), ("guide", "B", 5000), ("members", "A", 9550), **later)
    request = ask(("tmall", "A", 12000), ("tmall", "C", 3900), ("guide", "A", 7000), why="双十二", **later)
    page = console("/")
    save_listings([ListingSpec("tm", "88", "", "A", price_minor=9000)], actor="li", now=now)
    watch_listings(now=now)
    host = "/".join(page.url.split("/", 3)[:3])
    addresses = (
        "/prices/",
        "/prices/sku/A/?channel=tmall&tier=gold",
        "/prices/change/?rows=guide,A,99",
        f"/prices/requests/{request.id}/",
        "/prices/requests/",
        "/prices/log/",
        "/prices/settings/",
        "/prices/sync/",
    )
    for width, size in (("phone", PHONE), ("desk", {"width": 1280, "height": 900})):
        page.set_viewport_size(size)
        for position, address in enumerate(addresses):
            page.goto(host + address)
            if folder := os.environ.get("PRICE_SHOTS"):
                page.screenshot(path=f"{folder}/{width}-{position}.png", full_page=True)
            assert (overflow(page), violations(page)) == (0, []), (width, address)
    page.goto(host + "/prices/change/?rows=guide,A,120")
    page.click("[name=act][value=preview]")
    assert page.locator("table .badge").first.inner_text() == "Applied"
