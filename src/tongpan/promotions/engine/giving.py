"""What each kind of rule would take off, before floors: closures made once for each rule. Pure.

A *give* reckons each line by itself. A *plan* reckons lines together and says by which weights its total is spread.
``base`` holds the amount of each line by its position, running or initial as the lane says; a price is a price, so
offers that set one always look at the running amount.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from tongpan.promotions.engine.carts import Line
from tongpan.promotions.engine.gates import Shut
from tongpan.promotions.engine.rules import (
    AmountOff,
    BuyGet,
    NForPrice,
    NthItem,
    PercentOff,
    Rule,
    Scope,
    SetOffer,
    Step,
    Steps,
    TradeIn,
    UnitPrice,
)
from tongpan.promotions.engine.spreading import cumulated


class Goods(NamedTuple):
    """Lines by position: the lines themselves, their units, and what is left to pay for each."""

    lines: Sequence[Line]
    qty: Sequence[int]
    run: list[int]


class Proposal(NamedTuple):
    """``total`` off the lines at ``where``, spread by ``weights`` (a line with weight 0 is used, and pays nothing)."""

    total: int
    where: list[int]
    weights: list[int]


Give = Callable[[Goods, Sequence[int], Sequence[int]], list[int]]
Plan = Callable[[Goods, Sequence[int], Sequence[int], int], "Proposal | Shut"]
"""(goods, base, where, value of the coupon) → what is proposed, or why nothing is."""

ScopeTest = Callable[[Scope], Callable[[Line], bool]]


def percent_of(amount_minor: int, percent_bp: int) -> int:
    """``percent_bp`` of an amount, half a minor unit rounded up."""
    return (amount_minor * percent_bp + 5_000) // 10_000


def compile_give(rule: Rule) -> Give | None:
    """The closure of a rule that looks at each line by itself; None for all others."""
    benefit = rule.benefit
    if isinstance(benefit, PercentOff):
        points = benefit.percent_bp
        return lambda _goods, base, where: [(base[i] * points + 5_000) // 10_000 for i in where]
    if isinstance(benefit, AmountOff) and benefit.per == "unit":
        amount = benefit.amount_minor
        return lambda goods, _base, where: [amount * goods.qty[i] for i in where]
    if isinstance(benefit, UnitPrice):
        return _unit_price(benefit)
    return None


def _unit_price(benefit: UnitPrice) -> Give:
    prices, other = benefit.prices, benefit.price_minor

    def give(goods: Goods, _base: Sequence[int], where: Sequence[int]) -> list[int]:
        lines, qty, run = goods
        found = []
        for i in where:
            price = prices.get(lines[i].sku, other)
            off = 0 if price is None else run[i] - price * qty[i]
            found.append(off if off > 0 else 0)
        return found

    return give


def compile_plan(rule: Rule, test: ScopeTest) -> Plan | None:
    """The closure of a rule that looks at lines together; None for gifts and shipping."""
    benefit = rule.benefit
    if isinstance(benefit, AmountOff):
        amount = benefit.amount_minor
        return lambda goods, _base, where, _value: Proposal(amount, list(where), [goods.run[i] for i in where])
    if isinstance(benefit, TradeIn):
        return _trade_in(benefit)
    if isinstance(benefit, Steps):
        return _steps(benefit)
    if isinstance(benefit, BuyGet):
        return _buy_get(benefit) if benefit.of is None else _buy_other(benefit, rule.scope, test)
    if isinstance(benefit, SetOffer):
        return _set(benefit, test)
    if isinstance(benefit, NForPrice):
        return _n_for_price(benefit)
    if isinstance(benefit, NthItem):
        return _nth(benefit)
    return None


def _trade_in(benefit: TradeIn) -> Plan:
    def plan(goods: Goods, _base: Sequence[int], where: Sequence[int], value: int) -> Proposal | Shut:
        if value <= 0:
            return "not_valued", {}
        total = value + benefit.bonus_minor
        if benefit.max_minor is not None:
            total = min(total, benefit.max_minor)
        return Proposal(total, list(where), [goods.run[i] for i in where])

    return plan


def _steps(benefit: Steps) -> Plan:
    steps, lowest = benefit.steps, benefit.steps[0]
    by_amount = benefit.by == "amount"

    def plan(goods: Goods, base: Sequence[int], where: Sequence[int], _value: int) -> Proposal | Shut:
        amount = sum([base[i] for i in where])
        reached = amount if by_amount else sum([goods.qty[i] for i in where])
        step: Step | None = None
        for one in steps:
            if one.at_least > reached:
                break
            step = one
        if step is None:
            short = lowest.at_least - reached
            return ("below_amount", {"needs_minor": short}) if by_amount else ("below_qty", {"needs": short})
        times = 1
        if benefit.is_repeated:
            times = reached // step.at_least
            if benefit.max_times is not None:
                times = min(times, benefit.max_times)
        total = step.amount_minor * times or percent_of(amount, step.percent_bp)
        if benefit.max_minor is not None:
            total = min(total, benefit.max_minor)
        return Proposal(total, list(where), [goods.run[i] for i in where])

    return plan


def dearest_first(goods: Goods, base: Sequence[int], where: Sequence[int]) -> list[int]:
    """``where`` by what a unit costs, the dearest first, the lower line number between equals."""
    return sorted(where, key=lambda i: -(base[i] << 40) // goods.qty[i])


def _first_units(goods: Goods, order: Sequence[int], units: int) -> dict[int, int]:
    """How many units of each line the first ``units`` of all are."""
    taken = {}
    for i in order:
        if units <= 0:
            break
        taken[i] = min(units, goods.qty[i])
        units -= taken[i]
    return taken


def _last_part(base: Sequence[int], goods: Goods, i: int, units: int) -> int:
    """What the last ``units`` of a line carry: the cheap end, as rounding gives earlier units the rest."""
    return base[i] - cumulated(base[i], goods.qty[i], goods.qty[i] - units)


def _proposed(goods: Goods, used: dict[int, int], total: int) -> Proposal:
    """``total`` over the used units, by what these carry of what is left to pay."""
    where = sorted(used)
    return Proposal(total, where, [cumulated(goods.run[i], goods.qty[i], used[i]) for i in where])


def _capped(times: int, most: int | None) -> int:
    return times if most is None else min(times, most)


def _buy_get(benefit: BuyGet) -> Plan:
    size = benefit.buy + benefit.get

    def plan(goods: Goods, base: Sequence[int], where: Sequence[int], _value: int) -> Proposal | Shut:
        units = sum([goods.qty[i] for i in where])
        times = _capped(units // size, benefit.max_times)
        if not times:
            return "below_qty", {"needs": size - units}
        order = dearest_first(goods, base, where)
        given = _first_units(goods, order[::-1], times * benefit.get)
        total = sum(percent_of(_last_part(base, goods, i, k), benefit.percent_bp) for i, k in given.items())
        if benefit.spread == "given":
            bought = _first_units(goods, order, times * benefit.buy)
            where = sorted(bought.keys() | given.keys())
            return Proposal(total, where, [_last_part(goods.run, goods, i, given.get(i, 0)) for i in where])
        used = _first_units(goods, order, times * benefit.buy)
        for i, k in given.items():
            used[i] = used.get(i, 0) + k
        return _proposed(goods, used, total)

    return plan


def _buy_other(benefit: BuyGet, scope: Scope, test: ScopeTest) -> Plan:
    is_bought = test(scope)

    def plan(goods: Goods, base: Sequence[int], where: Sequence[int], _value: int) -> Proposal | Shut:
        order = dearest_first(goods, base, where)
        buys = [i for i in order if is_bought(goods.lines[i])]
        gets = [i for i in order if not is_bought(goods.lines[i])]
        bought = sum([goods.qty[i] for i in buys])
        there = sum([goods.qty[i] for i in gets])
        times = _capped(min(bought // benefit.buy, there // benefit.get), benefit.max_times)
        if not times:
            if bought < benefit.buy:
                return "below_qty", {"needs": benefit.buy - bought}
            return "incomplete", {"needs": benefit.get - there, "part": 2}
        given = _first_units(goods, gets[::-1], times * benefit.get)
        total = sum(percent_of(_last_part(base, goods, i, k), benefit.percent_bp) for i, k in given.items())
        used = _first_units(goods, buys, times * benefit.buy)
        if benefit.spread == "given":
            weights = dict.fromkeys(used, 0) | {i: _last_part(goods.run, goods, i, k) for i, k in given.items()}
            return Proposal(total, sorted(weights), [weights[i] for i in sorted(weights)])
        return _proposed(goods, used | given, total)

    return plan


def _n_for_price(benefit: NForPrice) -> Plan:
    n, price = benefit.n, benefit.price_minor

    def plan(goods: Goods, base: Sequence[int], where: Sequence[int], _value: int) -> Proposal | Shut:
        units = sum([goods.qty[i] for i in where])
        most = _capped(units // n, benefit.max_times)
        if not most:
            return "below_qty", {"needs": n - units}
        order = dearest_first(goods, goods.run, where)
        total, used, taken = 0, dict[int, int](), 0
        at, inside = 0, 0
        # Sets of the dearest units, as long as a set costs more than its price. Whole sets of one line go at once.
        while taken < most:
            i = order[at]
            free = goods.qty[i] - inside
            whole = min(free // n, most - taken)
            if whole and goods.run[i] * n > price * goods.qty[i]:
                part = cumulated(goods.run[i], goods.qty[i], inside + whole * n) - cumulated(
                    goods.run[i], goods.qty[i], inside
                )
                if part <= whole * price:
                    break
                total += part - whole * price
                used[i] = used.get(i, 0) + whole * n
                taken += whole
                inside += whole * n
            else:
                one, cost, wanted, place, start = dict[int, int](), 0, n, at, inside
                while wanted:
                    j = order[place]
                    k = min(wanted, goods.qty[j] - start)
                    cost += cumulated(goods.run[j], goods.qty[j], start + k) - cumulated(
                        goods.run[j], goods.qty[j], start
                    )
                    if k:
                        one[j] = k
                    wanted -= k
                    start += k
                    if start == goods.qty[j] and wanted:
                        place, start = place + 1, 0
                if cost <= price:
                    break
                total += cost - price
                for j, k in one.items():
                    used[j] = used.get(j, 0) + k
                taken += 1
                at, inside = place, start
            if inside == goods.qty[order[at]] and at + 1 < len(order):
                at, inside = at + 1, 0
        return _proposed(goods, used, total) if total else ("no_gain", {})

    return plan


def _nth(benefit: NthItem) -> Plan:
    n = benefit.n

    def plan(goods: Goods, base: Sequence[int], where: Sequence[int], _value: int) -> Proposal | Shut:
        piles: dict[str, list[int]] = {}
        for i in where:
            piles.setdefault(goods.lines[i].sku if benefit.is_same_sku else "", []).append(i)
        total, used, most, short = 0, dict[int, int](), 0, n
        left = benefit.max_times
        for pile in piles.values():
            units = sum([goods.qty[i] for i in pile])
            times = _capped(units // n, left)
            most, short = max(most, times), min(short, n - units)
            if not times:
                continue
            left = None if left is None else left - times
            order = dearest_first(goods, base, pile)
            given = _first_units(goods, order[::-1], times)
            total += sum(percent_of(_last_part(base, goods, i, k), benefit.percent_bp) for i, k in given.items())
            for i, k in _first_units(goods, order, times * (n - 1)).items():
                used[i] = used.get(i, 0) + k
            for i, k in given.items():
                used[i] = used.get(i, 0) + k
        return _proposed(goods, used, total) if most else ("below_qty", {"needs": short})

    return plan


def _set(benefit: SetOffer, test: ScopeTest) -> Plan:
    parts = [(test(part.scope), part.qty) for part in benefit.parts]

    def plan(goods: Goods, base: Sequence[int], where: Sequence[int], _value: int) -> Proposal | Shut:
        order = dearest_first(goods, base, where)
        members = [[i for i in order if is_part(goods.lines[i])] for is_part, _ in parts]
        counts = [sum([goods.qty[i] for i in found]) // qty for found, (_, qty) in zip(members, parts, strict=True)]
        times = _capped(min(counts), benefit.max_times)
        # Parts may share goods: the largest number of sets for which every part finds its units, each part in turn.
        low, high, best = 1, times, dict[int, int]()
        while low <= high:
            middle = (low + high) // 2
            if (found := _filled(goods, members, [qty for _, qty in parts], middle)) is None:
                high = middle - 1
            else:
                best, low = found, middle + 1
        if not best:
            part = next((number for number, count in enumerate(counts) if not count), len(parts) - 1)
            there = sum([goods.qty[i] for i in members[part]])
            return "incomplete", {"part": part + 1, "needs": max(1, parts[part][1] - there)}
        by = base if benefit.price_minor is None else goods.run
        cost = sum(cumulated(by[i], goods.qty[i], k) for i, k in best.items())
        if benefit.price_minor is not None:
            total = cost - high * benefit.price_minor
        else:
            total = percent_of(cost, benefit.percent_bp) if benefit.percent_bp else high * benefit.amount_minor
        return _proposed(goods, best, total) if total > 0 else ("no_gain", {})

    return plan


def _filled(goods: Goods, members: Sequence[Sequence[int]], sizes: Sequence[int], times: int) -> dict[int, int] | None:
    """Units by line for ``times`` sets, each part from what the parts before it left; None when they do not reach."""
    used: dict[int, int] = {}
    for found, size in zip(members, sizes, strict=True):
        wanted = size * times
        for i in found:
            k = min(wanted, goods.qty[i] - used.get(i, 0))
            if k > 0:
                used[i] = used.get(i, 0) + k
                wanted -= k
            if not wanted:
                break
        if wanted:
            return None
    return used
