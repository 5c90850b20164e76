"""Every page of the console against the rules of axe-core (WCAG 2.2, A and AA), in both themes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.console.test_browser import PAGES, PHONE, console

__all__ = ["console"]
AXE = Path(__file__).parents[2] / "node_modules/axe-core/axe.min.js"
# Only where npm could not run; under CI=true nothing may skip.
needs_axe = pytest.mark.skipif(not AXE.exists(), reason="axe-core is not installed; `make install` does it")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.browser,
    needs_axe,
]
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


# The themes differ in their colours alone, so the dark one is held against the rules about colours.
COLOURS = {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}
THEMES = {"light": RULES, "dark": COLOURS}


def violations(page: Any, rules: dict[str, Any] = RULES) -> list[str]:
    """What axe finds wrong on the page as it stands: rule, and the first elements that break it."""
    # The content security policy of the pages lets no script in but ours; the driver's own channel does.
    page.evaluate(AXE.read_text("utf-8"))
    found = page.evaluate("rules => axe.run(document, rules)", rules)["violations"]
    return [f"{one['id']}: {[node['html'][:160] for node in one['nodes'][:3]]}" for one in found]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_page_meets_the_rules(console, company, theme):
    page = console("/", role="administrator")
    page.emulate_media(color_scheme=theme, reduced_motion="reduce")
    host = page.url.split("/", 3)[:3]
    ids = {"order": company.orders["T-1"], "customer": next(iter(company.customers.values()))}
    found = {}

    for address in PAGES:
        page.goto("/".join(host) + address.format(**ids))
        if wrong := violations(page, THEMES[theme]):
            found[address] = wrong

    assert found == {}


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_order_desk_meets_the_rules_in_each_of_its_states(console, company, theme):
    page = console("/orders/")
    page.emulate_media(color_scheme=theme, reduced_motion="reduce")
    page.goto(f"{page.url}?node=1&least=-5", wait_until="networkidle")
    found = {"more filters": violations(page, THEMES[theme])}

    page.goto(page.url.split("?")[0], wait_until="networkidle")
    page.keyboard.press("j")
    page.keyboard.press("x")
    found["a row selected"] = violations(page, THEMES[theme])
    page.keyboard.press("Enter")
    page.wait_for_selector("#panel-title")
    for details in page.locator("#panel details.card").all():
        details.evaluate("e => { e.open = true; }")
    found["the panel open"] = violations(page, THEMES[theme])
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    found["the help open"] = violations(page, THEMES[theme])
    page.keyboard.press("Escape")
    page.click(".bulk button[value=release]")
    found["the question"] = violations(page, THEMES[theme])
    page.click("form.form button.button-primary")
    found["the answer"] = violations(page, THEMES[theme])

    assert {state: wrong for state, wrong in found.items() if wrong} == {}


def test_a_phone_meets_the_rules_too(console, company):
    page = console("/orders/", role="store")
    page.set_viewport_size(PHONE)
    host = page.url.split("/", 3)[:3]

    for address in ("/orders/", f"/orders/{company.orders['T-1']}/", "/stock/"):
        page.goto("/".join(host) + address, wait_until="networkidle")
        assert violations(page) == [], address
