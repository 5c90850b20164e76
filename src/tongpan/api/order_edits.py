"""One order edited, split or joined, and several that are sent together."""

from __future__ import annotations

from typing import Annotated

from django.http import HttpRequest
from ninja import Path, Router
from pydantic import Field

from tongpan.api.operations import actor_of, write
from tongpan.api.order_changes import HandledOut, OrderRefIn, Revision, handled
from tongpan.api.problems import Problem, not_found
from tongpan.api.values import Id, In, Instant, MoneyIn, Name120, Out, Qty, Text40, Text60, Text80, Text300
from tongpan.core.clock import utc_now
from tongpan.fulfillment.actions import edit_order, join_order, merge_orders, split_order, unmerge_orders
from tongpan.orders.changes import Handled
from tongpan.orders.editing import AddressEdit, Edit, LineAdded, LineEdit
from tongpan.orders.queries import OrderFilter, select_orders

router = Router(tags=["orders"])

LineNo = Annotated[int, Field(strict=True, ge=1, le=100_000, description="The order's line")]


class LineEditIn(In):
    line: LineNo
    qty: Annotated[int, Field(strict=True, ge=0, le=10_000_000, description="0 takes the line out")]
    amount: MoneyIn | None = Field(None, description="What the line costs now; null: in proportion to the quantity")


class LineAddedIn(In):
    sku: Name120
    qty: Qty
    amount: MoneyIn


class AddressEditIn(In):
    """What is left out stays as it is."""

    recipient: Text80 | None = None
    phone: Text40 | None = None
    address: Text300 | None = None
    province: Text60 | None = None
    city: Text60 | None = None


class OrderEditIn(In):
    revision: Revision = None
    lines: list[LineEditIn] = Field([], max_length=2000)
    added: list[LineAddedIn] = Field([], max_length=200)
    address: AddressEditIn | None = None
    promised_at: Instant | None = None
    reason: Text300 = ""


class MovedIn(In):
    line: LineNo
    qty: Qty


class OrderSplitIn(In):
    revision: Revision = None
    parts: list[list[MovedIn]] = Field(
        min_length=1, max_length=19, description="For each new part, what moves there; the rest stays"
    )


class OrderJoinIn(In):
    revision: Revision = None


class OrderMergeIn(In):
    orders: list[OrderRefIn] = Field(min_length=2, max_length=20)


class OrderMergeOut(Out):
    merge: int = Field(description="What it is undone by")
    outcomes: list[HandledOut]


class OrderUnmergeIn(In):
    merge: Id


class UnmergedOut(Out):
    outcomes: list[HandledOut]


def _one(outcome: Handled) -> HandledOut:
    if outcome.code == "order.unknown":
        raise not_found("order", outcome.order_id)
    return handled([outcome]).outcomes[0]


def _currency_of(order_id: int) -> str:
    currency = select_orders(OrderFilter(ids=[order_id])).values_list("currency", flat=True).first()
    if currency is None:
        raise not_found("order", order_id)
    return currency


@write(router, "POST", "/orders/{order_id}/edit", "orders.edit", HandledOut)
def post_edit(request: HttpRequest, order_id: Path[Id], body: OrderEditIn) -> HandledOut:
    """Edit an order before it leaves: quantities, lines, address, promise.

    Its goods are promised and routed anew in the same step; when the pool cannot serve the order as it would be, the
    edit is refused and nothing changes. Later copies of the channel do not undo it.
    """
    currency = _currency_of(order_id)
    try:
        lines = [
            LineEdit(e.line, e.qty, e.amount.minor(currency, f"lines.{at}.amount") if e.amount else None)
            for at, e in enumerate(body.lines)
        ]
        added = [
            LineAdded(a.sku, a.qty, a.amount.minor(currency, f"added.{at}.amount")) for at, a in enumerate(body.added)
        ]
    except ValueError as error:
        raise Problem(422, "money.invalid", f"{error}.") from None
    address = AddressEdit(**body.address.model_dump()) if body.address else None
    edit = Edit(lines, added, address, body.promised_at)
    return _one(edit_order(order_id, body.revision, edit, body.reason, actor=actor_of(request), now=utc_now()))


@write(router, "POST", "/orders/{order_id}/split", "orders.edit", HandledOut)
def post_split(request: HttpRequest, order_id: Path[Id], body: OrderSplitIn) -> HandledOut:
    """Send an order in several parts. The parts are routed apart; their money adds up to that of the order."""
    parts: list[dict[int, int]] = []
    for moved in body.parts:
        units: dict[int, int] = {}
        for one in moved:
            units[one.line] = units.get(one.line, 0) + one.qty
        parts.append(units)
    return _one(split_order(order_id, body.revision, parts, actor=actor_of(request), now=utc_now()))


@write(router, "POST", "/orders/{order_id}/join", "orders.edit", HandledOut)
def post_join(request: HttpRequest, order_id: Path[Id], body: OrderJoinIn) -> HandledOut:
    """Send a split order whole again."""
    return _one(join_order(order_id, body.revision, actor=actor_of(request), now=utc_now()))


@write(router, "POST", "/orders/merge", "orders.edit", OrderMergeOut)
def post_merge(request: HttpRequest, body: OrderMergeIn) -> OrderMergeOut:
    """Send paid orders of one shop, buyer and address together. The orders stay two in every other way."""
    wanted = [(ref.order, ref.revision) for ref in body.orders]
    merge_id, outcomes = merge_orders(wanted, actor=actor_of(request), now=utc_now())
    answer = handled(outcomes)
    if merge_id is None:
        raise AssertionError("a merge that is refused refuses all its orders")
    return OrderMergeOut(merge=merge_id, outcomes=answer.outcomes)


@write(router, "POST", "/orders/unmerge", "orders.edit", UnmergedOut)
def post_unmerge(request: HttpRequest, body: OrderUnmergeIn) -> UnmergedOut:
    """Send the orders of a merge apart again; refused once anything has left."""
    outcomes = unmerge_orders(body.merge, actor=actor_of(request), now=utc_now())
    return UnmergedOut(outcomes=handled(outcomes).outcomes)
