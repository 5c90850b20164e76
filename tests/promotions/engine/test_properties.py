"""What holds for every book and cart: shares add up, floors hold, order does not matter, nothing is remembered."""

from __future__ import annotations

import json
import random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.promotions import NOON, rule

from tongpan.orders.aftersale.engine import refunds
from tongpan.promotions.engine.book import compile_book
from tongpan.promotions.engine.carts import Cart, Coupon, Customer, Line
from tongpan.promotions.engine.evaluate import evaluate, evaluate_many
from tongpan.promotions.engine.explaining import SENTENCES, explain, sentence
from tongpan.promotions.engine.language import read_rulebook
from tongpan.promotions.engine.results import Result
from tongpan.promotions.engine.rules import Rulebook
from tongpan.promotions.engine.writing import write_rulebook

SKUS = ("A", "B", "C", "D")
GROUPS = ("g1", "g2", "g3")
MINOR = st.integers(1, 20_000)
PERCENT = st.integers(1, 100)
FEW = st.integers(1, 3)
PLAIN = st.tuples(st.sampled_from(["percent", "amount", "fixed_price"]), st.integers(1, 90), st.sampled_from(SKUS))
CONDITIONS: list[dict[str, Any]] = [
    {"min_qty": 2},
    {"undiscounted": True},
    {"channels": ["jd"]},
    {"member": True},
]


@st.composite
def benefits(draw: Any) -> tuple[str, dict[str, Any]]:
    kind = draw(
        st.sampled_from(
            [
                "percent",
                "amount",
                "fixed_price",
                "timed",
                "flash_sale",
                "stepped",
                "full",
                "gift",
                "buy_x_get_y",
                "bundle",
                "n_for_price",
                "nth_item",
                "free_shipping",
                "trade_in",
            ]
        )
    )
    cap = {"max_minor": draw(MINOR)} if draw(st.booleans()) else {}
    times = {"max_times": draw(FEW)} if draw(st.booleans()) else {}
    if kind == "percent":
        return kind, {"percent": draw(PERCENT), **cap}
    if kind in ("amount", "timed"):
        return kind, {"amount_minor": draw(MINOR), "per": draw(st.sampled_from(["unit", "order"]))}
    if kind in ("fixed_price", "flash_sale"):
        return kind, {"price_minor": draw(MINOR)}
    if kind == "stepped":
        start = draw(st.integers(100, 20_000))
        steps = [{"from_qty": n, "percent": 10 * n} for n in range(1, draw(FEW) + 1)]
        by_qty = {"by": "qty", "steps": steps, **cap}
        repeated = {
            "steps": [{"from_minor": start, "amount_minor": draw(st.integers(1, start))}],
            "repeat": True,
            **times,
        }
        return kind, draw(st.sampled_from([by_qty, repeated]))
    if kind == "full":
        return "stepped", {
            "steps": [{"from_minor": 5_000, "amount_minor": 700}, {"from_minor": 9_000, "amount_minor": 2_000}]
        }
    if kind == "gift":
        return kind, {"gifts": [{"sku": "G"}]}
    if kind == "buy_x_get_y":
        found = {"buy": draw(FEW), "get": draw(FEW), "percent": draw(PERCENT), **times}
        if draw(st.booleans()):
            found["of"] = {"skus": [draw(st.sampled_from(SKUS))]}
        return kind, found | {"spread": draw(st.sampled_from(["set", "given"]))}
    if kind == "bundle":
        parts = [{"skus": list(draw(st.sets(st.sampled_from(SKUS), min_size=1))), "qty": draw(FEW)} for _ in range(2)]
        return kind, {"parts": parts, "price_minor": draw(MINOR), **times}
    if kind == "n_for_price":
        return kind, {"n": draw(st.integers(2, 4)), "price_minor": draw(MINOR), **times}
    if kind == "nth_item":
        return kind, {"n": draw(st.integers(2, 3)), "percent": draw(PERCENT), "same_sku": draw(st.booleans()), **times}
    return kind, {"amount_minor": draw(MINOR)} if kind == "free_shipping" else {"bonus_minor": draw(MINOR)}


@st.composite
def rules(draw: Any, code: str) -> dict[str, Any]:
    kind, benefit = draw(benefits())
    found = rule(code, kind, benefit, priority=draw(st.integers(0, 2)), group=draw(st.sampled_from(GROUPS)))
    if kind != "bundle":
        found["scope"] = draw(
            st.one_of(
                st.just({"all": True}),
                st.just({"all": True, "except": {"skus": ["B"]}}),
                st.sets(st.sampled_from(SKUS), min_size=1).map(lambda skus: {"skus": sorted(skus)}),
                st.just({"categories": ["c1"]}),
            )
        )
    limits: dict[str, Any] = {"units": draw(st.integers(1, 5))} if kind == "flash_sale" else {}
    if kind not in ("gift", "sample") and draw(st.integers(0, 3)) == 0:
        limits |= {"money_minor": draw(MINOR), "partial": draw(st.booleans())}
    conditions: dict[str, Any] = {}
    if draw(st.integers(0, 3)) == 0:
        conditions = draw(
            st.sampled_from([{"min_qty": 2}, {"undiscounted": True}, {"channels": ["jd"]}, {"member": True}])
        )
    if kind == "timed":
        found["window"] = {"weekly": [{"days": [draw(st.sampled_from(["wed", "wed", "thu"]))]}]}
    if draw(st.booleans()):
        found["payers"] = {"shop": draw(FEW), "platform": draw(FEW)}
    if benefit.get("max_minor", 0) > limits.get("money_minor", 10**9):
        del limits["money_minor"], limits["partial"]
    return found | {"limits": limits, "conditions": conditions}


@st.composite
def books(draw: Any) -> Rulebook:
    pairs = draw(st.sets(st.sampled_from([("g1", "g1"), ("g1", "g2"), ("g1", "g3"), ("g2", "g3"), ("g3", "g3")])))
    choosers = draw(st.lists(st.sampled_from(["best", "first", "all"]), min_size=6, max_size=6))
    codes = ("item", "bundle", "order", "coupon", "shipping", "gift")
    bases = draw(st.lists(st.sampled_from(["running", "running", "initial"]), min_size=6, max_size=6))
    lanes = [{"code": c, "chooser": ch, "base": b} for c, ch, b in zip(codes, choosers, bases, strict=True)]
    listed = [draw(rules(f"r{n}")) for n in range(draw(st.integers(1, 6)))]
    if draw(st.booleans()):
        lanes.append({"code": "mixed", "chooser": "best"})
        listed = [one | {"lane": "mixed"} for one in listed]
    document = {
        "lanes": lanes,
        "groups": list(GROUPS),
        "stack": [list(pair) for pair in sorted(pairs)],
        "rules": listed,
    }
    return read_rulebook(json.loads(json.dumps(document)), "1")


@st.composite
def carts(draw: Any) -> Cart:
    lines = []
    for number in range(1, draw(st.integers(1, 5)) + 1):
        unit = draw(st.integers(0, 9_000))
        categories = ("c1",) if draw(st.booleans()) else ()
        floor = draw(st.sampled_from([0, 0, unit // 2, unit, unit + 1]))
        lines.append(
            Line(number, draw(st.sampled_from(SKUS)), draw(st.integers(1, 5)), unit, floor, None, "", categories)
        )
    coupons = tuple(Coupon(f"k{n}", f"r{n}", 500) for n in draw(st.sets(st.integers(0, 5))))
    return Cart(tuple(lines), "tmall", shipping_minor=draw(st.integers(0, 2_000)), coupons=coupons)


def priced(book: Rulebook, cart: Cart, **words: Any) -> Result:
    return evaluate(compile_book(book), cart, Customer("c", is_member=True), at=NOON, **words)


@settings(max_examples=130, deadline=None)
@given(books(), carts())
def test_shares_add_up_floors_hold_and_pairs_are_kept(book: Rulebook, cart: Cart) -> None:
    result = priced(book, cart)

    group_of = {one.code: one.group for one in book.rules}
    taken: dict[int, int] = {}
    met: dict[int, set[str]] = {}
    for share in result.discounts:
        assert share.amount_minor > 0
        taken[share.line] = taken.get(share.line, 0) + share.amount_minor
        met.setdefault(share.line, set()).add(share.rule)
    for line, one in zip(cart.lines, result.lines, strict=True):
        assert one.amount_minor - one.net_minor == taken.get(line.number, 0)
        assert one.net_minor >= min(line.floor_minor, line.unit_minor) * line.qty
    assert cart.shipping_minor - result.shipping_minor == taken.get(0, 0)
    assert result.shipping_minor >= 0
    assert result.total_minor == sum(one.net_minor for one in result.lines) + result.shipping_minor
    for codes in met.values():
        for one in codes:
            for other in codes - {one}:
                assert frozenset((group_of[one], group_of[other])) in book.stack
    for trial in result.trials:
        if trial.applied and "amount_minor" in trial.params:
            assert trial.params["amount_minor"] == sum(s.amount_minor for s in result.discounts if s.rule == trial.rule)


@settings(max_examples=50, deadline=None)
@given(books(), carts(), st.randoms(use_true_random=False))
def test_the_order_of_lines_and_rules_does_not_matter(book: Rulebook, cart: Cart, chance: random.Random) -> None:
    lines, listed = list(cart.lines), list(book.rules)
    chance.shuffle(lines)
    chance.shuffle(listed)
    turned = Rulebook("1", tuple(listed), book.lanes, book.groups, book.stack, book.settings)

    assert priced(turned, cart._replace(lines=tuple(lines))) == priced(book, cart)


@settings(max_examples=50, deadline=None)
@given(books(), carts(), rules("zz"))
def test_a_rule_that_does_not_apply_changes_nothing(book: Rulebook, cart: Cart, raw: dict[str, Any]) -> None:
    shut = {"window": {"ends_at": "2026-06-16"}} if raw["kind"] != "bundle" else {"conditions": {"shops": ["other"]}}
    extra = read_rulebook({"lanes": write_rulebook(book)["lanes"], "rules": [raw | shut]}, "1").rules[0]
    more = Rulebook("1", (*book.rules, extra), book.lanes, book.groups, book.stack, book.settings)

    before, after = priced(book, cart), priced(more, cart)

    assert after._replace(trials=()) == before._replace(trials=())
    assert [trial for trial in after.trials if trial.rule != "zz"] == list(before.trials)


@settings(max_examples=50, deadline=None)
@given(books(), carts())
def test_every_rule_says_why_in_a_sentence_and_the_index_decides_as_the_gates_do(book: Rulebook, cart: Cart) -> None:
    ready, buyer = compile_book(book), Customer("c")
    result = evaluate(ready, cart, buyer, at=NOON)

    trials = explain(ready, cart, buyer, at=NOON)

    assert {trial.rule for trial in trials} == {one.code for one in book.rules} | {k.rule for k in cart.coupons}
    assert all(trial in trials for trial in result.trials)
    assert {s.rule for s in result.discounts} | {g.rule for g in result.gifts} <= {t.rule for t in trials if t.applied}
    assert all("%" not in sentence(trial, "CNY") and trial.reason in SENTENCES for trial in trials)


@settings(max_examples=30, deadline=None)
@given(books(), st.lists(carts(), min_size=2, max_size=4))
def test_a_result_does_not_depend_on_the_carts_before_it(book: Rulebook, many: list[Cart]) -> None:
    shared = compile_book(book)

    results = [evaluate(shared, cart, at=NOON) for cart in many]

    assert results == [evaluate(compile_book(book), cart, at=NOON) for cart in many]


@settings(max_examples=40, deadline=None)
@given(rules("r0"), carts(), st.integers(0, 20_000), st.integers(0, 20_000))
def test_a_larger_budget_of_a_rule_alone_never_gives_less(
    raw: dict[str, Any], cart: Cart, one: int, other: int
) -> None:
    if raw["kind"] in ("gift", "sample"):
        return
    limits = {word: value for word, value in raw["limits"].items() if word == "units"}
    book = read_rulebook({"rules": [raw | {"limits": limits | {"money_minor": 10**9, "partial": True}}]}, "1")

    less, more = (priced(book, cart, remaining={"r0:money": left}) for left in sorted((one, other)))

    assert more.total_minor <= less.total_minor
    assert sum(take.amount for take in less.takes if take.counter == "r0:money") <= min(one, other)


@settings(max_examples=40, deadline=None)
@given(books())
def test_a_book_reads_back_as_it_was_written(book: Rulebook) -> None:
    assert read_rulebook(json.loads(json.dumps(write_rulebook(book))), "1") == book


@settings(max_examples=40, deadline=None)
@given(books(), carts(), st.randoms(use_true_random=False))
def test_units_refunded_one_by_one_in_any_order_give_back_every_share(
    book: Rulebook, cart: Cart, chance: random.Random
) -> None:
    result = priced(book, cart)
    goods = [
        refunds.GoodsLine(
            line.number,
            line.qty,
            one.net_minor,
            [refunds.Share(s.payer, s.rule, s.amount_minor) for s in result.discounts if s.line == line.number],
        )
        for line, one in zip(cart.lines, result.lines, strict=True)
    ]
    sale = refunds.share_out(goods, [], [], None)
    units = [line.number for line in cart.lines for _ in range(line.qty)]
    chance.shuffle(units)

    given_back = refunds.Given()
    for number in units:
        given_back = refunds.add(given_back, refunds.refund_of(sale, given_back, {number: 1}, refunds.Terms()))

    assert given_back.total_minor == sum(one.net_minor for one in result.lines)
    assert sum(given_back.payers.values()) == sum(s.amount_minor for s in result.discounts if s.line)


@settings(max_examples=60, deadline=None)
@given(st.lists(PLAIN, max_size=6), carts())
def test_a_lane_of_offers_for_single_lines_gives_each_line_its_best(
    offers: list[tuple[str, int, str]], cart: Cart
) -> None:
    word = {"percent": "percent", "amount": "amount_minor", "fixed_price": "price_minor"}
    listed = []
    for number, (kind, value, sku) in enumerate(offers):
        benefit = {word[kind]: value} if kind == "percent" else {word[kind]: value * 50}
        per = {"per": "unit"} if kind == "amount" else {}
        listed.append(rule(f"r{number}", kind, benefit | per, scope={"skus": [sku]}, lane="item"))

    result = priced(read_rulebook({"rules": listed}, "1"), cart)

    for line, one in zip(cart.lines, result.lines, strict=True):
        lowest = full = line.qty * line.unit_minor
        for kind, value, sku in offers:
            if sku == line.sku:
                net = {
                    "percent": full - (full * value + 50) // 100,
                    "amount": full - line.qty * value * 50,
                    "fixed_price": line.qty * value * 50,
                }[kind]
                lowest = min(lowest, max(net, line.qty * min(line.floor_minor, line.unit_minor)))
        assert one.net_minor == lowest


def test_many_carts_at_once_are_priced_as_one_by_one() -> None:
    book = compile_book(read_rulebook({"rules": [rule("r", "percent", {"percent": 10})]}, "1"))
    asked = [(Cart((Line(1, "A", 1, unit),), "tmall"), Customer("c"), NOON) for unit in (100, 999, 5)]

    assert list(evaluate_many(book, asked)) == [evaluate(book, cart, buyer, at=at) for cart, buyer, at in asked]
