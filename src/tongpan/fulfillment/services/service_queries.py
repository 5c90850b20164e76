"""Reads of service orders: the queue, and which nodes can take one."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from tongpan.fulfillment.services.engine import OPEN_SERVICES
from tongpan.fulfillment.services.models import ServiceOrder, ServiceOrderEvent
from tongpan.fulfillment.services.queries import Place
from tongpan.network.dealers import dealers_for
from tongpan.network.engine import ships_to
from tongpan.network.queries import node_facts


@dataclass(frozen=True, slots=True)
class ServiceFilter:
    """What the queue is narrowed to; an empty field narrows nothing. status: "open" is a group.

    late_at: only what is open and due before. text: the number of a service order, or of its order.
    """

    status: str = ""
    kind: str = ""
    node_id: int | None = None
    late_at: datetime | None = None
    text: str = ""
    nodes: Collection[int] | None = None


def select_services(wanted: ServiceFilter) -> QuerySet[ServiceOrder]:
    """The service orders of ``wanted`` with node and order, unordered."""
    rows = ServiceOrder.objects.select_related("node", "order")
    if wanted.status == "open" or wanted.late_at is not None:
        rows = rows.filter(status__in=OPEN_SERVICES)
    if wanted.status not in ("", "open"):
        rows = rows.filter(status=wanted.status)
    if wanted.late_at is not None:
        rows = rows.filter(due_at__lt=wanted.late_at)
    if wanted.kind:
        rows = rows.filter(kind=wanted.kind)
    if wanted.node_id is not None:
        rows = rows.filter(node_id=wanted.node_id)
    if wanted.nodes is not None:
        rows = rows.filter(node_id__in=list(wanted.nodes))
    if wanted.text:
        text = wanted.text.strip()
        by_order = rows.filter(order__external_id=text)
        is_number = text.isascii() and text.isdigit() and len(text) < 18
        rows = by_order | rows.filter(pk=int(text)) if is_number else by_order
    return rows


def candidates(one: ServiceOrder, now: datetime) -> list[Place]:
    """The nodes that can take ``one``: stores with the facility, and dealers who owe the service, that serve its
    place and did not say no before. Dealers of the place first, then stores of its city, then the others."""
    refused = set(
        ServiceOrderEvent.objects.filter(service_order=one, kind="rejected").values_list("node_id", flat=True)
    )
    dealers = dealers_for(one.province, one.city, one.kind, now=now)
    found = [Place(d.node_id, d.code, d.name) for d in dealers]
    stores = [
        facts
        for facts in node_facts().values()
        if facts.is_active
        and facts.kind != "dealer"
        and one.kind in facts.rules.facilities
        and ships_to(facts.rules.territory, one.province, one.city)
    ]
    stores.sort(key=lambda facts: (not one.city or facts.city != one.city, facts.code))
    found += [Place(facts.id, facts.code, facts.name) for facts in stores]
    return [place for place in found if place.id not in refused]
