"""The pages of promotions: rules, drafts, versions, campaigns, coupons."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from tests.support.company import open_company

from tongpan.core.clock import utc_now
from tongpan.promotions.actions import publish, save_draft
from tongpan.promotions.actions.batches import BatchSpec, create_batch, make_coupons
from tongpan.promotions.coupons import coder
from tongpan.promotions.models import Campaign, Coupon, CouponBatch, Draft, RulebookVersion

FULL = {
    "code": "tb-300-50",
    "name_zh": "满300减50",
    "kind": "stepped",
    "scope": {"all": True, "except": {"categories": ["gift"]}},
    "conditions": {"channels": ["tmall"], "min_qty": 2},
    "benefit": {"by": "amount", "steps": [{"from_minor": 30000, "amount_minor": 5000}], "repeat": True},
    "window": {"weekly": [{"days": ["wed"], "from": "20:00", "to": "24:00"}], "zone": "Asia/Shanghai"},
    "limits": {"money_minor": 100000},
    "payers": {"shop": 7, "platform": 3},
}
LIVE = {
    "code": "live-50",
    "name_zh": "直播间50元券",
    "kind": "amount",
    "scope": {"all": True},
    "benefit": {"amount_minor": 5000},
    "needs_coupon": True,
}


@pytest.fixture
def draft(db):
    open_company()
    by = {"actor": "li", "now": utc_now() - timedelta(days=1)}
    save_draft("one", {"rules": [FULL]}, **by)
    publish("one", **by)
    save_draft("next", {"rules": [FULL, LIVE], "stack": [["order", "coupon"]]}, **by)


def said(client, path):
    answer = client.get(path)
    assert answer.status_code == 200, path
    return answer.content.decode()


def test_the_list_shows_what_counts_or_a_draft(sign_in, draft):
    client = sign_in()

    counts, next_one = said(client, "/promotions/"), said(client, "/promotions/?draft=next")

    assert "tb-300-50" in counts and "live-50" not in counts
    assert "live-50" in next_one
    assert "live-50" not in said(client, "/promotions/?draft=next&q=300")
    assert "tb-300-50" not in said(client, "/promotions/?channel=own")
    export = b"".join(client.get("/promotions/export/?draft=next").streaming_content).decode()
    assert len(export.splitlines()) == 3


def fields(html: str) -> dict[str, list[str]]:
    """What the form of a page would send as it stands."""
    found: dict[str, list[str]] = {}
    for tag in re.findall(r"<input[^>]*>", html):
        told = dict(re.findall(r'(\w+)="([^"]*)"', tag))
        is_box = told.get("type") == "checkbox"
        if (not is_box or " checked" in tag) and told.get("name", "csrfmiddlewaretoken") != "csrfmiddlewaretoken":
            found.setdefault(told["name"], []).append(told.get("value", "on" if is_box else ""))
    for name, inner in re.findall(r'<select[^>]*name="(\w+)"[^>]*>(.*?)</select>', html, re.S):
        found[name] = re.findall(r'<option value="([^"]*)" selected', inner)
    for name, text in re.findall(r'<textarea[^>]*name="(\w+)"[^>]*>\s*(.*?)</textarea>', html, re.S):
        found[name] = [text]
    return found


def test_a_rule_that_is_kept_as_it_is_stays_as_it_is(sign_in, draft):
    client = sign_in()
    at = "/promotions/rulebook/drafts/next/rules/tb-300-50/"
    main = said(client, at).split("<main", 1)[1]

    answer = client.post(at, fields(main))

    assert answer.status_code == 302, answer.content.decode().split("<main", 1)[1][:4000]
    assert Draft.objects.get().document["rules"][0] == FULL


def test_days_of_a_window_are_shown_and_kept_as_the_instants_they_mean(sign_in, draft):
    days = {"starts_at": "2026-12-12", "ends_at": "2026-12-13"}
    save_draft("next", {"rules": [LIVE | {"window": days}]}, actor="li", now=utc_now())
    client = sign_in()
    at = "/promotions/rulebook/drafts/next/rules/live-50/"
    main = said(client, at).split("<main", 1)[1]

    assert client.post(at, fields(main)).status_code == 302

    assert 'value="2026-12-12T00:00"' in main and 'value="2026-12-14T00:00"' in main
    assert Draft.objects.get().document["rules"][0]["window"] == {
        "starts_at": "2026-12-12T00:00:00+08:00",
        "ends_at": "2026-12-14T00:00:00+08:00",
    }


def test_a_rule_of_its_kind_is_added_by_form_and_faults_stand_beside_their_fields(sign_in, draft):
    client = sign_in()
    at = "/promotions/rulebook/drafts/next/rules/new/"
    assert "?kind=flash_sale" in said(client, at)
    form = {"code": "flash", "all": "on", "benefit_price": "99.00", "limits": "", "units": "100", "channels": ["own"]}

    wrong = client.post(f"{at}?kind=flash_sale", form | {"benefit_percent": "20"})
    answer = client.post(f"{at}?kind=flash_sale", form)

    assert wrong.status_code == 200 and "Say one of percent, amount_minor" in wrong.content.decode()
    assert answer.status_code == 302
    assert Draft.objects.get().document["rules"][2] == {
        "code": "flash",
        "kind": "flash_sale",
        "benefit": {"price_minor": 9900},
        "scope": {"all": True},
        "conditions": {"channels": ["own"]},
        "limits": {"units": 100},
    }
    gone = client.post("/promotions/rulebook/drafts/next/rules/flash/", {"remove": "1"})
    assert gone.status_code == 302
    assert len(Draft.objects.get().document["rules"]) == 2


def test_a_draft_shows_what_it_changes_and_is_published(sign_in, draft):
    client = sign_in()
    page = said(client, "/promotions/rulebook/drafts/next/")
    assert "live-50" in page and "tb-300-50" not in page.split("<main", 1)[1]

    assert client.post("/promotions/rulebook/", {"name": "back", "from_version": "1"}).status_code == 302
    client.post("/promotions/rulebook/drafts/next/document/", {"document": '{"rules": [{"code": "x"}]}'})
    assert len(Draft.objects.get(name="next").document["rules"]) == 2
    assert sign_in("analyst").post("/promotions/rulebook/drafts/next/publish/", {}).status_code == 403

    assert Draft.objects.get(name="back").document["rules"] == [FULL]
    assert RulebookVersion.objects.count() == 1
    assert "tb-300-50" in said(client, "/promotions/rulebook/versions/1/")
    assert "back" in said(client, "/promotions/rulebook/")


def test_a_campaign_is_made_worded_and_announced(sign_in, draft):
    client = sign_in()
    form = {
        "code": "618",
        "name_zh": "618大促",
        "starts": "2026-06-01T00:00",
        "ends": "2026-06-19T00:00",
        "channels": ["own", "tmall"],
        "discount_mode": "unified",
        "rhythm": "预热, 2026-06-01, 2026-06-10\n爆发, 2026-06-11, 2026-06-18",
    }
    assert client.post("/campaigns/new/", form).status_code == 302
    words = {"zh-own": "线上线下同折", "form-own": "海报"}
    assert client.post("/campaigns/by-code/618/edit/", form | words).status_code == 302
    assert client.post("/campaigns/by-code/618/announced/", {"channel": "own"}).status_code == 302

    campaign = Campaign.objects.get()
    assert [phase["name_zh"] for phase in campaign.rhythm] == ["预热", "爆发"]
    own, tmall = campaign.announcements.order_by("channel")
    assert (own.words_zh, own.form, own.announced_at is None, tmall.announced_at) == (
        "线上线下同折",
        "海报",
        False,
        None,
    )
    page = said(client, "/campaigns/by-code/618/")
    assert "线上线下同折" in page and "爆发, 2026-06-11, 2026-06-18" in page
    assert "1 / 2" in said(client, "/campaigns/?q=618")
    assert "2026-06-11" in said(client, "/campaigns/by-code/618/edit/")


def test_coupons_are_made_seen_stopped_and_voided(sign_in, draft):
    client = sign_in()
    assert "live-50" in said(client, "/coupons/new/")
    form = {"name": "Live", "rule": "live-50", "word": "GO50", "valid_from": "2026-11-01T00:00"}
    assert client.post("/coupons/new/", form).status_code == 302
    batch = create_batch(BatchSpec("Unique", "live-50", utc_now(), count=3), actor="li", now=utc_now())
    make_coupons(batch.pk)
    code = coder().code(batch.first_number)

    assert "GO50" in said(client, "/coupons/")
    page = said(client, f"/coupons/{batch.pk}/?q={code}")
    assert f"{code[:4]}-{code[4:8]}-{code[8:]}" in page
    rows = b"".join(client.get(f"/coupons/{batch.pk}/codes/").streaming_content).decode()
    assert len(rows.splitlines()) == 4
    assert client.get(f"/coupons/{batch.pk}/?state=issued").content.decode().count(code[8:]) > 0
    client.post(f"/coupons/{batch.pk}/act/", {"do": "void"})
    client.post(f"/coupons/{batch.pk}/act/", {"do": "stop"})
    assert set(Coupon.objects.filter(batch=batch).values_list("state", flat=True)) == {"void"}
    assert CouponBatch.objects.get(pk=batch.pk).is_stopped

    fresh = create_batch(BatchSpec("Fresh", "live-50", utc_now(), count=1), actor="li", now=utc_now())
    make_coupons(fresh.pk)
    code = coder().code(fresh.first_number)
    hidden = said(sign_in("analyst"), f"/coupons/{fresh.pk}/").split("<tbody", 1)[1]
    assert code[:4] in hidden and code[4:8] not in hidden


def test_an_order_says_why_it_costs_what_it_costs(sign_in, draft):
    from tests.support.company import put

    from tongpan.orders.actions.carts import CartLineSpec, checkout, open_cart
    from tongpan.orders.engine import ShipTo

    now = utc_now()
    put("sh", A=5)
    token = open_cart("mall", [CartLineSpec("A", 1, 40_000)], None, now=now)
    postage = {"code": "postage", "kind": "free_shipping", "benefit": {}, "conditions": {"min_minor": 50_000}}
    save_draft("off", {"rules": [LIVE | {"needs_coupon": False}, postage]}, actor="li", now=now)
    publish("off", actor="li", now=now)
    made = checkout(token, None, ShipTo(), actor="li", now=now)

    page = said(sign_in(), f"/orders/{made.order_id}/")

    assert "It takes 50.00 CNY off." in page
    assert "It needs 150.00 CNY more." in page or "It needs 100.00 CNY more." in page
