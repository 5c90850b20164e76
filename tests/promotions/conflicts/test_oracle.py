"""What enumeration of all small carts finds, the check finds; what the check reports, the engine prices so."""

from __future__ import annotations

import itertools
import random
from datetime import UTC, datetime, timedelta

import pytest

from tongpan.promotions.conflicts.bounds import Bounds
from tongpan.promotions.conflicts.check import check
from tongpan.promotions.conflicts.facts import Good, Limits, Market
from tongpan.promotions.conflicts.reach import reach_of
from tongpan.promotions.conflicts.scenes import spans
from tongpan.promotions.conflicts.workshop import open_workshop
from tongpan.promotions.engine.book import compile_book
from tongpan.promotions.engine.carts import Cart, Coupon, Customer, Line
from tongpan.promotions.engine.evaluate import evaluate
from tongpan.promotions.engine.language import read_rulebook
from tongpan.promotions.engine.windows import is_in_hours, local_time

NOW = datetime(2026, 6, 1, tzinfo=UTC)
CHANNELS = ("a", "b")
MOMENTS = [NOW + timedelta(days=day, hours=12) for day in range(8)]


def rulebook(chance):
    rules = [rule(chance, number) for number in range(chance.randrange(2, 5))]
    groups = sorted({one["group"] for one in rules})
    pairs = [list(pair) for pair in itertools.combinations_with_replacement(groups, 2) if chance.random() < 0.5]
    return {"rules": rules, "stack": pairs}


def rule(chance, number):
    conditions = {"channels": sorted(chance.sample(CHANNELS, chance.choice((1, 2))))}
    start = chance.randrange(1, 5)
    made = {
        "code": f"r{number}",
        "group": chance.choice(("g1", "g2", "g3")),
        "scope": chance.choice(({"all": True}, {"skus": ["A", "B"]}, {"skus": ["B", "C"]})),
        "conditions": conditions,
        "window": {"starts_at": f"2026-06-0{start}", "ends_at": f"2026-06-0{start + chance.randrange(1, 4)}"},
        "needs_coupon": chance.random() < 0.3,
    }
    kind = chance.choice(("percent", "amount", "stepped", "nth", "buy", "n_price", "fixed"))
    if kind == "percent":
        return made | {"kind": "percent", "benefit": {"percent": chance.randrange(5, 40)}}
    if kind == "amount":
        conditions["min_minor"] = chance.choice((6_000, 10_000, 20_000))
        return made | {"kind": "amount", "benefit": {"amount_minor": chance.randrange(500, 6_000)}}
    if kind == "stepped":
        low, high = chance.randrange(300, 1_500), chance.randrange(1_600, 4_000)
        steps = [{"from_minor": 5_000, "amount_minor": low}, {"from_minor": 10_000, "amount_minor": high}]
        return made | {"kind": "stepped", "benefit": {"steps": steps}}
    if kind == "nth":
        return made | {"kind": "nth_item", "benefit": {"n": 2, "percent": chance.randrange(20, 80)}}
    if kind == "buy":
        return made | {"kind": "buy_x_get_y", "benefit": {"buy": 2, "get": 1}}
    if kind == "n_price":
        return made | {"kind": "n_for_price", "benefit": {"n": 2, "price_minor": chance.randrange(3_000, 12_000)}}
    return made | {"kind": "fixed_price", "benefit": {"price_minor": chance.randrange(2_000, 9_000)}}


def market(chance):
    goods, prices = [], {sku: chance.randrange(1_000, 12_000) for sku in "ABC"}
    for sku, price in prices.items():
        goods.append(Good(sku, floor_minor=price * chance.randrange(50, 95) // 100,
                          cost_minor=price * chance.randrange(30, 80) // 100))  # fmt: skip
    return Market(tuple(goods), CHANNELS, {(channel, ""): prices for channel in CHANNELS})


def enumerated(book, facts):
    """(kind, SKU, channel) of every limit that a cart of up to two SKUs with up to three units each breaks."""
    compiled, broken = compile_book(book), set()
    opened = [one.code for one in book.rules if one.is_opened]
    coupons = [some for n in range(len(opened) + 1) for some in itertools.combinations(opened, n)]
    limits = {good.sku: (("floor", good.floor_minor), ("cost", good.cost_minor)) for good in facts.goods}
    baskets = [((sku, qty),) for sku in limits for qty in (1, 2, 3)] + [
        ((one, n), (two, m)) for one, two in itertools.combinations(limits, 2) for n in (1, 2, 3) for m in (1, 2, 3)
    ]
    for channel, at, basket, shown in itertools.product(CHANNELS, MOMENTS, baskets, coupons):
        lines = tuple(
            Line(number, sku, qty, facts.prices[channel, ""][sku]) for number, (sku, qty) in enumerate(basket, 1)
        )
        cart = Cart(lines, channel, coupons=tuple(Coupon(f"c-{code}", code) for code in shown))
        for line, asked in zip(evaluate(compiled, cart, Customer(), at=at).lines, lines, strict=True):
            for kind, limit in limits[asked.sku]:
                if line.net_minor < limit * asked.qty:
                    broken.add((kind, asked.sku, channel))
    return broken


@pytest.mark.parametrize("seed", [*range(12), 359, 442])
def test_every_violation_that_enumeration_finds_is_found(seed):
    chance = random.Random(seed)
    book, facts = read_rulebook(rulebook(chance), "draft"), market(chance)

    report = check(book, facts, now=NOW, limits=Limits(max_depth_bp=10_000, max_carts=200_000))

    found = {
        (one.kind.value, sku, one.channels[0]) for one in report.findings if one.kind in ("floor", "cost")
        for sku in one.skus
    }  # fmt: skip
    assert enumerated(book, facts) - found == set()
    assert all(one.open == 0 for one in report.coverage if one.kind in ("floor", "cost"))


@pytest.mark.parametrize("seed", range(20))
def test_counter_examples_are_what_the_engine_says_and_no_cart_undercuts_the_bound(seed):
    chance = random.Random(1_000 + seed)
    book, facts = read_rulebook(rulebook(chance), "draft"), market(chance)
    compiled = compile_book(book)

    for finding in check(book, facts, now=NOW, limits=Limits(max_depth_bp=2_000)).findings:
        for cart in finding.examples:
            lines = tuple(Line(n, line.sku, line.qty, line.unit_minor) for n, line in enumerate(cart.lines, 1))
            shown = tuple(Coupon(f"c-{code}", code) for code in cart.coupons)
            result = evaluate(compiled, Cart(lines, cart.channel, coupons=shown), Customer(), at=cart.at)
            assert result.total_minor == cart.total_minor
            assert [line.net_minor for line in result.lines] == [line.net_minor for line in cart.lines]
    shop = open_workshop(book, facts, Limits(), end=NOW + timedelta(days=30), now=NOW)
    bounds = Bounds(book, shop.bounds.dearest)
    masks = reach_of(book.rules, facts.goods).masks
    coupons = tuple(Coupon(f"c-{one.code}", one.code) for one in book.rules if one.is_opened)
    for _ in range(60):
        skus = chance.sample("ABC", chance.randrange(1, 4))
        channel, at = chance.choice(CHANNELS), chance.choice(MOMENTS)
        prices = facts.prices[channel, ""]
        lines = tuple(Line(n, sku, chance.randrange(1, 9), prices[sku]) for n, sku in enumerate(skus, 1))
        some = tuple(one for one in coupons if chance.random() < 0.7)
        for line, asked in zip(
            evaluate(compiled, Cart(lines, channel, coupons=some), Customer(), at=at).lines, lines, strict=True
        ):
            assert line.net_minor >= bounds.lowest(masks[asked.sku], asked.sku, asked.unit_minor) * asked.qty


def test_the_spans_of_a_window_are_when_the_engine_has_it_open():
    window = {
        "starts_at": "2026-06-02T10:00", "ends_at": "2026-06-20",
        "weekly": [{"days": ["wed"], "from": "20:00", "to": "22:00"}, {"days": ["sun"]}],
        "dates": [{"date": "2026-06-18", "from": "08:00", "to": "24:00"}],
    }  # fmt: skip
    rule = {"code": "r", "kind": "percent", "scope": {"all": True}, "benefit": {"percent": 5}, "window": window}
    read = read_rulebook({"rules": [rule]}, "x").rules[0].window

    found = spans(read, NOW, NOW + timedelta(days=40))

    for minutes in range(0, 40 * 1440, 30):
        at = NOW + timedelta(minutes=minutes)
        is_open = read.starts_at <= at < read.ends_at and is_in_hours(read, local_time(at, read.zone))
        assert any(begin <= at < stop for begin, stop in found) == is_open
    assert len(found) == 6
