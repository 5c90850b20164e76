"""Supply: how long stock lasts, where it should go, how often it turned over, and the ways out of a stock-out."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Literal

from django.http import HttpRequest
from ninja import Path, Query, Router, Schema
from pydantic import Field

from tongpan.analytics.queries.turnover import turnover
from tongpan.api.operations import actor_of, read, write
from tongpan.api.problems import not_found
from tongpan.api.values import Code, Id, In, Instant, Name120, Out, Text120
from tongpan.catalog.queries import codes_of_skus
from tongpan.core.clock import utc_now
from tongpan.core.errors import Refusal
from tongpan.forecasting.actions import take_up
from tongpan.forecasting.demand.engine import Aims, MethodName, OutlookState
from tongpan.forecasting.demand.queries import expected_list
from tongpan.forecasting.engine import Limits, SupplyState
from tongpan.forecasting.queries import allocation, supply_list
from tongpan.fulfillment.stockout.actions import take_way_out
from tongpan.fulfillment.stockout.engine import Place, Strategy
from tongpan.fulfillment.stockout.queries import WaysOut, ways_out_for, ways_out_of_order

router = Router(tags=["supply"])


def _days(value: Fraction | None) -> float | None:
    return None if value is None else round(float(value), 1)


class SupplyQuery(Schema):
    state: SupplyState | None = None
    node: Text120 = Field("", description="At one node alone; empty over the whole pool")
    search: Text120 = Field("", description="The beginning of a SKU code, or words of the name")
    window: int = Field(28, ge=1, le=366, description="Days of sales that the rate is taken from")
    max_days: int = Field(90, ge=1, le=3660, description="Stock that lasts longer is overstock")
    slow_days: int = Field(60, ge=1, le=3660, description="Goods that have not left for so long are slow movers")
    limit: int = Field(100, ge=1, le=1000)


class SupplyOut(Out):
    sku: str
    name: str
    state: SupplyState
    free: int
    sold: int = Field(description="Units that left in the window")
    days: float | None = Field(description="How long the free units last; null without sales in the window")
    idle_days: int
    surplus: int


class SuppliesOut(Out):
    is_complete: bool = Field(description="False when limit cut rows off")
    items: list[SupplyOut]


@read(router, "/supply", "stock.view", SuppliesOut)
def list_supply(request: HttpRequest, query: Query[SupplyQuery]) -> SuppliesOut:
    """How long the stock of each SKU lasts, most surplus first: overstock and slow movers."""
    rows = supply_list(
        now=utc_now(),
        limits=Limits(query.window, query.max_days, query.slow_days),
        states=[query.state] if query.state else [],
        node_code=query.node,
        text=query.search,
    )
    return SuppliesOut(
        is_complete=len(rows) <= query.limit,
        items=[
            SupplyOut(
                sku=row.sku_code,
                name=row.sku_name,
                state=row.supply.state,
                free=row.free,
                sold=row.sold,
                days=_days(row.supply.days),
                idle_days=row.idle_days,
                surplus=row.supply.surplus,
            )
            for row in rows[: query.limit]
        ],
    )


class ForecastQuery(Schema):
    state: OutlookState | None = None
    search: Text120 = Field("", description="The beginning of a SKU code, or words of the name")
    lead_days: int = Field(7, ge=1, le=180, description="From ordering goods to having them")
    review_days: int = Field(7, ge=0, le=90, description="Between two orders")
    service: float = Field(0.95, ge=0.5, le=0.999, description="Share of order cycles without a stock-out")
    max_days: int = Field(90, ge=1, le=730, description="Stock that the forecast does not use up within them is slow")
    limit: int = Field(100, ge=1, le=1000)

    @property
    def aims(self) -> Aims:
        return Aims(self.lead_days, self.review_days, self.service, self.max_days)


class ForecastOut(Out):
    sku: str
    name: str
    state: OutlookState
    free: int
    on_order: int
    method: MethodName | None = Field(description="Null with less than 28 days of history")
    week: list[float] = Field(description="Units expected on each of the seven days from the forecast's first day")
    weekly_error: float | None = Field(description="Standard deviation of the error of a week's units")
    wape: float | None = Field(description="Sum of absolute weekly errors ÷ demand of the tested weeks")
    expected: float = Field(description="Units expected in lead and review time")
    days_left: float | None = Field(description="Until free units are used up; null when nothing is asked for")
    order_point: int
    to_order: int
    left_over: int = Field(description="Units still there after max_days")


class ForecastsOut(Out):
    is_complete: bool = Field(description="False when limit cut rows off")
    items: list[ForecastOut]


@read(router, "/supply/forecast", "stock.view", ForecastsOut)
def list_forecast(request: HttpRequest, query: Query[ForecastQuery]) -> ForecastsOut:
    """What is expected of the demand of each SKU, what to order and what will lie too long, soonest out first."""
    rows = expected_list(aims=query.aims, states=[query.state] if query.state else [], text=query.search)
    return ForecastsOut(
        is_complete=len(rows) <= query.limit,
        items=[
            ForecastOut(
                sku=row.sku_code,
                name=row.sku_name,
                state=row.outlook.state,
                free=row.free,
                on_order=row.on_order,
                method=row.forecast.method if row.forecast else None,
                week=[round(units, 3) for units in row.forecast.week] if row.forecast else [],
                weekly_error=round(row.forecast.weekly_error, 3) if row.forecast else None,
                wape=round(row.forecast.wape, 4) if row.forecast and row.forecast.wape is not None else None,
                expected=round(row.outlook.expected, 1),
                days_left=None if row.outlook.days_left is None else round(row.outlook.days_left, 1),
                order_point=row.outlook.order_point,
                to_order=row.outlook.to_order,
                left_over=row.outlook.left_over,
            )
            for row in rows[: query.limit]
        ],
    )


class AllocationQuery(Schema):
    node: Text120 = Field("", description="Only what should go to this node")
    search: Text120 = Field("", description="The beginning of a SKU code")
    window: int = Field(28, ge=1, le=366, description="Days of sales that the rates are taken from")
    target_days: int = Field(30, ge=1, le=366, description="Nobody is filled up further than this")
    limit: int = Field(100, ge=1, le=1000)


class AllocationOut(Out):
    sku: str
    from_node: str
    to_node: str
    units: int
    have: int
    sold: int
    days_before: float
    days_after: float


class AllocationsOut(Out):
    is_complete: bool = Field(description="False when limit cut rows off")
    items: list[AllocationOut]


@read(router, "/supply/allocation", "stock.view", AllocationsOut)
def list_allocation(request: HttpRequest, query: Query[AllocationQuery]) -> AllocationsOut:
    """Where the free stock of the central warehouses should go, by each channel's sales, largest first."""
    rows = allocation(
        now=utc_now(), window=query.window, target_days=query.target_days, text=query.search, node_code=query.node
    )
    return AllocationsOut(
        is_complete=len(rows) <= query.limit,
        items=[
            AllocationOut(
                sku=row.sku_code,
                from_node=row.from_code,
                to_node=row.to_code,
                units=row.units,
                have=row.have,
                sold=row.sold,
                days_before=_days(row.before) or 0.0,
                days_after=_days(row.after) or 0.0,
            )
            for row in rows[: query.limit]
        ],
    )


class TransferOutcomeRefOut(Out):
    state: Literal["accepted", "unchanged", "refused"]
    transfer: int | None
    code: str
    reason: str


class TakenUpOut(Out):
    outcomes: list[TransferOutcomeRefOut] = Field(description="One for each pair of nodes")


class TakeUpIn(In):
    node: Text120 = Field("", description="Only what should go to this node")
    search: Text120 = Field("", description="The beginning of a SKU code")
    window: int = Field(28, ge=1, le=366)
    target_days: int = Field(30, ge=1, le=366)


@write(router, "POST", "/supply/allocation", "stock.edit", TakenUpOut)
def take_up_allocation(request: HttpRequest, body: TakeUpIn) -> TakenUpOut:
    """Make draft transfers of what `GET /supply/allocation` proposes; the same proposals once a day."""
    rows = allocation(
        now=utc_now(), window=body.window, target_days=body.target_days, text=body.search, node_code=body.node
    )
    return TakenUpOut(
        outcomes=[
            TransferOutcomeRefOut(state=o.state, transfer=o.transfer_id, code=o.code, reason=o.reason)
            for o in take_up(rows, actor=actor_of(request), now=utc_now())
        ]
    )


class TurnoverQuery(Schema):
    by: Literal["total", "node", "category", "channel"] = "total"
    since: Instant | None = Field(None, description="30 days before `until` when it is missing; with a zone")
    until: Instant | None = Field(None, description="Exclusive; now when it is missing; with a zone")


class TurnoverOut(Out):
    code: str
    name: str
    units: int
    average: Decimal
    turnover: Decimal | None
    days: Decimal | None


class TurnoversOut(Out):
    since: Instant
    until: Instant
    items: list[TurnoverOut]


@read(router, "/supply/turnover", "stock.view", TurnoversOut)
def get_turnover(request: HttpRequest, query: Query[TurnoverQuery]) -> TurnoversOut:
    """How often stock turned over: units that left ÷ the time-weighted average stock (KPI-07)."""
    until = query.until or utc_now()
    since = query.since or until - timedelta(days=30)
    if since >= until:
        raise Refusal("turnover.period", "since must lie before until.")
    rows = turnover(start=since, end=until, by=query.by)
    return TurnoversOut(
        since=since,
        until=until,
        items=[
            TurnoverOut(
                code=row.code,
                name=row.name,
                units=row.units,
                average=row.average,
                turnover=row.turnover,
                days=row.days,
            )
            for row in rows
        ],
    )


class WantedIn(In):
    sku: Name120
    qty: int = Field(ge=1, le=100_000)


class WaysOutIn(In):
    shop: Code
    goods: list[WantedIn] = Field(min_length=1, max_length=100)
    province: Text120 = ""
    city: Text120 = ""


class NodeRefOut(Out):
    code: str
    name: str


class WayOutOut(Out):
    strategy: Strategy
    is_open: bool
    why: str = Field(description="What is missing when it is not open", examples=["no_store", "too_far", "no_stock"])
    node: NodeRefOut | None
    km: float | None
    to: NodeRefOut | None
    due: Instant | None


class WaysOutOut(Out):
    short: dict[str, int] = Field(description="Units by SKU that the nodes of the shop do not have")
    recommended: Strategy | None
    options: list[WayOutOut] = Field(description="In the order that the channel prefers")


def _node(place: Place | None) -> NodeRefOut | None:
    return None if place is None else NodeRefOut(code=place.code, name=place.name)


def _ways(found: WaysOut) -> WaysOutOut:
    codes = codes_of_skus(found.short)
    best = found.recommended
    return WaysOutOut(
        short={codes[sku_id]: units for sku_id, units in found.short.items()},
        recommended=best.strategy if best else None,
        options=[
            WayOutOut(
                strategy=option.strategy,
                is_open=option.is_open,
                why=option.why,
                node=_node(option.node),
                km=None if option.km is None else round(option.km, 1),
                to=_node(option.to),
                due=option.due,
            )
            for option in found.options
        ],
    )


@write(router, "POST", "/supply/ways-out", "stock.view", WaysOutOut)
def find_ways_out(request: HttpRequest, body: WaysOutIn) -> WaysOutOut:
    """What a buyer can be offered when goods are out of stock: for shop fronts and for stores. Changes nothing."""
    wanted: dict[str, int] = {}
    for line in body.goods:
        wanted[line.sku] = wanted.get(line.sku, 0) + line.qty
    return _ways(ways_out_for(body.shop, wanted, province=body.province, city=body.city))


class TakeWayIn(In):
    strategy: Strategy


class TakenWayOut(Out):
    strategy: Strategy
    state: Literal["done", "unchanged"]
    transfer: int | None = Field(description="The draft transfer that was made")


@write(router, "POST", "/orders/{order_id}/ways-out", "orders.edit", TakenWayOut)
def take_way(request: HttpRequest, order_id: Path[Id], body: TakeWayIn) -> TakenWayOut:
    """Take an open way: allocate at the store, make a draft transfer, or let the buyer wait."""
    try:
        taken = take_way_out(order_id, body.strategy, actor=actor_of(request), now=utc_now())
    except Refusal as refusal:
        if refusal.code == "order.unknown":
            raise not_found("order", order_id) from None
        raise
    return TakenWayOut(strategy=taken.strategy, state=taken.state, transfer=taken.transfer_id)


@read(router, "/orders/{order_id}/ways-out", "orders.view", WaysOutOut)
def get_ways_out(request: HttpRequest, order_id: Path[Id]) -> WaysOutOut:
    """The ways out for what an order still needs."""
    try:
        return _ways(ways_out_of_order(order_id))
    except Refusal as refusal:
        if refusal.code == "order.unknown":
            raise not_found("order", order_id) from None
        raise
