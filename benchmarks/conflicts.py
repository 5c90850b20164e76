"""The check before launch over 5,000 SKUs, 8 channels and 50 live rules: how long it takes and what it keeps in memory.

Two books: one as careful people write it, and one in which every offer is a third deeper, so that nearly everything is
suspect. There is no hand-written limit to compare with: the same question asked by brute force is
SKUs × channels × quantities × coupons × moments carts, which the row names.
"""

from __future__ import annotations

import random
import resource
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from benchmarks.table import Row
from tongpan.promotions.conflicts.check import check
from tongpan.promotions.conflicts.facts import CampaignFacts, Good, Market
from tongpan.promotions.engine.language import read_rulebook

SKUS, RULES, GOAL_S = 5_000, 50, 10.0
CHANNELS = ("tmall", "jd", "douyin", "xiaohongshu", "mall", "mini", "community", "stores")
CATEGORIES = tuple(f"C{n:02}" for n in range(40))
NOW = datetime(2026, 6, 1, tzinfo=UTC)


def measure() -> list[Row]:
    rows = []
    before = _memory()
    for name, deeper in (("careful", 100), ("too deep", 133)):
        document, market = book(deeper), company()
        started = time.perf_counter()
        report = check(read_rulebook(document, "draft"), market, now=NOW)
        seconds = time.perf_counter() - started
        rows.append(
            Row(
                f"check of {SKUS:,} SKUs x {len(CHANNELS)} channels x {RULES} rules, {name}: "
                f"{len(report.findings)} findings, {report.carts:,} carts, "
                f"{report.proven:,} of {report.pairs:,} pairs proven",
                f"{seconds:.1f} s",
                "",
                "",
                f"<= {GOAL_S:g} s",
                seconds <= GOAL_S,
            )
        )
    rows.append(Row("check, memory that both runs added to the process", f"{_memory() - before:,.0f} MB"))
    return rows


def company(skus: int = SKUS) -> Market:
    """Goods of 40 categories with costs and floors, sold in all channels within 5 % of one another."""
    chance = random.Random(5)
    goods: list[Good] = []
    prices: dict[tuple[str, str], dict[str, int]] = {(channel, ""): {} for channel in CHANNELS}
    expected: dict[str, dict[str, int]] = {channel: {} for channel in CHANNELS}
    members: dict[str, int] = {}
    bands: dict[str, dict[str, tuple[int, int]]] = {channel: {} for channel in CHANNELS}
    for number in range(skus):
        sku, guide = f"SKU{number:05}", chance.randrange(1_900, 99_900, 100)
        category = CATEGORIES[number % len(CATEGORIES)]
        goods.append(
            Good(
                sku,
                f"P{number // 3:05}",
                (category, "ALL"),
                frozenset({f"brand-{number % 12}"}),
                guide * chance.randrange(50, 62) // 100,
                guide * chance.randrange(35, 50) // 100,
                chance.randrange(50, 2_000),
            )
        )
        for place, channel in enumerate(CHANNELS):
            prices[channel, ""][sku] = guide * (1_000 + (place % 3 - 1) * 20) // 1_000
            bands[channel][sku] = (guide * 95 // 100, guide * 105 // 100)
            expected[channel][sku] = chance.randrange(0, 3_000)
        members[sku] = guide * 96 // 100
    prices["mall", "gold"] = members
    start = datetime(2026, 6, 5, tzinfo=UTC)
    campaigns = tuple(
        CampaignFacts(f"campaign-{n}", mode, tolerance, start, start + timedelta(days=20), CHANNELS)
        for n, (mode, tolerance) in enumerate((("unified", 100), ("unified", 0), ("per_channel", 1_500)))
    )
    return Market(tuple(goods), CHANNELS, prices, ("", "silver", "gold"), "CNY", bands, expected, campaigns)


def book(deeper: int = 100, rules: int = RULES) -> dict[str, Any]:
    """Offers of every common kind over categories, brands and everything; ``deeper`` in per cent of their depth."""
    chance = random.Random(7)
    found: list[dict[str, Any]] = []
    for number in range(rules):
        some = sorted(chance.sample(CHANNELS, chance.choice((1, 2, 4, 8))))
        days = sorted(chance.sample(range(2, 26), 2))
        window: dict[str, Any] = {"starts_at": f"2026-06-{days[0]:02}", "ends_at": f"2026-06-{days[1]:02}"}
        if number % 7 == 3:
            window["weekly"] = [{"days": ["wed"], "from": "20:00", "to": "22:00"}]
        scope = chance.choice(
            (
                {"categories": sorted(chance.sample(CATEGORIES, 6))},
                {"tags": [f"brand-{chance.randrange(12)}"]},
                {"categories": ["ALL"]},
            )
        )
        rule: dict[str, Any] = {
            "code": f"rule-{number}",
            "scope": scope,
            "conditions": {"channels": some},
            "window": window,
            "campaign": f"campaign-{number % 3}" if number % 2 else "",
        }
        found.append(rule | _offer(number, deeper, chance, rule["conditions"]))
    return {"rules": found, "stack": [["item", "order"], ["order", "coupon"]]}


def _offer(number: int, deeper: int, chance: random.Random, conditions: dict[str, Any]) -> dict[str, Any]:
    percent = chance.randrange(5, 16) * deeper // 100
    kind = number % 8
    if kind in (0, 1):
        return {"kind": "percent", "benefit": {"percent": percent}}
    if kind == 2:
        steps = [
            {"from_minor": 20_000, "amount_minor": 20 * deeper},
            {"from_minor": 50_000, "amount_minor": 60 * deeper},
        ]
        return {"kind": "stepped", "benefit": {"steps": steps}}
    if kind == 3:
        least = chance.choice((10_000, 20_000, 30_000))
        conditions["min_minor"] = least
        return {"kind": "amount", "benefit": {"amount_minor": least * deeper // 1_000}, "needs_coupon": True}
    if kind == 4:
        return {"kind": "member_price", "benefit": {"percent": percent}}
    if kind == 5:
        return {"kind": "nth_item", "benefit": {"n": 3, "percent": 30}}
    if kind == 6:
        conditions["min_minor"] = 30_000
        return {"kind": "amount", "benefit": {"amount_minor": 30 * deeper}, "limits": {"money_minor": 5_000_000}}
    return {"kind": "percent", "benefit": {"percent": percent}, "needs_coupon": True, "limits": {"uses": 50_000}}


def _memory() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
