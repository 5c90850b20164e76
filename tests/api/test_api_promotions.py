"""Rulebooks, campaigns, coupons and quotes through the API."""

from __future__ import annotations

import pytest
from tests.api.calling import Api, cny

pytestmark = pytest.mark.usefixtures("company")
TEN = {"code": "ten", "kind": "percent", "scope": {"all": True}, "benefit": {"percent": 10}}
FIVE = {
    "code": "five",
    "kind": "amount",
    "scope": {"all": True},
    "benefit": {"amount_minor": 500},
    "needs_coupon": True,
}
SHELF = {"sku": "A-1", "qty": 2, "unit_price": cny("29.90")}
BOOK = {"rules": [TEN, FIVE], "stack": [["item", "coupon"]]}


def published(api: Api) -> int:
    api.send("PUT", "/rulebook/drafts/autumn", {"document": BOOK})
    return int(api.send("POST", "/rulebook/drafts/autumn/publish", {"notice_zh": "可叠加"})["version"])


def test_a_rulebook_is_drafted_rule_by_rule_published_and_brought_back(api: Api) -> None:
    assert api.get("/rulebook") == {"version": 0, "document": {"rules": []}}
    api.send("POST", "/rulebook/drafts/autumn", {})
    api.send("PUT", "/rulebook/drafts/autumn/rules", {"rule": TEN})
    wrong = {"rule": TEN | {"benefit": {"percent": 120}}}
    assert api.refused(422, "PUT", "/rulebook/drafts/autumn/rules", wrong)["code"] == "promotions.document"
    faults = api.send("POST", "/rulebook/check", {"document": {"rules": [wrong["rule"]]}})["faults"]
    assert [fault["where"] for fault in faults] == ["rules[0].benefit.percent"]
    (change,) = api.get("/rulebook/drafts/autumn/differences")["items"]
    assert (change["rule"], change["change"]) == ("ten", "added")

    first = api.send("POST", "/rulebook/drafts/autumn/publish", {"notice_zh": "不可叠加"})
    api.send("PUT", "/rulebook/drafts/next", {"document": BOOK})
    api.send("POST", "/rulebook/drafts/next/publish", {})
    api.send("POST", "/rulebook/drafts/back", {"from_version": first["version"]})
    third = api.send("POST", "/rulebook/drafts/back/publish", {})

    assert (third["version"], third["document"]) == (3, first["document"])
    assert api.get("/rulebook/versions/1")["notice_zh"] == "不可叠加"
    assert api.refused(404, "GET", "/rulebook/versions/9")["code"] == "rulebook.version"
    assert api.refused(404, "GET", "/rulebook/drafts/autumn")["code"] == "draft.unknown"


def test_a_cart_is_quoted_with_reasons_and_ordered_by_its_quote(api: Api) -> None:
    published(api)
    batch = api.send(
        "POST",
        "/coupon-batches",
        {"name": "B", "rule": "five", "word": "GO5", "valid_from": "2026-01-01T00:00:00+08:00"},
    )
    cart = api.send("POST", "/carts", {"shop": "flagship", "lines": [SHELF]})["cart"]

    quote = api.send("POST", f"/carts/{cart}/quote", {"coupons": ["go-5", "nothing"]})
    priced = api.send("POST", "/quotes", {"shop": "flagship", "lines": [SHELF], "coupons": ["GO5"], "explain": True})

    assert (quote["total"], quote["discount"]) == (cny("48.82"), cny("10.98"))
    assert [one["problem"] for one in quote["coupons"]] == ["", "unknown"]
    assert {one["rule"]: one["applied"] for one in quote["reasons"]} == {"ten": True, "five": True}
    assert (priced["total"], priced["token"]) == (quote["total"], quote["token"])
    body = {"coupons": ["GO5"], "quote": quote["token"]}
    api.send("PUT", f"/carts/{cart}/lines", {"lines": [SHELF | {"qty": 1}]})
    assert api.refused(422, "POST", f"/carts/{cart}/checkout", body)["code"] == "cart.price_changed"
    api.send("PUT", f"/carts/{cart}/lines", {"lines": [SHELF]})
    made = api.send("POST", f"/carts/{cart}/checkout", body)
    assert made["total"] == cny("48.82")
    assert api.get(f"/coupon-batches/{batch['id']}")["coupons"]["locked"] == 1


def test_a_coupon_is_claimed_online_and_used_at_a_till(api: Api) -> None:
    published(api)
    batch = api.send(
        "POST",
        "/coupon-batches",
        {"name": "B", "rule": "five", "count": 2, "per_customer": 1, "valid_from": "2026-01-01T00:00:00+08:00"},
    )
    from tongpan.promotions.actions.batches import make_coupons

    make_coupons(batch["id"])
    buyer = {"value": "m-1", "scope": "company", "kind": "member"}
    code = api.send("POST", "/coupons/claim", {"buyer": buyer, "batch": batch["id"]})["code"]
    assert api.refused(422, "POST", "/coupons/claim", {"buyer": buyer, "batch": batch["id"]})["code"] == "coupon.none"

    sale = {"code": code, "reference": "flagship:1", "shop": "flagship", "buyer": buyer}
    assert api.send("POST", "/coupons/lock", sale)["rule"] == "five"
    assert api.send("POST", "/coupons/release", {"reference": "flagship:1"}) == {"coupons": 1}
    api.send("POST", "/coupons/lock", sale)
    assert api.send("POST", "/coupons/use", {"reference": "flagship:1"}) == {"coupons": 1}
    again = sale | {"reference": "flagship:2"}
    assert api.refused(422, "POST", "/coupons/lock", again)["code"] == "coupon.used"
    assert api.send("POST", f"/coupon-batches/{batch['id']}/void", {}) == {"voided": 1}
    assert api.get("/coupon-batches/space")["used"] == 2
    lines = b"".join(api.call("GET", f"/coupon-batches/{batch['id']}/codes").streaming_content).decode().splitlines()  # type: ignore[attr-defined]
    assert lines[1:] == [f"{code},used", lines[2]]


def test_a_campaign_is_kept_and_announced_by_its_channels(api: Api) -> None:
    body = {
        "name_zh": "618",
        "starts": "2026-06-01T00:00:00+08:00",
        "ends": "2026-06-19T00:00:00+08:00",
        "channels": ["tmall"],
        "announcements": [{"channel": "tmall", "words_zh": "满300减50"}],
    }
    made = api.send("PUT", "/campaigns/618", body)

    assert made["announcements"][0]["words_zh"] == "满300减50"
    assert api.send("POST", "/campaigns/618/announced", {"channel": "tmall"})["announcements"][0]["announced_by"]
    wrong = body | {"ends": body["starts"]}
    assert api.refused(422, "PUT", "/campaigns/618", wrong)["code"] == "campaign.window"
    assert api.refused(404, "GET", "/campaigns/none")["code"] == "campaign.unknown"
