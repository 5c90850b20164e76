"""Who sees which page."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse

from tongpan.console import urls
from tongpan.console.navigation import SECTIONS, sections_for

PUBLIC = {"login", "logout", "language", "theme", "track", "scan", "scan_goods", "scan_basket", "scan_quote"}
POST_ONLY = {"aftersale_bulk", "save_view", "delete_view", "import_again", "import_discard"} | {
    "save_columns",
    "order_bulk",
    "order_address",
    "account_pull",
    "account_remove",
    "push_decide",
    "order_join",
    "order_source",
    "import_unlock",
    "order_unmerge",
    "forecast_order",
    "allocation_accept",
    "webhook_secret",
    "webhook_rotate",
    "webhook_test",
    "webhook_replay",
    "webhook_delete",
    "delivery_replay",
    "quality_compute",
    "queue_step",
    "appointment_bulk",
    "inbound_secret",
    "inbound_replay",
    "message_replay",
    "draft_act",
    "replay_act",
    "draft_publish",
    "coupon_act",
    "campaign_announced",
    "diversion_look",
    "lottery_reveal",
}
ARGUMENTS = {
    "order_id": 1,
    "case_id": 1,
    "appointment_id": 1,
    "service_id": 1,
    "listing_id": 1,
    "cart_id": 1,
    "subscription_id": 1,
    "queue": "pick",
    "what": "x",
    "transfer_id": 1,
    "sheet_id": 1,
    "inspection_id": 1,
    "customer_id": 1,
    "view_id": 1,
    "import_id": 1,
    "code": "x",
    "shop_code": "y",
} | {
    "run_id": 1,
    "number": 1,
    "webhook_id": 1,
    "push_id": 1,
    "delivery_id": 1,
    "message_id": 1,
    "observation_id": 1,
    "score_id": 1,
    "key": "x",
    "kind": "labels",
    "name": "x",
    "batch_id": 1,
}
GUARDED = [pattern for pattern in urls.urlpatterns if pattern.name not in PUBLIC | POST_ONLY]


def address_of(pattern) -> str:
    names = pattern.pattern.converters
    return reverse(f"console:{pattern.name}", kwargs={name: ARGUMENTS[name] for name in names})


@pytest.mark.parametrize("pattern", GUARDED, ids=lambda pattern: pattern.name)
def test_an_anonymous_visitor_is_sent_to_sign_in(db, client: Client, pattern):
    answer = client.get(address_of(pattern))

    assert answer.status_code == 302
    assert answer["Location"].startswith("/login/?next=/")


def test_a_part_loaded_after_the_session_ended_sends_the_whole_page_to_sign_in(db, client: Client):
    answer = client.get(
        "/orders/", headers={"hx-request": "true", "hx-current-url": "http://testserver/orders/?status=paid"}
    )

    assert answer["HX-Redirect"] == "/login/?next=%2Forders%2F%3Fstatus%3Dpaid"
    assert answer.content == b""


@pytest.mark.parametrize(
    ("role", "address"),
    [
        ("viewer", "/customers/"),
        ("viewer", "/orders/export/"),
        ("store", "/customers/export/"),
        ("analyst", "/stock/adjust/"),
        ("store", "/channels/new/"),
    ],
)
def test_a_role_without_the_permission_is_told_which_one_is_missing(sign_in, role, address):
    answer = sign_in(role).get(address)

    assert answer.status_code == 403
    assert "The page needs the permission" in answer.content.decode()


@pytest.mark.parametrize(
    ("role", "seen"),
    [
        ("store", {"orders", "stock", "channels", "goods", "customers"}),
        ("viewer", {"orders", "stock", "channels", "goods"}),
    ],
)
def test_the_sidebar_shows_what_the_role_opens(sign_in, role, seen):
    client = sign_in(role)

    page = client.get("/orders/").content.decode()

    keys = {item.key for section in SECTIONS for item in section.items}
    shown = {key for key in keys if f'href="/{key}/"' in page}
    assert seen <= shown
    assert "customers" not in shown or role == "store"
    assert "/admin/" not in page


def test_a_section_without_an_entry_is_left_out():
    assert sections_for(lambda _permission: False) == []


def test_export_is_offered_only_to_those_who_may(sign_in):
    assert "/stock/export/" not in sign_in("viewer").get("/stock/").content.decode()


@pytest.mark.parametrize("address", ["/orders/", "/login/"])
def test_console_pages_run_no_foreign_script_and_are_not_shared(db, client: Client, address):
    answer = client.get(address)

    assert "default-src 'self'" in answer["Content-Security-Policy"]
    assert "script-src" not in answer["Content-Security-Policy"], "scripts fall under default-src"
    assert "private" in answer["Cache-Control"] or "no-store" in answer["Cache-Control"]


def test_every_entry_of_the_navigation_has_an_icon_of_its_own():
    icons = [item.icon for section in SECTIONS for item in section.items]
    sprite = (Path(urls.__file__).parent / "static/console/icons.svg").read_text("utf-8")

    assert sorted(set(icons)) == sorted(icons)
    assert [icon for icon in icons if f'<symbol id="{icon}"' not in sprite] == []
