"""The coupons of a real retailer: 116,204 rows of 27 campaigns as one rulebook, and its 2,102 redemptions replayed.

The data (dunnhumby, The Complete Journey) does not say what a coupon is worth; here each takes 0.50 off. Its lines are
a sample, so most baskets lack the goods of the coupon: the redemptions are replayed as the sample has them, and once
more with a unit of a fitting product put in where none is.
"""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from datetime import UTC, date, datetime, time
from pathlib import Path

import pytest

from tongpan.orders.replaying.basics import Ask, PastLine, PastOrder, Said
from tongpan.orders.replaying.counters import Counters
from tongpan.orders.replaying.engine import Replay
from tongpan.orders.replaying.shelf import Shelf
from tongpan.pricing.engine import PriceBook
from tongpan.promotions.cart_facts import Goods
from tongpan.promotions.engine.book import compile_book
from tongpan.promotions.engine.language import read_rulebook

DATA = Path(__file__).parents[4] / "shared/data/dunnhumby_complete_journey"
pytestmark = pytest.mark.skipif(not DATA.exists(), reason="the data of dunnhumby is not there")
NOON = datetime(2017, 6, 1, 12, tzinfo=UTC)


def rows(name):
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


@pytest.fixture(scope="module")
def scopes():
    found = defaultdict(set)
    for row in rows("coupons.csv"):
        found[f"{row['campaign_id']}-{row['coupon_upc']}"].add(row["product_id"])
    return found


@pytest.fixture(scope="module")
def book(scopes):
    days = {row["campaign_id"]: (row["start_date"], row["end_date"]) for row in rows("campaign_descriptions.csv")}
    rules = [
        {
            "code": code,
            "kind": "amount",
            "scope": {"skus": sorted(products)},
            "benefit": {"amount_minor": 50},
            "needs_coupon": True,
            "conditions": {"segments": [f"campaign-{code.split('-')[0]}"]},
            "window": dict(zip(("starts_at", "ends_at"), days[code.split("-")[0]], strict=True)),
            "campaign": code.split("-")[0],
        }
        for code, products in scopes.items()
    ]
    return compile_book(read_rulebook({"rules": rules, "stack": [["coupon", "coupon"]], "zone": "UTC"}, "dunnhumby"))


@pytest.fixture(scope="module")
def trips():
    """(household, day) → the coupons that were redeemed."""
    found = defaultdict(list)
    for row in rows("coupon_redemptions.csv"):
        code = f"{row['campaign_id']}-{row['coupon_upc']}"
        found[row["household_id"], row["redemption_date"]].append(code)
    return found


@pytest.fixture(scope="module")
def baskets(trips):
    """(household, day) → product → (units, minor units) of the sample."""
    found = defaultdict(dict)
    for row in rows("transactions_sample.csv"):
        key = row["household_id"], row["transaction_timestamp"][:10]
        if key in trips and float(row["quantity"]) >= 1:
            paid = round(100 * (float(row["sales_value"]) + float(row["coupon_disc"])))
            found[key][row["product_id"]] = (int(float(row["quantity"])), paid)
    return found


def replayed(book, trips, baskets):
    """What became of each redemption, by reason; and what was taken off in all."""
    segments = defaultdict(set)
    for row in rows("campaigns.csv"):
        segments[row["household_id"]].add(f"campaign-{row['campaign_id']}")
    shelf = Shelf()
    skus = {sku for basket in baskets.values() for sku in basket}
    shelf.put({sku: Goods(sku, sku, sku, (), False, {}) for sku in skus}, PriceBook(NOON), [])
    replay = Replay(book, Ask("1", NOON.date(), NOON.date()), shelf, Counters(book.rulebook, {}))
    became, off = Counter(), 0
    for number, ((household, day), codes) in enumerate(sorted(trips.items()), 1):
        lines = tuple(PastLine(at, sku, *bought) for at, (sku, bought) in enumerate(baskets[household, day].items(), 1))
        at = datetime.combine(date.fromisoformat(day), time(12), UTC)
        said = Said(segments=frozenset(segments[household]), coupons=tuple((code, code, 0) for code in codes))
        outcome = replay.play(
            PastOrder(number, at, "store", "store", "CNY", "", "", int(household), False, 0, "", 0, 0, lines, said)
        )
        applied = set(outcome.rules_after)
        off += outcome.after.off_minor
        reasons = {} if outcome.skipped else why_not(replay, outcome.order)
        for code in codes:
            became["applied" if code in applied else outcome.skipped or reasons[code]] += 1
    return became, off


def why_not(replay, order):
    bought = list(order.lines)
    return {trial.rule: trial.reason for trial in replay.price(order, bought, order.said, "").trials}


def test_every_redemption_is_accounted_for(book, scopes, trips, baskets):
    assert (len(book.offers), len({code.split("-")[0] for code in scopes})) == (1_197, 27)
    assert sum(1 for _ in rows("coupons.csv")) == 116_204
    assert sum(map(len, trips.values())) == 2_102

    as_sampled, off = replayed(book, trips, baskets)

    # No line of the trip is in the sample; lines are, but none that fits; the coupons before it took the whole price.
    assert as_sampled == {"no_goods": 730, "scope_empty": 1_223, "floor": 3, "applied": 146}
    assert off == 146 * 50

    prices = {sku: paid // units for basket in baskets.values() for sku, (units, paid) in basket.items()}
    for key, codes in trips.items():
        for code in codes:
            if not baskets[key].keys() & scopes[code]:
                sku = min(scopes[code])
                baskets[key][sku] = (1, prices.get(sku, 500))
    completed, off = replayed(book, trips, baskets)

    assert completed == {"applied": 2_095, "floor": 7}
    assert off == 2_095 * 50
