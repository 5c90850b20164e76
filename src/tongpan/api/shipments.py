"""Shipments: parcels that left, and what carriers tell of them."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Literal

from django.http import HttpRequest
from ninja import Path, Query, Router
from pydantic import Field, model_validator

from tongpan.api.operations import actor_of, read, write
from tongpan.api.pages import Page, PageQuery, page_of
from tongpan.api.problems import Problem
from tongpan.api.values import Code, Id, In, Instant, Name80, Out, Text40, Text80, Text120
from tongpan.core.clock import utc_now
from tongpan.fulfillment.actions import record_tracking, ship
from tongpan.fulfillment.models import Fulfillment, FulfillmentStatus, Shipment, TrackingKind
from tongpan.fulfillment.parcels import ParcelOutcome, ShipDoc, TrackingDoc
from tongpan.fulfillment.queries import journey, select_fulfillments, select_shipments, under_way

router = Router(tags=["shipments"])


class ShipmentIn(In):
    """A parcel that left. It names its fulfilment, or the order (and the node where several ship it)."""

    carrier: Text40 = Field(min_length=1)
    tracking_number: Name80
    shipped_at: Instant
    fulfillment: Id | None = None
    shop: Code | None = None
    order: Text120 = Field("", description="Number of the order, together with shop")
    node: Text40 = ""

    @model_validator(mode="after")
    def _names_what_was_sent(self) -> ShipmentIn:
        if self.fulfillment is None and not (self.shop and self.order):
            raise ValueError("fulfillment, or shop and order, must be given")
        return self

    def doc(self) -> ShipDoc:
        return ShipDoc(
            self.carrier,
            self.tracking_number,
            self.shipped_at,
            self.fulfillment or 0,
            self.shop or "",
            self.order,
            self.node,
        )


class ShipmentsIn(In):
    shipments: list[ShipmentIn] = Field(min_length=1, max_length=1000)


class TrackingIn(In):
    """What a carrier told of a parcel. A repeat, told by event_id or by all that it says, changes nothing."""

    carrier: Text40 = Field(min_length=1)
    tracking_number: Name80
    kind: TrackingKind
    at: Instant
    place: Text120 = ""
    text: Annotated[str, Field(max_length=1000, pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f]*$")] = ""
    event_id: Text120 = ""


class TrackingsIn(In):
    events: list[TrackingIn] = Field(min_length=1, max_length=5000)


class ParcelOutcomeOut(Out):
    state: Literal["accepted", "unchanged", "refused"]
    id: int | None = Field(description="The shipment")
    tracking_number: str
    code: str = ""
    reason: str = ""


class ParcelOutcomesOut(Out):
    outcomes: list[ParcelOutcomeOut] = Field(description="One for each document, at the position at which it was sent")


class ShipmentOut(Out):
    id: int
    shop: str
    order: str
    order_id: int
    fulfillment: int
    node: str
    carrier: str
    tracking_number: str
    status: str = Field(description='"shipped", then the kind of its latest event')
    shipped_at: Instant
    last_event_at: Instant | None
    delivered_at: Instant | None


class TrackingEventOut(Out):
    kind: TrackingKind
    at: Instant
    place: str
    text: str


class JourneyOut(ShipmentOut):
    events: list[TrackingEventOut] = Field(description="The latest first")


class JourneysOut(Out):
    shipments: list[JourneyOut]


class ShipmentQuery(PageQuery):
    tracking_number: Text80 = ""
    silent_hours: int | None = Field(
        None, ge=1, le=8760, description="Only parcels under way of which nothing was heard for so many hours"
    )


class PickLineOut(Out):
    sku: str
    name: str
    qty: int


class FulfillmentToShipOut(Out):
    id: int
    shop: str
    order: str
    order_id: int
    node: str
    status: FulfillmentStatus
    allocated_at: Instant
    promised_at: Instant | None
    dispatched_at: Instant | None
    lines: list[PickLineOut]


class FulfillmentQuery(PageQuery):
    node: Text40 = ""
    status: FulfillmentStatus | Literal[""] = Field("", description='"allocated": to be shipped')


def _fulfillment(row: Fulfillment) -> FulfillmentToShipOut:
    return FulfillmentToShipOut(
        id=row.pk,
        shop=row.order.shop.code,
        order=row.order.external_id,
        order_id=row.order_id,
        node=row.node.code,
        status=FulfillmentStatus(row.status),
        allocated_at=row.allocated_at,
        promised_at=row.promised_at,
        dispatched_at=row.dispatched_at,
        lines=[PickLineOut(sku=line.sku.code, name=line.sku.name, qty=line.qty) for line in row.lines.all()],
    )


@read(router, "/fulfillments", "orders.view", Page[FulfillmentToShipOut])
def list_fulfillments(request: HttpRequest, query: Query[FulfillmentQuery]) -> Page[FulfillmentToShipOut]:
    """What nodes ship, the oldest first: a warehouse reads what it is to send. Without personal data."""
    return page_of(select_fulfillments(query.node, query.status), ["id"], query, _fulfillment)


def _head(row: Shipment) -> dict[str, Any]:
    order = row.fulfillment.order
    return {
        "id": row.pk,
        "shop": order.shop.code,
        "order": order.external_id,
        "order_id": order.pk,
        "fulfillment": row.fulfillment_id,
        "node": row.fulfillment.node.code,
        "carrier": row.carrier,
        "tracking_number": row.tracking_number,
        "status": row.status,
        "shipped_at": row.shipped_at,
        "last_event_at": row.last_event_at,
        "delivered_at": row.delivered_at,
    }


def _answer(outcomes: list[ParcelOutcome], numbers: list[str]) -> ParcelOutcomesOut:
    rendered = [
        ParcelOutcomeOut(
            state=outcome.state,  # type: ignore[arg-type]
            id=outcome.document_id,
            tracking_number=number,
            code=outcome.code,
            reason=outcome.reason,
        )
        for outcome, number in zip(outcomes, numbers, strict=True)
    ]
    if all(outcome.state == "refused" for outcome in outcomes):
        first = outcomes[0]
        raise Problem(422, first.code, first.reason, {"outcomes": [one.model_dump(mode="json") for one in rendered]})
    return ParcelOutcomesOut(outcomes=rendered)


@read(router, "/shipments", "orders.view", Page[ShipmentOut])
def list_shipments(request: HttpRequest, query: Query[ShipmentQuery]) -> Page[ShipmentOut]:
    """Parcels, the last one first; or those that seem stuck."""
    rows = select_shipments(tracking_number=query.tracking_number)
    if query.silent_hours is not None:
        silent_since = utc_now() - timedelta(hours=query.silent_hours)
        rows = under_way(silent_since=silent_since, text=query.tracking_number)
    return page_of(rows, ["-id"], query, lambda row: ShipmentOut(**_head(row)))


@read(router, "/orders/{order_id}/shipments", "orders.view", JourneysOut)
def order_shipments(request: HttpRequest, order_id: Path[Id]) -> JourneysOut:
    """The parcels of one order with everything that carriers told; none when there is no such order."""
    told = {row.pk: row.told for row in journey(order_id)}  # type: ignore[attr-defined]
    return JourneysOut(
        shipments=[
            JourneyOut(
                **_head(row),
                events=[
                    TrackingEventOut(kind=TrackingKind(e.kind), at=e.at, place=e.place, text=e.text)
                    for e in told.get(row.pk, [])
                ],
            )
            for row in select_shipments(order_id=order_id).order_by("id")
        ]
    )


@write(router, "POST", "/shipments", "orders.edit", ParcelOutcomesOut)
def post_shipments(request: HttpRequest, body: ShipmentsIn) -> ParcelOutcomesOut:
    """Parcels left: their goods leave the node, and the order moves on. The same parcel again changes nothing."""
    outcomes = ship([one.doc() for one in body.shipments], actor=actor_of(request), now=utc_now())
    return _answer(outcomes, [one.tracking_number for one in body.shipments])


@write(router, "POST", "/tracking", "orders.edit", ParcelOutcomesOut)
def post_tracking(request: HttpRequest, body: TrackingsIn) -> ParcelOutcomesOut:
    """Carriers told where parcels are, in any order and as often as they like."""
    docs = [
        TrackingDoc(e.carrier, e.tracking_number, e.kind.value, e.at, e.place, e.text, e.event_id) for e in body.events
    ]
    outcomes = record_tracking(docs, actor=actor_of(request), now=utc_now())
    return _answer(outcomes, [one.tracking_number for one in body.events])
