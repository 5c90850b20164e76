"""Orders: read them, and take them in."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Literal

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from ninja import Path, Query, Router
from pydantic import Field

from tongpan.access.actions import KeptAnswer
from tongpan.api.documents import OrdersIn, OutcomesOut, answer, order_docs
from tongpan.api.operations import actor_of, claim_of, has_scope, kept_response, once, read, write
from tongpan.api.order_values import OrderOut, OrderSummaryOut, missing_skus, summary, whole
from tongpan.api.pages import Page, PageQuery, page_of
from tongpan.api.problems import Problem, not_found
from tongpan.api.values import Day, Id, Text40, Text120
from tongpan.catalog.queries import codes_of_skus
from tongpan.channels.queries import channels, shop_by_code
from tongpan.core.clock import utc_now
from tongpan.fulfillment.queries import routing_of, with_tracking
from tongpan.orders.actions import Once, accept, accept_together
from tongpan.orders.engine import OrderDoc, Outcome
from tongpan.orders.models import HoldReason, Status
from tongpan.orders.queries import OrderFilter, listed_orders, order_whole

router = Router(tags=["orders"])


class OrderQuery(PageQuery):
    search: Text120 = Field(
        "",
        description="Anything an order is known by: its number or the beginning of it, several numbers, a SKU code or "
        "part of its name, a customer number, a buyer's id, a recipient's whole name or phone, a tag, words of a "
        "note or remark, a tracking number. What is of a customer needs the scope customers.view as well",
    )
    shop: Text40 = ""
    channel: Text40 = ""
    status: Status | Literal["open", ""] = Field("", description='"open": not yet sent')
    hold: HoldReason | Literal["any", ""] = Field("", description="Orders that wait for this reason")
    first: Day | None = Field(None, alias="from", description="First business day")
    last: Day | None = Field(None, alias="to", description="Last business day, included")


@read(router, "/orders", "orders.view", Page[OrderSummaryOut])
def list_orders(request: HttpRequest, query: Query[OrderQuery]) -> Page[OrderSummaryOut]:
    """Orders, the last placed first."""
    wanted = OrderFilter(
        text=query.search.strip(),
        sees_customers=has_scope(request, "customers.view"),
        channel_id=channel_id(query.channel),
        shop_id=shop_id(query.shop),
        status=query.status,
        hold=query.hold,
        day_from=query.first,
        day_to=query.last and query.last + timedelta(days=1),
    )
    return page_of(listed_orders(with_tracking(wanted)), ["-placed_at", "-id"], query, summary)


@read(router, "/orders/{order_id}", "orders.view", OrderOut)
def get_order(request: HttpRequest, order_id: Path[Id]) -> OrderOut:
    """One order with its lines, payments, events, holds, fulfilments and routing decisions."""
    order = order_whole(order_id)
    if order is None:
        raise not_found("order", order_id)
    routed = routing_of(order_id)
    return whole(order, routed, codes_of_skus(missing_skus(routed)))


@write(router, "POST", "/orders", "orders.edit", OutcomesOut, claims_itself=True)
def post_orders(request: HttpRequest, body: OrdersIn) -> HttpResponseBase:
    """Take orders in, new ones and newer copies. A single order is a batch of one.

    Each order has its own outcome; when all are refused the answer is a 422 that carries the outcomes.
    """
    docs = order_docs(body.orders, request.body)
    if len(docs) == 1:
        return _one_order(request, docs[0])
    by: dict[str, Any] = {"actor": actor_of(request), "now": utc_now()}
    return once(request, lambda: answer(accept(docs, **by), [doc.external_id for doc in docs]))


def _one_order(request: HttpRequest, doc: OrderDoc) -> HttpResponseBase:
    """Orders that come one by one but at once are taken in together."""

    def kept(outcome: Outcome) -> KeptAnswer | None:
        return None if outcome.state == "refused" else told(outcome)

    def told(outcome: Outcome) -> KeptAnswer:
        return KeptAnswer(200, answer([outcome], [doc.external_id]).model_dump_json(by_alias=True))

    claim = claim_of(request)
    asked_once = None if claim is None else Once(claim, kept)
    done = accept_together(doc, actor=actor_of(request), now=utc_now(), once=asked_once)
    if isinstance(done, KeptAnswer):
        return kept_response(done, is_replayed=True)
    return kept_response(told(done), is_replayed=False)


def shop_id(code: str) -> int | None:
    """The id of the shop called ``code``, None for "". Raises Problem shop.unknown."""
    if not code:
        return None
    found = shop_by_code([code]).get(code)
    if found is None:
        raise Problem(422, "shop.unknown", f"There is no shop {code!r}; GET /api/v1/shops lists them.")
    return found.id


def channel_id(code: str) -> int | None:
    """The id of the channel called ``code``, None for "". Raises Problem channel.unknown."""
    if not code:
        return None
    found = channels().filter(code=code).values_list("pk", flat=True).first()
    if found is None:
        raise Problem(422, "channel.unknown", f"There is no channel {code!r}; GET /api/v1/channels lists them.")
    return found
