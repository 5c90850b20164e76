"""Which goods are listed where: listings and their truthfulness, gaps of core goods, roles of products, kits."""

from __future__ import annotations

from typing import Annotated, Literal

from django.http import HttpRequest
from ninja import Path, Query, Router, Schema
from pydantic import Field, StringConstraints

from tongpan.api.operations import actor_of, read, write
from tongpan.api.pages import Page, PageQuery, page_of
from tongpan.api.problems import not_found
from tongpan.api.values import (
    Code,
    CountedQty,
    Flag,
    Id,
    In,
    Instant,
    MoneyOut,
    Name60,
    Name120,
    Out,
    Text120,
    Text300,
    Text2000,
    money_or_none,
)
from tongpan.catalog.contents import review_truth
from tongpan.catalog.coverage import CellState, choose_core_channels, core_channels, coverage, select_listings
from tongpan.catalog.fit import Content
from tongpan.catalog.kits import KitSpec, save_kits
from tongpan.catalog.listings import ListingSpec, save_listings
from tongpan.catalog.models import Listing
from tongpan.catalog.roles import RoleSpec, assortment, channel_roles, save_roles
from tongpan.core.clock import utc_now
from tongpan.inventory.kits import kit_stocks

router = Router(tags=["goods"])


class ListingContentOut(Out):
    description: str
    image_count: int
    has_video: bool
    attributes: dict[str, str]
    return_days: int | None
    ship_hours: int | None
    has_spares: bool


class FitFindingOut(Out):
    check: str
    area: str
    passed: bool
    is_required: bool
    found: str
    wanted: str


class FitResultOut(Out):
    score: int = Field(description="Share of the weight whose checks passed, in percent")
    passed: bool
    checked_at: Instant
    findings: list[FitFindingOut]


class ListingOut(Out):
    id: int
    channel: str
    shop: str
    item: str
    variant: str
    sku: str
    title: str
    is_on_sale: bool
    price: MoneyOut | None
    content: ListingContentOut | None
    fit: FitResultOut | None = Field(description="What the fit standard says; null without a standard")


def _listing(row: Listing) -> ListingOut:
    content, fit = getattr(row, "content", None), getattr(row, "fit", None)
    return ListingOut(
        id=row.pk,
        channel=row.shop.channel.code,
        shop=row.shop.code,
        item=row.external_item_id,
        variant=row.external_sku_id,
        sku=row.sku.code,
        title=row.title,
        is_on_sale=row.is_on_sale,
        price=money_or_none(row.price_minor, row.currency),
        content=None
        if content is None
        else ListingContentOut(**{name: getattr(content, name) for name in ListingContentOut.model_fields}),
        fit=None
        if fit is None
        else FitResultOut(
            score=fit.score,
            passed=fit.passed,
            checked_at=fit.checked_at,
            findings=[FitFindingOut(**finding) for finding in fit.findings],
        ),
    )


class SavedListingsOut(Out):
    saved: int


class ListingContentIn(In):
    """What buyers see of a listing besides its title."""

    description: Annotated[str, StringConstraints(strict=True, max_length=100_000, pattern=r"^[^\x00]*$")] = ""
    image_count: CountedQty = 0
    has_video: Flag = False
    attributes: dict[Name60, Text300] = Field(default_factory=dict, max_length=200)
    return_days: CountedQty | None = Field(None, description="Days that buyers may return the goods")
    ship_hours: CountedQty | None = Field(None, description="Hours in which the page promises to ship")
    has_spares: Flag = False


class ListingIn(In):
    shop: Code
    item: Name120 = Field(description="The item's id on the channel")
    variant: Text120 = Field("", description='The variant\'s id on the channel, "" without variants')
    sku: Name120
    title: Text300 = ""
    is_on_sale: Flag = True
    content: ListingContentIn | None = Field(None, description="Null leaves what is known of it")

    def spec(self) -> ListingSpec:
        content = None if self.content is None else Content(self.title, **self.content.model_dump())
        return ListingSpec(self.shop, self.item, self.variant, self.sku, self.title, self.is_on_sale, content=content)


class ListingsIn(In):
    listings: list[ListingIn] = Field(min_length=1, max_length=1000)


class KitPartIn(In):
    sku: Name120
    qty: CountedQty


class KitIn(In):
    sku: Name120
    parts: list[KitPartIn] = Field(max_length=100, description="None makes it a plain SKU again")


class KitsIn(In):
    kits: list[KitIn] = Field(min_length=1, max_length=200)


class ListingQuery(PageQuery):
    search: Text120 = Field("", description="The beginning of a SKU code or of the item's id, or part of the title")
    channel: Text120 = ""
    shop: Text120 = ""
    state: Literal["", "on", "off"] = Field("", description="On sale or off sale")
    fit: Literal["", "passed", "failed", "unchecked"] = ""


@read(router, "/listings", "goods.view", Page[ListingOut])
def list_listings(request: HttpRequest, query: Query[ListingQuery]) -> Page[ListingOut]:
    """Listings with their content and what the fit standard says of them."""
    rows = select_listings(query.search, channel=query.channel, shop=query.shop, state=query.state, fit=query.fit)
    return page_of(rows, ["id"], query, _listing)


@read(router, "/listings/{listing_id}", "goods.view", ListingOut)
def get_listing(request: HttpRequest, listing_id: Path[Id]) -> ListingOut:
    """One listing."""
    row = select_listings().filter(pk=listing_id).first()
    if row is None:
        raise not_found("listing", listing_id)
    return _listing(row)


class TruthIn(In):
    passed: Flag
    note: Text2000 = Field("", description="What is untrue; needed when it did not pass")


class TruthOut(Out):
    listing: int
    passed: bool
    taken_off_sale: bool


@write(router, "POST", "/listings/{listing_id}/truth-reviews", "goods.edit", TruthOut)
def post_truth(request: HttpRequest, listing_id: Path[Id], body: TruthIn) -> TruthOut:
    """Book that the detail page was compared with the goods; one that fails goes off sale."""
    if not Listing.objects.filter(pk=listing_id).exists():
        raise not_found("listing", listing_id)
    off = review_truth({listing_id: (body.passed, body.note)}, reviewer=actor_of(request), now=utc_now())
    return TruthOut(listing=listing_id, passed=body.passed, taken_off_sale=listing_id in off)


class GapQuery(Schema):
    search: Text120 = ""
    gaps_only: bool = True


class GapRowOut(Out):
    product: str
    name: str
    skus: list[str]
    channels: dict[str, CellState] = Field(description="Channel code -> state of its core SKUs there")
    gaps: int


class GapsOut(Out):
    channels: list[str] = Field(description="Where core goods must be listed")
    items: list[GapRowOut]


@read(router, "/listing-gaps", "goods.view", GapsOut)
def get_gaps(request: HttpRequest, query: Query[GapQuery]) -> GapsOut:
    """Core products against the channels on which they must be listed, most gaps first."""
    channels = core_channels()
    codes = {channel.id: channel.code for channel in channels}
    rows = coverage(channels, query.search, gaps_only=query.gaps_only)
    return GapsOut(
        channels=list(codes.values()),
        items=[
            GapRowOut(
                product=row.product_code,
                name=row.product_name,
                skus=row.skus,
                channels={codes[channel_id]: state for channel_id, state in row.cells.items()},
                gaps=row.gaps,
            )
            for row in rows
        ],
    )


class CoreChannelsBody(In):
    channels: list[Code] = Field(max_length=200, description="None means every channel with an active shop")


class CoreChannelsOut(Out):
    channels: list[str]


@write(router, "PUT", "/listing-gaps/channels", "goods.edit", CoreChannelsOut)
def put_core_channels(request: HttpRequest, body: CoreChannelsBody) -> CoreChannelsOut:
    """Say on which channels core goods must be listed."""
    choose_core_channels(body.channels, actor=actor_of(request), now=utc_now())
    return CoreChannelsOut(channels=[channel.code for channel in core_channels()])


class ProductRoleIn(In):
    product: Name120
    channel: Code
    role: Literal["traffic", "custom", "experience", ""] = Field(description='"" for what the kind of the channel says')


class ProductRolesIn(In):
    roles: list[ProductRoleIn] = Field(min_length=1, max_length=1000)


class SavedRolesOut(Out):
    changed: int


class ProductRoleOut(Out):
    product: str
    name: str
    channel: str
    role: str
    is_set: bool = Field(description="False when it follows from the kind of the channel")
    listed: int
    on_sale: int
    is_conflict: bool = Field(description="True for goods to be touched on a public channel")


class ProductRolesOut(Out):
    items: list[ProductRoleOut]


class ProductRoleQuery(Schema):
    channel: Text120 = ""
    search: Text120 = ""


@read(router, "/product-roles", "goods.view", ProductRolesOut)
def list_roles(request: HttpRequest, query: Query[ProductRoleQuery]) -> ProductRolesOut:
    """Each channel's assortment with the role of each product there."""
    codes = {row.id: row.code for row in channel_roles()}
    ids = [channel_id for channel_id, code in codes.items() if code == query.channel] if query.channel else None
    return ProductRolesOut(
        items=[
            ProductRoleOut(
                product=row.product_code,
                name=row.product_name,
                channel=codes[row.channel_id],
                role=row.role,
                is_set=row.is_set,
                listed=row.listed,
                on_sale=row.on_sale,
                is_conflict=row.is_conflict,
            )
            for row in assortment(ids, query.search)
        ]
    )


@write(router, "POST", "/product-roles", "goods.edit", SavedRolesOut)
def post_roles(request: HttpRequest, body: ProductRolesIn) -> SavedRolesOut:
    """Say what products are for on channels: traffic hot-seller, high-margin custom, or experience type."""
    specs = [RoleSpec(one.product, one.channel, one.role) for one in body.roles]
    return SavedRolesOut(changed=save_roles(specs, actor=actor_of(request), now=utc_now()))


class KitPartOut(Out):
    sku: str
    name: str
    qty: int


class KitOut(Out):
    sku: str
    name: str
    makeable: int = Field(description="Whole kits that the parts available in the pool make")
    scarce: list[str] = Field(description="The parts that limit it")
    parts: list[KitPartOut]


class KitsOut(Out):
    items: list[KitOut]


class KitQuery(Schema):
    search: Text120 = ""


@read(router, "/kits", "goods.view", KitsOut)
def list_kits(request: HttpRequest, query: Query[KitQuery]) -> KitsOut:
    """Kits with their parts, and how many can be made."""
    return KitsOut(
        items=[
            KitOut(
                sku=row.kit.code,
                name=row.kit.name,
                makeable=row.makeable,
                scarce=list(row.scarce),
                parts=[KitPartOut(sku=code, name=name, qty=qty) for _, code, name, qty in row.kit.parts],
            )
            for row in kit_stocks(query.search)
        ]
    )


@write(router, "POST", "/listings", "goods.edit", SavedListingsOut)
def post_listings(request: HttpRequest, body: ListingsIn) -> SavedListingsOut:
    """Say which article of which shop stands for which SKU."""
    specs = [listing.spec() for listing in body.listings]
    return SavedListingsOut(saved=len(save_listings(specs, actor=actor_of(request), now=utc_now())))


@write(router, "POST", "/kits", "goods.edit", SavedListingsOut)
def post_kits(request: HttpRequest, body: KitsIn) -> SavedListingsOut:
    """Give kits exactly these parts; a kit is sold as one and stocked as its parts."""
    specs = [KitSpec(kit.sku, {part.sku: part.qty for part in kit.parts}) for kit in body.kits]
    save_kits(specs, actor=actor_of(request), now=utc_now())
    return SavedListingsOut(saved=len(specs))
