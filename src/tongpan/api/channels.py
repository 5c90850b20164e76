"""Channels, their facets and shops: read them, and make or change them."""

from __future__ import annotations

from django.http import HttpRequest
from ninja import Path, Query, Router
from pydantic import Field

from tongpan.api.operations import actor_of, read, write
from tongpan.api.pages import Page, PageQuery, page_of
from tongpan.api.problems import not_found
from tongpan.api.values import Code, Currency, Day, Flag, In, Name60, Name80, Out, Text40, Text60, Text80
from tongpan.channels.actions import save_channel, save_shop
from tongpan.channels.engine import MAX_CAPACITY, ChannelSpec, ShopSpec
from tongpan.channels.models import Channel, Facet, Shop, ShopKind
from tongpan.channels.queries import channels, facets, shops
from tongpan.core.clock import DEFAULT_ZONE, utc_now
from tongpan.network.actions import set_services

router = Router(tags=["channels"])


class FacetOut(Out):
    code: str
    tree: str = Field(description="The classification it belongs to")
    parent: str | None
    name_zh: str
    name_en: str


class ShopOut(Out):
    id: int
    code: str
    channel: str
    name: str
    kind: ShopKind
    external_account: str
    capacity: int | None
    is_active: bool
    is_simulated: bool


class ChannelOut(Out):
    id: int
    code: str
    name_zh: str
    name_en: str
    zone: str
    currency: str
    facets: list[str]
    shops: list[str]
    launched_on: Day | None
    closed_on: Day | None
    is_simulated: bool


class ChannelIn(In):
    name_zh: Name60
    name_en: Name60
    facets: list[Text40] = Field([], max_length=50)
    zone: Text40 = DEFAULT_ZONE
    currency: Currency = "CNY"
    launched_on: Day | None = None
    closed_on: Day | None = None


class ShopIn(In):
    channel: Code
    name: Name80
    kind: ShopKind = ShopKind.SHOP
    external_account: Text80 = ""
    capacity: int | None = Field(None, strict=True, ge=0, le=MAX_CAPACITY)
    is_active: Flag = True


class ServicesIn(In):
    nodes: list[Code] = Field(max_length=2000, description="Codes of the nodes that may ship the shop's orders")
    returns_node: Text60 = Field("", description="The one of them that returned goods come back to")


class FacetQuery(PageQuery):
    tree: Text40 = Field("", description="One classification: class, ownership, core, touchpoint or role")


def _channel(row: Channel) -> ChannelOut:
    return ChannelOut(
        id=row.pk,
        code=row.code,
        name_zh=row.name_zh,
        name_en=row.name_en,
        zone=row.zone,
        currency=row.currency,
        facets=[facet.code for facet in row.facets.all()],
        shops=[shop.code for shop in row.shops.all()],
        launched_on=row.launched_on,
        closed_on=row.closed_on,
        is_simulated=row.is_simulated,
    )


def _shop(row: Shop) -> ShopOut:
    return ShopOut(
        id=row.pk,
        code=row.code,
        channel=row.channel.code,
        name=row.name,
        kind=ShopKind(row.kind),
        external_account=row.external_account,
        capacity=row.capacity,
        is_active=row.is_active,
        is_simulated=row.is_simulated,
    )


def _facet(row: Facet) -> FacetOut:
    parent = row.parent.code if row.parent else None
    return FacetOut(code=row.code, tree=row.tree, parent=parent, name_zh=row.name_zh, name_en=row.name_en)


@read(router, "/channels", "channels.view", Page[ChannelOut])
def list_channels(request: HttpRequest, query: Query[PageQuery]) -> Page[ChannelOut]:
    """All channels, by code."""
    return page_of(channels(), ["code"], query, _channel)


@read(router, "/channels/{code}", "channels.view", ChannelOut)
def get_channel(request: HttpRequest, code: Path[Code]) -> ChannelOut:
    """One channel with its facets and shops."""
    row = channels().filter(code=code).first()
    if row is None:
        raise not_found("channel", code)
    return _channel(row)


@write(router, "PUT", "/channels/{code}", "channels.edit", ChannelOut)
def put_channel(request: HttpRequest, code: Path[Code], body: ChannelIn) -> ChannelOut:
    """Make or change a channel. It has exactly the facets named afterwards."""
    before = channels().filter(code=code).first()
    spec = ChannelSpec(
        code=code,
        name_zh=body.name_zh,
        name_en=body.name_en,
        facets=tuple(body.facets),
        zone=body.zone,
        currency=body.currency,
        launched_on=body.launched_on,
        closed_on=body.closed_on,
        position=before.position if before else 0,
        is_simulated=before.is_simulated if before else False,
    )
    save_channel(spec, actor=actor_of(request), now=utc_now())
    return _channel(channels().get(code=code))


@read(router, "/facets", "channels.view", Page[FacetOut])
def list_facets(request: HttpRequest, query: Query[FacetQuery]) -> Page[FacetOut]:
    """The classes that channels are sorted into, by code: parents stand before their children."""
    return page_of(facets(query.tree or None), ["code"], query, _facet)


@read(router, "/shops", "channels.view", Page[ShopOut])
def list_shops(request: HttpRequest, query: Query[PageQuery]) -> Page[ShopOut]:
    """All shops, by code."""
    return page_of(shops(), ["code"], query, _shop)


@read(router, "/shops/{code}", "channels.view", ShopOut)
def get_shop(request: HttpRequest, code: Path[Code]) -> ShopOut:
    """One shop."""
    row = shops().filter(code=code).first()
    if row is None:
        raise not_found("shop", code)
    return _shop(row)


@write(router, "PUT", "/shops/{code}", "channels.edit", ShopOut)
def put_shop(request: HttpRequest, code: Path[Code], body: ShopIn) -> ShopOut:
    """Make or change a shop. It cannot move to another channel."""
    before = shops().filter(code=code).first()
    spec = ShopSpec(
        code=code,
        channel_code=body.channel,
        name=body.name,
        kind=body.kind,
        external_account=body.external_account,
        capacity=body.capacity,
        is_active=body.is_active,
        is_simulated=before.is_simulated if before else False,
    )
    save_shop(spec, actor=actor_of(request), now=utc_now())
    return _shop(shops().get(code=code))


class ServicesOut(Out):
    shop: str
    nodes: list[str]
    returns_node: str


@write(router, "PUT", "/shops/{code}/services", "network.edit", ServicesOut)
def put_services(request: HttpRequest, code: Path[Code], body: ServicesIn) -> ServicesOut:
    """Let exactly these nodes ship the shop's orders."""
    if not shops().filter(code=code).exists():
        raise not_found("shop", code)
    nodes = sorted(set(body.nodes))
    set_services(code, nodes, body.returns_node, actor=actor_of(request), now=utc_now())
    return ServicesOut(shop=code, nodes=nodes, returns_node=body.returns_node)
