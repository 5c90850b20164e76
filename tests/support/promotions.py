"""Rulebooks and carts for tests of promotions, in one line each. Amounts are fen."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tongpan.promotions.engine.book import Book, compile_book
from tongpan.promotions.engine.carts import ANYONE, Cart, Coupon, Customer, Line
from tongpan.promotions.engine.evaluate import evaluate
from tongpan.promotions.engine.language import read_rulebook
from tongpan.promotions.engine.results import Result, Trial

NOON = datetime(2026, 6, 17, 4, tzinfo=UTC)
"""A Wednesday noon in Shanghai."""


def rule(code: str, kind: str, benefit: dict[str, Any], **words: Any) -> dict[str, Any]:
    """A rule for all goods, unless ``words`` say otherwise."""
    plain: dict[str, Any] = {} if kind == "bundle" else {"scope": {"all": True}}
    return {"code": code, "kind": kind, "benefit": benefit} | plain | words


def book_of(*rules: dict[str, Any], stack: tuple[tuple[str, str], ...] = (), **words: Any) -> Book:
    document = {"rules": list(rules), "stack": [list(pair) for pair in stack], **words}
    return compile_book(read_rulebook(document, "test"))


def line(number: int, sku: str, unit_minor: int, qty: int = 1, **words: Any) -> Line:
    return Line(number, sku, qty, unit_minor, **words)


def cart_of(*lines: Line, **words: Any) -> Cart:
    coupons = tuple(Coupon(code, of) for code, of in words.pop("coupons", {}).items())
    return Cart(lines, words.pop("channel", "tmall"), coupons=coupons, **words)


def price(book: Book, cart: Cart, customer: Customer = ANYONE, at: datetime = NOON, **remaining: int) -> Result:
    """remaining: counters as RULE__KIND=left."""
    left = {key.replace("__", ":"): value for key, value in remaining.items()}
    return evaluate(book, cart, customer, at=at, remaining=left)


def nets(result: Result) -> list[int]:
    return [one.net_minor for one in result.lines]


def off(result: Result, rule_code: str) -> dict[int, int]:
    """What a rule took off each line."""
    found: dict[int, int] = {}
    for share in result.discounts:
        if share.rule == rule_code:
            found[share.line] = found.get(share.line, 0) + share.amount_minor
    return found


def why(result: Result, rule_code: str) -> tuple[str, dict[str, object]]:
    """Reason and parameters of the one trial of a rule."""
    (trial,) = [trial for trial in result.trials if trial.rule == rule_code]
    return trial.reason, dict(trial.params)


def trial_of(trials: tuple[Trial, ...], rule_code: str) -> Trial:
    (trial,) = [trial for trial in trials if trial.rule == rule_code]
    return trial
