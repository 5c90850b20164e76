"""Replays in the console: asked for, shown with the orders behind them, compared, stopped and thrown away."""

from __future__ import annotations

import pytest
from tests.console.conftest import NOW

from tongpan.orders.models import ReplayRun
from tongpan.orders.replaying.actions import run_replay
from tongpan.promotions.actions import save_draft

TEN = {"code": "ten", "kind": "percent", "scope": {"all": True}, "benefit": {"percent": 10},
       "payers": {"shop": 1, "platform": 1}}  # fmt: skip
GIVEN = {
    "rulebook": "ten", "day_from": "2026-11-01", "day_to": "2026-11-20", "prices": "recorded", "coupons": "all",
    "tiers": "silver=0, gold=5000", "name": "Ten percent",
}  # fmt: skip


@pytest.fixture
def desk(company, sign_in):
    save_draft("ten", {"rules": [TEN]}, actor="test", now=NOW)
    return sign_in("manager")


def ask(desk, **more):
    answer = desk.post("/promotions/replays/new/", GIVEN | more)
    assert answer.status_code == 302, answer.content.decode()
    return ReplayRun.objects.order_by("-id")[0]


def test_a_replay_is_asked_for_and_shows_both_sides_and_the_orders_behind_them(desk):
    assert "Put the orders of the last weeks through a draft" in desk.get("/promotions/replays/").content.decode()
    run = ask(desk)
    assert run.tiers == {"silver": 0, "gold": 500_000}
    assert "Waits for a worker." in desk.get(f"/promotions/replays/{run.pk}/").content.decode()

    run_replay(run.pk)

    shown = desk.get(f"/promotions/replays/{run.pk}/").content.decode()
    changed = ReplayRun.objects.get(pk=run.pk).result["changed"]
    assert changed
    assert f"{changed} of {changed} orders change" in shown
    assert "in another currency than the rulebook" in shown
    assert shown.count("/orders/") >= changed
    only = desk.get(f"/promotions/replays/{run.pk}/?rule=ten&side=dearer").content.decode()
    assert "T-1" not in only
    file = desk.get(f"/promotions/replays/{run.pk}/export/?format=csv&payer=platform")
    assert len(b"".join(file.streaming_content).decode("utf-8-sig").splitlines()) == changed + 1
    assert "Ten percent" in desk.get("/promotions/replays/?q=Ten").content.decode()


def test_two_replays_lie_beside_each_other(desk):
    first, second = ask(desk), ask(desk, name="Again")
    for run in (first, second):
        run_replay(run.pk)

    shown = desk.get(f"/promotions/replays/{first.pk}/?with={second.pk}").content.decode()

    assert '<th scope="col" class="num">Again</th>' in shown


def test_a_replay_is_stopped_and_thrown_away(desk):
    run = ask(desk)

    desk.post(f"/promotions/replays/{run.pk}/act/", {"do": "stop"})
    run_replay(run.pk)

    assert "It was stopped after" in desk.get(f"/promotions/replays/{run.pk}/").content.decode()
    desk.post(f"/promotions/replays/{run.pk}/act/", {"do": "forget"})
    assert not ReplayRun.objects.exists()
    assert desk.get(f"/promotions/replays/{run.pk}/").status_code == 404


def test_what_cannot_be_replayed_is_said_at_the_form(desk):
    answer = desk.post("/promotions/replays/new/", GIVEN | {"day_to": "2026-11-01", "tiers": ""})
    assert "the end lies behind the beginning" in answer.content.decode()
    answer = desk.post("/promotions/replays/new/", GIVEN | {"tiers": "gold"})
    assert "Write gold as gold=5000." in answer.content.decode()
    assert not ReplayRun.objects.exists()


def test_who_may_only_look_cannot_begin(company, sign_in):
    analyst = sign_in("analyst")

    assert analyst.get("/promotions/replays/").status_code == 200
    assert analyst.post("/promotions/replays/new/", GIVEN).status_code == 403
