"""A change of prices is a request: inside the rules it counts, outside it is refused or waits for another person."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction
from tests.pricing.support import BY, ask, entries, outcomes, stock_goods
from tests.support.company import NOW
from tests.support.database import row_counts, statements
from tests.support.following import events
from tests.support.processes import run_together

from tongpan.core.bulk import execute, fetch_all
from tongpan.core.errors import Refusal
from tongpan.pricing.actions import (
    BandSpec,
    CostSpec,
    FloorSpec,
    ListSpec,
    PriceChange,
    decide_request,
    preview_changes,
    save_bands,
    save_lists,
    save_settings,
    set_costs,
    set_floors,
    withdraw_request,
)
from tongpan.pricing.queries import price_book

DAY = timedelta(days=1)
OTHER = {"actor": "user:wang", "now": NOW + DAY}


@pytest.fixture
def goods(company):
    stock_goods()


@pytest.mark.usefixtures("goods")
def test_a_price_inside_the_band_counts_at_once_and_one_outside_waits():
    assert outcomes(ask(("guide", "A", 10000))) == [("applied", [])]

    done = ask(("tmall", "A", 9500), ("own", "A", 10501), ("nowhere", "A", 1), ("tmall", "Z", 1), ("tmall", "B", 700))

    assert done.state == "pending"
    assert outcomes(done) == [
        ("applied", []),
        ("pending", ["outside_band"]),
        ("refused", ["list"]),
        ("refused", ["sku"]),
        ("applied", ["no_guide"]),
    ]
    assert done.rows[1].findings[0].sentence == (
        "105.01 CNY is +5.01% off the guide price and outside the band from 95.00 CNY to 105.00 CNY."
    )
    assert entries() == [("guide", 10000, NOW, None), ("tmall", 9500, NOW, None)]
    book = price_book(["A"], None, NOW)
    assert [book.price("A", code).amount_minor for code in ("tmall", "own")] == [9500, 10000]
    told = [payload["state"] for _key, payload in events("price.request_changed")]
    assert told == ["done", "pending"]


@pytest.mark.usefixtures("goods")
def test_the_band_of_a_channel_identical_prices_and_refusal_are_settings():
    ask(("guide", "A", 10000))
    save_bands([BandSpec("own", Decimal(10), Decimal(0)), BandSpec("tmall", mode="identical")], **BY)
    save_settings({"outside_band": "refuse"}, **BY)

    assert outcomes(ask(("own", "A", 9000), ("tmall", "A", 9999))) == [
        ("applied", []),
        ("refused", ["outside_band"]),
    ]
    assert outcomes(ask(("tmall", "A", 10000))) == [("applied", [])]
    with pytest.raises(Refusal, match="band_lower_pct must be a number of percent from 0 to 99"):
        save_settings({"band_lower_pct": "100", "mode": "identical"}, **BY)
    assert price_book([], None, NOW).settings.mode == "band"


@pytest.mark.usefixtures("goods")
def test_a_price_under_the_floor_is_refused_and_one_under_the_cost_waits():
    set_floors([FloorSpec("A", "CNY", 9800, min_net_minor=9000), FloorSpec("A", "CNY", 9900, region="西藏")], **BY)
    set_costs([CostSpec("B", "CNY", 9900)], **BY)

    done = ask(("guide", "A", 9850), ("tmall", "A", 9700), ("guide", "B", 10000), ("tmall", "B", 9800))

    assert outcomes(done) == [
        ("applied", ["under_region_floor"]),
        ("refused", ["under_floor", "under_region_floor"]),
        ("applied", []),
        ("pending", ["under_cost"]),
    ]
    assert (done.rows[1].floor_minor, done.rows[3].cost_minor) == (9800, 9900)


@pytest.mark.usefixtures("goods")
def test_types_of_a_scope_need_approval_outside_the_band_and_seasons_a_period():
    save_lists(
        [
            ListSpec("live-1118", "live", channel="tmall", starts_at=NOW, ends_at=NOW + DAY),
            ListSpec("member", "member"),
            ListSpec("winter", "seasonal", starts_at=NOW, ends_at=NOW + 30 * DAY),
        ],
        **BY,
    )
    ask(("guide", "A", 10000))
    save_settings({"outside_band": "refuse"}, **BY)

    done = ask(
        ("live-1118", "A", 8000),
        ("member", "A", 9600),
        ("winter", "A", 9000),
        ("winter", "B", 9000, 1, NOW + 40 * DAY),
    )

    assert outcomes(done) == [
        ("pending", ["outside_band"]),
        ("applied", []),
        ("refused", ["outside_band"]),
        ("refused", ["list_period"]),
    ]
    with pytest.raises(Refusal, match="say when it ends"):
        save_lists([ListSpec("live-2", "live", channel="tmall")], **BY)
    with pytest.raises(Refusal, match="the same for all buyers of a channel"):
        save_lists([ListSpec("gold", "channel", channel="tmall", tier="gold")], **BY)
    with pytest.raises(Refusal, match="Make a new list"):
        save_lists([ListSpec("member", "member", channel="tmall")], **BY)


@pytest.mark.usefixtures("goods")
def test_another_person_approves_and_what_counts_is_logged_with_both():
    ask(("guide", "A", 10000))
    request = ask(("tmall", "A", 9000), ("own", "A", 11000), why="Double 12").id

    with pytest.raises(Refusal, match="Nobody approves what they asked for"):
        decide_request(request, approve=True, **BY)
    assert decide_request(request, approve=True, numbers=[1], **OTHER).state == "pending"
    assert decide_request(request, approve=False, note="too dear", **OTHER).state == "rejected"
    with pytest.raises(Refusal, match="Nothing of request"):
        decide_request(request, approve=True, **OTHER)

    assert entries() == [("guide", 10000, NOW, None), ("tmall", 9000, NOW + DAY, None)]
    log = "SELECT actor, approved_by, why, before, after->>'amount_minor' FROM pricing_pricelog WHERE what = 'entry'"
    assert fetch_all(f"{log} ORDER BY id") == [
        ("user:li", "", "", None, "10000"),
        ("user:li", "user:wang", "Double 12", None, "9000"),
    ]
    assert fetch_all("SELECT outcome FROM pricing_changerow ORDER BY id") == [("applied",), ("applied",), ("rejected",)]
    with pytest.raises(IntegrityError), transaction.atomic():
        execute("UPDATE pricing_pricelog SET actor = 'nobody'")


@pytest.mark.usefixtures("goods")
def test_what_the_rules_refuse_by_now_is_not_approved_either():
    ask(("guide", "A", 10000))
    request = ask(("tmall", "A", 9000)).id
    set_floors([FloorSpec("A", "CNY", 9500)], **BY)

    done = decide_request(request, approve=True, **OTHER)

    assert (done.state, outcomes(done)) == ("done", [("refused", ["under_floor", "outside_band"])])
    assert [row[0] for row in entries()] == ["guide"]


@pytest.mark.usefixtures("goods")
def test_one_takes_back_ones_own_request_only():
    ask(("guide", "A", 10000))
    request = ask(("tmall", "A", 9000)).id

    with pytest.raises(Refusal, match="reject it instead"):
        withdraw_request(request, **OTHER)
    withdraw_request(request, **BY)

    assert fetch_all("SELECT state FROM pricing_changerequest WHERE id = %s", [request]) == [("withdrawn",)]


@pytest.mark.usefixtures("goods")
def test_a_price_for_a_while_ends_and_the_one_before_goes_on():
    ask(("guide", "A", 10000))

    ask(("guide", "A", 9000, 1, NOW + DAY, NOW + 3 * DAY))

    assert entries() == [
        ("guide", 10000, NOW, NOW + DAY),
        ("guide", 9000, NOW + DAY, NOW + 3 * DAY),
        ("guide", 10000, NOW + 3 * DAY, None),
    ]
    ask(("guide", "A", None, 1, NOW + 2 * DAY))
    assert entries()[1:] == [("guide", 9000, NOW + DAY, NOW + 2 * DAY)]


@pytest.mark.usefixtures("goods")
def test_the_same_request_twice_changes_nothing_and_the_past_stays():
    ask(("guide", "A", 10000), ("guide", "B", 10000, 1, NOW - DAY))
    before = entries()

    again = ask(("guide", "A", 10000), ("guide", "B", 9000, 1, NOW - DAY))

    assert outcomes(again) == [("unchanged", []), ("refused", ["past"])]
    assert entries() == before
    assert entries("B") == [("guide", 10000, NOW - DAY, None)]
    twice = ask(("tmall", "B", 10000), ("tmall", "B", 10100))
    assert outcomes(twice) == [("applied", []), ("refused", ["twice"])]


@pytest.mark.usefixtures("goods")
def test_a_preview_says_the_same_and_writes_nothing():
    ask(("guide", "A", 10000), ("tmall", "A", 10200))
    changes = [PriceChange("guide", "A", 9000), PriceChange("own", "A", 8600), PriceChange("own", "B", 1)]
    before = row_counts()

    shown = preview_changes(changes, now=NOW)

    assert row_counts() == before
    assert (shown.id, shown.state) == (None, "done")
    assert outcomes(shown) == [("applied", ["channels_outside"]), ("applied", []), ("applied", ["no_guide"])]
    assert shown.rows[0].findings[0].data == {"channels": ["tmall"]}


@pytest.mark.usefixtures("goods")
def test_the_statements_do_not_grow_with_the_rows():
    ask(*[(code, "A", 10000) for code in ("guide", "tmall", "own")])

    with statements() as few:
        ask(("guide", "A", 500), ("tmall", "A", 500), ("own", "A", 500))
    with statements() as many:
        ask(*[(code, sku, 600 + n) for n, sku in enumerate("CDAB") for code in ("guide", "tmall", "own")])

    assert len(many) == len(few)
    with statements() as reading:
        price_book(None, None, NOW)
    assert len(reading) == 6


@pytest.mark.usefixtures("live_company")
def test_of_two_processes_that_set_a_price_at_once_the_later_follows_the_earlier():
    stock_goods()

    def one(amount):
        return lambda: ask(("guide", "A", amount)).rows[0].outcome

    assert run_together([one(10000), one(10100), one(10200)]) == ["applied"] * 3
    assert len(entries()) == 1
    assert fetch_all("SELECT count(*) FROM pricing_priceentry") == [(3,)]


@pytest.mark.usefixtures("live_company")
def test_of_two_who_decide_at_once_one_does():
    stock_goods()
    ask(("guide", "A", 10000))
    request = ask(("tmall", "A", 9000)).id

    def one(name, approve):
        def decide():
            try:
                return decide_request(request, approve=approve, actor=name, now=NOW + DAY).state
            except Refusal as refusal:
                return refusal.code

        return decide

    results = run_together([one("user:a", True), one("user:b", False)])

    assert sorted(results)[-1] == "rejected" or sorted(results) == ["done", "price_request.state"]
    assert "price_request.state" in results
