"""The order desk by keyboard, in a real browser: walking, opening beside the list, selecting, acting on many."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect
from tests.console.test_browser import PHONE, console, overflow

__all__ = ["console"]
pytestmark = pytest.mark.browser


def here(page) -> str:
    """The number of the row one is at."""
    return page.locator("tr.is-current .cell-main a").inner_text()


def test_the_list_is_walked_by_letters_and_by_arrows(console, company):
    page = console("/orders/")

    page.keyboard.press("j")
    assert here(page) == "J-1"
    expect(page.locator("a:text-is('J-1')")).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("j")
    assert here(page) == "T-3"
    page.keyboard.press("k")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("k")
    assert here(page) == "J-1", "the first row has none before it"

    outline = page.locator("a:text-is('J-1')").evaluate("e => getComputedStyle(e).outlineStyle")
    assert outline == "solid"


def test_enter_opens_the_order_beside_the_list_and_escape_leads_back_to_its_row(console, company):
    page = console("/orders/?status=open")
    panel = page.locator("#panel")

    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(panel).to_be_visible()
    expect(page.locator("#panel-title")).to_have_text("T-2")
    expect(page.locator("#panel-title")).to_be_focused()
    expect(page).to_have_url(re.compile(rf"/orders/\?status=open&open={company.orders['T-2']}$"))
    expect(page.locator("tbody tr[data-row]")).to_have_count(3)

    page.keyboard.press("j")
    expect(page.locator("#panel-title")).to_have_text("T-1")
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(page.locator("a:text-is('T-1')")).to_be_focused()
    expect(page).to_have_url(re.compile(r"/orders/\?status=open$"))


def test_back_from_the_whole_page_restores_list_filter_and_panel(console, company):
    page = console("/orders/?status=open&sort=-total")
    page.click("a:text-is('T-2')")
    expect(page.locator("#panel-title")).to_have_text("T-2")

    page.click("#panel >> text=Whole page")
    expect(page.locator("h1")).to_contain_text("T-2")
    page.go_back()

    expect(page.locator("#id_status")).to_have_value("open")
    expect(page.locator("tbody tr[data-row]")).to_have_count(3)
    expect(page.locator("#panel-title")).to_have_text("T-2")


def test_many_orders_are_held_by_keyboard_and_no_other_is_touched(console, company):
    from tongpan.orders.models import Hold, Order

    page = console("/orders/?status=open")
    revisions = dict(Order.objects.values_list("external_id", "revision"))

    page.keyboard.press("j")
    page.keyboard.press("x")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(page.locator("[data-selected-count]")).to_have_text("2")
    page.keyboard.press("b")
    expect(page.locator(".bulk button[value=hold]")).to_be_focused()
    page.keyboard.press("Enter")

    expect(page.locator("h1")).to_have_text("Hold: 2 orders")
    page.select_option("#id_reason", "manual")
    page.fill("#id_detail", "call the buyer")
    page.click("form.form button.button-primary")

    expect(page.locator("h1")).to_have_text("Hold: 2 of 2 orders done")
    held = Hold.objects.filter(reason="manual", released_at=None)
    assert sorted(held.values_list("order__external_id", flat=True)) == ["J-1", "T-1"]
    after = dict(Order.objects.values_list("external_id", "revision"))
    assert {number for number in after if after[number] != revisions[number]} == {"J-1", "T-1"}

    page.click("text=Back to the list")
    expect(page).to_have_url(re.compile(r"/orders/\?status=open$"))
    expect(page.locator("tr", has_text="T-1").locator(".badge-warn")).to_have_text("Manual")


def test_shift_selects_up_to_the_row_and_a_selects_all(console, company):
    page = console("/orders/")

    for key in ("j", "x", "j", "j", "Shift+X"):
        page.keyboard.press(key)
    expect(page.locator("[data-selected-count]")).to_have_text("3")
    page.keyboard.press("a")
    expect(page.locator("[data-selected-count]")).to_have_text("5")
    page.keyboard.press("a")
    expect(page.locator("#bulk")).to_be_hidden()


def test_the_help_names_the_keys_and_g_leads_elsewhere(console, company):
    page = console("/orders/")

    page.keyboard.press("?")
    expect(page.locator("#keys-help")).to_be_visible()
    expect(page.locator("#keys-help")).to_contain_text("Open beside the list")
    page.keyboard.press("j")
    assert page.locator("tr.is-current").count() == 0, "keys of the list rest while the help is open"
    page.keyboard.press("Escape")
    expect(page.locator("#keys-help")).to_be_hidden()

    page.keyboard.press("g")
    page.keyboard.press("s")
    expect(page).to_have_url(re.compile(r"/stock/$"))
    page.keyboard.press("g")
    page.keyboard.press("o")
    expect(page).to_have_url(re.compile(r"/orders/$"))


def test_letters_typed_into_a_field_are_text(console, company):
    page = console("/orders/")

    page.keyboard.press("/")
    page.keyboard.type("jxa?go")

    expect(page.locator("#id_q")).to_have_value("jxa?go")
    assert page.locator("tr.is-current").count() == 0
    expect(page.locator("#keys-help")).to_be_hidden()


def test_the_views_tell_how_many_and_lead_to_them(console, company):
    page = console("/orders/")

    tab = page.locator(".views a", has_text="Out of stock")
    expect(tab.locator(".tab-count")).to_have_text("1")
    tab.click()

    expect(page.locator("tbody tr[data-row]")).to_have_count(1)
    expect(page.locator(".views a[aria-current=page]")).to_contain_text("Out of stock")


def test_columns_are_chosen_and_stay(console, company):
    page = console("/orders/?status=open")

    page.click("summary:has-text('Columns')")
    page.uncheck("label:has-text('Customer') input")
    page.check("label:has-text('Tags') input")
    page.click(".columns-menu >> text=Save")

    expect(page).to_have_url(re.compile(r"/orders/\?status=open$"))
    page.reload()
    expect(page.locator("thead")).to_contain_text("Tags")
    expect(page.locator("thead")).not_to_contain_text("Customer")


def test_the_sealed_address_opens_inside_the_panel(console, company):
    page = console("/orders/")
    page.click("a:text-is('T-1')")

    page.click("text=are sealed: show them")
    page.fill("#panel input[name=reason]", "the courier asks")
    page.click("#panel .reveal button")

    expect(page.locator("#panel")).to_contain_text("南京路1号")
    page.keyboard.press("Escape")
    page.click("a:text-is('T-1')")
    expect(page.locator("#panel-title")).to_have_text("T-1")
    expect(page.locator("#panel")).not_to_contain_text("南京路1号")


def test_on_a_phone_an_order_opens_as_a_page(console, company):
    page = console("/orders/", role="store")
    page.set_viewport_size(PHONE)

    assert overflow(page) <= 0
    page.click("a:text-is('T-1')")

    expect(page.locator("h1")).to_contain_text("T-1")
    expect(page).to_have_url(re.compile(rf"/orders/{company.orders['T-1']}/$"))
    assert overflow(page) <= 0
