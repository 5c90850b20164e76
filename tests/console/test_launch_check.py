"""The pages of the check before launch: run it, accept what it found, announce the matrix, try carts, see overlaps."""

from __future__ import annotations

import html
import re
from datetime import timedelta

import pytest
from tests.support.small_shop import small_shop

from tongpan.console.trial_words import TRIALS
from tongpan.core.clock import utc_now
from tongpan.promotions.actions import save_draft
from tongpan.promotions.conflicts.models import Acceptance, StackNotice
from tongpan.promotions.engine.explaining import SENTENCES
from tongpan.promotions.models import Campaign

HALF = {"code": "half", "kind": "percent", "scope": {"all": True}, "benefit": {"percent": 50}, "campaign": "a"}
FIVE = {
    "code": "five", "kind": "amount", "group": "coupons", "needs_coupon": True, "scope": {"all": True},
    "benefit": {"amount_minor": 500}, "campaign": "b",
}  # fmt: skip
CHECK = "/promotions/rulebook/drafts/june/check/"


@pytest.fixture
def draft(db: None) -> None:
    now = utc_now()
    small_shop(now)
    for code, days in (("a", 0), ("b", 2)):
        Campaign.objects.create(
            code=code, name_zh=f"活动{code}", name_en=f"Campaign {code}", starts=now - timedelta(days=1),
            ends=now + timedelta(days=9 + days), channels=["tmall"], updated_by="test", updated_at=now,
        )  # fmt: skip
    window = {"starts_at": now.isoformat(), "ends_at": (now + timedelta(days=5)).isoformat()}
    rules = [HALF | {"window": window}, FIVE | {"window": window}]
    save_draft("june", {"rules": rules}, actor="test", now=now)


def test_findings_are_shown_with_their_cart_and_accepted_with_a_reason(draft, sign_in):
    client = sign_in("administrator")
    assert "was not checked yet" in client.get(CHECK).content.decode()

    client.post(f"{CHECK}act/", {"do": "check"})

    page = client.get(CHECK).content.decode()
    assert "A unit of BAG nets 50.00 CNY instead of 100.00 CNY in tmall: 50% off." in page
    link = html.unescape(re.search(r'href="(/promotions/simulator/\?[^"]*)"', page)[1])
    assert "¥50.00" in client.get(link).content.decode()
    key = re.search(r'name="key" value="([0-9a-f]{32})"', page)[1]
    client.post(f"{CHECK}act/", {"do": "accept", "key": key, "reason": "Clearance"})
    assert Acceptance.objects.get().reason == "Clearance"
    assert "Clearance" in client.get(CHECK).content.decode()
    client.post(f"{CHECK}act/", {"do": "reopen", "key": key})
    assert not Acceptance.objects.exists()


def test_who_may_not_accept_does_not(draft, sign_in):
    client = sign_in("viewer")

    assert client.get(CHECK).status_code == 200
    assert client.post(f"{CHECK}act/", {"do": "accept", "key": "x", "reason": "Clearance"}).status_code == 403
    assert client.post(f"{CHECK}act/", {"do": "check"}).status_code == 403
    assert client.post("/promotions/rulebook/drafts/june/stacking/", {}).status_code == 403
    assert not Acceptance.objects.exists() and not StackNotice.objects.exists()


def test_the_matrix_is_shown_and_its_notice_published(draft, sign_in):
    client = sign_in("administrator")
    page = client.get("/promotions/rulebook/drafts/june/stacking/").content.decode()
    assert "one of them" in page and "Offers cannot be combined" in page

    client.post("/promotions/rulebook/drafts/june/stacking/", {"text_zh": "不可叠加", "text_en": ""})

    notice = StackNotice.objects.get()
    assert (notice.text_zh, notice.matrix["pairs"]) == ("不可叠加", [])
    assert "不可叠加" in client.get("/promotions/rulebook/drafts/june/stacking/").content.decode()


def test_the_simulator_keeps_its_cart_in_the_address(draft, sign_in):
    client = sign_in("manager")
    start = "/promotions/simulator/?channel=tmall&book=draft:june"
    assert "BAG · Bag" in client.get(f"{start}&find=bag").content.decode()

    page = client.get(f"{start}&sku=BAG&qty=2&add=BAG&rule=five").content.decode()

    assert 'name="qty" value="3"' in page and "¥150.00" in page
    assert "It does not go together with half." in page
    page = client.get(f"{start}&line=NONE:1").content.decode()
    assert "There is no SKU" in page
    assert client.get(f"{start}&line=x&at=then").status_code == 200


def test_campaigns_at_the_same_time_are_shown_with_what_they_share(draft, sign_in):
    page = sign_in().get("/campaigns/overlaps/?draft=june").content.decode()

    assert "Campaign a × Campaign b" in page and "half / five" in page and "contradict" in page


def test_every_reason_of_the_engine_has_words():
    assert {key: str(words) for key, words in TRIALS.items()} == SENTENCES
