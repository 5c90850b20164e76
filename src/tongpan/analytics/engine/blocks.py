"""One fact's part of a plan: the rows of a period, grouped, with every measure over that fact in one scan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Literal

from tongpan.analytics.engine import ir
from tongpan.analytics.engine.calendar import key_of, periods, second_of
from tongpan.analytics.engine.request import Chosen, Filter, Request
from tongpan.analytics.engine.spec import Condition, Dimension, Fact, Lookup, Measure, grains_among
from tongpan.core.errors import Refusal

FACT = "f"
CURRENCY = "k_currency"


@dataclass(frozen=True, slots=True)
class Slot:
    """One aggregate that a plan must deliver, as column ``name``."""

    name: str
    measure: Measure
    chosen: Chosen

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """Conditions on the rows measured; those of a derived fact are applied while it is derived."""
        if self.measure.fact.derivation:
            return self.measure.where
        return (*self.measure.where, *settings_of(self.chosen, self.measure.fact))


@dataclass(slots=True)
class Named:
    """The named sub-queries of a plan, in the order they were needed; equal ones are shared."""

    relations: list[tuple[str, ir.Select | ir.UnionAll]] = field(default_factory=list)

    def add(self, name: str, relation: ir.Select | ir.UnionAll) -> str:
        for known, existing in self.relations:
            if existing == relation:
                return known
        unique = name if name not in dict(self.relations) else f"{name}_{len(self.relations)}"
        self.relations.append((unique, relation))
        return unique


def key_name(dimension: Dimension) -> str:
    return f"k_{dimension.key}"


def settings_of(chosen: Chosen, fact: Fact) -> tuple[Condition, ...]:
    """The conditions of the chosen settings that ``fact`` has a column for."""
    return tuple(condition for condition in chosen.conditions() if condition.column in fact.columns)


def relation_of(fact: Fact, alias: str, named: Named) -> ir.From:
    """The rows of ``fact``: its table, or each row once for every channel that its node serves."""
    if not fact.through:
        return ir.From(fact.table, alias)
    on = ir.Compare("=", ir.Column("r", "node_id"), ir.Column("s", "node_id"))
    columns = tuple((name, ir.Column("s" if name == "channel_id" else "r", name)) for name in sorted(fact.columns))
    joined = ir.Select(columns, ir.From(fact.table, "r"), (ir.Join("inner", ir.From(fact.through, "s"), on),))
    return ir.From(named.add(f"{fact.table}_served", joined), alias, is_lake=False)


def block(slots: Sequence[Slot], request: Request, named: Named) -> str:
    """Add the sub-query of all ``slots``, which share a fact, settings and grouping; its name.

    Its columns: one key per dimension of the request, the currency when asked for, one per slot.
    """
    first = slots[0]
    fact = first.measure.fact
    if fact.derivation == "window":
        return _window_block(slots, request, named)
    if fact.derivation == "held":
        return _held_block(slots, request, named)
    source = _Source(request, named)
    common = [c for c in first.conditions if all(c in slot.conditions for slot in slots)]
    where = source.rows_of(first, common)
    keys = [(key_name(d), source.value(d, first.chosen)) for d in request.by]
    keys += _currency_key(request, first)
    select = ir.Select(
        columns=(*keys, *((slot.name, _aggregate(slot, common, FACT)) for slot in slots)),
        source=relation_of(fact, FACT, named),
        joins=tuple(source.joins),
        where=tuple(where),
        group_by=tuple(value for _, value in keys if not isinstance(value, ir.Literal_)),
    )
    return named.add(f"of_{fact.name}", select)


def documents(slot: Slot, request: Request, named: Named) -> str:
    """Add the sub-query of the distinct documents that ``slot`` measures, as column document_id; its name."""
    fact = slot.measure.fact
    if fact.derivation == "window":
        windows, _ = _buyers_in_windows(slot, request, named)
        key: ir.Expression = ir.Column("w", "buyer_id")
        select = ir.Select(
            columns=(("document_id", key),),
            source=ir.From(windows, "w", is_lake=False),
            where=tuple(_test(condition, "w") for condition in slot.conditions),
            group_by=(key,),
        )
        return named.add("documents", select)
    source = _Source(request, named)
    where = source.rows_of(slot, slot.conditions)
    key = ir.Column(FACT, fact.key)
    select = ir.Select(
        columns=(("document_id", key),),
        source=relation_of(fact, FACT, named),
        joins=tuple(source.joins),
        where=tuple(where),
        group_by=(key,),
    )
    return named.add("documents", select)


class _Source:
    """The joins that the dimensions of one block need, each made once."""

    def __init__(self, request: Request, named: Named) -> None:
        self.request = request
        self.named = named
        self.joins: list[ir.Join] = []
        self._joined: set[str] = set()

    def rows_of(self, slot: Slot, conditions: Sequence[Condition]) -> list[ir.Expression]:
        """What keeps the rows of the request's period and filters that meet ``conditions``."""
        bounds = _day_range(self.request)
        if slot.measure.fact.derivation == "held":  # what stood there had come before
            bounds = [bound for bound in bounds if isinstance(bound, ir.Compare) and bound.op == "<"]
        where = [*bounds, *self.filters(self.request.filters, slot.chosen)]
        if slot.measure.fact.derivation == "first":
            self.join_firsts("inner", slot.chosen)
        return where + [_test(condition, FACT) for condition in conditions]

    def value(self, dimension: Dimension, chosen: Chosen) -> ir.Expression:
        """What rows are grouped by for ``dimension``."""
        if dimension.is_buyer_type:
            return self._buyer_type(dimension, chosen)
        column = ir.Column(FACT, dimension.column)
        if dimension.lookup is None or dimension.is_late:
            return column
        alias = f"j_{dimension.key}"
        if alias not in self._joined:
            self._joined.add(alias)
            self.joins.append(ir.Join("left", *lookup_join(dimension.lookup, alias, column)))
        return ir.Coalesce(ir.Column(alias, dimension.lookup.value), ir.Literal_(""))

    def filters(self, filters: Sequence[Filter], chosen: Chosen) -> list[ir.Expression]:
        return [_among(self.value(f.dimension, chosen), f) for f in filters]

    def join_firsts(self, kind: Literal["inner", "left"], chosen: Chosen) -> str:
        """Join each buyer's first order: "inner" keeps only first orders, "left" keeps all. Its alias."""
        alias = "b"
        if alias not in self._joined:
            self._joined.add(alias)
            name = self.named.add("firsts", _firsts(chosen))
            on: list[ir.Expression] = [ir.Compare("=", ir.Column(FACT, "customer_id"), ir.Column(alias, "buyer_id"))]
            if kind == "inner":
                on.append(ir.Compare("=", ir.Column(FACT, "placed_rank"), ir.Column(alias, "first_rank")))
            self.joins.append(ir.Join(kind, ir.From(name, alias, is_lake=False), ir.All(tuple(on))))
        return alias

    def _buyer_type(self, dimension: Dimension, chosen: Chosen) -> ir.Expression:
        alias = self.join_firsts("left", chosen)
        buyer = ir.Column(FACT, dimension.column)
        is_first = ir.Compare("=", ir.Column(FACT, "placed_rank"), ir.Column(alias, "first_rank"))
        return ir.Case(
            ((ir.IsNull(buyer), ir.Literal_("anonymous")), (is_first, ir.Literal_("new"))),
            ir.Literal_("returning"),
        )


def lookup_join(lookup: Lookup, alias: str, column: ir.Expression) -> tuple[ir.From, ir.Expression]:
    """The dimension table of ``lookup`` under ``alias`` and the condition that finds the row of ``column``."""
    on: list[ir.Expression] = [ir.Compare("=", column, ir.Column(alias, lookup.key))]
    on += [ir.Compare("=", ir.Column(alias, name), ir.Literal_(value)) for name, value in lookup.where]
    return ir.From(lookup.table, alias), ir.All(tuple(on))


def _firsts(chosen: Chosen) -> ir.Select:
    """Each identified buyer with the rank of the first order that the settings count."""
    buyer = ir.Column(FACT, "customer_id")
    return ir.Select(
        columns=(("buyer_id", buyer), ("first_rank", ir.Min(ir.Column(FACT, "placed_rank")))),
        source=ir.From("orders", FACT),
        where=(ir.Not(ir.IsNull(buyer)), *(_test(c, FACT) for c in chosen.conditions())),
        group_by=(buyer,),
    )


def _window_block(slots: Sequence[Slot], request: Request, named: Named) -> str:
    """Buyers with the number of their orders in the window that ends with the period, then counted by group."""
    windows, keys = _buyers_in_windows(slots[0], request, named)
    outer: list[tuple[str, ir.Expression]] = [(name, ir.Column("w", name)) for name in keys]
    return named.add(
        f"of_{slots[0].measure.fact.name}",
        ir.Select(
            columns=(
                *outer,
                *_currency_key(request, slots[0]),
                *((slot.name, _aggregate(slot, (), "w")) for slot in slots),
            ),
            source=ir.From(windows, "w", is_lake=False),
            group_by=tuple(value for _, value in outer),
        ),
    )


def _held_block(slots: Sequence[Slot], request: Request, named: Named) -> str:
    """Units × seconds that stood in each period: what came before it for all of it, what came in it for the rest."""
    first = slots[0]
    chosen, fact = first.chosen, first.measure.fact
    source = _Source(request, named)
    if any(f.dimension.grain and f.dimension not in request.by for f in request.filters):
        raise Refusal(
            "metric.window",
            f"Metric {chosen.metric.key} is of a whole period: bound it by days, "
            "or group by the calendar dimension that it is filtered by.",
        )
    history = request.history
    days = [
        (keys, max(start, request.day_from or start), min(end, request.day_to or end))
        for keys, start, end in (
            _periods(request, chosen)
            if grains_among(request.by)
            else [((), request.day_from or history[0], request.day_to or history[1])]
        )
    ]
    spine = named.add("spans", ir.UnionAll(tuple(_span(*period) for period in days)))
    plain = [f for f in request.filters if not f.dimension.grain]
    common = [c for c in first.conditions if all(c in slot.conditions for slot in slots)]
    day = ir.Column(FACT, "business_date")
    where = [ir.Compare("<", day, ir.Column("s", "day_to")), *source.filters(plain, chosen)]
    where += [_test(condition, FACT) for condition in common]
    keys = [(key_name(d), ir.Column("s", key_name(d)) if d.grain else source.value(d, chosen)) for d in request.by]
    keys += _currency_key(request, first)
    units = ir.Column(FACT, "units")
    stood = ir.Case(
        ((ir.Compare("<", day, ir.Column("s", "day_from")), ir.Times(units, ir.Column("s", "seconds"))),),
        ir.Minus(ir.Times(units, ir.Column("s", "second_to")), ir.Column(FACT, "unit_seconds")),
    )
    return named.add(
        f"of_{fact.name}",
        ir.Select(
            columns=(*keys, *((slot.name, ir.Sum(stood)) for slot in slots)),
            source=relation_of(fact, FACT, named),
            joins=(*source.joins, ir.Join("cross", ir.From(spine, "s", is_lake=False))),
            where=tuple(where),
            group_by=tuple(value for _, value in keys if not isinstance(value, ir.Literal_)),
        ),
    )


def _span(keys: Sequence[tuple[str, ir.Expression]], start: date, end: date) -> ir.Select:
    """One row: the keys of a period, its days, its end and its length in seconds."""
    first, last = second_of(start), second_of(max(start, end))
    return ir.Select(
        columns=(
            *keys,
            ("day_from", ir.Literal_(start)),
            ("day_to", ir.Literal_(end)),
            ("second_to", ir.Literal_(last)),
            ("seconds", ir.Literal_(last - first)),
        )
    )


def _buyers_in_windows(slot: Slot, request: Request, named: Named) -> tuple[str, list[str]]:
    """(name of the sub-query with one row per group and buyer, the names of its keys)."""
    chosen, fact = slot.chosen, slot.measure.fact
    source = _Source(request, named)
    spine, bounds = _windows(request, chosen, named)
    plain = [f for f in request.filters if not (spine and f.dimension.grain)]
    is_rolling = chosen.value_of("window") != "period"
    if is_rolling and any(f.dimension.grain and f.dimension not in request.by for f in request.filters):
        raise Refusal(
            "metric.window",
            f"Metric {chosen.metric.key} counts a window before the end of each period: bound it by days, "
            "or group by the calendar dimension that it is filtered by.",
        )
    where = [*bounds, *source.filters(plain, chosen)]
    where += [_test(condition, FACT) for condition in settings_of(chosen, fact)]
    buyer = ir.Column(FACT, fact.per)
    where.append(ir.Not(ir.IsNull(buyer)))
    keys: list[tuple[str, ir.Expression]] = []
    for dimension in request.by:
        name = key_name(dimension)
        is_spine = spine and dimension.grain
        keys.append((name, ir.Column("s", name) if is_spine else source.value(dimension, chosen)))
    joins = [*source.joins]
    if spine:
        joins.append(ir.Join("cross", ir.From(spine, "s", is_lake=False)))
    name = named.add(
        "buyers_in_windows",
        ir.Select(
            columns=(*keys, ("buyer_id", buyer), ("orders_in_window", ir.CountRows())),
            source=ir.From(fact.table, FACT),
            joins=tuple(joins),
            where=tuple(where),
            group_by=(*(value for _, value in keys), buyer),
        ),
    )
    return name, [key for key, _ in keys]


def _windows(request: Request, chosen: Chosen, named: Named) -> tuple[str, list[ir.Expression]]:
    """(name of the spine of periods or "", conditions that keep the days of each window)."""
    setting = chosen.value_of("window")
    if setting == "period":
        return "", _day_range(request)
    days = timedelta(days=int(setting))
    day_to = request.day_to or request.history[1]
    day = ir.Column(FACT, "business_date")
    if not grains_among(request.by):
        return "", [
            ir.Compare(">=", day, ir.Literal_(day_to - days)),
            ir.Compare("<", day, ir.Literal_(day_to)),
        ]
    name = named.add("periods", ir.UnionAll(tuple(_spine(request, chosen, days, day_to))))
    return name, [
        ir.Compare(">=", day, ir.Column("s", "window_from")),
        ir.Compare("<", day, ir.Column("s", "window_to")),
    ]


def _spine(request: Request, chosen: Chosen, days: timedelta, day_to: date) -> list[ir.Select]:
    """One row per period: its calendar keys, and the days of its window, cut at the end of the range."""
    return [
        ir.Select(
            columns=(
                *keys,
                ("window_from", ir.Literal_(min(end, day_to) - days if start < end else day_to)),
                ("window_to", ir.Literal_(min(end, day_to))),
            )
        )
        for keys, start, end in _periods(request, chosen)
    ]


def _periods(request: Request, chosen: Chosen) -> list[tuple[list[tuple[str, ir.Expression]], date, date]]:
    """(calendar keys, first day, end) of every period of the range that its filters keep.

    A range without any has one empty period that keeps nothing.
    """
    grains = grains_among(request.by)
    if "week" in grains and len(grains) > 1:
        raise Refusal(
            "metric.window",
            f"Metric {chosen.metric.key} cannot be grouped by week and {grains[-1]} at once: weeks cross their ends.",
        )
    wanted = {
        f.dimension.grain: {key for key in f.keys if isinstance(key, int)} for f in request.filters if f.dimension.grain
    }
    day_to = request.day_to or request.history[1]
    found: list[tuple[list[tuple[str, ir.Expression]], date, date]] = []
    for period in periods(grains[0], request.day_from or request.history[0], day_to):
        if all(key_of(g, period.first) in keys for g, keys in wanted.items() if g):
            columns: list[tuple[str, ir.Expression]] = [
                (key_name(d), ir.Literal_(key_of(d.grain, period.first))) for d in request.by if d.grain
            ]
            found.append((columns, period.first, period.end))
    return found or [([(key_name(d), ir.Literal_(0)) for d in request.by if d.grain], day_to, day_to)]


def _currency_key(request: Request, slot: Slot) -> list[tuple[str, ir.Expression]]:
    if not request.by_currency:
        return []
    if slot.chosen.metric.is_money_based:
        return [(CURRENCY, ir.Column(FACT, "currency"))]
    return [(CURRENCY, ir.Literal_(""))]


def _day_range(request: Request) -> list[ir.Expression]:
    day = ir.Column(FACT, "business_date")
    bounds: list[ir.Expression] = []
    if request.day_from is not None:
        bounds.append(ir.Compare(">=", day, ir.Literal_(request.day_from)))
    if request.day_to is not None:
        bounds.append(ir.Compare("<", day, ir.Literal_(request.day_to)))
    return bounds


def _among(value: ir.Expression, wanted: Filter) -> ir.Expression:
    keys = tuple(key for key in wanted.keys if key is not None)
    tests: list[ir.Expression] = []
    if keys:
        tests.append(ir.OneOf(value, keys))
    if None in wanted.keys:
        # An absent text is '', an absent key is null.
        is_text = wanted.dimension.lookup is None or not wanted.dimension.is_late
        tests.append(ir.Compare("=", value, ir.Literal_("")) if is_text else ir.IsNull(value))
    return tests[0] if len(tests) == 1 else ir.Any_(tuple(tests))


def _test(condition: Condition, alias: str) -> ir.Expression:
    column = ir.Column(alias, condition.column)
    if condition.is_set:
        return ir.Not(ir.IsNull(column))
    if condition.equals is not None:
        return ir.Compare("=", column, ir.Literal_(condition.equals))
    return ir.Compare(">=", column, ir.Literal_(condition.at_least or 0))


def _aggregate(slot: Slot, common: Sequence[Condition], alias: str) -> ir.Expression:
    measure = slot.measure
    tests = tuple(_test(condition, alias) for condition in slot.conditions if condition not in common)
    if measure.aggregate == "count":
        return ir.Count(ir.Case(((ir.All(tests), ir.Literal_(1)),))) if tests else ir.CountRows()
    column: ir.Expression = ir.Column(alias, measure.column)
    value = ir.Case(((ir.All(tests), column),)) if tests else column
    if measure.aggregate == "distinct":
        return ir.CountDistinct(value)
    total = ir.Sum(value)
    return ir.Negative(total) if measure.is_negated else total
