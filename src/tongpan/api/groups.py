"""Group-buy: how groups of a rule are made, opening one, and how far each is."""

from __future__ import annotations

from typing import Annotated, Literal

from django.http import HttpRequest
from ninja import Path, Query, Router
from pydantic import Field

from tongpan.api.operations import actor_of, read, write
from tongpan.api.pages import Page, PageQuery, page_of
from tongpan.api.problems import not_found
from tongpan.api.values import Code, Flag, In, Instant, Out, Text60
from tongpan.core.clock import utc_now
from tongpan.promotions.activities.groups import GroupOfferSpec, open_group, save_group_offer
from tongpan.promotions.activities.queries import select_groups
from tongpan.promotions.models import Group, GroupOffer

router = Router(tags=["promotions"])
GroupCode = Annotated[str, Field(pattern=r"^G[0-9A-Z]{11}$")]


class GroupOfferIn(In):
    size: Annotated[int, Field(strict=True, ge=2, le=1000)] = Field(description="Paid orders that make a group")
    hours: Annotated[int, Field(strict=True, ge=1, le=720)] = Field(description="From the leader's payment on")
    is_open: Flag = True


class GroupOfferOut(Out):
    rule: str
    size: int
    hours: int
    is_open: bool


class GroupOffersOut(Out):
    items: list[GroupOfferOut]


class OpenGroupIn(In):
    rule: Code = Field(description="Of the kind group_price")


class GroupOut(Out):
    """Carts name the code with the rule in ``opened``; only paid orders form a group."""

    code: str
    rule: str
    state: Literal["waiting", "open", "formed", "expired"]
    size: int
    taken: int = Field(description="Places that orders hold, paid or not")
    paid: int
    opened_at: Instant
    expires_at: Instant | None = Field(description="null until the leader has paid")


class GroupQuery(PageQuery):
    q: Text60 = ""
    state: Literal["", "waiting", "open", "formed", "expired"] = ""


def _offer(offer: GroupOffer) -> GroupOfferOut:
    return GroupOfferOut(rule=offer.rule, size=offer.size, hours=offer.hours, is_open=offer.is_open)


def _group(group: Group) -> GroupOut:
    return GroupOut(
        code=group.code,
        rule=group.offer.rule,
        state=group.state,  # type: ignore[arg-type]  # the database knows no other
        size=group.size,
        taken=group.taken,
        paid=group.paid,
        opened_at=group.opened_at,
        expires_at=group.expires_at,
    )


@read(router, "/group-offers", "promotions.view", GroupOffersOut)
def list_group_offers(request: HttpRequest) -> GroupOffersOut:
    """How groups of each rule are made."""
    return GroupOffersOut(items=[_offer(offer) for offer in GroupOffer.objects.all()])


@write(router, "PUT", "/group-offers/{rule}", "promotions.edit", GroupOfferOut)
def put_group_offer(request: HttpRequest, rule: Path[Code], body: GroupOfferIn) -> GroupOfferOut:
    """Say how groups of a rule are made; open groups keep their size and time."""
    spec = GroupOfferSpec(rule, body.size, body.hours, body.is_open)
    return _offer(save_group_offer(spec, actor=actor_of(request), now=utc_now()))


@write(router, "POST", "/groups", "orders.edit", GroupOut)
def post_group(request: HttpRequest, body: OpenGroupIn) -> GroupOut:
    """Open a group; the first order with its code is the leader's."""
    return _group(open_group(body.rule, now=utc_now()))


@read(router, "/groups", "promotions.view", Page[GroupOut])
def list_groups(request: HttpRequest, query: Query[GroupQuery]) -> Page[GroupOut]:
    """Groups, the last opened first."""
    return page_of(select_groups(query.q, query.state), ["-id"], query, _group)


@read(router, "/groups/{code}", "promotions.view", GroupOut)
def get_group(request: HttpRequest, code: Path[GroupCode]) -> GroupOut:
    """One group."""
    group = select_groups("", "").filter(code=code).first()
    if group is None:
        raise not_found("group", code)
    return _group(group)
