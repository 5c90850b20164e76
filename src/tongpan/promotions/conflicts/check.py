"""The check before launch as one pure function: rules and facts in, findings with counter-examples out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from tongpan.promotions.conflicts.bands import search_bands
from tongpan.promotions.conflicts.facts import Limits, Market
from tongpan.promotions.conflicts.findings import Coverage, Finding, Kind, Report
from tongpan.promotions.conflicts.lasting import search_budgets, search_stock
from tongpan.promotions.conflicts.meetings import search_meetings
from tongpan.promotions.conflicts.prices import search_prices
from tongpan.promotions.conflicts.promises import search_dates, search_one_channel
from tongpan.promotions.conflicts.thresholds import search_thresholds
from tongpan.promotions.conflicts.unified import search_unified
from tongpan.promotions.conflicts.workshop import open_workshop
from tongpan.promotions.engine.rules import Rulebook

LONGEST = timedelta(days=400)
"""How far ahead of now rules are looked at."""
ORDER = tuple(Kind)
Outcome = tuple[list[Finding], list[Coverage]]
DEFAULTS = Limits()


def check(book: Rulebook, market: Market, *, now: datetime, limits: Limits = DEFAULTS, campaign: str = "") -> Report:
    """Everything that contradicts itself in ``book`` from ``now`` on, for the facts of ``market``.

    campaign: only what its rules have a part in; "" looks at all rules. Deterministic: the same input gives the same
    findings in the same order. docs/explanation/check-before-launch.md says what is exact and what is bounded.
    """
    shop = open_workshop(book, market, limits, end=_end(book, market, now), now=now, campaign=campaign)
    pricer, whole = shop.pricer, limits.max_carts

    def share(percent: int) -> None:
        # Each part may price its share of the carts, so that one with many suspects does not starve the others.
        pricer.most = pricer.count + whole * percent // 100

    share(40)
    prices = search_prices(shop)
    found = [*prices.findings]
    coverage = [*prices.coverage]
    searches: tuple[tuple[int, Callable[[], Outcome]], ...] = (
        (20, lambda: _one(search_unified(shop, campaign))),
        (15, lambda: search_thresholds(shop)),
        (15, lambda: search_meetings(shop)),
        (4, lambda: _one(search_one_channel(shop))),
        (2, lambda: _one(search_dates(shop))),
        (2, lambda: _one(search_budgets(shop))),
        (2, lambda: _one(search_stock(shop))),
        (1, lambda: search_bands(shop)),
    )
    for percent, search in searches:
        share(percent)
        findings, covered = search()
        found += findings
        coverage += covered
    if campaign:
        own = {rule.code for rule in book.rules if rule.campaign == campaign}
        found = [one for one in found if not one.rules or own.intersection(one.rules) or campaign in one.campaigns]
    found.sort(key=lambda one: (ORDER.index(one.kind), -one.sku_count, one.rules, one.channels, one.key()))
    kept = {one.key(): one for one in found}
    return Report(tuple(kept.values()), tuple(coverage), pricer.count, prices.pairs, prices.proven, len(shop.scenes))


def _one(outcome: tuple[list[Finding], Coverage]) -> Outcome:
    return outcome[0], [outcome[1]]


def _end(book: Rulebook, market: Market, now: datetime) -> datetime:
    """Behind the last end of a rule or campaign, at most ``LONGEST`` ahead."""
    ends = [rule.window.ends_at for rule in book.rules]
    known = [end for end in (*ends, *(one.ends for one in market.campaigns)) if end is not None]
    latest = max(known, default=now) if known and None not in ends else now + LONGEST
    return min(max(latest, now + timedelta(days=1)), now + LONGEST)
