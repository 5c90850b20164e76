"""The pages of group-buy and lotteries."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.support.company import open_company

from tongpan.core.clock import utc_now
from tongpan.customers.actions import Sighting, identify
from tongpan.promotions.actions import publish, save_draft
from tongpan.promotions.actions.campaigns import CampaignSpec, save_campaign
from tongpan.promotions.activities.groups import open_group
from tongpan.promotions.activities.lotteries import LotterySpec, PrizeSpec, announce_lottery, enter
from tongpan.promotions.models import GroupOffer, Lottery

TRIO = {"code": "trio", "kind": "group_price", "scope": {"all": True}, "benefit": {"price_minor": 7900}}


@pytest.fixture
def company_of_today(db):
    open_company()


def said(client, path):
    answer = client.get(path)
    assert answer.status_code == 200, path
    return answer.content.decode()


def test_groups_are_set_up_for_a_published_rule_and_listed(sign_in, company_of_today):
    client = sign_in()
    assert "No group price is published" in said(client, "/groups/offer/")
    by = {"actor": "li", "now": utc_now() - timedelta(days=1)}
    save_draft("one", {"rules": [TRIO]}, **by)
    publish("one", **by)

    client.post("/groups/offer/", {"rule": "trio", "size": "3", "hours": "24", "is_open": "on"})

    offer = GroupOffer.objects.get()
    assert (offer.rule, offer.size, offer.hours, offer.is_open) == ("trio", 3, 24, True)
    group = open_group("trio", now=utc_now())
    assert group.code in said(client, "/groups/")
    assert group.code in said(client, "/groups/?q=trio&state=waiting")
    assert group.code not in said(client, "/groups/?state=formed")
    assert client.get("/groups/export/?format=csv").status_code == 200


def test_a_lottery_is_announced_followed_and_revealed(sign_in, company_of_today):
    client = sign_in()
    given = {
        "code": "spring",
        "name_zh": "抽奖",
        "name_en": "Draw",
        "starts": "2099-01-01T00:00",
        "ends": "2099-01-02T00:00",
        "per_customer": "1",
    }
    too_much = client.post("/lotteries/new/", given | {"prizes": "points|积分|Points|10|1000001|1"})
    assert "1000001 millionths" in too_much.content.decode()
    client.post("/lotteries/new/", given | {"prizes": "points|积分|Points|10|400000|5"})
    assert Lottery.objects.get().seed_hash in said(client, "/lotteries/spring/")
    assert "600,000" in said(client, "/lotteries/spring/")

    before = utc_now() - timedelta(days=2)
    prize = PrizeSpec("points", "积分", "Points", "10", 1_000_000, 1)
    spec = LotterySpec("past", "过去", "Past", before, before + timedelta(hours=1), 1, [prize])
    announce_lottery(spec, actor="li", now=before)
    (customer,) = identify([Sighting("phone", "company", "1", before)])
    enter("past", customer, "action", "share-1", now=before)
    client.post("/lotteries/past/reveal/")

    shown = said(client, "/lotteries/past/")
    assert Lottery.objects.get(code="past").seed in shown
    assert "Every draw was recomputed and is right." in shown
    assert "share-1" in shown
    assert "spring" in said(client, "/lotteries/")
    assert client.get("/lotteries/past/log/?format=csv").status_code == 200


def test_the_effect_of_a_campaign_is_shown_by_week(sign_in, company_of_today):
    client = sign_in()
    now = utc_now()
    spec = CampaignSpec("june", "六月", "June", starts=now, ends=now + timedelta(days=1), channels=["own"])
    save_campaign(spec, actor="li", now=now)

    shown = said(client, "/campaigns/by-code/june/effect/")

    assert "nothing to compare with" in shown
    assert "Week by week" in shown
    assert "/campaigns/by-code/june/effect/" in said(client, "/campaigns/by-code/june/")
    assert client.get("/campaigns/by-code/none/effect/").status_code == 404
