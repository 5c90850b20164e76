"""The console in a real browser."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

PASSWORD = "a long enough sentence"
VENDOR = Path(__file__).parents[2] / "src/tongpan/console/static/vendor/echarts.min.js"
PHONE = {"width": 390, "height": 844}
pytestmark = [pytest.mark.browser, pytest.mark.slow]
needs_charts = pytest.mark.skipif(not VENDOR.exists(), reason="echarts is not built in; `make` does it")


@pytest.fixture
def console(page: Page, live_server, person) -> Iterator[Callable[..., Page]]:
    """Sign in as a new user of a role and open an address. Fails the test for any script error, any refused
    resource and any request to another host."""
    problems: list[str] = []
    page.on("console", lambda line: problems.append(line.text) if line.type == "error" else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on(
        "request",
        lambda sent: (
            None if sent.url.startswith((live_server.url, "data:", "blob:")) else problems.append(f"asked {sent.url}")
        ),
    )

    def enter(address: str = "/", role: str = "manager", language: str = "en") -> Page:
        person(role, language=language)
        page.goto(f"{live_server.url}/login/")
        page.fill("#id_username", role)
        page.fill("#id_password", PASSWORD)
        page.click("button.button-primary")
        page.wait_for_url(lambda url: "/login/" not in url)
        page.goto(f"{live_server.url}{address}")
        return page

    yield enter
    assert problems == []


def overflow(page: Page) -> int:
    return page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")


def test_filtering_changes_list_and_address_and_back_restores_both(console, company):
    page = console("/orders/")
    rows = page.locator("tbody tr")
    expect(rows).to_have_count(5)

    page.select_option("#id_status", "cancelled")
    expect(rows).to_have_count(1)
    expect(page).to_have_url(re.compile(r"/orders/\?status=cancelled$"))

    page.fill("#id_q", "T-")
    expect(page).to_have_url(re.compile(r"q=T-"))

    page.evaluate("history.go(-2)")
    expect(rows).to_have_count(5)
    expect(page.locator("#id_status")).to_have_value("")
    expect(page).to_have_url(re.compile(r"/orders/$"))


def test_a_filter_survives_a_look_at_an_order(console, company):
    page = console("/orders/?status=open&sort=-total")
    expect(page.locator("th[aria-sort=descending]")).to_contain_text("Total")

    page.click("a:text-is('T-1')")
    page.click("text=Whole page")
    expect(page.locator("h1")).to_contain_text("T-1")
    page.go_back()

    expect(page.locator("table[data-rows] > tbody > tr")).to_have_count(3)
    expect(page.locator("#id_status")).to_have_value("open")


def test_a_click_on_a_heading_sorts_and_turns_round(console, company):
    page = console("/orders/")

    page.click("th >> text=Total")
    expect(page.locator("tbody tr").first).to_contain_text("242.50")
    page.click("th >> text=Total")
    expect(page.locator("tbody tr").first).to_contain_text("30.50")
    expect(page).to_have_url(re.compile(r"sort=total$"))


def test_chosen_rows_show_the_bulk_bar_and_are_exported_alone(console, company):
    page = console("/orders/")
    expect(page.locator("#bulk")).to_be_hidden()

    page.locator("[data-select-row]").nth(0).check()
    page.locator("[data-select-row]").nth(1).check()
    expect(page.locator("[data-selected-count]")).to_have_text("2")

    with page.expect_download() as download:
        page.click("text=Export selected (CSV)")
    lines = Path(download.value.path()).read_text("utf-8-sig").splitlines()
    assert [line.split(",")[0] for line in lines[1:]] == ["J-1", "T-4"]

    page.locator("[data-select-all]").check()
    expect(page.locator("[data-selected-count]")).to_have_text("5")
    page.click("text=Clear selection")
    expect(page.locator("#bulk")).to_be_hidden()


def test_a_view_is_saved_and_opened(console, company):
    page = console("/orders/?status=open")

    page.click("text=Save this view")
    page.fill("#view-name", "Unsent")
    page.click(".menu-form >> text=Save")

    expect(page.locator(".toast")).to_contain_text("Unsent")
    page.goto(page.url.split("?")[0])
    page.click(".views >> text=Unsent")
    expect(page.locator("tbody tr")).to_have_count(3)


def test_the_keyboard_reaches_content_search_and_menus(console, company):
    page = console("/orders/")

    page.keyboard.press("Tab")
    expect(page.locator(".skip-link")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()

    page.keyboard.press("/")
    expect(page.locator("#id_q")).to_be_focused()
    page.goto(page.url.replace("/orders/", "/goods/sku/BAG/").split("#")[0])
    page.keyboard.press("/")
    expect(page.locator("#global-search")).to_be_focused()
    page.keyboard.type("T-3")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_contain_text("T-3")

    menu = page.locator("details.menu").first
    menu.locator("summary").click()
    expect(menu.locator(".menu-panel")).to_be_visible()
    page.keyboard.press("Escape")
    expect(menu.locator(".menu-panel")).to_be_hidden()


def test_language_and_theme_change_at_once_and_stay(console, company):
    page = console("/orders/")

    page.click("summary[aria-label=Language]")
    page.click("button:has-text('简体中文')")
    expect(page.locator("h1")).to_have_text("订单")

    page.click("summary[aria-label=外观]")
    page.click("button:has-text('深色')")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    light_on_dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert light_on_dark == "rgb(15, 19, 23)"


def test_on_a_phone_the_menu_is_a_drawer_and_rows_are_cards(console, company):
    page = console("/orders/", role="store")
    page.set_viewport_size(PHONE)

    expect(page.locator(".sidebar")).not_to_be_in_viewport()
    page.click(".drawer-button")
    expect(page.locator(".sidebar")).to_be_in_viewport()
    page.keyboard.press("Escape")
    expect(page.locator(".sidebar")).not_to_be_in_viewport()

    expect(page.locator("thead")).not_to_be_in_viewport()
    page.click(".tabbar >> text=Stock")
    expect(page.locator("h1")).to_have_text("Stock Simulated")
    assert overflow(page) <= 0


def test_store_staff_adjust_stock_on_a_phone(console, company):
    page = console("/stock/sku/CUP/", role="store")
    page.set_viewport_size(PHONE)

    page.click("text=Adjust stock")
    expect(page.locator("#id_sku")).to_have_value("CUP")
    page.select_option("#id_node", label="北京店")
    page.fill("#id_qty", "2")
    page.fill("#id_reason", "found in the back room")
    page.click("text=Book it")

    expect(page.locator(".toast")).to_contain_text("Booked")
    expect(page.locator("tbody tr").filter(has_text="found in the back room")).to_contain_text("+2")


PAGES = (
    "/orders/",
    "/orders/{order}/",
    "/groups/",
    "/lotteries/new/",
    "/orders/rules/",
    "/orders/{order}/edit/",
    "/orders/{order}/split/",
    "/carts/",
    "/preorders/",
    "/preorders/offers/",
    "/preorders/offers/edit/",
    "/subscriptions/",
    "/subscriptions/rules/",
    "/promises/clocks/",
    "/stock/",
    "/stock/rules/",
    "/stock/core/",
    "/stock/core/edit/",
    "/targets/",
    "/targets/stock_turnover/",
    "/promises/",
    "/routing/",
    "/routing/policies/cheapest/",
    "/routing/policies/cheapest/try/",
    "/queues/",
    "/queues/pickup/",
    "/returns/analysis/",
    "/stock/sku/BAG/",
    "/stock/documents/",
    "/stock/adjust/",
    "/channels/",
    "/channels/tmall/",
    "/channels/new/",
    "/channels/tmall/shops/new/",
    "/goods/",
    "/goods/sku/BAG/",
    "/goods/coverage/",
    "/goods/roles/",
    "/goods/standards/edit/",
    "/network/layout/",
    "/network/dealers/",
    "/customers/",
    "/customers/{customer}/",
    "/imports/",
    "/search/?q=BAG",
    "/account/password/",
)


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_every_page_is_clean_in_both_widths(console, company, language):
    page = console("/", role="administrator", language=language)
    host = page.url.split("/", 3)[:3]
    ids = {"order": company.orders["T-1"], "customer": next(iter(company.customers.values()))}

    for address in PAGES:
        page.goto("/".join(host) + address.format(**ids))
        for width in (390, 1440):
            page.set_viewport_size({"width": width, "height": 844})
            assert overflow(page) <= 0, f"{address} is wider than {width}"
            assert page.locator("h1").count() == 1, address
            assert page.locator("[id]").evaluate_all("e => e.length - new Set(e.map(x => x.id)).size") == 0, address
            nameless = page.locator("button, a[href], input:not([type=hidden]), select").evaluate_all(
                """all => all.filter(e => e.checkVisibility() && !e.textContent.trim() && !e.getAttribute('aria-label')
                     && !(e.labels && e.labels.length) && !e.title).map(e => e.outerHTML)"""
            )
            assert nameless == [], address


@needs_charts
def test_charts_are_drawn_and_follow_the_theme(console, company):
    from tests.support.reading import read_once

    from tongpan.analytics.readers import LAKE

    while read_once(LAKE):
        pass
    page = console("/overview/?day_from=2026-11-01&day_to=2026-11-30")

    expect(page.locator("[data-drawn=true]")).to_have_count(3)
    before = page.locator("canvas").first.evaluate("c => c.toDataURL()")
    page.emulate_media(color_scheme="dark")
    page.wait_for_timeout(700)
    assert page.locator("canvas").first.evaluate("c => c.toDataURL()") != before

    page.locator(".chart-data summary").first.click()
    expect(page.locator(".chart-data table").first).to_be_visible()


def test_a_file_is_uploaded_checked_and_waits_for_its_worker(console, company, tmp_path):
    path = tmp_path / "sales.csv"
    path.write_text(
        "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
        "700001,85123A,HEART HOLDER,6,2011-08-01 08:26:00,2.55,17850,United Kingdom\n"
    )
    page = console("/imports/")

    page.set_input_files("#id_file", path)
    expect(page.locator("[data-drop-name]")).to_have_text("sales.csv")
    page.click("text=Upload and check")
    expect(page.locator("main")).to_contain_text("£15.30")

    page.fill("#id_shop", "uci-shop")
    page.click("text=Try it")
    expect(page.locator("main")).to_contain_text("Waiting for a worker")
