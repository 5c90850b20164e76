"""Dealers and their contracts, the layout of stores against buyers, reviews of goods, and the look-up of a store."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from django.http import HttpRequest
from ninja import Query, Router, Schema
from pydantic import Field

from tongpan.api.operations import actor_of, read, write
from tongpan.api.values import (
    Code,
    Day,
    Flag,
    Id,
    In,
    Instant,
    MoneyOut,
    Name60,
    Name120,
    Out,
    Text60,
    Text120,
    Text2000,
    money,
)
from tongpan.catalog.reviews import ReviewSpec, moderate, save_reviews
from tongpan.core.clock import utc_now
from tongpan.core.errors import Refusal
from tongpan.inventory.lookup import find_goods, look_up
from tongpan.network.dealers import Dealer, DealerSpec, dealers, dealers_for, save_dealers, tier_coverage
from tongpan.network.layout import Demand, propose, reach
from tongpan.network.queries import node_ids, sites_of
from tongpan.orders.queries.assortment import last_business_day
from tongpan.orders.queries.demand import demand_places

router = Router(tags=["network"])
DealerService = Literal["home_delivery", "installation", "repair", "return", "display"]


class DealerIn(In):
    dealer: Code = Field(description="The code of a node of kind dealer; its territory is set on the node")
    level: Name60 = Field(max_length=40)
    starts_on: Day
    ends_on: Day | None = Field(None, description="The first day on which the contract no longer holds")
    permits_pool: Flag = Field(False, description="Its stock joins the pool while the contract is in force")
    price_right: Literal["list", "band", "own"] = "list"
    services: list[DealerService] = Field(default_factory=list, max_length=5)


class DealersIn(In):
    dealers: list[DealerIn] = Field(min_length=1, max_length=500)


class DealerOut(Out):
    dealer: str
    name: str
    city: str
    territory: list[str]
    level: str
    starts_on: Day
    ends_on: Day | None
    permits_pool: bool
    price_right: str
    services: list[str]
    holds: bool = Field(description="The contract is in force today")
    in_pool: bool


class DealersOut(Out):
    items: list[DealerOut]


class DealerQuery(Schema):
    search: Text120 = ""
    province: Text60 = Field("", description="With `service`: only dealers who owe it there, best first")
    city: Text60 = ""
    service: Literal["", "home_delivery", "installation", "repair", "return", "display"] = ""


def _dealer(row: Dealer) -> DealerOut:
    return DealerOut(
        dealer=row.code,
        name=row.name,
        city=row.city,
        territory=row.territory,
        level=row.level,
        starts_on=row.starts_on,
        ends_on=row.ends_on,
        permits_pool=row.permits_pool,
        price_right=row.price_right,
        services=row.services,
        holds=row.holds,
        in_pool=row.in_pool,
    )


@read(router, "/dealers", "network.view", DealersOut)
def list_dealers(request: HttpRequest, query: Query[DealerQuery]) -> DealersOut:
    """Dealers with their contracts; with a service and a place, those who owe it there."""
    now = utc_now()
    rows = (
        dealers_for(query.province, query.city, query.service, now=now) if query.service else dealers(now, query.search)
    )
    return DealersOut(items=[_dealer(row) for row in rows])


@write(router, "POST", "/dealers", "network.edit", DealersOut)
def post_dealers(request: HttpRequest, body: DealersIn) -> DealersOut:
    """Make or change contracts of dealers; their stock joins or leaves the pool as they say."""
    now = utc_now()
    specs = [
        DealerSpec(
            one.dealer,
            one.level,
            one.starts_on,
            one.ends_on,
            one.permits_pool,
            one.price_right,
            tuple(dict.fromkeys(one.services)),
        )
        for one in body.dealers
    ]
    save_dealers(specs, actor=actor_of(request), now=now)
    saved = {spec.node_code for spec in specs}
    return DealersOut(items=[_dealer(row) for row in dealers(now) if row.code in saved])


class TierCoverageOut(Out):
    tier: Literal["capital", "prefecture", "county"]
    places: int
    orders: int
    covered: int


class DealerCoverageOut(Out):
    items: list[TierCoverageOut]


class SpanQuery(Schema):
    days: int = Field(90, ge=1, le=3660, description="Business days of orders, up to the last one with an order")


@read(router, "/dealers/coverage", "network.view", DealerCoverageOut)
def get_dealer_coverage(request: HttpRequest, query: Query[SpanQuery]) -> DealerCoverageOut:
    """How much of the demand of each tier of places lies in the territory of a dealer whose contract is in force."""
    demand = [(place.province, place.city, place.orders) for place in _demand(query.days)]
    territories = [row.territory for row in dealers(utc_now()) if row.holds]
    return DealerCoverageOut(items=[TierCoverageOut(**row._asdict()) for row in tier_coverage(demand, territories)])


Facility = Literal["", "experience", "pickup", "return", "appointment", "installation", "repair"]


class LayoutQuery(SpanQuery):
    facility: Facility = Field("", description="Only stores that have it")
    km: float = Field(5, gt=0, le=500, description="The radius that a new store would cover")
    most: int = Field(5, ge=1, le=20, description="How many places are proposed at most")


class ReachOut(Out):
    km: float
    orders: int
    buyers: int


class ProposalOut(Out):
    province: str
    city: str
    latitude: float
    longitude: float
    orders: int = Field(description="Orders that nothing covers yet and this place would")
    buyers: int
    nearest: str
    nearest_km: float | None


class LayoutOut(Out):
    stores: int
    orders: int
    buyers: int
    reach: list[ReachOut]
    proposals: list[ProposalOut] = Field(description="In the order in which they should be opened")


@read(router, "/nodes-layout", "network.view", LayoutOut)
def get_layout(request: HttpRequest, query: Query[LayoutQuery]) -> LayoutOut:
    """How near stores are to buyers, and where a new one would cover most uncovered orders (greedy)."""
    demand = _demand(query.days)
    sites = sites_of(query.facility)
    return LayoutOut(
        stores=len(sites),
        orders=sum(place.orders for place in demand),
        buyers=sum(place.buyers for place in demand),
        reach=[ReachOut(**row._asdict()) for row in reach(demand, sites)],
        proposals=[ProposalOut(**row._asdict()) for row in propose(demand, sites, km=query.km, most=query.most)],
    )


class GoodsReviewIn(In):
    channel: Code
    id: Name120 = Field(description="The review's id on the channel")
    sku: Name120
    rating: int = Field(strict=True, ge=1, le=5)
    said_at: Instant
    text: Text2000 = ""
    state: Literal["pending", "shown", "hidden"] = "shown"


class GoodsReviewsIn(In):
    reviews: list[GoodsReviewIn] = Field(min_length=1, max_length=1000)


class GoodsReviewsOut(Out):
    changed: int


@write(router, "POST", "/goods-reviews", "goods.edit", GoodsReviewsOut)
def post_reviews(request: HttpRequest, body: GoodsReviewsIn) -> GoodsReviewsOut:
    """Take in what buyers say of goods on a channel; a review that was hidden here stays hidden."""
    specs = [ReviewSpec(x.channel, x.id, x.sku, x.rating, x.said_at, x.text, x.state) for x in body.reviews]
    return GoodsReviewsOut(changed=save_reviews(specs, actor=actor_of(request), now=utc_now()))


class ModerationIn(In):
    states: dict[Id, Literal["pending", "shown", "hidden"]] = Field(min_length=1, max_length=1000)


@write(router, "POST", "/goods-reviews/moderation", "goods.edit", GoodsReviewsOut)
def post_moderation(request: HttpRequest, body: ModerationIn) -> GoodsReviewsOut:
    """Show or hide reviews, by the ids that `GET /goods-look-up` gives."""
    return GoodsReviewsOut(changed=moderate(body.states, actor=actor_of(request), now=utc_now()))


class LookUpQuery(Schema):
    text: Text120 = Field(description="A barcode, a SKU code or words of the name")
    node: Text60 = Field("", description="The store that asks")


class NodeStockOut(Out):
    node: str
    name: str
    free: int
    km: float | None


class ShopPriceOut(Out):
    shop: str
    price: MoneyOut


class GoodsReviewOut(Out):
    id: int
    channel: str
    rating: int
    text: str
    said_at: Instant


class LookUpOut(Out):
    sku: str
    name: str
    barcode: str
    category: str | None
    available: int = Field(description="Over the whole pool")
    here: int | None
    nearby: list[NodeStockOut]
    prices: list[ShopPriceOut]
    rating: float | None
    rating_count: int
    reviews: list[GoodsReviewOut]


class FoundGoodsOut(Out):
    goods: LookUpOut | None = Field(description="The first that fits; a scanned code fits before a name")
    others: list[str] = Field(description="Codes of other SKUs that fit")


@read(router, "/goods-look-up", "goods.view", FoundGoodsOut)
def get_look_up(request: HttpRequest, query: Query[LookUpQuery]) -> FoundGoodsOut:
    """What a store says of goods that were scanned: details, prices, stock here and nearby, reviews."""
    node_id = None
    if query.node:
        node_id = node_ids([query.node]).get(query.node)
        if node_id is None:
            raise Refusal("node.unknown", f"There is no node {query.node!r}.")
    fitting = find_goods(query.text)
    found = look_up(fitting[0].pk, node_id) if fitting else None
    if found is None:
        return FoundGoodsOut(goods=None, others=[])
    category = found.sku.product.category
    rating = found.rating
    return FoundGoodsOut(
        goods=LookUpOut(
            sku=found.sku.code,
            name=found.sku.name,
            barcode=found.sku.barcode,
            category=category.name if category else None,
            available=found.stock.available,
            here=found.here,
            nearby=[NodeStockOut(node=one.code, name=one.name, free=one.free, km=one.km) for one in found.nearby],
            prices=[
                ShopPriceOut(shop=one.shop_code, price=money(one.price_minor, one.currency)) for one in found.prices
            ],
            rating=round(rating.total / rating.number, 2) if rating.number else None,
            rating_count=rating.number,
            reviews=[
                GoodsReviewOut(
                    id=one.pk, channel=one.channel.code, rating=one.rating, text=one.text, said_at=one.said_at
                )
                for one in found.reviews
            ],
        ),
        others=[sku.code for sku in fitting[1:]],
    )


def _demand(days: int) -> list[Demand]:
    last = last_business_day()
    return demand_places(last - timedelta(days=days - 1), last + timedelta(days=1)) if last else []
