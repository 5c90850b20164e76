"""Orders as the API shows them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from pydantic import Field

from tongpan.access.vault import mask, open_sealed
from tongpan.api.values import Day, Instant, MoneyOut, Out, money, money_or_none
from tongpan.fulfillment.models import Fulfillment, FulfillmentStatus, RoutingDecision
from tongpan.fulfillment.queries import Routed
from tongpan.orders.models import DeliveryMethod, Hold, HoldReason, LineKind, Order, OrderLine, Payer, Status


class PlaceOut(Out):
    province: str
    city: str


class OrderSummaryOut(Out):
    """An order without its lines."""

    id: int
    shop: str
    channel: str
    number: str = Field(description="The channel's own number")
    status: Status
    channel_status: str = Field(description="The status in the channel's own words")
    customer: str | None = Field(description="Customer number; null for an anonymous buyer")
    business_date: Day = Field(description="The day of placed_at in the channel's time zone")
    placed_at: Instant
    paid_at: Instant | None
    dispatched_at: Instant | None
    delivered_at: Instant | None
    completed_at: Instant | None
    cancelled_at: Instant | None
    promised_at: Instant | None
    goods: MoneyOut
    charges: MoneyOut
    total: MoneyOut
    paid: MoneyOut | None
    refunded: MoneyOut
    units: int
    ship_to: PlaceOut
    open_holds: list[HoldReason] = Field(description="Why the order waits")
    revision: int = Field(description="Counts its changes; name it in a change, so that nobody's change is lost")
    is_simulated: bool


class LineOut(Out):
    line: int
    key: str = Field(description="The channel's own id of the line")
    kind: LineKind
    code: str = Field(description="A SKU code, or the code of a charge")
    name: str
    qty: int
    unit_price: str | None = Field(description="As the channel shows it")
    amount: MoneyOut
    part: int = Field(description="Lines of different parts are sent apart")


class PaymentOut(Out):
    seq: int
    method: str
    amount: MoneyOut
    paid_at: Instant | None


class EventOut(Out):
    kind: str
    at: Instant
    actor: str


class HoldOut(Out):
    reason: HoldReason
    detail: str = Field(description="What was found, or what a person said")
    opened_at: Instant
    opened_by: str = Field(description='"review", a person or a key; empty for routing')
    released_at: Instant | None
    released_by: str
    note: str = Field(description="Why it was released")


class NoteOut(Out):
    text: str
    actor: str
    at: Instant


class ShippedLineOut(Out):
    line: int = Field(description="The order's line")
    sku: str
    qty: int


class FulfillmentOut(Out):
    """The part of an order that one node ships."""

    id: int
    node: str
    status: FulfillmentStatus
    promised_at: Instant | None
    allocated_at: Instant
    dispatched_at: Instant | None
    delivered_at: Instant | None
    lines: list[ShippedLineOut]


class CandidateOut(Out):
    """A node that was looked at, and why it was chosen or not."""

    node: str
    km: float | None = Field(description="Distance to the buyer; null when a place is not known")
    have: int = Field(description="Lines that it has all goods for")
    of: int = Field(description="Lines that were wanted")
    outcome: str
    why: str | None
    missing: list[str] = Field(description="SKUs that it lacks")
    rank: int | None
    because: dict[str, Any] | None = Field(description="The figures of why: a limit, a time, the rank that decided")
    values: list[int | None] | None = Field(description="Its rank tuple; see ranks of the decision")


class DecisionOut(Out):
    """Which nodes routing chose, under which policy, and why the others were not."""

    attempt: int
    outcome: str
    policy: str
    policy_version: int
    rule: str
    decided_at: Instant
    candidates: list[CandidateOut] = Field(description="The nearest that have something of the order, and the chosen")
    others: int = Field(description="Nodes that serve the shop and are not listed")
    ranks: list[str] = Field(description="What the values of candidates are; empty: they rank by distance alone")
    tried: list[dict[str, Any]] = Field(description="Rules that found nothing, why, and how many nodes each took out")
    queue: str = Field(description="Where the order waits, if the policy names a queue")
    place: str = Field(description="unknown or province: the address names no known city")


class RecipientOut(Out):
    """Masked: enough to recognise, too little to use."""

    name: str
    phone: str
    address: str


class DiscountOut(Out):
    """What one payer bears of the discount on a line; the line's amount is after it."""

    line: int | None = Field(description="Null when the order has no goods lines")
    payer: Payer
    code: str
    name: str
    amount: MoneyOut


class InvoiceOut(Out):
    """Masked, as the recipient is."""

    kind: str
    title: str
    tax_number: str
    content: str


class OrderDeliveryOut(Out):
    """How the goods reach the buyer."""

    method: DeliveryMethod
    node: str = Field(description="The node that the buyer chose; empty when routing may choose")
    slot_start: Instant | None
    slot_end: Instant | None
    contactless: bool
    gift_wrap: str
    has_gift_card: bool
    fee: MoneyOut | None


class OrderOut(OrderSummaryOut):
    """An order whole: what was sold, what happened to it, and how it is shipped."""

    recipient: RecipientOut | None
    lines: list[LineOut]
    payments: list[PaymentOut]
    discounts: list[DiscountOut]
    invoice: InvoiceOut | None
    buyer_note: str
    seller_note: str
    is_status_known: bool = Field(description="False when the channel's status is one that nobody has mapped")
    hold_until: Instant | None = Field(description="Until when it keeps its goods although it is not paid")
    events: list[EventOut] = Field(description="What happened, in order")
    holds: list[HoldOut]
    fulfillments: list[FulfillmentOut]
    decisions: list[DecisionOut] = Field(description="The newest first; the newest counts")
    returns: list[str] = Field(description="Numbers of returns that belong to the order")
    delivery: OrderDeliveryOut
    tags: list[str]
    merge: int | None = Field(description="The orders with the same are sent together")
    changed_here: list[str] = Field(description="What people changed: later copies of the channel leave it")
    notes: list[NoteOut] = Field(description="What people wrote on it, the oldest first")


def summary(order: Order) -> OrderSummaryOut:
    """``order`` with shop, channel, customer and ``open_holds`` loaded."""
    return OrderSummaryOut(**_head(order, order.open_holds))  # type: ignore[attr-defined]


def _head(order: Order, open_holds: list[Hold]) -> dict[str, Any]:
    currency = order.currency
    return {
        "id": order.pk,
        "shop": order.shop.code,
        "channel": order.channel.code,
        "number": order.external_id,
        "status": order.status,
        "channel_status": order.channel_status,
        "customer": order.customer.code if order.customer else None,
        "business_date": order.business_date,
        "placed_at": order.placed_at,
        "paid_at": order.paid_at,
        "dispatched_at": order.dispatched_at,
        "delivered_at": order.delivered_at,
        "completed_at": order.completed_at,
        "cancelled_at": order.cancelled_at,
        "promised_at": order.promised_at,
        "goods": money(order.goods_minor, currency),
        "charges": money(order.charges_minor, currency),
        "total": money(order.total_minor, currency),
        "paid": money_or_none(order.paid_minor, currency),
        "refunded": money(order.refunded_minor, currency),
        "units": order.units,
        "ship_to": PlaceOut(province=order.ship_province, city=order.ship_city),
        "open_holds": sorted(hold.reason for hold in open_holds),
        "revision": order.revision,
        "is_simulated": order.is_simulated,
    }


def whole(order: Order, routed: Routed, sku_codes: Mapping[int, str]) -> OrderOut:
    """``order`` as ``orders.queries.order_whole`` gives it; sku_codes: of the SKUs that decisions name."""
    currency = order.currency
    holds = list(order.holds.all())
    lines = list(order.lines.all())
    line_no = {line.pk: line.line_no for line in lines}
    return OrderOut(
        **_head(order, [hold for hold in holds if hold.released_at is None]),
        recipient=_recipient(bytes(order.recipient_sealed)),
        lines=[_line(line, currency) for line in lines],
        payments=[
            PaymentOut(seq=p.seq, method=p.method, amount=money(p.amount_minor, currency), paid_at=p.paid_at)
            for p in sorted(order.payments.all(), key=lambda p: p.seq)
        ],
        discounts=[
            DiscountOut(
                line=line_no.get(d.line_id) if d.line_id else None,
                payer=Payer(d.payer),
                code=d.code,
                name=d.name,
                amount=money(d.amount_minor, currency),
            )
            for d in order.discounts.all()
        ],
        invoice=_invoice(bytes(order.invoice_sealed)),
        buyer_note=order.buyer_note,
        seller_note=order.seller_note,
        is_status_known=order.is_status_known,
        hold_until=order.hold_until,
        events=[
            EventOut(kind=e.kind, at=e.at, actor=e.actor)
            for e in sorted(order.events.all(), key=lambda e: (e.at, e.pk))
        ],
        holds=[
            HoldOut(
                reason=HoldReason(h.reason),
                detail=h.detail,
                opened_at=h.opened_at,
                opened_by=h.opened_by,
                released_at=h.released_at,
                released_by=h.released_by,
                note=h.release_note,
            )
            for h in holds
        ],
        fulfillments=[_fulfillment(f, line_no) for f in routed.fulfillments],
        decisions=[_decision(d, sku_codes) for d in routed.decisions],
        returns=[r.external_id for r in order.returns.all()],
        delivery=OrderDeliveryOut(
            method=DeliveryMethod(order.delivery_method),
            node=order.delivery_node,
            slot_start=order.slot_start,
            slot_end=order.slot_end,
            contactless=order.contactless,
            gift_wrap=order.gift_wrap,
            has_gift_card=bool(order.gift_card_sealed),
            fee=money_or_none(order.delivery_fee_minor, currency),
        ),
        tags=sorted(t.tag for t in order.tags.all()),
        merge=order.merge_id,
        changed_here=sorted(order.local_fields),
        notes=[
            NoteOut(text=n.text, actor=n.actor, at=n.at) for n in sorted(order.notes.all(), key=lambda n: (n.at, n.pk))
        ],
    )


def _line(line: OrderLine, currency: str) -> LineOut:
    return LineOut(
        line=line.line_no,
        key=line.line_key,
        kind=LineKind(line.kind),
        code=line.sku.code if line.sku else line.charge_code,
        name=line.name,
        qty=line.qty,
        unit_price=plain(line.unit_price),
        amount=money(line.amount_minor, currency),
        part=line.part,
    )


def plain(number: Decimal | None) -> str | None:
    """A decimal without trailing zeros and without an exponent."""
    if number is None:
        return None
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _recipient(sealed: bytes) -> RecipientOut | None:
    if not sealed:
        return None
    name, phone, address = json.loads(open_sealed(sealed))
    return RecipientOut(name=mask(name), phone=mask(phone), address=mask(address))


def _invoice(sealed: bytes) -> InvoiceOut | None:
    if not sealed:
        return None
    kind, title, tax_number, content = json.loads(open_sealed(sealed))
    return InvoiceOut(kind=kind, title=mask(title), tax_number=mask(tax_number), content=content)


def _fulfillment(row: Fulfillment, line_no: Mapping[int, int]) -> FulfillmentOut:
    return FulfillmentOut(
        id=row.pk,
        node=row.node.code,
        status=FulfillmentStatus(row.status),
        promised_at=row.promised_at,
        allocated_at=row.allocated_at,
        dispatched_at=row.dispatched_at,
        delivered_at=row.delivered_at,
        lines=[
            ShippedLineOut(line=line_no[line.order_line_id], sku=line.sku.code, qty=line.qty)
            for line in row.lines.all()
        ],
    )


def missing_skus(routed: Routed) -> set[int]:
    """The SKUs that the decisions name by id."""
    return {
        sku_id
        for decision in routed.decisions
        for candidate in decision.explanation.get("candidates", [])
        for sku_id in candidate.get("missing", [])
    }


def _decision(row: RoutingDecision, sku_codes: Mapping[int, str]) -> DecisionOut:
    return DecisionOut(
        attempt=row.attempt,
        outcome=row.outcome,
        policy=row.policy,
        policy_version=row.policy_version,
        rule=row.rule,
        decided_at=row.decided_at,
        others=row.explanation.get("others", 0),
        ranks=row.explanation.get("ranks", []),
        tried=row.explanation.get("tried", []),
        queue=row.explanation.get("queue", ""),
        place=row.explanation.get("place", ""),
        candidates=[
            CandidateOut(
                node=candidate["node"],
                km=candidate.get("km"),
                have=candidate["have"],
                of=candidate["of"],
                outcome=candidate["outcome"],
                why=candidate.get("why"),
                missing=[sku_codes.get(sku_id, str(sku_id)) for sku_id in candidate.get("missing", [])],
                rank=candidate.get("rank"),
                because=candidate.get("because"),
                values=candidate.get("values"),
            )
            for candidate in row.explanation.get("candidates", [])
        ],
    )
