"""What the page of one order tells, in the order it tells it: money, life, routing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _

from tongpan.catalog.queries import codes_of_skus
from tongpan.console.routing_words import rank_words, rule_words, tried_words, values_of, why_words
from tongpan.fulfillment.models import RoutingDecision
from tongpan.fulfillment.queries import Routed
from tongpan.fulfillment.states import AT_NODE
from tongpan.inventory.models import Reservation
from tongpan.network.models import Node
from tongpan.network.queries import nodes_by_code
from tongpan.orders.models import Discount, LineKind, Order, OrderLine

Text = str | Promise


@dataclass(frozen=True, slots=True)
class MoneyRow:
    """One line of the money breakdown. is_total: a sum of the rows above it."""

    label: Text
    amount_minor: int
    is_total: bool = False


def money_rows(order: Order) -> list[MoneyRow]:
    """Goods, each charge by its code, the total, then what was paid, refunded and returned."""
    charges: dict[str, int] = defaultdict(int)
    for line in order.lines.all():
        if line.kind == LineKind.CHARGE:
            charges[line.name or line.charge_code] += line.amount_minor
    rows = [MoneyRow(_("Goods"), order.goods_minor)]
    rows += [MoneyRow(label, amount) for label, amount in charges.items()]
    rows.append(MoneyRow(_("Order total"), order.total_minor, True))
    if order.paid_minor is not None:
        rows.append(MoneyRow(_("Paid, as the channel reports it"), order.paid_minor))
    if order.refunded_minor:
        rows.append(MoneyRow(_("Refunded, as the channel reports it"), -order.refunded_minor))
    returned = sum(doc.total_minor for doc in order.returns.all())
    if returned:
        rows.append(MoneyRow(_("Returns booked to this order"), returned))
        rows.append(MoneyRow(_("After returns"), order.total_minor + returned, True))
    return rows


@dataclass(frozen=True, slots=True)
class Moment:
    """One entry of the order's life."""

    at: datetime
    title: Text
    text: str = ""
    actor: str = ""


@dataclass(frozen=True, slots=True)
class LineView:
    """One line of an order with where its goods are. states: (label, units, tone), promised first, delivered last."""

    line: OrderLine
    states: Sequence[tuple[Text, int, str]]
    discounts: Sequence[Discount]


def line_views(order: Order, routing: Routed, reservations: Sequence[Reservation]) -> list[LineView]:
    """Every line with how many units of it are reserved, allocated, sent and delivered, and who pays its discounts.

    The units of a kit are those of its parts.
    """
    held: dict[int, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for promise in reservations:
        if promise.state == "held":
            held[promise.order_line_id][promise.sku_id] += promise.qty
    at: dict[str, dict[int, dict[int, int]]] = {
        state: defaultdict(lambda: defaultdict(int)) for state in ("allocated", "dispatched", "delivered")
    }
    for parcel in routing.fulfillments:
        state = "allocated" if parcel.status in AT_NODE else parcel.status
        if state in at:
            for goods in parcel.lines.all():
                at[state][goods.order_line_id][goods.sku_id] += goods.qty
    stages: list[tuple[Text, dict[int, dict[int, int]], str]] = [
        (_("Reserved"), held, "note"),
        (_("Allocated"), at["allocated"], "warn"),
        (_("Dispatched"), at["dispatched"], "info"),
        (_("Delivered"), at["delivered"], "good"),
    ]
    shares: dict[int | None, list[Discount]] = defaultdict(list)
    for share in order.discounts.all():
        shares[share.line_id].append(share)
    return [
        LineView(
            line,
            [(label, sum(of[line.pk].values()), tone) for label, of, tone in stages if of.get(line.pk)],
            shares.get(line.pk, []),
        )
        for line in order.lines.all()
    ]


def payer_rows(order: Order) -> list[MoneyRow]:
    """What each payer bears of the discounts that explain the prices, the largest share first."""
    borne: dict[str, int] = defaultdict(int)
    for share in order.discounts.all():
        borne[str(share.get_payer_display())] += share.amount_minor
    return [MoneyRow(payer, amount) for payer, amount in sorted(borne.items(), key=lambda one: (-one[1], one[0]))]


def _event_title(kind: str) -> Text:
    titles = {
        "placed": _("Placed"),
        "paid": _("Paid"),
        "dispatched": _("Dispatched"),
        "delivered": _("Delivered"),
        "completed": _("Completed"),
        "cancelled": _("Cancelled"),
        "changed": _("Changed by the channel"),
        "edited": _("Changed by a person"),
        "split": _("Split into parts"),
        "joined": _("Whole again"),
        "merged": _("Sent together with other orders"),
        "unmerged": _("Sent apart again"),
    }
    return titles.get(kind, kind)


def timeline(order: Order, routing: Routed) -> list[Moment]:
    """Everything that happened to the order, oldest first: its events, holds, routing, parcels and returns."""
    moments = [Moment(event.at, _event_title(event.kind), "", event.actor) for event in order.events.all()]
    for hold in order.holds.all():
        moments.append(Moment(hold.opened_at, _("Put on hold"), _reason(hold), hold.opened_by))
        if hold.released_at:
            why = f"{hold.get_reason_display()}: {hold.release_note}" if hold.release_note else _reason(hold)
            moments.append(Moment(hold.released_at, _("Hold released"), why, hold.released_by))
    moments += [Moment(note.at, _("Note"), note.text, note.actor) for note in order.notes.all()]
    for decision in routing.decisions:
        names = [parcel.node.name for parcel in routing.fulfillments if parcel.decision_id == decision.pk]
        title = _("Routed") if decision.outcome == "routed" else _("No node found")
        moments.append(Moment(decision.decided_at, title, ", ".join(names)))
    for parcel in routing.fulfillments:
        if parcel.dispatched_at:
            moments.append(Moment(parcel.dispatched_at, _("Parcel left the node"), parcel.node.name))
        if parcel.delivered_at:
            moments.append(Moment(parcel.delivered_at, _("Parcel delivered"), parcel.node.name))
    for doc in order.returns.all():
        moments.append(Moment(doc.returned_at, _("Return"), f"{doc.external_id} · {doc.get_status_display()}"))
    return sorted(moments, key=lambda moment: moment.at)


def _reason(hold: Any) -> str:
    label = str(hold.get_reason_display())
    return f"{label}: {hold.detail}" if hold.detail else label


@dataclass(frozen=True, slots=True)
class CandidateView:
    """One node that routing weighed. have, of: goods of the order it had, of how many."""

    name: str
    kind: str
    km: float | None
    have: int
    of: int
    is_chosen: bool
    why: Text
    values: str


@dataclass(frozen=True, slots=True)
class DecisionView:
    """One routing decision in words.

    others: nodes that serve the shop and are not listed. short: sentences on goods that no node had enough of.
    tried: sentences on rules that found nothing. ranks: what nodes were compared by.
    """

    decision: RoutingDecision
    rule: Text
    candidates: Sequence[CandidateView]
    others: int
    short: Sequence[Text]
    tried: Sequence[Text]
    ranks: Sequence[Text]


def decisions(routing: Routed) -> list[DecisionView]:
    """Each routing decision with every node that it weighed, the newest first. Two statements."""
    explained = [decision.explanation for decision in routing.decisions]
    weighed = [one for explanation in explained for one in explanation.get("candidates", ())]
    short = [one for explanation in explained for one in explanation.get("short", ())]
    nodes = nodes_by_code({one["node"] for one in weighed})
    sku_codes = codes_of_skus(
        {sku_id for one in weighed for sku_id in one.get("missing", ())} | {one["sku_id"] for one in short}
    )
    return [_decision(decision, nodes, sku_codes) for decision in routing.decisions]


def _decision(decision: RoutingDecision, nodes: dict[str, Node], sku_codes: dict[int, str]) -> DecisionView:
    views = []
    for one in decision.explanation.get("candidates", ()):
        node = nodes.get(one["node"])
        views.append(
            CandidateView(
                node.name if node else one["node"],
                node.get_kind_display() if node else "",
                one["km"],
                one["have"],
                one["of"],
                one["outcome"] == "chosen",
                why_words(one, sku_codes),
                values_of(decision.explanation, one),
            )
        )
    views.sort(key=lambda view: not view.is_chosen)
    short = [
        _("%(sku)s: %(need)d needed, %(have)d in stock")
        % {"sku": sku_codes.get(one["sku_id"], one["sku_id"]), "need": one["need"], "have": one["have"]}
        for one in decision.explanation.get("short", ())
    ]
    told = decision.explanation
    return DecisionView(
        decision, rule_words(decision.rule), views, told.get("others", 0), short, tried_words(told), rank_words(told)
    )
