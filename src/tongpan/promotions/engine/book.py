"""A rulebook made ready: rules as offers with closures, found by time, channel and goods instead of scanned. Pure.

Between two neighbouring instants at which a window begins or ends, the open rules are the same: for each such stretch
and channel the index is made when it is first asked for, and kept. It leads from a SKU, product, category or tag to
the offers that name it. Hours of weekdays, buyers and limits are asked of each offer that was found (``gates``).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime

from tongpan.promotions.engine.carts import Line
from tongpan.promotions.engine.gates import Gate, gates, indexed_gates
from tongpan.promotions.engine.giving import Give, Plan, compile_give, compile_plan
from tongpan.promotions.engine.rules import (
    BuyGet,
    Lane,
    Rule,
    Rulebook,
    Scope,
    campaign_counter,
    counter,
)

_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
MOST_STRETCHES = 64
MOST_GOODS = 8_192
"""How much is kept before it is thrown away and made again."""


class Offer:
    """One rule with what is worked out once: the bit of its group, whom it may not meet, gates, closures, counters.

    touches: whether a line is one that the rule counts or lowers; exact: the same, where the names of the index do not
    suffice because goods are left out. give: what it takes off each line by itself; plan: off lines together. Rules
    that lower lines have one of the two, gifts and shipping neither. order: its place by lane, priority and code.
    foes: the groups that may not have touched a line before it; shipping_foes: the shipping charge.
    """

    __slots__ = (
        "benefit", "bit", "campaign_key", "code", "counts", "exact", "foes", "gates", "give", "indexed_gates",
        "is_bounded", "is_lowering", "is_thresholded", "lane", "limits", "min_minor", "min_qty", "money_key", "order",
        "payers", "plan", "priority", "rule", "shipping_foes", "touches", "undiscounted", "units_key",
        "units_per_customer_key", "weights",
    )  # fmt: skip

    def __init__(self, rule: Rule, order: int, lane: int, bit: int, foes: int) -> None:
        self.rule = rule
        self.code = rule.code
        self.order = order
        self.lane = lane
        self.priority = rule.priority
        self.bit = bit
        self.benefit = rule.benefit
        self.indexed_gates: Sequence[Gate] = indexed_gates(rule)
        self.gates: Sequence[Gate] = gates(rule)
        self.touches = touches(rule)
        self.exact = self.touches if any(scope.but for scope in scopes(rule)) else None
        self.min_minor = rule.conditions.min_minor
        self.min_qty = rule.conditions.min_qty
        self.is_thresholded = bool(self.min_minor or self.min_qty)
        self.counts = holds(rule.scope) if len(scopes(rule)) > 1 else None
        self.undiscounted = rule.conditions.undiscounted
        self.give: Give | None = compile_give(rule)
        self.plan: Plan | None = None if self.give else compile_plan(rule, holds)
        self.is_lowering = self.give is not None or self.plan is not None
        self.foes = foes if self.is_lowering else 0
        self.shipping_foes = foes
        self.limits = rule.limits
        self.payers = tuple(payer for payer, _ in rule.payers)
        self.weights = tuple(weight for _, weight in rule.payers)
        self.units_key = counter(rule.code, "units")
        self.units_per_customer_key = counter(rule.code, "units_per_customer")
        self.money_key = counter(rule.code, "money")
        self.campaign_key = campaign_counter(rule.campaign) if rule.campaign else ""
        limits = rule.limits
        self.is_bounded = (
            getattr(rule.benefit, "max_minor", None) is not None
            or limits.money_minor is not None
            or limits.units is not None
            or limits.units_per_customer is not None
            or limits.units_per_order is not None
        )
        """Lines share something: a cap, units or money. What one of them takes, another lacks."""


def holds(scope: Scope) -> Callable[[Line], bool]:
    """Whether a line is in ``scope``."""
    skus, products, categories, tags = scope.skus, scope.products, scope.categories, scope.tags
    but = holds(scope.but) if scope.but else None
    is_all = scope.is_all

    def is_held(line: Line) -> bool:
        return (
            is_all
            or line.sku in skus
            or line.product in products
            or not categories.isdisjoint(line.categories)
            or not tags.isdisjoint(line.tags)
        ) and not (but is not None and but(line))

    return is_held


def scopes(rule: Rule) -> list[Scope]:
    """The scopes whose goods ``rule`` counts or lowers: its own, and that of goods given for others."""
    other = rule.benefit.of if isinstance(rule.benefit, BuyGet) else None
    return [rule.scope] if other is None else [rule.scope, other]


def touches(rule: Rule) -> Callable[[Line], bool]:
    """Whether a line is in one of the scopes of ``rule``."""
    tests = [holds(scope) for scope in scopes(rule)]
    return tests[0] if len(tests) == 1 else lambda line: any(test(line) for test in tests)


class Index:
    """The open offers of one channel in one stretch of time, by what their scopes name.

    everywhere: those of all goods. opened: those that need a coupon, by their code.
    """

    __slots__ = ("_known", "_named", "_partly", "everywhere", "opened")

    def __init__(self, offers: Sequence[Offer]) -> None:
        self.everywhere: list[Offer] = []
        self.opened: dict[str, Offer] = {}
        self._partly: list[Offer] = []
        self._named: dict[tuple[int, str], list[Offer]] = {}
        self._known: dict[tuple[object, ...], tuple[int, ...]] = {}
        for offer in offers:
            named = scopes(offer.rule)
            if offer.rule.is_opened:
                self.opened[offer.code] = offer
            elif not any(scope.is_all for scope in named):
                for key in {key for scope in named for key in _names(scope)}:
                    self._named.setdefault(key, []).append(offer)
            elif offer.exact is None:
                self.everywhere.append(offer)
            else:
                self._partly.append(offer)

    def orders(self, line: Line) -> tuple[int, ...]:
        """The offers that name the goods of ``line``, without those of all goods; kept for each kind of goods."""
        _, sku, _, _, _, _, product, categories, tags, _ = line
        key = (sku, product, categories, tags)
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= MOST_GOODS:
                self._known.clear()
            found = self._known[key] = self._find(line)
        return found

    def _find(self, line: Line) -> tuple[int, ...]:
        keys = [(_SKU, line.sku), (_PRODUCT, line.product)]
        keys += [(_CATEGORY, one) for one in line.categories]
        keys += [(_TAG, one) for one in line.tags]
        offers = {offer.order: offer for key in keys for offer in self._named.get(key, ())}
        offers |= {offer.order: offer for offer in self._partly}
        return tuple(order for order, offer in offers.items() if offer.exact is None or offer.exact(line))


_SKU, _PRODUCT, _CATEGORY, _TAG = range(4)


def _names(scope: Scope) -> Iterator[tuple[int, str]]:
    for kind, names in enumerate((scope.skus, scope.products, scope.categories, scope.tags)):
        yield from ((kind, name) for name in names)


class Book:
    """A compiled rulebook. It is shared by threads and processes freely: what it keeps only saves time."""

    __slots__ = ("_edges", "_indices", "by_code", "lanes", "offers", "rulebook", "version")

    def __init__(self, rulebook: Rulebook) -> None:
        self.rulebook = rulebook
        self.version = rulebook.version
        self.lanes: Sequence[Lane] = rulebook.lanes
        places = {lane.code: place for place, lane in enumerate(rulebook.lanes)}
        names = sorted({*rulebook.groups, *(rule.group for rule in rulebook.rules)})
        bits = {name: 1 << place for place, name in enumerate(names)}
        foes = {
            name: sum(bit for other, bit in bits.items() if frozenset((name, other)) not in rulebook.stack)
            for name in names
        }
        ordered = sorted(rulebook.rules, key=lambda rule: (places[rule.lane], -rule.priority, rule.code))
        self.offers = tuple(
            Offer(rule, order, places[rule.lane], bits[rule.group], foes[rule.group])
            for order, rule in enumerate(ordered)
        )
        self.by_code: Mapping[str, Offer] = {offer.code: offer for offer in self.offers}
        windows = [rule.window for rule in rulebook.rules]
        self._edges = sorted(
            {_micros(at) for window in windows for at in (window.starts_at, window.ends_at) if at is not None}
        )
        self._indices: dict[tuple[int, str], Index] = {}

    def index(self, at: datetime, channel: str) -> Index:
        """The open offers at ``at`` in ``channel``."""
        key = (bisect_right(self._edges, _micros(at)), channel)
        found = self._indices.get(key)
        if found is None:
            if len(self._indices) >= MOST_STRETCHES:
                self._indices.clear()
            found = self._indices[key] = Index([offer for offer in self.offers if _is_open(offer.rule, at, channel)])
        return found


def _micros(at: datetime) -> int:
    since = at - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def _is_open(rule: Rule, at: datetime, channel: str) -> bool:
    window, channels = rule.window, rule.conditions.channels
    return (
        (window.starts_at is None or at >= window.starts_at)
        and (window.ends_at is None or at < window.ends_at)
        and (not channels or channel in channels)
    )


def compile_book(rulebook: Rulebook) -> Book:
    """``rulebook`` made ready for ``evaluate``; to be kept as long as its version is in force."""
    return Book(rulebook)
