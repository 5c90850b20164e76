"""Replays on a phone and at the desk: no wider than the page, and by the rules of accessibility."""

from __future__ import annotations

import os

import pytest
from tests.console.conftest import NOW
from tests.console.test_accessibility import needs_axe, violations
from tests.console.test_browser import PHONE, console, overflow
from tests.console.test_replays import TEN

from tongpan.orders.replaying.actions import ask_replay, run_replay
from tongpan.orders.replaying.basics import Ask
from tongpan.promotions.actions import save_draft

__all__ = ["console"]
pytestmark = [
    pytest.mark.browser,
    needs_axe,
]


def test_the_pages_of_replays_are_clean_in_both_widths(console, company):
    save_draft("ten", {"rules": [TEN]}, actor="user:li", now=NOW)
    days = (NOW.date().replace(day=1), NOW.date().replace(day=20))
    runs = [
        ask_replay(Ask("ten", *days, name=name, tiers={"gold": 0}), is_queued=False, actor="user:li", now=NOW)
        for name in ("Ten percent", "Again")
    ]
    for run in runs:
        run_replay(run.pk)
    language = os.environ.get("REPLAY_LANGUAGE", "en")
    page = console("/", language=language)
    host = "/".join(page.url.split("/", 3)[:3])
    addresses = (
        "/promotions/replays/",
        "/promotions/replays/new/",
        f"/promotions/replays/{runs[0].pk}/?with={runs[1].pk}",
    )

    for width, size in (("phone", PHONE), ("desk", {"width": 1280, "height": 900})):
        page.set_viewport_size(size)
        for position, address in enumerate(addresses):
            page.goto(host + address)
            if folder := os.environ.get("REPLAY_SHOTS"):
                page.screenshot(path=f"{folder}/{language}-{width}-{position}.png", full_page=True)
            assert (overflow(page), violations(page)) == (0, []), (width, address)
