"""What a node must look like. Pure."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, time
from typing import NamedTuple

from tongpan.core.clock import DEFAULT_ZONE, zone_names
from tongpan.core.errors import Refusal
from tongpan.network.geography import locate
from tongpan.network.hours import Hours, Opening

__all__ = ["Hours", "NodeFacts", "NodeRules", "NodeSpec", "ServiceSpec", "Timetable", "groups_of", "ships_to"]

NODE_KINDS = ("central", "sub_warehouse", "store", "counter", "dealer", "supplier")
TRANSIT_CODE = "in-transit"
"""The code of the node that is no place: goods on their way."""
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}")


FACILITIES = ("experience", "pickup", "return", "appointment", "installation", "repair")
FIRST_PRIORITY, LAST_PRIORITY = -1_000_000, 1_000_000
DEALER_SERVICES = ("home_delivery", "installation", "repair", "return", "display")
"""What a contract may make a dealer do for buyers of its territory."""

_CURRENCY = re.compile(r"[A-Z]{3}")
_GROUP = re.compile(r"[^\s\x00-\x1f\x7f]{1,40}")
_DIVISION = re.compile(r"\d{2,6}")
_GROUPS_OF_KIND = {
    "central": ("warehouses",),
    "sub_warehouse": ("warehouses",),
    "store": ("ship-from-store",),
    "counter": ("ship-from-store",),
    "dealer": ("dealers",),
}


@dataclass(frozen=True, slots=True)
class NodeRules:
    """What routing and stores must know of a node.

    groups: names that routing policies use; none means those of the node's kind (``groups_of``).
    order_limit: orders that may be routed to it on one local day; None is no limit.
    accept_minutes: time to accept an order that is offered to it; None means that it has accepted at once.
    cut_off: local time from which what is routed to it counts for its next opening day.
    base_cost_minor, cost_per_km_minor: what a parcel from here costs, in minor units of cost_currency; None unknown.
    priority: its place in a sequence made by hand, lower first.
    territory: where it may ship to: province, city or district names or division code prefixes; none is everywhere.
    facilities: of FACILITIES. in_pool: False keeps its stock out of what is published and routed.
    """

    groups: tuple[str, ...] = ()
    order_limit: int | None = None
    accept_minutes: int | None = None
    cut_off: time | None = None
    base_cost_minor: int | None = None
    cost_per_km_minor: int | None = None
    cost_currency: str = ""
    priority: int = 100
    territory: tuple[str, ...] = ()
    facilities: tuple[str, ...] = ()
    in_pool: bool = True


class Timetable(NamedTuple):
    """When a node is open; without week it always is.

    week: (weekday, opens, closes), Monday is 0, local times; closes at or before opens is on the next day.
    special: (day, opens, closes) in place of the week's; (day, None, None) is closed.
    """

    week: Sequence[tuple[int, time, time]] = ()
    special: Sequence[tuple[date, time | None, time | None]] = ()


@dataclass(frozen=True, slots=True)
class NodeFacts:
    """A node as it is, with its rules. latitude and longitude are degrees or None."""

    id: int
    code: str
    name: str
    kind: str
    city: str
    division: str
    latitude: float | None
    longitude: float | None
    zone: str
    tracks_stock: bool
    is_active: bool
    rules: NodeRules


@dataclass(frozen=True, slots=True)
class NodeSpec:
    """A node as it shall be.

    latitude, longitude: degrees, both or neither; without them they follow from province and city where these
    name one place of China. province helps to find the city and is not kept. tracks_stock: False for a
    supplier who ships from its own stock. rules, hours: None leaves those of the node as they are.
    """

    code: str
    kind: str
    name: str
    province: str = ""
    city: str = ""
    division: str = ""
    latitude: float | None = None
    longitude: float | None = None
    zone: str = DEFAULT_ZONE
    tracks_stock: bool = True
    is_active: bool = True
    is_simulated: bool = False
    rules: NodeRules | None = None
    hours: Timetable | None = None


class ServiceSpec(NamedTuple):
    """Which nodes serve a shop, and where its returns go ("" when returns go nowhere by themselves)."""

    shop_code: str
    node_codes: Sequence[str]
    returns_node: str = ""


def placed(spec: NodeSpec) -> NodeSpec:
    """``spec`` with the point and division of its city where it has no point of its own."""
    if spec.latitude is not None or not spec.city:
        return spec
    place = locate(spec.province, spec.city)
    if place is None:
        return spec
    return replace(spec, latitude=place.latitude, longitude=place.longitude, division=spec.division or place.code)


def check_node(spec: NodeSpec) -> None:
    """Raises Refusal node.* when ``spec`` cannot be a node."""
    if not _CODE.fullmatch(spec.code):
        raise Refusal(
            "node.code",
            f"{spec.code!r} cannot be the code of a node: 1 to 60 letters, digits, dots, underscores and "
            "hyphens, beginning with a letter or digit.",
        )
    for what, text, least, most in (
        ("name", spec.name, 1, 80),
        ("city", spec.city, 0, 60),
        ("division", spec.division, 0, 12),
    ):
        if not least <= len(text.strip()) or len(text) > most or "\x00" in text:
            raise Refusal(
                "node.name", f"The {what} of node {spec.code} must have {least} to {most} characters of text."
            )
    if spec.code == TRANSIT_CODE:
        raise Refusal("node.transit", f"{TRANSIT_CODE} is where goods on their way are booked; choose another code.")
    if spec.kind not in NODE_KINDS:
        raise Refusal("node.kind", f"Node {spec.code}: {spec.kind!r} is not one of the kinds {', '.join(NODE_KINDS)}.")
    if (spec.latitude is None) != (spec.longitude is None):
        raise Refusal("node.point", f"Node {spec.code} has only one of latitude and longitude.")
    # a comparison with NaN is false, so NaN is refused too
    if not (-90 <= (spec.latitude or 0) <= 90 and -180 <= (spec.longitude or 0) <= 180):
        raise Refusal("node.point", f"Node {spec.code}: its point is not on the Earth.")
    if spec.zone not in zone_names():
        raise Refusal("node.zone", f"Node {spec.code}: {spec.zone!r} is not an IANA time zone.")
    if spec.rules is not None:
        _check_rules(spec.code, spec.rules)
    if spec.hours is not None:
        _check_hours(spec.code, spec.hours)


def groups_of(kind: str, groups: Sequence[str]) -> tuple[str, ...]:
    """The routing groups of a node of ``kind``: its own, or those of its kind where it has none."""
    return tuple(groups) or _GROUPS_OF_KIND.get(kind, ())


def ships_to(territory: Sequence[str], province: str, city: str, district: str = "") -> bool:
    """True when an address of these names lies in ``territory``; an empty territory is everywhere.

    Names are compared as places of China where they are such ("杭州" is 杭州市), else letter by letter. An
    address that is no place of China lies in no place of China.
    """
    if not territory:
        return True
    place = (locate(province, district) if district else None) or locate(province, city)
    if district and place is not None and city:
        of_city = locate(province, city)
        if of_city is not None and of_city.level != "province" and not place.code.startswith(_prefix(of_city.code)):
            place = of_city
    for entry in territory:
        if _DIVISION.fullmatch(entry):
            if place is not None and place.code.startswith(_prefix(entry)):
                return True
        elif entry in (province, city, district):
            return True
        else:
            named = locate("", entry) or locate(entry, "")
            if place is not None and named is not None and place.code.startswith(_prefix(named.code)):
                return True
    return False


def _prefix(code: str) -> str:
    """ "330000" -> "33", "330100" -> "3301": what the codes of all divisions below begin with."""
    while len(code) > 2 and code.endswith("00"):
        code = code[:-2]
    return code


def _check_rules(code: str, rules: NodeRules) -> None:
    for what, texts in (("group", rules.groups), ("facility", rules.facilities), ("territory", rules.territory)):
        if len(set(texts)) != len(texts):
            raise Refusal("node.rules", f"Node {code} names the same {what} twice.")
    if bad := [group for group in rules.groups if not _GROUP.fullmatch(group)]:
        raise Refusal("node.group", f"Node {code}: {bad[0]!r} is no group: 1 to 40 characters without spaces.")
    if bad := [name for name in rules.facilities if name not in FACILITIES]:
        raise Refusal("node.facility", f"Node {code}: {bad[0]!r} is not one of {', '.join(FACILITIES)}.")
    if bad := [name for name in rules.territory if not name.strip() or len(name) > 60 or "\x00" in name]:
        raise Refusal("node.territory", f"Node {code}: {bad[0]!r} is no name or division code of a place.")
    if rules.order_limit is not None and not 0 <= rules.order_limit < 2**31:
        raise Refusal("node.order_limit", f"Node {code}: the orders a day must be a number from 0, or none.")
    if rules.accept_minutes is not None and not 0 < rules.accept_minutes <= 525_600:
        raise Refusal("node.accept_minutes", f"Node {code}: the minutes to accept must be 1 to 525600, or none.")
    if not FIRST_PRIORITY <= rules.priority <= LAST_PRIORITY:
        raise Refusal(
            "node.priority", f"Node {code}: the priority must lie between {FIRST_PRIORITY} and {LAST_PRIORITY}."
        )
    costs = [cost for cost in (rules.base_cost_minor, rules.cost_per_km_minor) if cost is not None]
    if any(not 0 <= cost < 2**53 for cost in costs):
        raise Refusal("node.cost", f"Node {code}: a cost cannot be negative.")
    if rules.cost_currency and not _CURRENCY.fullmatch(rules.cost_currency):
        raise Refusal("node.cost", f"Node {code}: {rules.cost_currency!r} is no currency code such as CNY.")
    if costs and not rules.cost_currency:
        raise Refusal("node.cost", f"Node {code} has a cost and no currency of it.")


def _check_hours(code: str, hours: Timetable) -> None:
    days: dict[object, list[Opening | None]] = {}
    for weekday, opens, closes in hours.week:
        if not 0 <= weekday <= 6:
            raise Refusal("node.hours", f"Node {code}: {weekday} is no weekday from 0 (Monday) to 6 (Sunday).")
        days.setdefault(weekday, []).append((opens, closes))
    for day, starts, ends in hours.special:
        if (starts is None) != (ends is None):
            raise Refusal("node.hours", f"Node {code}: {day} has only one of opening and closing time.")
        days.setdefault(day, []).append(None if starts is None or ends is None else (starts, ends))
    for key, openings in days.items():
        label = f"weekday {key}" if isinstance(key, int) else str(key)
        spans = sorted(span for span in openings if span is not None)
        if len(spans) != len(openings) and len(openings) > 1:
            raise Refusal("node.hours", f"Node {code} is both closed and open on {label}.")
        for (opened, closed), (next_opened, _) in itertools.pairwise(spans):
            if closed <= opened or closed > next_opened:
                raise Refusal("node.hours", f"Node {code}: two openings of {label} overlap.")
