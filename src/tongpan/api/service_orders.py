"""Service orders: installation and repair, who can do them, and their steps."""

from __future__ import annotations

from typing import Annotated, Literal

from django.http import HttpRequest
from ninja import Path, Query, Router
from pydantic import Field

from tongpan.api.appointments import ServiceOutcomesOut, answer_of, node_of
from tongpan.api.operations import actor_of, read, write
from tongpan.api.problems import Problem
from tongpan.api.values import Id, In, Instant, Out, Text40, Text60, Text80, Text300
from tongpan.core.clock import utc_now
from tongpan.fulfillment.services import orders as actions
from tongpan.fulfillment.services.models import ServiceKind, ServiceStatus
from tongpan.fulfillment.services.service_queries import ServiceFilter, candidates, select_services

router = Router(tags=["services"])
ServiceStep = Literal["accept", "reject", "schedule", "complete"]
ServiceIds = Annotated[list[Id], Field(min_length=1, max_length=200)]


class ServiceOrderIn(In):
    """Of an order: its id, and a line; where and who are its own then. By itself: goods, name, phone and address."""

    kind: ServiceKind
    order: Id | None = None
    line: int | None = Field(None, strict=True, ge=1, le=100_000)
    goods: Text300 = ""
    note: Text300 = ""
    name: Text80 = ""
    phone: Text40 = ""
    province: Text60 = ""
    city: Text60 = ""
    address: Text300 = ""
    due_at: Instant | None = Field(None, description="Left out: 72 hours from now")


class ServiceOrdersIn(In):
    service_orders: Annotated[list[ServiceOrderIn], Field(min_length=1, max_length=100)]


class ServiceAssignIn(In):
    service_orders: ServiceIds
    node: Text80


class ServiceStepIn(In):
    service_orders: ServiceIds
    note: Text300 = Field("", description="Why it is rejected, or what was done")
    starts_at: Instant | None = Field(None, description="From when somebody comes; for the step schedule")
    ends_at: Instant | None = None


class ServiceCancelIn(In):
    service_orders: ServiceIds
    note: Text300


class ServiceOrdersQuery(Out):
    status: ServiceStatus | Literal["", "open"] = ""
    kind: ServiceKind | Literal[""] = ""
    node: Text40 = ""
    late: bool = False
    limit: int = Field(100, ge=1, le=500)


class ServiceOrderOut(Out):
    """Without name, phone and address."""

    id: int
    kind: ServiceKind
    status: ServiceStatus
    order: str
    order_id: int | None
    goods: str
    note: str
    province: str
    city: str
    node: str
    due_at: Instant
    starts_at: Instant | None
    ends_at: Instant | None
    outcome: str


class ServiceOrdersOut(Out):
    items: list[ServiceOrderOut] = Field(description="What is due first first")


class ServicePlaceOut(Out):
    code: str
    name: str


class ServicePlacesOut(Out):
    nodes: list[ServicePlaceOut] = Field(description="The one that fits best first")


@read(router, "/service-orders", "orders.view", ServiceOrdersOut)
def get_service_orders(request: HttpRequest, query: Query[ServiceOrdersQuery]) -> ServiceOrdersOut:
    """The queue of installations and repairs."""
    node_id = node_of(query.node) if query.node else None
    wanted = ServiceFilter(query.status, query.kind, node_id, utc_now() if query.late else None)
    rows = select_services(wanted).order_by("due_at", "pk")[: query.limit]
    return ServiceOrdersOut(
        items=[
            ServiceOrderOut(
                id=one.pk,
                kind=ServiceKind(one.kind),
                status=ServiceStatus(one.status),
                order=one.order.external_id if one.order else "",
                order_id=one.order_id,
                goods=one.goods,
                note=one.note,
                province=one.province,
                city=one.city,
                node=one.node.code if one.node else "",
                due_at=one.due_at,
                starts_at=one.starts_at,
                ends_at=one.ends_at,
                outcome=one.outcome,
            )
            for one in rows
        ]
    )


@write(router, "POST", "/service-orders", "fulfillment.work", ServiceOutcomesOut)
def post_service_orders(request: HttpRequest, body: ServiceOrdersIn) -> ServiceOutcomesOut:
    """Ask for installations and repairs. Of one line there is one of a kind at a time."""
    specs = []
    for one in body.service_orders:
        told = one.model_dump(exclude={"order", "line"})
        specs.append(actions.ServiceSpec(**told, order_id=one.order, line_no=one.line))
    return answer_of(actions.request_services(specs, actor=actor_of(request), now=utc_now()))


@read(router, "/service-orders/{service_id}/nodes", "orders.view", ServicePlacesOut)
def get_service_nodes(request: HttpRequest, service_id: Path[Id]) -> ServicePlacesOut:
    """Who can take this service order: dealers who owe it there, and stores with the facility."""
    one = select_services(ServiceFilter()).filter(pk=service_id).first()
    if one is None:
        raise Problem(404, "service.unknown", f"There is no service order {service_id}.")
    return ServicePlacesOut(nodes=[ServicePlaceOut(code=p.code, name=p.name) for p in candidates(one, utc_now())])


@write(router, "POST", "/service-orders/assign", "orders.edit", ServiceOutcomesOut)
def post_service_assign(request: HttpRequest, body: ServiceAssignIn) -> ServiceOutcomesOut:
    """Give service orders to a node, which accepts or rejects them."""
    return answer_of(actions.assign(body.service_orders, body.node, actor=actor_of(request), now=utc_now()))


@write(router, "POST", "/service-orders/cancel", "orders.edit", ServiceOutcomesOut)
def post_service_cancel(request: HttpRequest, body: ServiceCancelIn) -> ServiceOutcomesOut:
    """Cancel service orders for a reason."""
    by = actor_of(request)
    return answer_of(actions.take_service_step("cancel", body.service_orders, body.note, actor=by, now=utc_now()))


@write(router, "POST", "/service-orders/steps/{step}", "fulfillment.work", ServiceOutcomesOut)
def post_service_step(request: HttpRequest, step: Path[ServiceStep], body: ServiceStepIn) -> ServiceOutcomesOut:
    """Take one step of the node's work: accept, reject, schedule or complete. Each counts once."""
    return answer_of(
        actions.take_service_step(
            step,
            body.service_orders,
            body.note,
            actor=actor_of(request),
            now=utc_now(),
            starts_at=body.starts_at,
            ends_at=body.ends_at,
        )
    )
