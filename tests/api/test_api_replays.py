"""Replays by the API: asked for, looked at, the orders behind the numbers, called off."""

import pytest
from tests.api.calling import Api
from tests.support.company import ACTOR, DAY, NOW, goods, open_company, paid, put
from tests.support.intake import take

from tongpan.orders.replaying.actions import run_replay
from tongpan.promotions.actions import save_draft

TEN = {"code": "ten", "kind": "percent", "scope": {"all": True}, "benefit": {"percent": 10}}
ASKED = {"rulebook": "ten", "day_from": "2026-11-16", "day_to": "2026-11-20", "name": "Ten percent"}


@pytest.fixture
def sold(db: None) -> None:
    open_company()
    put("sh", A=5)
    take(paid("1", goods("A", 1, 1_000), placed_at=NOW - DAY))
    save_draft("ten", {"rules": [TEN]}, actor=ACTOR, now=NOW)


def test_a_replay_is_asked_for_and_read_with_the_lines_behind_it(sold: None, api: Api) -> None:
    run = api.send("POST", "/replays", ASKED)
    assert (run["name"], run["state"], run["result"]) == ("Ten percent", "waiting", None)

    run_replay(run["id"])

    done = api.get(f"/replays/{run['id']}")
    assert (done["state"], done["result"]["changed"], done["result"]["after"]["offs"]) == ("done", 1, {"shop": 100})
    [row] = api.get(f"/replays/{run['id']}/orders?rule=ten&side=cheaper")["items"]
    assert (row["number"], row["before_minor"], row["after_minor"]) == ("1", 1_000, 900)
    assert row["lines"] == [[1, "A", 1, 1_000, 1_000, 900, [], [["ten", "shop", 100]]]]
    assert [one["id"] for one in api.get("/replays?q=percent")["items"]] == [run["id"]]


def test_a_replay_is_called_off(sold: None, api: Api) -> None:
    run = api.send("POST", "/replays", ASKED)

    api.send("POST", f"/replays/{run['id']}/stop", {})
    run_replay(run["id"])

    assert api.get(f"/replays/{run['id']}")["state"] == "failed"


def test_what_cannot_be_replayed_and_what_there_is_not_is_refused(sold: None, api: Api) -> None:
    assert api.refused(422, "POST", "/replays", ASKED | {"day_to": "2026-11-16"})["code"] == "replay.days"
    for path in ("/replays/9", "/replays/9/orders"):
        api.refused(404, "GET", path)
    api.refused(404, "POST", "/replays/9/stop", {})
