"""A store takes an online order back on a phone, and every page of after-sale meets the rules of accessibility."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import expect
from tests.console.test_accessibility import needs_axe, violations
from tests.console.test_browser import PHONE, console, overflow

from tongpan.network.actions import save_nodes, set_staff
from tongpan.network.engine import NodeRules, NodeSpec
from tongpan.orders.actions import accept
from tongpan.orders.engine import LineDoc, OrderDoc

__all__ = ["console"]
pytestmark = [
    pytest.mark.browser,
    needs_axe,
]


def test_goods_are_asked_back_taken_and_inspected_on_a_phone(console, company):
    now = datetime.now(UTC)
    by: dict[str, Any] = {"actor": "test", "now": now}
    save_nodes([NodeSpec("st", "store", "北京店", city="北京", rules=NodeRules(facilities=("return",)))], **by)
    days: dict[str, Any] = {f"{name}_at": now - timedelta(days=n) for name, n in (("paid", 5), ("dispatched", 4))}
    lines = [LineDoc("goods", "BAG", "Red bag", 2, 20001), LineDoc("goods", "CUP", "Cup", 1, 3000)]
    doc = OrderDoc("tm", "B-1", now - timedelta(days=5), "CNY", lines, delivered_at=now - timedelta(days=2), **days)
    order_id = accept([doc], **by)[0].document_id
    page = console("/", role="store")
    set_staff("store", ["st"], **by)
    page.set_viewport_size(PHONE)
    host = "/".join(page.url.split("/", 3)[:3])

    page.goto(f"{host}/orders/{order_id}/return/")
    page.fill("[name=line_1]", "1")
    page.click("[name=quote]")
    expect(page.locator("text=The buyer gets back")).to_be_visible()
    assert (overflow(page), violations(page)) == (0, [])
    page.click("[name=ask]")
    page.click("[name=step][value=receive]")
    expect(page.locator("[name=saleable-1]")).to_have_value("1")
    assert (overflow(page), violations(page)) == (0, [])
    page.click("[name=step][value=inspect]")
    expect(page.locator("h1")).to_contain_text("Inspected")
    for address in ("/aftersale/", "/aftersale/policy/"):
        page.goto(host + address)
        assert (overflow(page), violations(page)) == (0, []), address
