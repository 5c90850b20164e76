"""Limits of rules and the counters they are kept in: what is left, and what an order must take."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from tongpan.core.bulk import fetch_all, texts
from tongpan.core.clock import business_day
from tongpan.promotions.actions.counters import Want
from tongpan.promotions.engine.book import Book
from tongpan.promotions.engine.carts import Cart, Customer
from tongpan.promotions.engine.evaluate import candidates
from tongpan.promotions.engine.gates import Moment
from tongpan.promotions.engine.results import Take
from tongpan.promotions.engine.rules import Limits, Rule, campaign_counter, counter
from tongpan.promotions.engine.tally import Tally


class Kept(NamedTuple):
    """A counter of the engine: where it is kept (``models.Counter.key``), and its limit; None: the campaign's."""

    engine: str
    key: str
    limit: int | None


_PER_CUSTOMER = ("uses_per_customer", "units_per_customer")


def counters_of(rule: Rule, customer_id: int | None, at: datetime) -> list[Kept]:
    """The counters of a rule for a customer at an instant. Of nobody known those per customer are left out."""
    found = []
    for kind, limit in _limits(rule.limits):
        key = counter(rule.code, kind)  # type: ignore[arg-type]
        if kind in _PER_CUSTOMER:
            if customer_id is None:
                continue
            found.append(Kept(key, f"{key}/{customer_id}", limit))
        elif kind == "uses_per_day":
            found.append(Kept(key, f"{key}/{business_day(at, rule.window.zone)}", limit))
        else:
            found.append(Kept(key, key, limit))
    if rule.campaign:
        found.append(Kept(campaign_counter(rule.campaign), campaign_counter(rule.campaign), None))
    return found


def _limits(limits: Limits) -> list[tuple[str, int]]:
    given = {
        "uses": limits.uses,
        "uses_per_day": limits.uses_per_day,
        "uses_per_customer": limits.uses_per_customer,
        "units": limits.units,
        "units_per_customer": limits.units_per_customer,
        "money": limits.money_minor,
    }
    return [(kind, limit) for kind, limit in given.items() if limit is not None]


class Asked(NamedTuple):
    """A cart whose counters are asked for."""

    book: Book
    cart: Cart
    customer: Customer
    customer_id: int | None


def remaining(asked: Sequence[Asked], *, at: datetime) -> list[dict[str, int]]:
    """What is left of the counters that each cart could take from, by the engine's keys. At most one statement.

    Of nobody known there is nothing left of limits per customer: who cannot be told apart cannot be counted.
    """
    kept: list[list[Kept]] = []
    for one in asked:
        rules = _limited(one, at)
        kept.append([counter for rule in rules for counter in counters_of(rule, one.customer_id, at)])
    keys = sorted({counter.key for counters in kept for counter in counters})
    used, budgets = _read(keys) if keys else ({}, {})
    left = []
    for one, counters in zip(asked, kept, strict=True):
        found = _nobodys(one, at) if one.customer_id is None else {}
        for engine, key, limit in counters:
            most = budgets.get(key) if limit is None else limit
            if most is not None:
                found[engine] = max(0, most - used.get(key, 0))
        left.append(found)
    return left


def _limited(one: Asked, at: datetime) -> list[Rule]:
    """The rules with limits or a campaign that may apply to the cart."""
    found = candidates(one.book, one.cart, Moment(at), Tally(one.cart, one.customer, {}))
    return [offer.rule for offer, _ in found if offer.rule.campaign or _limits(offer.rule.limits)]


def _nobodys(one: Asked, at: datetime) -> dict[str, int]:
    return {
        counter(rule.code, kind): 0  # type: ignore[arg-type]
        for rule in _limited(one, at)
        for kind, _ in _limits(rule.limits)
        if kind in _PER_CUSTOMER
    }


def _read(keys: Sequence[str]) -> tuple[dict[str, int], dict[str, int]]:
    """(used by key, budget of campaigns by the key of their counter)."""
    campaigns = [key.split(":")[1] for key in keys if key.startswith("campaign:")]
    used: dict[str, int] = {}
    budgets: dict[str, int] = {}
    for key, amount, is_budget in fetch_all(
        """SELECT key, used, false FROM promotions_counter WHERE key = ANY(%s::text[])
           UNION ALL
           SELECT 'campaign:' || code || ':money', budget_minor, true FROM promotions_campaign
           WHERE code = ANY(%s::text[]) AND budget_minor IS NOT NULL""",
        [texts(keys), texts(campaigns)],
    ):
        (budgets if is_budget else used)[key] = amount
    return used, budgets


class Taken(NamedTuple):
    """What an order takes: ``takes`` of the rules of ``book``, for a customer, as priced at ``at``."""

    book: Book
    takes: Iterable[Take]
    customer_id: int | None
    at: datetime


def wants_of(taken: Sequence[Taken]) -> tuple[list[Want], list[dict[str, dict[str, int]]]]:
    """What orders take together, for ``counters.take``; and of each the same by rule, for ``Usage.takes``.

    Of a campaign the budget that counts is read once. At most one statement, whatever the number.
    """
    amounts: dict[str, int] = {}
    limits: dict[str, int | None] = {}
    campaigns: set[str] = set()
    shares: list[dict[str, dict[str, int]]] = []
    for book, takes, customer_id, at in taken:
        by_rule: dict[str, dict[str, int]] = {}
        rules = {rule.code: rule for rule in book.rulebook.rules}
        for take in takes:
            name = take.counter.rpartition(":")[0]
            if take.counter.startswith("campaign:") and name not in rules:
                key, limit = take.counter, None
                campaigns.add(take.counter)
                owner = take.counter
            else:
                found = {one.engine: one for one in counters_of(rules[name], customer_id, at)}
                if take.counter not in found:
                    continue
                _, key, limit = found[take.counter]
                owner = name
            amounts[key] = amounts.get(key, 0) + take.amount
            limits[key] = limit
            mine = by_rule.setdefault(owner, {})
            mine[key] = mine.get(key, 0) + take.amount
        shares.append(by_rule)
    if campaigns:
        limits |= dict(_read(sorted(campaigns))[1])
    return [Want(key, amount, limits[key]) for key, amount in sorted(amounts.items())], shares
