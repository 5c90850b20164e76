"""What the papers of fulfilments say: their goods, their due times, and, where it must be, to whom they go."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from datetime import datetime

from tongpan.access.actions import Note, audit_many
from tongpan.access.vault import open_sealed
from tongpan.core.clock import zone
from tongpan.core.errors import Refusal
from tongpan.fulfillment.models import Fulfillment, FulfillmentStatus, Shipment
from tongpan.fulfillment.papers.drawing import (
    Gathered,
    Item,
    Parcel,
    draw_labels,
    draw_packing_slips,
    draw_pick_list,
    draw_pickup_slips,
)
from tongpan.fulfillment.pickup.codes import shown
from tongpan.fulfillment.pickup.queries import code_for
from tongpan.fulfillment.queues import MOST_AT_ONCE, PickLine, chosen, pick_list

KINDS = ("pick-list", "packing-slips", "labels", "pickup-slips")


def print_papers(
    kind: str,
    fulfillment_ids: Sequence[int],
    *,
    link: str,
    actor: str,
    now: datetime,
    nodes: Collection[int] | None = None,
) -> bytes:
    """The papers of ``kind`` (one of KINDS) for these fulfilments as one PDF, in the language that is active.

    link: where codes lead to, with ``{code}``. A label and a gift card show personal data: who printed them is in the
    audit trail. Raises Refusal paper.kind, paper.many, paper.none.
    """
    if kind not in KINDS:
        raise Refusal("paper.kind", f"There is no paper {kind!r}; there are {', '.join(KINDS)}.")
    if len(fulfillment_ids) > MOST_AT_ONCE:
        raise Refusal("paper.many", f"Print at most {MOST_AT_ONCE} at once.")
    rows = chosen(list(dict.fromkeys(fulfillment_ids)), nodes)
    if not rows:
        raise Refusal("paper.none", "None of these is the work of a node where you work.")
    if kind == "pick-list":
        return draw_pick_list(f"{now:%Y-%m-%d}", [_gathered(line) for line in pick_list(rows)])
    parcels = [_parcel(row, is_open=kind == "labels") for row in rows]
    if kind == "labels":
        _audit(rows, "order.label_printed", actor=actor, now=now)
        return draw_labels(parcels)
    if kind == "pickup-slips":
        ready = [row for row in rows if row.status == FulfillmentStatus.READY]
        if not ready:
            raise Refusal("paper.none", "None of these waits for its buyer; make it ready first.")
        return draw_pickup_slips([_slip(row, link) for row in ready])
    gifts = [row for row in rows if row.order.gift_card_sealed]
    _audit(gifts, "order.gift_card_printed", actor=actor, now=now)
    return draw_packing_slips(parcels)


def _audit(rows: Sequence[Fulfillment], what: str, *, actor: str, now: datetime) -> None:
    notes = [Note(what, "order", str(row.order_id), {"fulfillment": row.pk}) for row in rows]
    if notes:
        audit_many(notes, actor=actor, now=now)


def _gathered(line: PickLine) -> Gathered:
    parcels = ", ".join(f"{number} × {qty}" for _, number, qty in line.parcels)
    return Gathered(line.node, Item(line.sku, line.name, line.qty), parcels)


def _items(row: Fulfillment) -> list[Item]:
    return [Item(line.sku.code, line.order_line.name or line.sku.name, line.qty) for line in row.lines.all()]


def _at(at: datetime | None, row: Fulfillment) -> str:
    return f"{at.astimezone(zone(row.node.zone)):%m-%d %H:%M}" if at else ""


def _parcel(row: Fulfillment, *, is_open: bool) -> Parcel:
    order = row.order
    slot = f"{_at(order.slot_start, row)} – {_at(order.slot_end, row)}" if order.slot_start else ""
    recipient, phone, address = ("", "", "")
    if is_open and order.recipient_sealed:
        recipient, phone, address = json.loads(open_sealed(bytes(order.recipient_sealed)))
    sent = Shipment.objects.filter(fulfillment=row).order_by("id").first() if is_open else None
    return Parcel(
        row.pk,
        order.external_id,
        order.shop.name,
        row.node.name,
        _items(row),
        due=_at(row.ready_by or row.due_at or row.promised_at, row),
        slot=slot,
        recipient=recipient,
        phone=phone,
        address=address,
        place=f"{order.ship_province} {order.ship_city}".strip(),
        note=order.buyer_note,
        gift_wrap=order.gift_wrap,
        gift_card=open_sealed(bytes(order.gift_card_sealed)) if order.gift_card_sealed and not is_open else "",
        is_contactless=order.contactless,
        carrier=sent.carrier if sent else "",
        tracking_number=sent.tracking_number if sent else "",
    )


def _slip(row: Fulfillment, link: str) -> Parcel:
    code = code_for(row.pk)
    return Parcel(
        row.pk,
        row.order.external_id,
        row.order.shop.name,
        row.node.name,
        _items(row),
        due=_at(row.collect_by, row),
        code=shown(code) if code else "",
        link=link.format(code=code) if code else "",
    )
