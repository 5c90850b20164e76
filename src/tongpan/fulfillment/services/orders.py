"""Service orders: asked for, assigned to a node that does such work there, and taken through its steps.

Steps take many and give one ``ServiceOutcome`` for each, at the same position. ``nodes`` are the ids of the nodes where
the person works (``network.queries.nodes_of``), None for all. Locks the service orders in ascending order of id.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tongpan.access.actions import audit
from tongpan.access.vault import open_sealed, seal
from tongpan.core.errors import Refusal
from tongpan.core.eventlog import NewEvent, append
from tongpan.core.races import run_in_transaction
from tongpan.fulfillment.services.engine import SERVICE_STEPS, ServiceOutcome, elsewhere, refusal_of_service
from tongpan.fulfillment.services.models import ServiceKind, ServiceOrder, ServiceOrderEvent
from tongpan.fulfillment.services.service_queries import candidates
from tongpan.orders.models import Order, OrderLine

DUE_HOURS = 72
"""A service order without a time of its own should be done so long after it was asked for."""
_EVENT = "service.{}"


@dataclass(frozen=True, slots=True)
class ServiceSpec:
    """What is to be done where. Of an order: its id, and the line when it is about one; address and name are its own
    unless others are given. By itself: goods, name, phone, province, city and address.
    """

    kind: str
    order_id: int | None = None
    line_no: int | None = None
    goods: str = ""
    note: str = ""
    name: str = ""
    phone: str = ""
    province: str = ""
    city: str = ""
    address: str = ""
    due_at: datetime | None = None


def request_services(specs: Sequence[ServiceSpec], *, actor: str, now: datetime) -> list[ServiceOutcome]:
    """Take service orders in; of one line there is one of a kind at a time. Locks the orders."""

    def work() -> list[ServiceOutcome]:
        ids = sorted({spec.order_id for spec in specs if spec.order_id is not None})
        held = Order.objects.select_for_update(no_key=True).filter(pk__in=ids).order_by("pk")
        orders = {order.pk: order for order in held}
        return [_request(spec, orders, actor=actor, now=now) for spec in specs]

    return run_in_transaction(work)


def _request(spec: ServiceSpec, orders: dict[int, Order], *, actor: str, now: datetime) -> ServiceOutcome:
    def no(code: str, sentence: str) -> ServiceOutcome:
        return ServiceOutcome(0, "refused", "", code, sentence)

    if spec.kind not in ServiceKind.values:
        return no("service.kind", f"There is no service {spec.kind!r}; there are {', '.join(ServiceKind.values)}.")
    order = orders.get(spec.order_id) if spec.order_id is not None else None
    if spec.order_id is not None and order is None:
        return no("service.order", f"There is no order {spec.order_id}.")
    line = None
    if order is not None and spec.line_no is not None:
        line = OrderLine.objects.filter(order=order, line_no=spec.line_no, kind="goods").first()
    if spec.line_no is not None and line is None:
        return no("service.line", f"There is no line {spec.line_no} of goods in this order.")
    if line is not None:
        kin = ServiceOrder.objects.filter(order_line=line, kind=spec.kind).exclude(status__in=["done", "cancelled"])
        if open_one := kin.first():
            return no("service.twice", f"Service order {open_one.pk} is open for this line already.")
    goods = spec.goods.strip() or (line.name if line else "")
    contact = [text.strip() for text in (spec.name, spec.phone, spec.address)]
    province, city = spec.province.strip(), spec.city.strip()
    sealed = seal(json.dumps(contact, ensure_ascii=False)) if any(contact) else b""
    if order is not None and not sealed:
        sealed = bytes(order.recipient_sealed)
    if order is not None and not (province or city):
        province, city = order.ship_province, order.ship_city
    if not goods or not sealed or not (province or city):
        return no("service.where", "Say what it is about, who asks, and where: goods, name, phone, place and address.")
    if any(len(text) > most for text, most in ((goods, 200), (spec.note.strip(), 300), (province, 60), (city, 60))):
        return no("service.long", "Goods have at most 200 characters, a note 300, a place 60.")
    made = ServiceOrder.objects.create(
        kind=spec.kind,
        status="requested",
        order=order,
        order_line=line,
        goods=goods,
        note=spec.note.strip(),
        province=province,
        city=city,
        contact_sealed=sealed,
        due_at=spec.due_at or now + timedelta(hours=DUE_HOURS),
        requested_by=actor,
        requested_at=now,
        worked_by=actor,
    )
    _tell([made], "requested", spec.note.strip(), actor=actor, now=now)
    return ServiceOutcome(made.pk, "done", "requested")


def assign(ids: Sequence[int], node_code: str, *, actor: str, now: datetime) -> list[ServiceOutcome]:
    """Give service orders to a node that does such work where they are; one that said no is not asked again."""
    return _step("assign", ids, actor=actor, now=now, nodes=None, node_code=node_code)


def take_service_step(
    step: str,
    ids: Sequence[int],
    note: str = "",
    *,
    actor: str,
    now: datetime,
    nodes: Collection[int] | None = None,
    starts_at: datetime | None = None,
    ends_at: datetime | None = None,
) -> list[ServiceOutcome]:
    """accept, reject and cancel (for a reason), schedule (for a time to come) or complete (with what was done).

    Raises Refusal service.note, service.time when what the step needs is not said.
    """
    if step in ("reject", "cancel", "complete") and not 2 <= len(note.strip()) <= 300:
        raise Refusal("service.note", "Say in 2 to 300 characters why, or what was done.")
    if step == "schedule" and (starts_at is None or ends_at is None or not now <= starts_at < ends_at):
        raise Refusal("service.time", "Say from when to when somebody comes; it must lie ahead.")
    return _step(step, ids, note.strip(), actor=actor, now=now, nodes=nodes, times=(starts_at, ends_at))


def _step(
    step: str,
    ids: Sequence[int],
    note: str = "",
    *,
    actor: str,
    now: datetime,
    nodes: Collection[int] | None,
    node_code: str = "",
    times: tuple[datetime | None, datetime | None] = (None, None),
) -> list[ServiceOutcome]:
    def work() -> list[ServiceOutcome]:
        held = ServiceOrder.objects.select_for_update(of=("self",)).select_related("node").order_by("pk")
        rows = {one.pk: one for one in held.filter(pk__in=list(ids))}
        outcomes: dict[int, ServiceOutcome] = {}
        done = []
        for i in dict.fromkeys(ids):
            one = rows.get(i)
            outcome = _refusal(step, i, one, nodes)
            if outcome is None and one is not None and step == "assign":
                outcome = _choose(one, node_code, now)
            if outcome is None and one is not None:
                one.status = SERVICE_STEPS[step][0]
                one.worked_by = actor
                one.starts_at, one.ends_at = times if step == "schedule" else (one.starts_at, one.ends_at)
                if step in ("assign", "reject"):
                    one.starts_at, one.ends_at = None, None
                if step in ("complete", "cancel"):
                    one.ended_at, one.outcome = now, note
                one.save()
                done.append(one)
                outcome = ServiceOutcome(i, "done", one.status)
            if outcome is not None:
                outcomes[i] = outcome
        _tell(done, SERVICE_STEPS[step][0], note, actor=actor, now=now)
        return [outcomes[i] for i in ids]

    return run_in_transaction(work)


def _refusal(step: str, i: int, one: ServiceOrder | None, nodes: Collection[int] | None) -> ServiceOutcome | None:
    if one is None:
        return ServiceOutcome(i, "refused", "", "service.unknown", f"There is no service order {i}.")
    if why := elsewhere("Service order", i, one.node.code if one.node else "", one.node_id, nodes):
        return ServiceOutcome(i, "refused", one.status, "service.elsewhere", why)
    return refusal_of_service(step, i, one.status)


def _choose(one: ServiceOrder, node_code: str, now: datetime) -> ServiceOutcome | None:
    """Write the node of ``node_code`` down, or say why it cannot be."""
    if one.node is not None and one.node.code == node_code and one.status == "assigned":
        return ServiceOutcome(one.pk, "unchanged", one.status)
    chosen = next((place for place in candidates(one, now) if place.code == node_code), None)
    if chosen is None:
        sentence = (
            f"Node {node_code!r} cannot take service order {one.pk}: it lacks the facility or the contract for "
            f"{one.kind}, does not serve {one.province} {one.city}, or said no before."
        )
        return ServiceOutcome(one.pk, "refused", one.status, "service.node", sentence)
    one.node_id = chosen.id
    return None


def reveal_contact(
    service_id: int, *, actor: str, now: datetime, nodes: Collection[int] | None = None
) -> tuple[str, str, str]:
    """Name, phone and address; who looked is in the audit trail. Raises Refusal service.*."""
    one = ServiceOrder.objects.filter(pk=service_id).select_related("node").first()
    if one is None:
        raise Refusal("service.unknown", f"There is no service order {service_id}.")
    if why := elsewhere("Service order", one.pk, one.node.code if one.node else "", one.node_id, nodes):
        raise Refusal("service.elsewhere", why)
    audit(actor, "service.contact_seen", "service_order", str(one.pk), now=now)
    name, phone, address = json.loads(open_sealed(one.contact_sealed))
    return name, phone, address


def _tell(rows: Sequence[ServiceOrder], status: str, note: str, *, actor: str, now: datetime) -> None:
    """Write one step of each down, and log it as service.STATUS."""
    ServiceOrderEvent.objects.bulk_create(
        [
            ServiceOrderEvent(service_order=one, kind=status, at=now, actor=actor, node_id=one.node_id, note=note)
            for one in rows
        ]
    )
    append(
        [
            NewEvent(
                _EVENT.format(status),
                str(one.pk),
                {"kind": one.kind, "order": one.order_id, "node": one.node_id, "due_at": one.due_at.isoformat()},
            )
            for one in rows
        ]
    )
