"""Pricing carts by the promotion engine, in one process and without a database: speed by rules and lines.

The limit of the same run is a hand-written loop that only multiplies and adds. Times are of the processor, so that
other work on the machine does not count; the wall clock is told beside them.
"""

from __future__ import annotations

import random
import time
from datetime import UTC, datetime
from typing import Any

from benchmarks.table import Row
from tongpan.promotions.engine.book import Book, compile_book
from tongpan.promotions.engine.carts import Cart, Coupon, Customer, Line
from tongpan.promotions.engine.evaluate import evaluate
from tongpan.promotions.engine.explaining import explain
from tongpan.promotions.engine.language import read_rulebook

AT = datetime(2026, 6, 18, 12, tzinfo=UTC)
SKUS, CATEGORIES, CARTS = 5_000, 50, 1_500
STEPS = [{"from_minor": 30_000, "amount_minor": 5_000}, {"from_minor": 60_000, "amount_minor": 12_000}]
MEMBER = Customer("c1", "gold", frozenset({"repurchase"}), is_member=True)


def measure() -> list[Row]:
    rows = []
    for rules, goal in ((50, 1.0), (1_000, 3.0)):
        rows += _latency(f"20 lines × {rules:,} live rules", _book(rules), goal, goal_p99=3.0 if rules == 50 else None)
    rows += _latency("20 lines × 50 live rules, each for all goods", _book(50, is_everywhere=True), None, None)
    for rules in (10, 100, 1_000):
        for lines in (5, 20):
            rows.append(_throughput(rules, lines))
    rows.append(_explained())
    rows.append(_large())
    return rows


def _book(rules: int, *, is_everywhere: bool = False) -> Book:
    """Rules as a campaign has them: over the whole range, categories and SKUs; item, set, order and coupon offers."""
    chance = random.Random(rules)
    return compile_book(read_rulebook(_document(rules, chance, is_everywhere=is_everywhere), "bench"))


def _document(rules: int, chance: random.Random, *, is_everywhere: bool) -> dict[str, Any]:
    pairs = [["item", "order"], ["order", "coupon"], ["item", "coupon"], ["bundle", "coupon"], ["coupon", "coupon"]]
    return {"stack": pairs, "rules": [_rule(number, chance, is_everywhere=is_everywhere) for number in range(rules)]}


def _rule(number: int, chance: random.Random, *, is_everywhere: bool) -> dict[str, Any]:
    scope: dict[str, Any] = {"skus": sorted({f"S{chance.randrange(SKUS)}" for _ in range(60)})}
    if number % 3 == 0:
        scope = {"categories": [f"C{chance.randrange(CATEGORIES)}"]}
    if is_everywhere or number % 25 == 4:
        scope = {"all": True}
    kinds: tuple[tuple[str, dict[str, Any]], ...] = (
        ("percent", {"percent": chance.randint(5, 30)}),
        ("timed", {"amount_minor": chance.randint(100, 900), "per": "unit"}),
        ("member_price", {"percent": chance.randint(2, 12)}),
        ("flash_sale", {"price_minor": chance.randint(900, 3_000)}),
        ("stepped", {"steps": STEPS}),
        ("buy_x_get_y", {"buy": 2, "get": 1}),
        ("n_for_price", {"n": 3, "price_minor": 9_900}),
        ("nth_item", {"n": 2, "percent": 50}),
        ("amount", {"amount_minor": chance.randint(500, 3_000)}),
        ("gift", {"gifts": [{"sku": "G1"}]}),
    )  # fmt: skip
    kind, benefit = kinds[number % len(kinds)]
    rule: dict[str, Any] = {"code": f"r{number}", "kind": kind, "scope": scope, "benefit": benefit}
    rule["priority"] = chance.randint(0, 5)
    rule["window"] = {"starts_at": "2026-06-01", "ends_at": "2026-06-20"}
    rule["payers"] = {"shop": 70, "platform": 30} if number % 4 == 0 else {"shop": 1}
    if kind == "flash_sale":
        rule["limits"] = {"units": 1_000, "units_per_customer": 2}
    if kind == "amount":
        rule["needs_coupon"] = True
        rule["conditions"] = {"min_minor": 20_000}
    if kind == "gift":
        rule["conditions"] = {"min_minor": 50_000}
    return rule


def _carts(lines: int, rules: int, count: int = CARTS) -> list[Cart]:
    chance = random.Random(lines)
    coupons = tuple(Coupon(f"k{number}", f"r{number}") for number in range(8, min(rules, 30), 10))
    return [
        Cart(
            tuple(
                Line(
                    number,
                    f"S{sku}",
                    chance.randint(1, 3),
                    chance.randint(1_000, 20_000),
                    600,
                    None,
                    f"P{sku // 4}",
                    (f"C{sku % CATEGORIES}", "ALL"),
                )
                for number, sku in enumerate(chance.sample(range(SKUS), lines), 1)
            ),
            "tmall",
            coupons=coupons,
        )
        for _ in range(count)
    ]


def _times(book: Book, carts: list[Cart]) -> tuple[list[float], list[float]]:
    """Sorted milliseconds of the processor and of the wall clock for each cart, after a round to warm up."""
    processor, wall = [], []
    for cart in carts[:50]:
        evaluate(book, cart, MEMBER, at=AT)
    for cart in carts:
        began, started = time.thread_time_ns(), time.perf_counter_ns()
        evaluate(book, cart, MEMBER, at=AT)
        wall.append((time.perf_counter_ns() - started) / 1e6)
        processor.append((time.thread_time_ns() - began) / 1e6)
    return sorted(processor), sorted(wall)


def _latency(what: str, book: Book, goal: float | None, goal_p99: float | None) -> list[Row]:
    processor, wall = _times(book, _carts(20, len(book.offers)))
    rows = []
    for name, share, limit in (("median", 0.5, goal), ("p99", 0.99, goal_p99)):
        ours, by_wall = (values[int(len(values) * share)] for values in (processor, wall))
        rows.append(
            Row(
                f"promotions, {what}, {name}",
                f"{ours:.3f} ms",
                f"{by_wall:.3f} ms by the wall clock",
                "",
                f"<= {limit:g} ms" if limit else "",
                ours <= limit if limit else None,
            )
        )
    return rows


def _hand_written(carts: list[Cart]) -> int:
    total = 0
    for cart in carts:
        for line in cart.lines:
            total += line.qty * line.unit_minor
    return total


def _throughput(rules: int, lines: int) -> Row:
    book, carts = _book(rules), _carts(lines, rules, 600)
    for cart in carts[:50]:
        evaluate(book, cart, MEMBER, at=AT)
    began = time.process_time()
    for cart in carts:
        evaluate(book, cart, MEMBER, at=AT)
    ours = len(carts) / (time.process_time() - began)
    began = time.process_time()
    for _ in range(20):
        _hand_written(carts)
    bare = 20 * len(carts) / (time.process_time() - began)
    return Row(
        f"promotions, {lines} lines × {rules:,} rules",
        f"{ours:,.0f} carts/s",
        f"{bare:,.0f} carts/s that only multiply and add",
        f"1/{bare / ours:,.0f}",
    )


def _explained() -> Row:
    book, carts = _book(1_000), _carts(20, 1_000, 100)
    began = time.process_time()
    for cart in carts:
        explain(book, cart, MEMBER, at=AT)
    took = (time.process_time() - began) / len(carts) * 1000
    return Row("promotions, 20 lines × 1,000 rules, every rule explained", f"{took:.2f} ms")


def _large() -> Row:
    """A cart of 10,000 lines against one of 1,000: the time for each line stays what it was."""
    chance = random.Random(1)
    book = _book(50)
    each = []
    for size in (1_000, 10_000):
        lines = tuple(
            Line(
                n,
                f"S{chance.randrange(SKUS)}",
                1,
                chance.randint(1_000, 20_000),
                600,
                None,
                "",
                (f"C{n % CATEGORIES}",),
            )
            for n in range(1, size + 1)
        )
        began = time.process_time()
        for _ in range(5):
            evaluate(book, Cart(lines, "tmall"), MEMBER, at=AT)
        each.append((time.process_time() - began) / 5)
    ratio = each[1] / each[0]
    return Row(
        "promotions, a cart of 10,000 lines × 50 rules",
        f"{each[1] * 1000:.0f} ms",
        f"{each[0] * 1000:.1f} ms for 1,000 lines",
        f"{ratio:.1f} times",
        "<= 15 times",
        ratio <= 15,
    )
