"""Scan-to-buy on a customer's phone, and the forms that came with it, in a real browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect
from tests.console.conftest import NOW
from tests.console.test_accessibility import needs_axe, violations
from tests.console.test_browser import PHONE, overflow

from tongpan.catalog.listings import ListingSpec, save_listings
from tongpan.orders.actions.baskets import open_store
from tongpan.orders.models import ScanBasket
from tongpan.promotions.actions import publish, save_draft

pytestmark = pytest.mark.browser


@needs_axe
def test_a_customer_types_a_barcode_and_gets_a_code_for_the_till(page, live_server, company):
    by = {"actor": "test", "now": NOW}
    save_listings([ListingSpec("tm", "I1", "", "CUP", "Cup", price_minor=1250)], **by)
    open_store("st", "tm", **by)
    ten = {
        "code": "ten",
        "kind": "percent",
        "scope": {"all": True},
        "benefit": {"percent": 10},
        "name_en": "Scan offer",
    }
    save_draft("d", {"rules": [ten]}, **by)
    publish("d", **by)
    page.set_viewport_size(PHONE)
    page.goto(f"{live_server.url}/scan/st/", wait_until="networkidle")

    for code in ("nothing", "CUP"):
        page.fill("[name=code]", code)
        page.keyboard.press("Enter")
        expect(page.locator("[data-said]")).to_contain_text("ask the staff" if code == "nothing" else "12.50")
    page.click("[data-cart-lines] button:last-child")
    expect(page.locator("[data-total]")).to_contain_text("22.50")
    page.reload(wait_until="networkidle")
    expect(page.locator("[data-total]")).to_contain_text("22.50")
    expect(page.locator("[data-before]")).to_contain_text("25.00")
    expect(page.locator("[data-offers]")).to_contain_text("Scan offer −CN¥2.50")
    page.click("[data-pay]")

    expect(page.locator("[data-qr] svg")).to_be_visible()
    assert ScanBasket.objects.get().total_minor == 2250
    assert violations(page) == []
    assert overflow(page) == 0
