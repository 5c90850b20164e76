"""An appointment is booked and a repair done on a phone; the pages meet the rules of accessibility."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest
from playwright.sync_api import expect
from tests.console.test_accessibility import needs_axe, violations
from tests.console.test_browser import PHONE, console, overflow

from tongpan.fulfillment.services.appointments import save_kinds
from tongpan.fulfillment.services.engine import KindSpec
from tongpan.fulfillment.services.orders import ServiceSpec, assign, request_services
from tongpan.network.actions import save_nodes, set_staff
from tongpan.network.engine import NodeRules, NodeSpec, Timetable

__all__ = ["console"]
pytestmark = [
    pytest.mark.browser,
    needs_axe,
]


def test_an_appointment_and_a_repair_on_a_phone(console, company):
    now = datetime.now(UTC)
    by = {"actor": "test", "now": now}
    rules = NodeRules(facilities=("appointment", "repair"))
    week = Timetable(tuple((d, time(10), time(20)) for d in range(7)))
    save_nodes([NodeSpec("st", "store", "北京店", city="北京", rules=rules, hours=week)], **by)
    save_kinds([KindSpec("try-on", "试穿", capacity=2)], **by)
    wish = ServiceSpec("repair", goods="洗衣机", name="李雷", phone="13812345678", province="北京市", city="北京市")
    (asked,) = request_services([wish], **by)
    assign([asked.id], "st", **by)
    page = console("/", role="store")
    set_staff("store", ["st"], **by)
    page.set_viewport_size(PHONE)
    host = "/".join(page.url.split("/", 3)[:3])

    page.goto(f"{host}/appointments/new/?day={(now + timedelta(days=2)).date()}")
    page.click("[name=starts_at] >> nth=2")
    page.fill("[name=name]", "韩梅梅")
    page.fill("[name=phone]", "13812345678")
    assert (overflow(page), violations(page)) == (0, [])
    page.click("text=Book >> nth=-1")
    expect(page.locator("h1")).to_contain_text("Booked")
    assert (overflow(page), violations(page)) == (0, [])
    page.goto(f"{host}/service-orders/{asked.id}/")
    page.click("[name=step][value=accept]")
    expect(page.locator("h1")).to_contain_text("Accepted")
    assert (overflow(page), violations(page)) == (0, [])
    for address in ("/appointments/", "/service-orders/", "/service-orders/new/"):
        page.goto(host + address)
        assert (overflow(page), violations(page)) == (0, []), address
