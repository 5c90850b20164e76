"""How channels share the pool: policies, live sessions, floors, listings and what is published of them."""

from __future__ import annotations

from typing import Any, Literal

from django.http import HttpRequest
from ninja import Query, Router
from pydantic import BaseModel, Field

from tongpan.api.operations import actor_of, read, write
from tongpan.api.pages import Page, PageQuery, page_of
from tongpan.api.values import (
    Code,
    CountedQty,
    Flag,
    In,
    Instant,
    Name80,
    Name120,
    Out,
    Text60,
    Text120,
)
from tongpan.core.clock import utc_now
from tongpan.inventory.actions.floors import save_covers, save_node_policies
from tongpan.inventory.actions.policies import remove_policies, save_policies, save_sessions, set_pool_mode
from tongpan.inventory.covers import core_goods
from tongpan.inventory.engine.policies import CoverSpec, NodePolicySpec, PolicySpec, SessionSpec
from tongpan.inventory.models import ChannelPolicy, LiveSession, Mode, NodePolicy, PublishedStock
from tongpan.inventory.policy_queries import pool_mode, select_node_policies, select_policies, select_sessions
from tongpan.inventory.published import select_published

router = Router(tags=["stock"])


class DoneOut(Out):
    saved: int


class PolicyOut(Out):
    id: int
    channel: str
    sku: str | None = Field(description="null: every SKU without a policy of its own")
    live_session: str | None
    mode: Mode
    value: int = Field(description="Units of a fence or cap, hundredths of a share")
    threshold: int = Field(description="Units that are never published")
    may_exceed: bool
    starts_at: Instant | None
    ends_at: Instant | None


class PolicyIn(In):
    channel: Code
    sku: Text120 = Field("", description='"" for every SKU without a policy of its own')
    mode: Mode
    value: CountedQty = 0
    threshold: CountedQty = 0
    may_exceed: Flag = False
    starts_at: Instant | None = None
    ends_at: Instant | None = None


class PoliciesIn(In):
    policies: list[PolicyIn] = Field(min_length=1, max_length=1000)


class PolicyKeyIn(In):
    channel: Code
    sku: Text120 = ""


class PolicyKeysIn(In):
    policies: list[PolicyKeyIn] = Field(min_length=1, max_length=1000)


class PolicyQuery(PageQuery):
    channel: Text120 = ""
    sku: Text120 = ""


class QuotaOut(Out):
    sku: str
    units: int
    used: int


class SessionOut(Out):
    id: int
    channel: str
    name: str
    starts_at: Instant
    ends_at: Instant
    closed_at: Instant | None
    quotas: list[QuotaOut]


class QuotaIn(In):
    sku: Name120
    units: CountedQty


class SessionIn(In):
    channel: Code
    name: Name80
    starts_at: Instant
    ends_at: Instant
    quotas: list[QuotaIn] = Field(max_length=1000)


class SessionQuery(PageQuery):
    channel: Text120 = ""


class NodeFloorsOut(Out):
    node: str
    sku: str | None
    safety_stock: int
    routing_floor: int
    safety_line: int


class NodeFloorsIn(In):
    node: Code
    sku: Text120 = Field("", description='"" for every SKU without floors of its own')
    safety_stock: CountedQty = Field(0, description="Units that are not published")
    routing_floor: CountedQty = Field(0, description="Units that routing never takes")
    safety_line: CountedQty = Field(0, description="Below it, the node asks for more")


class NodeFloorsListIn(In):
    floors: list[NodeFloorsIn] = Field(min_length=1, max_length=1000)


class NodeFloorsQuery(PageQuery):
    node: Text120 = ""
    sku: Text120 = ""


class CoverIn(In):
    sku: Name120
    is_core: Flag = True
    units: CountedQty = 0
    days: CountedQty = 0


class CoversIn(In):
    covers: list[CoverIn] = Field(min_length=1, max_length=1000)


class ModeBody(In):
    mode: Literal["shared", "segregated"]


class ModeOut(Out):
    mode: str


class PublishedOut(Out):
    listing: int
    shop: str
    item: str
    variant: str
    sku: str
    qty: int
    steps: list[dict[str, Any]] = Field(description="How the number came about, in order")
    computed_at: Instant
    changed_at: Instant


class PublishedQuery(PageQuery):
    shop: Text120 = ""
    sku: Text120 = ""


def _policy(row: ChannelPolicy) -> PolicyOut:
    return PolicyOut(
        id=row.pk,
        channel=row.channel.code,
        sku=row.sku.code if row.sku else None,
        live_session=row.session.name if row.session else None,
        mode=Mode(row.mode),
        value=row.value,
        threshold=row.threshold,
        may_exceed=row.may_exceed,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
    )


def _session(row: LiveSession) -> SessionOut:
    return SessionOut(
        id=row.pk,
        channel=row.channel.code,
        name=row.name,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        closed_at=row.closed_at,
        quotas=[
            QuotaOut(sku=quota.sku.code, units=quota.value, used=sum(use.used for use in quota.uses.all()))
            for quota in row.quotas.all()
            if quota.sku
        ],
    )


def _floors(row: NodePolicy) -> NodeFloorsOut:
    return NodeFloorsOut(
        node=row.node.code,
        sku=row.sku.code if row.sku else None,
        safety_stock=row.safety_stock,
        routing_floor=row.routing_floor,
        safety_line=row.safety_line,
    )


def _published(row: PublishedStock) -> PublishedOut:
    return PublishedOut(
        listing=row.pk,
        shop=row.listing.shop.code,
        item=row.listing.external_item_id,
        variant=row.listing.external_sku_id,
        sku=row.listing.sku.code,
        qty=row.qty,
        steps=row.reason,
        computed_at=row.computed_at,
        changed_at=row.changed_at,
    )


@read(router, "/stock/published", "stock.view", Page[PublishedOut])
def list_published(request: HttpRequest, query: Query[PublishedQuery]) -> Page[PublishedOut]:
    """What channels are told there is of each listing, and why, in the order in which listings were made."""
    return page_of(select_published(query.shop, query.sku), ["listing_id"], query, _published)


@read(router, "/stock/policies", "stock.view", Page[PolicyOut])
def list_policies(request: HttpRequest, query: Query[PolicyQuery]) -> Page[PolicyOut]:
    """What each channel may take of the pool, quotas of live sessions included."""
    return page_of(select_policies(query.channel, query.sku), ["id"], query, _policy)


@write(router, "POST", "/stock/policies", "stock.edit", DoneOut)
def post_policies(request: HttpRequest, body: PoliciesIn) -> DoneOut:
    """Give channels standing policies: shared, reserved (a fence), percent (a share of the stock) or cap."""
    specs = [
        PolicySpec(p.channel, p.sku, p.mode.value, p.value, p.threshold, p.may_exceed, p.starts_at, p.ends_at)
        for p in body.policies
    ]
    save_policies(specs, actor=actor_of(request), now=utc_now())
    return DoneOut(saved=len(specs))


@write(router, "POST", "/stock/policies/remove", "stock.edit", DoneOut)
def post_policies_removed(request: HttpRequest, body: PolicyKeysIn) -> DoneOut:
    """Take standing policies away; what they fenced off is everybody's again."""
    keys = [(p.channel, p.sku) for p in body.policies]
    return DoneOut(saved=remove_policies(keys, actor=actor_of(request), now=utc_now()))


@read(router, "/stock/live-sessions", "stock.view", Page[SessionOut])
def list_sessions(request: HttpRequest, query: Query[SessionQuery]) -> Page[SessionOut]:
    """Live sessions and the units fenced off for them, the last planned first."""
    return page_of(select_sessions(query.channel), ["-id"], query, _session)


@write(router, "POST", "/stock/live-sessions", "stock.edit", DoneOut)
def post_session(request: HttpRequest, body: SessionIn) -> DoneOut:
    """Plan a live session, or change one that has not ended: exactly these units are fenced off while it lasts."""
    quotas = {quota.sku: quota.units for quota in body.quotas}
    spec = SessionSpec(body.channel, body.name, body.starts_at, body.ends_at, quotas)
    return DoneOut(saved=len(save_sessions([spec], actor=actor_of(request), now=utc_now())))


@read(router, "/stock/floors", "stock.view", Page[NodeFloorsOut])
def list_floors(request: HttpRequest, query: Query[NodeFloorsQuery]) -> Page[NodeFloorsOut]:
    """What each node keeps back."""
    return page_of(select_node_policies(query.node, query.sku), ["id"], query, _floors)


@write(router, "POST", "/stock/floors", "stock.edit", DoneOut)
def post_floors(request: HttpRequest, body: NodeFloorsListIn) -> DoneOut:
    """Say what nodes keep back: from publication, from routing, and before they ask for more."""
    specs = [NodePolicySpec(f.node, f.sku, f.safety_stock, f.routing_floor, f.safety_line) for f in body.floors]
    save_node_policies(specs, actor=actor_of(request), now=utc_now())
    return DoneOut(saved=len(specs))


class CoreGoodsQuery(BaseModel):
    search: Text120 = Field("", description="The beginning of a SKU code, or words of the name")
    channel: Text60 = ""
    below: bool | None = Field(None, description="true: only what has less than its cover")


class CoreGoodOut(Out):
    sku: str
    name: str
    channel: str
    cover: int = Field(description="Units that it shall never run below: units, or days of its sales")
    units: int
    days: int
    daily: float = Field(description="Units sold in a day, on average over four weeks")
    free: int = Field(description="At the nodes that serve the channel, and not promised")
    published: int | None = Field(description="Over its listings; null without one")
    is_below: bool
    below_since: Instant | None


class CoreGoodsOut(Out):
    items: list[CoreGoodOut]


@read(router, "/stock/core-goods", "stock.view", CoreGoodsOut)
def list_core_goods(request: HttpRequest, query: Query[CoreGoodsQuery]) -> CoreGoodsOut:
    """Core goods by channel against their minimum cover, those furthest below it first."""
    return CoreGoodsOut(
        items=[
            CoreGoodOut(
                sku=one.sku_code,
                name=one.sku_name,
                channel=one.channel_code,
                cover=one.cover,
                units=one.units,
                days=one.days,
                daily=one.daily,
                free=one.free,
                published=one.published,
                is_below=one.is_below,
                below_since=one.since,
            )
            for one in core_goods(query.search, query.channel, is_below=query.below)
        ]
    )


@write(router, "POST", "/stock/covers", "stock.edit", DoneOut)
def post_covers(request: HttpRequest, body: CoversIn) -> DoneOut:
    """Say which SKUs are core, and what they never run below on the channels."""
    specs = [CoverSpec(c.sku, c.is_core, c.units, c.days) for c in body.covers]
    save_covers(specs, actor=actor_of(request), now=utc_now())
    return DoneOut(saved=len(specs))


@read(router, "/stock/mode", "stock.view", ModeOut)
def get_mode(request: HttpRequest) -> ModeOut:
    """Whether channels share the pool or sell only from quotas of their own."""
    return ModeOut(mode=pool_mode())


@write(router, "PUT", "/stock/mode", "stock.edit", ModeOut)
def put_mode(request: HttpRequest, body: ModeBody) -> ModeOut:
    """Let channels share the pool, or sell only from quotas of their own."""
    set_pool_mode(body.mode, actor=actor_of(request), now=utc_now())
    return ModeOut(mode=pool_mode())
