"""The effective price: what a normal buyer pays for one unit after everything that lowers it. Pure.

The published rule, step by step:

1. What a normal buyer cannot have (``Rules.normal``) is left out.
2. Of parts that exclude each other (one ``group``) the one counts that takes most off the listed price; the earlier of
   equal ones.
3. The rest is taken off the running amount in the order of KINDS.
4. A part with a threshold that the listed amount does not reach takes off its share of a cart that is filled up to the
   threshold (amount x listed / threshold), or nothing where the rules say "alone".
5. Gifts are worth their cost or list price, as the rules say; what the observer saw when that is not known.

Every rounding is in the seller's favour: what comes off is rounded down, the price of a unit up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tongpan.pricing.patrol.rules import AUDIENCES, Rules

KINDS = ("percent", "direct", "full_reduction", "coupon", "cash_back", "gift")


@dataclass(frozen=True, slots=True)
class Component:
    """One part of a discount, as it was seen. Amounts are minor units.

    percent_bp: hundredths of a percent that come off (8折 is 2000). threshold_minor: the amount from which it counts;
    repeats: once for each time it is reached. audience: of AUDIENCES. group: parts of one group exclude each other.
    gift_sku: our SKU if it is one; gift_value_minor: what the observer saw one gift to be worth.
    """

    kind: str
    amount_minor: int = 0
    percent_bp: int = 0
    threshold_minor: int = 0
    repeats: bool = False
    audience: str = "everyone"
    group: str = ""
    gift_sku: str = ""
    gift_qty: int = 1
    gift_value_minor: int | None = None


@dataclass(frozen=True, slots=True)
class Worth:
    """What one unit of a SKU is worth as a gift; None where it is not known."""

    cost_minor: int | None = None
    list_minor: int | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """What became of the component at ``position``: what it takes off all units, and why (a code)."""

    position: int
    kind: str
    off_minor: int
    reason: str


@dataclass(frozen=True, slots=True)
class Effective:
    """unit_minor: the effective price of one unit. parts: one for each component, in their order."""

    unit_minor: int
    parts: tuple[Part, ...]


def problem_of(component: Component) -> str:
    """What is wrong with a component, as words that follow its name; "" when nothing is."""
    c = component
    if c.kind not in KINDS:
        return f"is of an unknown kind {c.kind[:40]!r}; known are {', '.join(KINDS)}"
    if c.audience not in AUDIENCES:
        return f"is for {c.audience[:40]!r}; known are {', '.join(AUDIENCES)}"
    if c.threshold_minor < 0 or c.amount_minor < 0 or (c.gift_value_minor or 0) < 0:
        return "has an amount below zero"
    if c.kind == "percent":
        return "" if 0 < c.percent_bp <= 10_000 else "takes off no share between 0 and 100 percent"
    if c.kind == "gift":
        return "" if 0 < c.gift_qty <= 1000 else "has no number of gifts from 1 to 1000"
    if c.amount_minor == 0:
        return "takes nothing off"
    if c.repeats and not c.threshold_minor:
        return "repeats without a threshold"
    return ""


def effective_price(
    listed_minor: int,
    components: Sequence[Component],
    rules: Rules,
    *,
    units: int = 1,
    gifts: Mapping[str, Worth] | None = None,
) -> Effective:
    """The effective price of one unit where ``units`` units together are listed at ``listed_minor`` each.

    gifts: what SKUs that are given are worth. The parts say what each component took off, or why it did not count.
    """
    listed = listed_minor * units
    known = gifts or {}
    reasons = ["" if one.audience in rules.normal else "audience" for one in components]
    _choose(listed, components, reasons, rules, known)
    left, off = listed, [0] * len(components)
    for position in sorted(range(len(components)), key=lambda i: (KINDS.index(components[i].kind), i)):
        if reasons[position]:
            continue
        taken, reasons[position] = _off(components[position], listed, left, rules, known)
        off[position] = min(left, taken)
        left -= off[position]
    parts = tuple(Part(i, one.kind, off[i], reasons[i]) for i, one in enumerate(components))
    return Effective(-(-left // units), parts)


def _choose(
    listed: int, components: Sequence[Component], reasons: list[str], rules: Rules, gifts: Mapping[str, Worth]
) -> None:
    """Mark all but the best of each group."""
    best: dict[str, tuple[int, int]] = {}
    for i, one in enumerate(components):
        if one.group and not reasons[i]:
            worth = _off(one, listed, listed, rules, gifts)[0]
            if one.group not in best or worth > best[one.group][0]:
                best[one.group] = (worth, i)
    for i, one in enumerate(components):
        if one.group and not reasons[i] and best[one.group][1] != i:
            reasons[i] = "excluded"


def _off(one: Component, listed: int, left: int, rules: Rules, gifts: Mapping[str, Worth]) -> tuple[int, str]:
    """(what it takes off, the reason code)."""
    if one.kind == "gift":
        return _gift(one, rules, gifts) if listed >= one.threshold_minor else _under(one, listed, rules, gifts)
    if listed < one.threshold_minor:
        return _under(one, listed, rules, gifts)
    if one.kind == "percent":
        return left * one.percent_bp // 10_000, "counted"
    times = listed // one.threshold_minor if one.repeats else 1
    return one.amount_minor * times, "counted"


def _under(one: Component, listed: int, rules: Rules, gifts: Mapping[str, Worth]) -> tuple[int, str]:
    if rules.basket == "alone":
        return 0, "threshold"
    if one.kind == "percent":
        return listed * one.percent_bp // 10_000, "filled"
    whole = _gift(one, rules, gifts)[0] if one.kind == "gift" else one.amount_minor
    return whole * listed // one.threshold_minor, "filled"


def _gift(one: Component, rules: Rules, gifts: Mapping[str, Worth]) -> tuple[int, str]:
    if rules.gifts == "ignore":
        return 0, "gift_ignored"
    worth = gifts.get(one.gift_sku)
    known = None if worth is None else worth.cost_minor if rules.gifts == "cost" else worth.list_minor
    if known is None:
        known = one.gift_value_minor
    if known is None:
        return 0, "gift_unknown"
    return known * one.gift_qty, "counted"
