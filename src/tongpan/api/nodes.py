"""Nodes: warehouses, stores and dealers that hold and ship goods."""

from __future__ import annotations

from datetime import time
from typing import Annotated, Literal

from django.http import HttpRequest
from ninja import Path, Query, Router
from pydantic import Field, StringConstraints

from tongpan.api.operations import actor_of, read, write
from tongpan.api.pages import Page, PageQuery, page_of
from tongpan.api.problems import not_found
from tongpan.api.values import (
    Code,
    Day,
    Degrees,
    Flag,
    In,
    MoneyIn,
    MoneyOut,
    Name60,
    Name80,
    Out,
    Tag,
    Text40,
    Text60,
    money_or_none,
)
from tongpan.core.clock import DEFAULT_ZONE, utc_now
from tongpan.core.errors import Refusal
from tongpan.network.actions import save_nodes
from tongpan.network.engine import NodeRules, NodeSpec, Timetable
from tongpan.network.models import Node, NodeKind
from tongpan.network.queries import nodes

router = Router(tags=["nodes"])


class ServedShopOut(Out):
    shop: str
    takes_returns: bool


Facility = Literal["experience", "pickup", "return", "appointment", "installation", "repair"]
LocalTime = Annotated[
    str, StringConstraints(strict=True, pattern=r"^([01]\d|2[0-3]):[0-5]\d$"), Field(examples=["17:00"])
]


class NodeRulesIn(In):
    """What routing and stores know of a node; what is left out has its default."""

    groups: list[Tag] = Field(
        default_factory=list, max_length=20, description="Routing groups; none means those of the node's kind"
    )
    order_limit: int | None = Field(
        None, strict=True, ge=0, le=10**9, description="Orders on one local day; null is no limit"
    )
    accept_minutes: int | None = Field(
        None, strict=True, ge=1, le=525_600, description="Time to accept an offer; null means that it accepts at once"
    )
    cut_off: LocalTime | None = Field(None, description="Local time from which orders count for the next opening day")
    base_cost: MoneyIn | None = Field(None, description="What a parcel from here costs")
    cost_per_km: MoneyIn | None = None
    priority: int = Field(
        100, strict=True, ge=-1_000_000, le=1_000_000, description="Its place in a sequence, lower first"
    )
    territory: list[Name60] = Field(
        default_factory=list, max_length=400, description="Names or division codes it ships to; none is everywhere"
    )
    facilities: list[Facility] = Field(default_factory=list, max_length=6)
    in_pool: Flag = Field(True, description="False keeps its stock out of what is published and routed")


class OpeningIn(In):
    weekday: int = Field(strict=True, ge=0, le=6, description="0 is Monday")
    opens: LocalTime
    closes: LocalTime = Field(description="At or before `opens` it is on the next day, so 00:00 is midnight")


class SpecialDayIn(In):
    day: Day
    opens: LocalTime | None = Field(None, description="Both null: closed on that day")
    closes: LocalTime | None = None


class HoursIn(In):
    """When a node is open; without a week it always is."""

    week: list[OpeningIn] = Field(default_factory=list, max_length=100)
    special_days: list[SpecialDayIn] = Field(default_factory=list, max_length=1000)


class NodeRulesOut(Out):
    groups: list[str]
    order_limit: int | None
    accept_minutes: int | None
    cut_off: str | None
    base_cost: MoneyOut | None
    cost_per_km: MoneyOut | None
    priority: int
    territory: list[str]
    facilities: list[str]
    in_pool: bool


class OpeningOut(Out):
    weekday: int
    opens: str
    closes: str


class SpecialDayOut(Out):
    day: Day
    opens: str | None
    closes: str | None


class HoursOut(Out):
    week: list[OpeningOut]
    special_days: list[SpecialDayOut]


class NodeOut(Out):
    id: int
    code: str
    kind: NodeKind
    name: str
    city: str
    division: str = Field(description="Six-digit code of the administrative division (GB/T 2260)")
    latitude: float | None = Field(description="Degrees; GCJ-02 within China")
    longitude: float | None
    zone: str
    tracks_stock: bool = Field(description="False for a supplier who ships from its own stock")
    is_active: bool
    is_simulated: bool
    rules: NodeRulesOut
    hours: HoursOut
    serves: list[ServedShopOut]


class NodeIn(In):
    kind: NodeKind
    name: Name80
    province: Text60 = Field("", description="Helps to find the city; not kept")
    city: Text60 = ""
    latitude: Degrees | None = Field(
        None, ge=-90, le=90, description="Both degrees or neither; without them they follow from the city"
    )
    longitude: Degrees | None = Field(None, ge=-180, le=180)
    zone: Text40 = DEFAULT_ZONE
    tracks_stock: Flag = True
    is_active: Flag = True
    rules: NodeRulesIn | None = Field(None, description="Null leaves the rules of the node as they are")
    hours: HoursIn | None = Field(None, description="Null leaves the hours of the node as they are")


def _rules_in(given: NodeRulesIn) -> NodeRules:
    currencies = {cost.currency for cost in (given.base_cost, given.cost_per_km) if cost is not None}
    if len(currencies) > 1:
        raise Refusal("node.cost", "base_cost and cost_per_km must be in the same currency.")
    currency = next(iter(currencies), "")
    try:
        base, per_km = (
            None if cost is None else cost.minor(currency, name)
            for name, cost in (("base_cost", given.base_cost), ("cost_per_km", given.cost_per_km))
        )
    except ValueError as error:
        raise Refusal("node.cost", f"{error}.") from None
    return NodeRules(
        tuple(given.groups),
        given.order_limit,
        given.accept_minutes,
        None if given.cut_off is None else time.fromisoformat(given.cut_off),
        base,
        per_km,
        currency,
        given.priority,
        tuple(given.territory),
        tuple(given.facilities),
        given.in_pool,
    )


def _hours_in(given: HoursIn) -> Timetable:
    week = [(one.weekday, time.fromisoformat(one.opens), time.fromisoformat(one.closes)) for one in given.week]
    special = [(one.day, _time_or_none(one.opens), _time_or_none(one.closes)) for one in given.special_days]
    return Timetable(tuple(week), tuple(special))


def _time_or_none(text: str | None) -> time | None:
    return None if text is None else time.fromisoformat(text)


def _text_or_none(at: time | None) -> str | None:
    return None if at is None else f"{at:%H:%M}"


def _rules(row: Node) -> NodeRulesOut:
    return NodeRulesOut(
        groups=row.groups,
        order_limit=row.order_limit,
        accept_minutes=row.accept_minutes,
        cut_off=_text_or_none(row.cut_off),
        base_cost=money_or_none(row.base_cost_minor, row.cost_currency),
        cost_per_km=money_or_none(row.cost_per_km_minor, row.cost_currency),
        priority=row.priority,
        territory=row.territory,
        facilities=row.facilities,
        in_pool=row.in_pool,
    )


def _hours(row: Node) -> HoursOut:
    return HoursOut(
        week=[
            OpeningOut(weekday=one.weekday, opens=f"{one.opens:%H:%M}", closes=f"{one.closes:%H:%M}")
            for one in row.opening_hours.all()
        ],
        special_days=[
            SpecialDayOut(day=one.day, opens=_text_or_none(one.opens), closes=_text_or_none(one.closes))
            for one in row.special_days.all()
        ],
    )


def _node(row: Node) -> NodeOut:
    return NodeOut(
        id=row.pk,
        code=row.code,
        kind=NodeKind(row.kind),
        name=row.name,
        city=row.city,
        division=row.division,
        latitude=row.latitude,
        longitude=row.longitude,
        zone=row.zone,
        tracks_stock=row.tracks_stock,
        is_active=row.is_active,
        is_simulated=row.is_simulated,
        rules=_rules(row),
        hours=_hours(row),
        serves=[
            ServedShopOut(shop=service.shop.code, takes_returns=service.takes_returns) for service in row.services.all()
        ],
    )


@read(router, "/nodes", "network.view", Page[NodeOut])
def list_nodes(request: HttpRequest, query: Query[PageQuery]) -> Page[NodeOut]:
    """All nodes, by code, with the shops they serve."""
    return page_of(nodes(), ["code"], query, _node)


@read(router, "/nodes/{code}", "network.view", NodeOut)
def get_node(request: HttpRequest, code: Path[Code]) -> NodeOut:
    """One node."""
    row = nodes().filter(code=code).first()
    if row is None:
        raise not_found("node", code)
    return _node(row)


@write(router, "PUT", "/nodes/{code}", "network.edit", NodeOut)
def put_node(request: HttpRequest, code: Path[Code], body: NodeIn) -> NodeOut:
    """Make or change a node."""
    before = nodes().filter(code=code).first()
    spec = NodeSpec(
        code=code,
        kind=body.kind,
        name=body.name,
        province=body.province,
        city=body.city,
        latitude=body.latitude,
        longitude=body.longitude,
        zone=body.zone,
        tracks_stock=body.tracks_stock,
        is_active=body.is_active,
        is_simulated=before.is_simulated if before else False,
        rules=None if body.rules is None else _rules_in(body.rules),
        hours=None if body.hours is None else _hours_in(body.hours),
    )
    save_nodes([spec], actor=actor_of(request), now=utc_now())
    return _node(nodes().get(code=code))
