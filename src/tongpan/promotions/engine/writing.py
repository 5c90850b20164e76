"""Writing a rulebook as the document that ``language`` reads: reading it back gives an equal rulebook."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tongpan.promotions.engine.rules import (
    AmountOff,
    Benefit,
    BuyGet,
    Conditions,
    Gifts,
    Limits,
    NForPrice,
    NthItem,
    PercentOff,
    Rule,
    Rulebook,
    Scope,
    SetOffer,
    Shipping,
    Steps,
    TradeIn,
    UnitPrice,
)
from tongpan.promotions.engine.windows import write_window


def write_rulebook(book: Rulebook) -> dict[str, Any]:
    """The document of ``book``, with every word that matters written out."""
    return {
        "zone": book.settings.zone,
        "currency": book.settings.currency,
        "clash": book.settings.clash,
        "lanes": [{"code": lane.code, "chooser": lane.chooser, "base": lane.base} for lane in book.lanes],
        "groups": list(book.groups),
        "stack": sorted([min(pair), max(pair)] for pair in book.stack),
        "rules": [write_rule(rule) for rule in book.rules],
    }


def write_rule(rule: Rule) -> dict[str, Any]:
    """The document of one rule."""
    document = {
        "code": rule.code,
        "name_zh": rule.name_zh,
        "name_en": rule.name_en,
        "kind": rule.kind,
        "lane": rule.lane,
        "group": rule.group,
        "priority": rule.priority,
        "scope": write_scope(rule.scope),
        "conditions": _conditions(rule.conditions),
        "benefit": write_benefit(rule.benefit),
        "window": write_window(rule.window),
        "limits": _limits(rule.limits),
        "payers": dict(rule.payers),
        "needs_coupon": rule.needs_coupon,
        "campaign": rule.campaign,
    }
    if rule.kind == "bundle":
        del document["scope"]
    return {word: value for word, value in document.items() if word == "benefit" or value not in ("", {}, None)}


def write_scope(scope: Scope) -> dict[str, Any]:
    document: dict[str, Any] = {"all": True} if scope.is_all else {}
    for word in ("skus", "products", "categories", "tags"):
        if names := getattr(scope, word):
            document[word] = sorted(names)
    if scope.but:
        document["except"] = write_scope(scope.but)
    return document


def _conditions(conditions: Conditions) -> dict[str, Any]:
    document: dict[str, Any] = {}
    for word in (
        "channels", "shops", "nodes", "regions", "not_regions", "sources", "payments", "tiers", "segments",
        "not_segments",
    ):  # fmt: skip
        if names := getattr(conditions, word):
            document[word] = sorted(names)
    if conditions.is_member is not None:
        document["member"] = conditions.is_member
    if conditions.is_new is not None:
        document["new_customer"] = conditions.is_new
    for word in ("min_minor", "min_qty", "undiscounted"):
        if value := getattr(conditions, word):
            document[word] = value
    return document


def _limits(limits: Limits) -> dict[str, Any]:
    words = (
        "uses",
        "uses_per_day",
        "uses_per_customer",
        "units",
        "units_per_customer",
        "units_per_order",
        "money_minor",
    )
    document = _said((word, getattr(limits, word)) for word in words)
    return document | ({"partial": True} if limits.is_partial else {})


def write_benefit(benefit: Benefit) -> dict[str, Any]:
    """The document of what a rule gives."""
    if isinstance(benefit, PercentOff):
        return {"percent": _percent(benefit.percent_bp), **_said([("max_minor", benefit.max_minor)])}
    if isinstance(benefit, AmountOff):
        return {"amount_minor": benefit.amount_minor, "per": benefit.per}
    if isinstance(benefit, UnitPrice):
        prices = {"prices": dict(benefit.prices)} if benefit.prices else {}
        return {**_said([("price_minor", benefit.price_minor)]), **prices}
    if isinstance(benefit, Steps):
        least = "from_minor" if benefit.by == "amount" else "from_qty"
        steps = [
            {
                least: s.at_least,
                **({"percent": _percent(s.percent_bp)} if s.percent_bp else {"amount_minor": s.amount_minor}),
            }
            for s in benefit.steps
        ]
        repeat = {"repeat": True} if benefit.is_repeated else {}
        most = _said([("max_times", benefit.max_times), ("max_minor", benefit.max_minor)])
        return {"by": benefit.by, "steps": steps, **repeat, **most}
    if isinstance(benefit, BuyGet):
        of = {"of": write_scope(benefit.of)} if benefit.of else {}
        head = {
            "buy": benefit.buy,
            "get": benefit.get,
            "percent": _percent(benefit.percent_bp),
            "spread": benefit.spread,
        }
        return {**head, **of, **_said([("max_times", benefit.max_times)])}
    return _sets(benefit)


def _sets(benefit: SetOffer | NForPrice | NthItem | TradeIn | Gifts | Shipping) -> dict[str, Any]:
    if isinstance(benefit, SetOffer):
        parts = [{**write_scope(part.scope), "qty": part.qty} for part in benefit.parts]
        document: dict[str, Any] = {"parts": parts}
        if benefit.price_minor is not None:
            document["price_minor"] = benefit.price_minor
        elif benefit.percent_bp:
            document["percent"] = _percent(benefit.percent_bp)
        else:
            document["amount_minor"] = benefit.amount_minor
    elif isinstance(benefit, NForPrice):
        document = {"n": benefit.n, "price_minor": benefit.price_minor}
    elif isinstance(benefit, NthItem):
        same = {"same_sku": True} if benefit.is_same_sku else {}
        document = {"n": benefit.n, "percent": _percent(benefit.percent_bp), **same}
    elif isinstance(benefit, TradeIn):
        return {"bonus_minor": benefit.bonus_minor, **_said([("max_minor", benefit.max_minor)])}
    elif isinstance(benefit, Gifts):
        document = {"gifts": [{"sku": sku, "qty": qty} for sku, qty in benefit.gifts]}
        if benefit.is_repeated:
            document["repeat"] = True
    else:
        return _said([("amount_minor", benefit.amount_minor)])
    return document | _said([("max_times", benefit.max_times)])


def _percent(points: int) -> int | float:
    """Basis points as a percentage; two decimals are exact in what JSON writes."""
    return points // 100 if points % 100 == 0 else points / 100


def _said(pairs: Iterable[tuple[str, int | None]]) -> dict[str, Any]:
    return {word: value for word, value in pairs if value is not None}
