"""The node that a row of a file describes: what the row leaves out stays as it is."""

from __future__ import annotations

from dataclasses import replace
from datetime import time
from decimal import Decimal
from typing import Any

from tongpan.connectors.engine.records import codes
from tongpan.core.clock import DEFAULT_ZONE
from tongpan.core.errors import Refusal
from tongpan.core.money import to_minor
from tongpan.network.engine import NodeFacts, NodeRules, NodeSpec, Timetable
from tongpan.network.hour_texts import read_special, read_week

EMPTY = "-"
"""What a cell says that takes away the list, the time or the hours that a node has."""


def node_spec(
    f: dict[str, Any],
    zone: str = DEFAULT_ZONE,
    *,
    rules: NodeRules | None = None,
    hours: Timetable | None = None,
) -> NodeSpec:
    """The node that the fields of a row describe. A supplier ships from its own stock unless the row says else.

    rules, hours: those that the node has, which stay where the row says nothing. Raises Refusal hours.text, node.cost.
    """
    return NodeSpec(
        f["code"],
        f["kind"],
        f["name"] or f["code"],
        province=f["province"],
        city=f["city"],
        division=f["division"],
        latitude=f["latitude"],
        longitude=f["longitude"],
        zone=f["zone"] or zone,
        tracks_stock=f["kind"] != "supplier" if f["tracks_stock"] is None else f["tracks_stock"],
        is_simulated=f["is_simulated"],
        rules=_rules(f, rules or NodeRules()),
        hours=_hours(f, hours or Timetable()),
    )


def is_same(node: NodeFacts, hours: Timetable, is_simulated: bool, spec: NodeSpec) -> bool:
    """True when saving ``spec`` would change nothing of the node."""
    plain = ("kind", "name", "city", "zone", "tracks_stock")
    points = spec.latitude is None or (node.latitude, node.longitude) == (spec.latitude, spec.longitude)
    division = not spec.division or node.division == spec.division
    facts = spec.rules in (None, node.rules) and spec.hours in (None, hours) and is_simulated == spec.is_simulated
    return points and division and facts and all(getattr(node, name) == getattr(spec, name) for name in plain)


def _rules(f: dict[str, Any], before: NodeRules) -> NodeRules | None:
    """None when the row says nothing of them."""
    said: dict[str, Any] = {}
    for name in ("groups", "territory", "facilities"):
        if f[name]:
            said[name] = () if f[name] == EMPTY else tuple(codes(f[name].replace("，", ",").replace("、", ",")))
    for name in ("order_limit", "accept_minutes", "priority", "in_pool"):
        if f[name] is not None:
            said[name] = f[name]
    if f["cut_off"]:
        said["cut_off"] = None if f["cut_off"] == EMPTY else _time(f["cut_off"])
    currency = f["cost_currency"] or before.cost_currency
    if f["cost_currency"]:
        said["cost_currency"] = f["cost_currency"]
    for name in ("base_cost", "cost_per_km"):
        if f[name] is not None:
            said[f"{name}_minor"] = _minor(f[name], currency)
    return replace(before, **said) if said else None


def _hours(f: dict[str, Any], before: Timetable) -> Timetable | None:
    if not f["hours"] and not f["special_days"]:
        return None
    week = before.week if not f["hours"] else () if f["hours"] == EMPTY else read_week(f["hours"])
    special = f["special_days"]
    return Timetable(week, before.special if not special else () if special == EMPTY else read_special(special))


def _time(text: str) -> time:
    try:
        return time.fromisoformat(text.zfill(5))
    except ValueError:
        raise Refusal("hours.text", f"{text!r} is no time of the day; write it as 17:00.") from None


def _minor(amount: Decimal, currency: str) -> int:
    if not currency:
        raise Refusal("node.cost", "A cost needs its currency in the column cost_currency.")
    return to_minor(amount, currency)
