"""Lotteries: announced chances stand, everybody recomputes the draws, prizes are never given twice."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import DatabaseError, transaction
from tests.support.company import ACTOR, NOW
from tests.support.processes import run_together

from tongpan.core.bulk import fetch_all
from tongpan.core.errors import Refusal
from tongpan.customers.actions import Sighting, identify
from tongpan.promotions.activities.lots import draw, faults, hash_of, prize_at
from tongpan.promotions.activities.lotteries import (
    LotterySpec,
    PrizeSpec,
    announce_lottery,
    check,
    enter,
    log_of,
    reveal,
)
from tongpan.promotions.models import LotteryDraw, LotteryPrize

BY = {"actor": ACTOR, "now": NOW}
SEED = bytes(range(32))
POINTS = PrizeSpec("points", "积分", "Points", "100", 300_000, 2)
CUP = PrizeSpec("points", "积分", "More points", "500", 700_000, 50)
SPEC = LotterySpec("spring", "春日抽奖", "Spring draw", NOW, NOW + timedelta(days=1), 2, (POINTS, CUP))
OVER = {"actor": ACTOR, "now": NOW + timedelta(days=1)}


def customers(count):
    return identify([Sighting("phone", "company", f"c{n}", NOW) for n in range(count)])


def refused(code):
    return pytest.RaisesExc(Refusal, check=lambda refusal: refusal.code == code)


def test_a_number_is_the_hmac_of_the_seed_and_the_entry():
    said = hmac.new(SEED, b"spring:7", hashlib.sha256).hexdigest()

    assert draw(SEED, "spring", 7) == int(said[:16], 16) % 1_000_000
    assert hash_of(SEED) == hashlib.sha256(SEED).hexdigest()
    assert [prize_at([10, 20], n) for n in (0, 9, 10, 29, 30, 999_999)] == [0, 0, 1, 1, None, None]


@pytest.mark.usefixtures("company")
def test_everybody_recomputes_the_log_and_a_change_shows():
    lottery = announce_lottery(SPEC, seed=SEED, **BY)
    assert lottery.seed_hash == hash_of(SEED)
    assert lottery.seed == ""
    for n, customer in enumerate(customers(6)):
        enter("spring", customer, "order", f"o-{n}", now=NOW)
    with refused("lottery.open"):
        reveal("spring", **BY)

    shown = reveal("spring", **OVER)

    log = log_of(shown)
    assert [row.drawn for row in log] == [draw(SEED, "spring", n) for n in range(1, 7)]
    assert bytes.fromhex(shown.seed) == SEED
    assert check(shown) == []
    chances = [300_000, 700_000]
    told = [*log[:2], replace(log[2], customer="somebody"), *log[3:]]
    assert faults("spring", SEED, shown.seed_hash, chances, told) == ["The log was changed at entry 3 or before."]
    assert faults("spring", SEED, shown.seed_hash, chances, [*log[:2], *log[3:]]) == ["Entry 3 is missing."]
    other = faults("spring", bytes(32), shown.seed_hash, chances, [])
    assert other == ["The seed is not the one whose hash was published."]


@pytest.mark.usefixtures("company")
def test_what_was_announced_and_drawn_stands():
    announce_lottery(SPEC, seed=SEED, **BY)
    (customer,) = customers(1)
    first = enter("spring", customer, "order", "o-1", now=NOW)

    assert enter("spring", customer, "order", "o-1", now=NOW).pk == first.pk
    enter("spring", customer, "live", "s-1", now=NOW)
    with refused("lottery.limit"):
        enter("spring", customer, "action", "share", now=NOW)
    with refused("lottery.closed"):
        enter("spring", customer, "action", "share", now=OVER["now"])
    with refused("lottery.known"):
        announce_lottery(SPEC, **BY)
    for change in (
        "UPDATE promotions_lotterydraw SET drawn = 0 RETURNING id",
        "DELETE FROM promotions_lotterydraw RETURNING id",
        "UPDATE promotions_lotteryprize SET per_million = 1 RETURNING id",
        "UPDATE promotions_lottery SET seed_hash = '' RETURNING id",
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            fetch_all(change)


@pytest.mark.usefixtures("company")
@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"prizes": (replace(POINTS, per_million=300_001), CUP)}, "lottery.chances"),
        ({"prizes": ()}, "lottery.prizes"),
        ({"prizes": (replace(POINTS, kind="coupon", what="77"),)}, "lottery.prizes"),
        ({"prizes": (replace(POINTS, kind="goods", what="NONE"),)}, "lottery.prizes"),
        ({"prizes": (replace(POINTS, what="many"),)}, "lottery.prizes"),
        ({"ends": NOW}, "lottery.window"),
    ],
)
def test_a_lottery_that_cannot_be_kept_is_not_announced(change, code):
    with refused(code):
        announce_lottery(replace(SPEC, **change), **BY)


@pytest.mark.usefixtures("live_company")
def test_a_prize_of_two_is_given_twice_whoever_asks_at_once():
    sure = replace(POINTS, per_million=1_000_000)
    announce_lottery(replace(SPEC, prizes=(sure,)), seed=SEED, **BY)
    known = customers(16)

    run_together(
        [
            lambda process=process: [
                enter("spring", known[process * 4 + n], "action", f"a-{process}-{n}", now=NOW) for n in range(4)
            ]
            for process in range(4)
        ]
    )

    assert LotteryPrize.objects.get().given == 2
    assert LotteryDraw.objects.filter(is_given=True).count() == 2
    assert sorted(LotteryDraw.objects.values_list("number", flat=True)) == list(range(1, 17))
    assert check(reveal("spring", **OVER)) == []
