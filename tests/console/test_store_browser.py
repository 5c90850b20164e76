"""The store desk in a real browser, with a line that goes down."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect
from tests.console.conftest import NOW
from tests.console.test_accessibility import needs_axe, violations
from tests.console.test_browser import PASSWORD, PHONE, VENDOR, overflow
from tests.console.test_store_desk import on_hand, on_the_way

from tongpan.catalog.models import Sku
from tongpan.console.models import StoreAct
from tongpan.inventory.models import Transfer
from tongpan.network.actions import set_staff

READER = VENDOR.parent / "zxing.min.js"
pytestmark = pytest.mark.browser


@pytest.fixture
def phone(page, live_server, person, company):
    """A clerk's phone at the Beijing store: phone("/desk/st/"). Its requests may fail without failing the test."""

    def enter(address: str, language: str = "en"):
        person("store", language=language)
        set_staff("store", ["st"], actor="test", now=NOW)
        page.set_viewport_size(PHONE)
        page.goto(f"{live_server.url}/login/?next=/desk/st/")
        page.fill("#id_username", "store")
        page.fill("#id_password", PASSWORD)
        page.click("button.button-primary")
        page.wait_for_url(re.compile("/desk/st/$"))
        page.evaluate("navigator.serviceWorker.ready.then(() => true)")
        page.goto(live_server.url + address, wait_until="networkidle")
        return page

    return enter


def test_what_is_done_without_a_line_is_sent_once_when_it_is_back(phone, live_server, company):
    # given a clerk who has looked at today's work and at a transfer when the line goes down
    transfer, before = on_the_way(BAG=2), on_hand("BAG")
    page = phone("/desk/st/")
    page.goto(f"{live_server.url}/desk/st/transfers/{transfer}/", wait_until="networkidle")
    page.context.set_offline(True)

    # when the transfer is received, and more of it than there is a second time
    page.click(".desk-actions .button-primary")
    state = page.locator(".act-state")
    expect(state).to_contain_text("Waits for the line")
    expect(page.locator("[data-waiting]")).to_have_text("1")
    page.goto(f"{live_server.url}/desk/st/transfers/{transfer}/")
    page.fill("[name=good]", "99")
    page.click(".desk-actions .button-primary")
    expect(page.locator("[data-waiting]")).to_have_text("2")
    assert StoreAct.objects.count() == 0

    # then a page that was seen is there without a line, and one that was not says so
    page.goto(f"{live_server.url}/desk/st/")
    expect(page.locator("h1")).to_have_text("Today")
    page.goto(f"{live_server.url}/desk/st/member/")
    expect(page.locator("h1")).to_have_text("No line")

    # and both go out in their order when the line is back: once, and refused with the sentence
    page.context.set_offline(False)
    page.goto(f"{live_server.url}/desk/st/sent/")
    listed = page.locator("#acts .act-state")
    expect(listed.nth(1)).to_contain_text("2 units received.")
    expect(listed.nth(0)).to_contain_text("Refused")
    expect(page.locator("[data-waiting]")).to_be_hidden()
    page.reload(wait_until="networkidle")
    assert (on_hand("BAG"), Transfer.objects.get().state) == (before + 2, "received")
    assert sorted(StoreAct.objects.values_list("state", flat=True)) == ["done", "refused"]


def test_an_answer_that_was_lost_is_asked_for_again_and_nothing_is_done_twice(phone):
    transfer, before = on_the_way(BAG=3), on_hand("BAG")
    page = phone(f"/desk/st/transfers/{transfer}/")
    lost = []

    def lose(route):
        if route.request.method == "POST" and not lost:
            lost.append(route.fetch().status)
            route.abort("connectionreset")
        else:
            route.continue_()

    page.route("**/desk/-/act/", lose)
    page.fill("[name=good]", "1")
    page.check("[name=more]")
    page.click(".desk-actions .button-primary")
    expect(page.locator("[data-line=down]")).to_be_visible()
    expect(page.locator(".act-state")).to_contain_text("Waits for the line")
    assert lost == [200]

    page.evaluate("dispatchEvent(new Event('online'))")

    expect(page.locator(".act-state")).to_contain_text("1 units received.")
    assert on_hand("BAG") == before + 1


# A scanner sends its keys within milliseconds, however busy the machine is.
SCAN = """code => { for (const key of [...code, "Enter"])
    (document.activeElement || document.body).dispatchEvent(
        new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true })); }"""


def test_a_scanner_that_types_adds_to_the_line_it_belongs_to(phone):
    Sku.objects.filter(code="BAG").update(barcode="6901234567892")
    page = phone("/desk/st/find/")

    page.evaluate(SCAN, "6901234567892")
    expect(page.locator("h2").first).to_contain_text("bag")

    page.goto(page.url.split("/find/")[0] + "/order/")
    for _ in range(2):
        page.evaluate(SCAN, "6901234567892")
    expect(page.locator("[data-rows] [name=qty]")).to_have_value("2")


def ean_bars(code: str) -> str:
    """The modules of an EAN-13, dark as 1."""
    left = [
        "0001101",
        "0011001",
        "0010011",
        "0111101",
        "0100011",
        "0110001",
        "0101111",
        "0111011",
        "0110111",
        "0001011",
    ]
    right = ["".join("10"[int(bit)] for bit in one) for one in left]
    mirrored = [one[::-1] for one in right]
    parity = ["LLLLLL", "LLGLGG", "LLGGLG", "LLGGGL", "LGLLGG", "LGGLLG", "LGGGLL", "LGLGLG", "LGLGGL", "LGGLGL"]
    sides = parity[int(code[0])]
    first = "".join((left if side == "L" else mirrored)[int(one)] for side, one in zip(sides, code[1:7], strict=True))
    return f"101{first}01010{''.join(right[int(one)] for one in code[7:])}101"


# The reader is fetched by make, not kept in the repository; CI=true lets no test skip.
@pytest.mark.skipif(not READER.exists(), reason="the reader of codes is not built in; `make` does it")
def test_the_camera_reads_a_barcode_where_the_browser_cannot(phone):
    Sku.objects.filter(code="BAG").update(barcode="6901234567892")
    page = phone("/desk/st/find/")
    page.evaluate(
        """bars => {
             delete globalThis.BarcodeDetector;
             const canvas = Object.assign(document.createElement("canvas"), { width: 640, height: 480 });
             const pen = canvas.getContext("2d");
             setInterval(() => {
               pen.fillStyle = "#fff"; pen.fillRect(0, 0, 640, 480); pen.fillStyle = "#000";
               [...bars].forEach((bar, at) => { if (bar === "1") pen.fillRect(80 + at * 5, 80, 5, 300); });
             }, 50);
             const getUserMedia = async () => canvas.captureStream(20);
             Object.defineProperty(navigator, "mediaDevices", { value: { getUserMedia } });
           }""",
        ean_bars("6901234567892"),
    )

    page.click(".desk-search [data-camera]")

    expect(page).to_have_url(re.compile("q=6901234567892"), timeout=15000)
    expect(page.locator("h2").first).to_contain_text("bag")


# A development dependency of npm, fetched by make; CI=true lets no test skip.
@needs_axe
@pytest.mark.parametrize(("language", "theme"), [("zh-hans", "light"), ("en", "dark")])
def test_every_page_of_the_desk_fits_a_thumb_and_meets_the_rules(phone, language, theme):
    transfer = on_the_way(BAG=3)
    page = phone("/desk/st/", language)
    page.emulate_media(color_scheme=theme, reduced_motion="reduce")
    host = page.url.split("/desk/")[0]
    found = {}

    for address in (
        "/desk/st/",
        "/desk/st/queue/pick/",
        f"/desk/st/transfers/{transfer}/",
        "/desk/st/pickup/",
        "/desk/st/return/?q=T-4",
        "/desk/st/count/",
        "/desk/st/find/?q=BAG",
        "/desk/st/member/",
        "/desk/st/order/?sku=BAG",
        "/desk/st/sent/",
    ):
        page.goto(host + address, wait_until="networkidle")
        assert overflow(page) <= 0, address
        small = page.locator("button, nav a, input:not([type=hidden])").evaluate_all(
            """all => all.filter(e => e.checkVisibility() && e.getBoundingClientRect().height < 40
                 && !e.closest('label.desk-check, .skip-link')).map(e => e.outerHTML)"""
        )
        if wrong := violations(page) + small:
            found[address] = wrong

    assert found == {}
