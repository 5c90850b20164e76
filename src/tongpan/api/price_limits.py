"""What a SKU may not be sold under, and what it costs the company."""

from __future__ import annotations

from django.http import HttpRequest
from ninja import Query, Router
from pydantic import Field

from tongpan.api.operations import actor_of, read, write
from tongpan.api.pages import Page, PageQuery, page_of
from tongpan.api.prices import PricesCountOut
from tongpan.api.problems import Problem
from tongpan.api.values import (
    Currency,
    In,
    Instant,
    MoneyIn,
    MoneyOut,
    Name120,
    Out,
    Text60,
    Text300,
    money,
    money_or_none,
)
from tongpan.core.clock import utc_now
from tongpan.pricing.actions import (
    CostSpec,
    FloorSpec,
    set_costs,
    set_floors,
)
from tongpan.pricing.models import PriceFloor, SkuCost

router = Router(tags=["prices"])


class PriceFloorIn(In):
    sku: Name120
    currency: Currency
    floor: MoneyIn | None = Field(description="The least list price of one unit; null takes the floor away")
    least_net: MoneyIn | None = Field(None, description="The least after all discounts; empty: the floor")
    province: Text60 = Field("", description="Empty: everywhere")


class PriceFloorsIn(In):
    floors: list[PriceFloorIn] = Field(min_length=1, max_length=5000)
    why: Text300 = ""


class PriceFloorOut(Out):
    id: int
    sku: str
    province: str
    floor: MoneyOut
    least_net: MoneyOut | None


class SkuCostIn(In):
    sku: Name120
    currency: Currency
    cost: MoneyIn | None = Field(description="null: not known from then on")
    starts_at: Instant | None = Field(None, description="Empty: now")


class SkuCostsIn(In):
    costs: list[SkuCostIn] = Field(min_length=1, max_length=5000)
    why: Text300 = ""


class SkuCostOut(Out):
    id: int
    sku: str
    cost: MoneyOut
    starts_at: Instant | None
    ends_at: Instant | None


def minor_of(amount: MoneyIn | None, currency: str, where: str) -> int | None:
    """``amount`` in minor units of ``currency``, None for none. Raises a problem that names ``where``."""
    try:
        return None if amount is None else amount.minor(currency, where)
    except ValueError as error:
        raise Problem(422, "money.invalid", f"{error}.") from None


@read(router, "/prices/floors", "prices.view", Page[PriceFloorOut])
def list_price_floors(request: HttpRequest, query: Query[PageQuery]) -> Page[PriceFloorOut]:
    """The floors of prices, those set first first."""
    return page_of(
        PriceFloor.objects.select_related("sku"),
        ["id"],
        query,
        lambda f: PriceFloorOut(
            id=f.pk,
            sku=f.sku.code,
            province=f.region,
            floor=money(f.floor_minor, f.currency),
            least_net=money_or_none(f.min_net_minor, f.currency),
        ),
    )


@write(router, "PUT", "/prices/floors", "prices.edit", PricesCountOut)
def put_price_floors(request: HttpRequest, body: PriceFloorsIn) -> PricesCountOut:
    """Set or take away floors of prices, all of them or none."""
    specs = [
        FloorSpec(
            one.sku,
            one.currency,
            minor_of(one.floor, one.currency, f"floors.{position}.floor"),
            one.province,
            minor_of(one.least_net, one.currency, f"floors.{position}.least_net"),
        )
        for position, one in enumerate(body.floors)
    ]
    return PricesCountOut(count=set_floors(specs, actor=actor_of(request), why=body.why, now=utc_now()))


@read(router, "/prices/costs", "prices.view", Page[SkuCostOut])
def list_sku_costs(request: HttpRequest, query: Query[PageQuery]) -> Page[SkuCostOut]:
    """What SKUs cost the company, and did."""
    return page_of(
        SkuCost.objects.exclude(valid__isempty=True).select_related("sku"),
        ["id"],
        query,
        lambda k: SkuCostOut(
            id=k.pk,
            sku=k.sku.code,
            cost=money(k.amount_minor, k.currency),
            starts_at=k.valid.lower,
            ends_at=k.valid.upper,
        ),
    )


@write(router, "PUT", "/prices/costs", "prices.edit", PricesCountOut)
def put_sku_costs(request: HttpRequest, body: SkuCostsIn) -> PricesCountOut:
    """Set costs from an instant on, all of them or none; how many changed."""
    specs = [
        CostSpec(one.sku, one.currency, minor_of(one.cost, one.currency, f"costs.{position}.cost"), one.starts_at)
        for position, one in enumerate(body.costs)
    ]
    return PricesCountOut(count=set_costs(specs, actor=actor_of(request), why=body.why, now=utc_now()))
