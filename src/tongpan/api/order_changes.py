"""Orders that people or rules change: holds, notes, tags and cancellations, each order with its own outcome."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from django.http import HttpRequest
from ninja import Router
from pydantic import Field

from tongpan.api.operations import actor_of, write
from tongpan.api.problems import Problem
from tongpan.api.values import Id, In, Out, Text40, Text300
from tongpan.core.clock import utc_now
from tongpan.fulfillment.actions import cancel_orders
from tongpan.orders.actions import add_note, add_tags, hold, release_hold, remove_tags
from tongpan.orders.changes import Handled

router = Router(tags=["orders"])
_MOST = 1000

HeldFor = Literal["manual", "address", "price_floor", "risk"]
Ids = Annotated[list[Id], Field(min_length=1, max_length=_MOST)]
Revision = Annotated[
    int | None,
    Field(strict=True, ge=1, le=2**31 - 1, description="The order's revision that you looked at; null: any"),
]


class HandledOut(Out):
    """What became of one order, at the position at which it was named."""

    order: int
    state: Literal["done", "unchanged", "refused"]
    revision: int | None = Field(description="The order's revision now; null for an unknown order")
    code: str = Field("", description="Why it was refused, for programs")
    reason: str = Field("", description="Why it was refused, for people")


class HandledManyOut(Out):
    outcomes: list[HandledOut]


class HoldIn(In):
    orders: Ids
    reason: HeldFor = "manual"
    detail: Text300 = Field("", description="Why, for those who read it")


class ReleaseIn(In):
    orders: Ids
    reason: HeldFor
    note: Text300 = Field("", description="Why it may go on")


class TagsIn(In):
    orders: Ids
    add: list[Text40] = Field([], max_length=50)
    remove: list[Text40] = Field([], max_length=50)


class NoteIn(In):
    orders: Ids
    text: Annotated[str, Field(strict=True, min_length=1, max_length=4000)]


class OrderRefIn(In):
    order: Id
    revision: Revision = None


class CancelIn(In):
    orders: list[OrderRefIn] = Field(min_length=1, max_length=_MOST)
    reason: Text300 = ""


def handled(outcomes: Sequence[Handled]) -> HandledManyOut:
    """The answer to a bulk. Raises Problem when every order was refused: then nothing was written."""
    rendered = [
        HandledOut(order=o.order_id, state=o.state, revision=o.revision, code=o.code, reason=o.reason) for o in outcomes
    ]
    if all(outcome.state == "refused" for outcome in outcomes):
        raise Problem(
            422,
            outcomes[0].code,
            outcomes[0].reason,
            {"outcomes": [outcome.model_dump(mode="json") for outcome in rendered]},
        )
    return HandledManyOut(outcomes=rendered)


@write(router, "POST", "/orders/hold", "orders.edit", HandledManyOut)
def post_hold(request: HttpRequest, body: HoldIn) -> HandledManyOut:
    """Hold orders back: they get no node and are not dispatched by hand until the hold is released."""
    return handled(hold(body.orders, body.reason, body.detail, actor=actor_of(request), now=utc_now()))


@write(router, "POST", "/orders/release", "orders.edit", HandledManyOut)
def post_release(request: HttpRequest, body: ReleaseIn) -> HandledManyOut:
    """Release the holds for one reason. An order that nothing blocks any more is routed."""
    return handled(release_hold(body.orders, body.reason, body.note, actor=actor_of(request), now=utc_now()))


@write(router, "POST", "/orders/tags", "orders.edit", HandledManyOut)
def post_tags(request: HttpRequest, body: TagsIn) -> HandledManyOut:
    """Give orders tags, and take tags from them."""
    by: dict[str, Any] = {"actor": actor_of(request), "now": utc_now()}
    if bool(body.add) == bool(body.remove):
        raise Problem(422, "tag.text", "Name the tags to add or those to remove, one of both.")
    return handled(add_tags(body.orders, body.add, **by) if body.add else remove_tags(body.orders, body.remove, **by))


@write(router, "POST", "/orders/notes", "orders.edit", HandledManyOut)
def post_notes(request: HttpRequest, body: NoteIn) -> HandledManyOut:
    """Write a note on orders, for good."""
    return handled(add_note(body.orders, body.text, actor=actor_of(request), now=utc_now()))


@write(router, "POST", "/orders/cancel", "orders.edit", HandledManyOut)
def post_cancel(request: HttpRequest, body: CancelIn) -> HandledManyOut:
    """Cancel orders before they leave. What was promised and allocated to them is free again at once.

    An order of which anything has left is refused: that is a return.
    """
    orders = [(ref.order, ref.revision) for ref in body.orders]
    return handled(cancel_orders(orders, body.reason, actor=actor_of(request), now=utc_now()))
