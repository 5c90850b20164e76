"""A request for metrics -> one query: a block per fact, merged by their keys, looked up, sorted."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tongpan.analytics.engine import ir
from tongpan.analytics.engine.blocks import CURRENCY, Named, Slot, block, key_name, lookup_join
from tongpan.analytics.engine.request import Chosen, Filter, Request, measure_for
from tongpan.analytics.engine.spec import Measure
from tongpan.core.errors import Refusal

MERGED = "m"


@dataclass(frozen=True, slots=True)
class Plan:
    """The query and where to find what in its rows.

    Row: one value per dimension of the request, then the currency ("" for rows of counts) when the request is
    by currency, then the slots. slots: metric key -> (position of the value or numerator, of the denominator or
    None) counted from the first slot. measures: metric key -> the equivalent that was chosen.
    """

    query: ir.Query
    slots: dict[str, tuple[int, int | None]]
    measures: dict[str, Measure]


def plan(request: Request) -> Plan:
    """Plan ``request``. Raises Refusal metric.* when a metric cannot be asked like this."""
    shares = [chosen for chosen in request.chosen if chosen.metric.share_of]
    if shares and len(request.chosen) > 1:
        raise Refusal("metric.combination", f"Metric {shares[0].metric.key} is a share; ask for it alone.")
    after: list[Filter] = []
    if shares:
        # The share is of the whole: its own dimension is filtered after the total is known.
        share_of = shares[0].metric.share_of
        after = [f for f in request.filters if f.dimension.key == share_of]
        request = replace(request, filters=tuple(f for f in request.filters if f.dimension.key != share_of))
    slots, positions = _slots(request)
    named = Named()
    merged = _merge(slots, request, named)
    if shares:
        merged = _share(merged, slots[0], shares[0], request, named)
        positions = {shares[0].metric.key: (0, 1)}
    names = ["v_share", "v_total"] if shares else [slot.name for slot in slots]
    body = _answer(merged, names, request, after, positions)
    measures = {slot.chosen.metric.key: slot.measure for slot in reversed(slots)}
    return Plan(ir.Query(tuple(named.relations), body), positions, measures)


def _slots(request: Request) -> tuple[list[Slot], dict[str, tuple[int, int | None]]]:
    slots: list[Slot] = []
    positions: dict[str, tuple[int, int | None]] = {}
    for chosen in request.chosen:
        metric = chosen.metric
        top = len(slots)
        slots.append(Slot(f"v_{metric.key}", measure_for(chosen, metric.numerator, request), chosen))
        if metric.denominator:
            slots.append(Slot(f"v_{metric.key}_base", measure_for(chosen, metric.denominator, request), chosen))
        positions[metric.key] = (top, top + 1 if metric.denominator else None)
    return slots, positions


def _merge(slots: list[Slot], request: Request, named: Named) -> str:
    """The name of a relation with all keys and all slots, one row per group."""
    blocks: dict[tuple[object, ...], list[Slot]] = {}
    for slot in slots:
        blocks.setdefault(_scan(slot, request), []).append(slot)
    made = [(block(group, request, named), group) for group in blocks.values()]
    if len(made) == 1:
        return made[0][0]
    keys = [key_name(d) for d in request.by] + ([CURRENCY] if request.by_currency else [])
    parts = []
    for name, group in made:
        own = {slot.name for slot in group}
        columns: list[tuple[str, ir.Expression]] = [(key, ir.Column("p", key)) for key in keys]
        columns += [
            (slot.name, ir.Column("p", slot.name) if slot.name in own else ir.Null("integer")) for slot in slots
        ]
        parts.append(ir.Select(tuple(columns), ir.From(name, "p", is_lake=False)))
    every = named.add("parts", ir.UnionAll(tuple(parts)))
    grouped: list[tuple[str, ir.Expression]] = [(key, ir.Column("p", key)) for key in keys]
    sums: list[tuple[str, ir.Expression]] = [(s.name, ir.Sum(ir.Column("p", s.name))) for s in slots]
    return named.add(
        "merged",
        ir.Select(
            columns=(*grouped, *sums),
            source=ir.From(every, "p", is_lake=False),
            group_by=tuple(value for _, value in grouped),
        ),
    )


def _scan(slot: Slot, request: Request) -> tuple[object, ...]:
    """Slots that agree in this are answered by one scan."""
    fact = slot.measure.fact
    needs_settings = bool(fact.derivation) or any(d.is_buyer_type for d in request.dimensions)
    return (
        fact.name,
        request.by_currency and slot.chosen.metric.is_money_based,
        slot.chosen.settings if needs_settings else (),
    )


def _share(merged: str, slot: Slot, chosen: Chosen, request: Request, named: Named) -> str:
    """Add each group's total over the dimension that it is a share of."""
    keys = [key_name(d) for d in request.by] + ([CURRENCY] if request.by_currency else [])
    others = [key for key in keys if key != f"k_{chosen.metric.share_of}"]
    value = ir.Column(MERGED, slot.name)
    columns: list[tuple[str, ir.Expression]] = [(key, ir.Column(MERGED, key)) for key in keys]
    columns += [
        ("v_share", value),
        ("v_total", ir.SumOver(value, tuple(ir.Column(MERGED, key) for key in others))),
    ]
    return named.add("shares", ir.Select(tuple(columns), ir.From(merged, MERGED, is_lake=False)))


def _answer(
    merged: str,
    names: list[str],
    request: Request,
    after: list[Filter],
    positions: dict[str, tuple[int, int | None]],
) -> ir.Select:
    """Look the late dimensions up, sort, cut."""
    joins: list[ir.Join] = []
    columns: list[tuple[str, ir.Expression]] = []
    for dimension in request.by:
        value: ir.Expression = ir.Column(MERGED, key_name(dimension))
        if dimension.is_late and dimension.lookup is not None:
            alias = f"l_{dimension.key}"
            joins.append(ir.Join("left", *lookup_join(dimension.lookup, alias, value)))
            value = ir.Column(alias, dimension.lookup.value)
        columns.append((f"d_{dimension.key}", value))
    if request.by_currency:
        columns.append(("d_currency", ir.Column(MERGED, CURRENCY)))
    order = [ir.Sort(value) for _, value in columns]
    if request.order:
        if len(request.chosen) != 1:
            raise Refusal("metric.order", "Several metrics at once cannot be sorted by value.")
        top, base = positions[request.chosen[0].metric.key]
        value = ir.Column(MERGED, names[top])
        if base is not None:
            value = ir.Ratio(ir.Coalesce(value, ir.Literal_(0)), ir.Column(MERGED, names[base]))
        order.insert(0, ir.Sort(value, descending=request.order.startswith("-")))
    where: list[ir.Expression] = []
    for wanted in after:
        key = ir.Column(MERGED, key_name(wanted.dimension))
        kept = tuple(k for k in wanted.keys if k is not None)
        where.append(ir.OneOf(key, kept) if kept else ir.IsNull(key))
    return ir.Select(
        columns=(*columns, *((name, ir.Column(MERGED, name)) for name in names)),
        source=ir.From(merged, MERGED, is_lake=False),
        joins=tuple(joins),
        where=tuple(where),
        order_by=tuple(order),
        limit=request.limit,
    )
