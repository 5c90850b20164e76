"""What is wrong with rules that are well written word by word: contradictions inside a rule and between rules."""

from __future__ import annotations

from collections.abc import Sequence

from tongpan.promotions.engine.reading import Reader
from tongpan.promotions.engine.rules import PRICE_KINDS, AmountOff, Gifts, PercentOff, Rule, Steps, UnitPrice


def check_rule(reader: Reader, rule: Rule, at: str) -> None:
    """What a rule of its kind needs, and what contradicts itself."""
    _check_kind(reader, rule, at)
    _check_limits(reader, rule, at)
    _check_benefit(reader, rule, at)


def _check_kind(reader: Reader, rule: Rule, at: str) -> None:
    conditions, limits, window = rule.conditions, rule.limits, rule.window
    if rule.kind == "timed" and not (window.starts_at or window.ends_at or window.weekly or window.dates):
        reader.wrong(f"{at}.window", "A timed discount says when: give a start, an end, weekly times or dates.")
    if rule.kind == "flash_sale" and limits.units is None and limits.units_per_customer is None:
        reader.wrong(f"{at}.limits", "A flash sale has a quota: give units or units_per_customer.")
    if rule.kind == "member_price" and conditions.is_member is False:
        reader.wrong(f"{at}.conditions.member", "A member price is for members; this asks for none.")
    if rule.kind == "first_order" and conditions.is_new is False:
        reader.wrong(f"{at}.conditions.new_customer", "A first order is by a new customer; this asks for none.")
    if conditions.is_member is False and conditions.tiers:
        reader.wrong(f"{at}.conditions.tiers", "Only members have a tier, and this asks for no member.")


def _check_limits(reader: Reader, rule: Rule, at: str) -> None:
    limits = rule.limits
    units = [word for word in ("units", "units_per_customer", "units_per_order") if getattr(limits, word) is not None]
    is_by_unit = rule.kind in PRICE_KINDS and not (isinstance(rule.benefit, AmountOff) and rule.benefit.per == "order")
    if units and not is_by_unit:
        reader.wrong(
            f"{at}.limits.{units[0]}", "Only offers that give a price or a discount for each unit count units."
        )
    if limits.units is not None:
        for word in ("units_per_customer", "units_per_order"):
            if (part := getattr(limits, word)) is not None and part > limits.units:
                reader.wrong(
                    f"{at}.limits.{word}", f"{part} units are more than the {limits.units} of the whole offer."
                )
    if limits.uses is not None:
        for word in ("uses_per_day", "uses_per_customer"):
            if (part := getattr(limits, word)) is not None and part > limits.uses:
                reader.wrong(f"{at}.limits.{word}", f"{part} uses are more than the {limits.uses} of the whole offer.")
    if limits.money_minor is not None and rule.kind in ("gift", "sample"):
        reader.wrong(f"{at}.limits.money_minor", "Gifts cost goods, not money; limit their uses.")


def _check_benefit(reader: Reader, rule: Rule, at: str) -> None:
    benefit, conditions = rule.benefit, rule.conditions
    if isinstance(benefit, AmountOff) and benefit.per == "order" and 0 < conditions.min_minor < benefit.amount_minor:
        reader.wrong(
            f"{at}.benefit.amount_minor",
            f"{benefit.amount_minor} off is more than the {conditions.min_minor} asked for.",
        )
    if isinstance(benefit, Gifts) and benefit.is_repeated and not (conditions.min_minor or conditions.min_qty):
        reader.wrong(
            f"{at}.benefit.repeat", "Say in conditions.min_minor or min_qty what a gift is given for each time."
        )
    if (
        isinstance(benefit, PercentOff)
        and rule.limits.money_minor
        and (benefit.max_minor or 0) > rule.limits.money_minor
    ):
        reader.wrong(f"{at}.benefit.max_minor", "This is more than the whole budget in limits.money_minor.")
    if isinstance(benefit, Steps) and benefit.by == "amount" and conditions.min_minor > benefit.steps[-1].at_least:
        reader.wrong(
            f"{at}.conditions.min_minor", "No step is ever the reason: every cart that may use it has the last one."
        )
    if isinstance(benefit, UnitPrice) and benefit.prices and rule.scope.skus and benefit.price_minor is None:
        for sku in sorted(rule.scope.skus - benefit.prices.keys()):
            reader.wrong(f"{at}.benefit.prices", f"{sku} is in the scope and has no price.")


def check_rules(reader: Reader, rules: Sequence[Rule]) -> None:
    """What rules of one book contradict together: equal codes, gifts that lead to each other."""
    seen: dict[str, int] = {}
    for number, rule in enumerate(rules):
        if rule.code and rule.code in seen:
            reader.wrong(
                f"rules[{number}].code", f"rules[{seen[rule.code]}] has the code {rule.code} too; give each its own."
            )
        seen.setdefault(rule.code, number)
    for circle in _circles(rules):
        names = " → ".join([rules[number].code for number in circle] + [rules[circle[0]].code])
        reader.wrong(
            f"rules[{circle[0]}].benefit.gifts",
            f"The gifts go round in a circle: {names}. Take a gift out of the scope of the rule that it would open.",
        )


def _circles(rules: Sequence[Rule]) -> list[list[int]]:
    """Circles of rules, each of which gives a SKU that the next one names in its scope; every circle once."""
    asks: dict[str, list[int]] = {}
    giving = {}
    for number, rule in enumerate(rules):
        if isinstance(rule.benefit, Gifts):
            giving[number] = [sku for sku, _ in rule.benefit.gifts]
            for sku in rule.scope.skus - (rule.scope.but.skus if rule.scope.but else frozenset()):
                asks.setdefault(sku, []).append(number)
    following = {
        number: sorted({other for sku in skus for other in asks.get(sku, ())}) for number, skus in giving.items()
    }
    done: set[int] = set()
    circles: list[list[int]] = []
    for start, first in following.items():
        path, todo = [start], [list(first)] if start not in done else []
        while todo:
            if not todo[-1]:
                done.add(path.pop())
                todo.pop()
                continue
            number = todo[-1].pop(0)
            if number in path:
                circles.append(path[path.index(number) :])
            elif number not in done:
                path.append(number)
                todo.append(list(following[number]))
    return circles
