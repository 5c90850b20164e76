"""The check before launch and the simulator through the API."""

from __future__ import annotations

import pytest
from tests.api.calling import Api
from tests.support.small_shop import small_shop

from tongpan.core.clock import utc_now
from tongpan.promotions.actions import save_draft
from tongpan.promotions.models import RulebookVersion

HALF = {"code": "half", "kind": "percent", "scope": {"all": True}, "benefit": {"percent": 50}}
FIVE = {
    "code": "five",
    "kind": "amount",
    "needs_coupon": True,
    "scope": {"all": True},
    "benefit": {"amount_minor": 500},
}


@pytest.fixture
def draft(db: None) -> None:
    small_shop(utc_now())
    save_draft("june", {"rules": [HALF, FIVE]}, actor="test", now=utc_now())


def test_a_draft_is_checked_and_its_findings_are_read_again(api: Api, draft: None) -> None:
    told = api.send("POST", "/rulebooks/check", {"draft": "june"})

    assert sorted(one["kind"] for one in told["findings"]) == ["depth", "exclusive"]
    depth = next(one for one in told["findings"] if one["kind"] == "depth")
    assert depth["sentence"] == "A unit of BAG nets 50.00 CNY instead of 100.00 CNY in tmall: 50% off."
    assert (told["open"], told["is_current"], depth["content"]["examples"][0]["total_minor"]) == (2, True, 5_000)
    assert api.get("/rulebooks/checks/june") == told
    assert api.refused(422, "POST", "/rulebooks/check", {"draft": "none"})["code"] == "draft.unknown"


def test_a_cart_is_simulated_under_a_draft_and_nothing_is_kept(api: Api, draft: None) -> None:
    cart = {"channel": "tmall", "lines": [{"sku": "BAG", "qty": 2}], "book": "draft:june", "rules": ["five"]}

    told = api.send("POST", "/rulebooks/simulate", cart)

    assert (told["total_minor"], [(share["rule"], share["amount_minor"]) for share in told["shares"]]) == (
        10_000, [("half", 10_000)],
    )  # fmt: skip
    assert {one["rule"]: (one["applied"], one["reason"]) for one in told["rules"]} == {
        "half": (True, "applied"), "five": (False, "excluded"),
    }  # fmt: skip
    assert api.refused(422, "POST", "/rulebooks/simulate", cart | {"channel": "none"})["code"] == "cart.channel"
    assert not RulebookVersion.objects.exists()
