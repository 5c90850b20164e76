"""Reads of after-sale: the queue of customer service, one case with its whole story, and what may still come back."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Prefetch, Q, QuerySet

from tongpan.core.bulk import fetch_all
from tongpan.orders.aftersale.engine.outcomes import OPEN
from tongpan.orders.aftersale.facts import load
from tongpan.orders.aftersale.policies import current_policy
from tongpan.orders.aftersale.requests import TAKES_RETURNS
from tongpan.orders.models import (
    CaseEvent,
    Refund,
    RefundLine,
    RefundStatus,
    RefundTender,
    ReturnCase,
    ReturnCaseLine,
    ReturnInspection,
)

NOBODY = "-"


@dataclass(frozen=True, slots=True)
class CaseFilter:
    """Which cases. status: one of ``CaseStatus``, "open", "refund" (a refund waits to be approved or paid) or "" for
    all. owner: a user name, NOBODY, or "". overdue_at: only those due before it. quality: "yes", "no" or "".
    text: the number of a case or an order, or a tracking number. nodes: only cases at these nodes, None for all.
    """

    status: str = ""
    kind: str = ""
    owner: str = ""
    overdue_at: datetime | None = None
    node_id: int | None = None
    shop_id: int | None = None
    quality: str = ""
    text: str = ""
    order_id: int | None = None
    nodes: Collection[int] | None = None


def select_cases(wanted: CaseFilter) -> QuerySet[ReturnCase]:
    """The cases that ``wanted`` names, with order, shop and node, unordered."""
    rows = ReturnCase.objects.select_related("order", "shop", "node")
    if wanted.status == "open":
        rows = rows.filter(status__in=OPEN)
    elif wanted.status == "refund":
        waiting = Refund.objects.filter(status__in=[RefundStatus.PROPOSED, RefundStatus.APPROVED])
        rows = rows.filter(pk__in=waiting.values("case_id"))
    elif wanted.status:
        rows = rows.filter(status=wanted.status)
    if wanted.kind:
        rows = rows.filter(kind=wanted.kind)
    if wanted.owner:
        rows = rows.filter(owner="" if wanted.owner == NOBODY else wanted.owner)
    if wanted.overdue_at is not None:
        rows = rows.filter(due_at__lt=wanted.overdue_at, status__in=OPEN)
    if wanted.node_id is not None:
        rows = rows.filter(node_id=wanted.node_id)
    if wanted.shop_id is not None:
        rows = rows.filter(shop_id=wanted.shop_id)
    if wanted.order_id is not None:
        rows = rows.filter(order_id=wanted.order_id)
    if wanted.nodes is not None:
        rows = rows.filter(node_id__in=list(wanted.nodes))
    if wanted.quality:
        lines = ReturnCaseLine.objects.filter(is_quality=wanted.quality == "yes")
        rows = rows.filter(pk__in=lines.values("case_id"))
    return _found(rows, wanted.text) if wanted.text.strip() else rows


def _found(rows: QuerySet[ReturnCase], text: str) -> QuerySet[ReturnCase]:
    text = text.strip().replace("\x00", "")[:120]
    number = text[2:] if text[:2].upper() == "AS" else text
    wanted = Q(order__external_id=text) | Q(tracking_number=text) | Q(channel_number=text)
    if number.isascii() and number.isdecimal() and len(number) < 19:
        wanted |= Q(pk=int(number))
    return rows.filter(wanted)


@dataclass(frozen=True, slots=True)
class WholeCase:
    """One case with everything that is known of it."""

    case: ReturnCase
    lines: list[ReturnCaseLine]
    events: list[CaseEvent]
    inspections: list[ReturnInspection]
    refunds: list[Refund]


def whole_case(case_id: int) -> WholeCase | None:
    """The case with lines, story (oldest first), inspections and refunds, or None. A fixed number of statements."""
    case = (
        ReturnCase.objects.select_related("order", "shop__channel", "node", "new_order", "return_doc", "customer")
        .filter(pk=case_id)
        .first()
    )
    if case is None:
        return None
    shares = Prefetch(
        "lines", RefundLine.objects.select_related("order_line__sku").prefetch_related("shares").order_by("id")
    )
    return WholeCase(
        case,
        list(ReturnCaseLine.objects.filter(case_id=case_id).select_related("sku", "wanted_sku").order_by("line_no")),
        list(CaseEvent.objects.filter(case_id=case_id).select_related("node").order_by("id")),
        list(
            ReturnInspection.objects.filter(case_line__case_id=case_id).select_related("case_line__sku").order_by("id")
        ),
        list(
            Refund.objects.filter(case_id=case_id)
            .prefetch_related(shares, Prefetch("tenders", RefundTender.objects.order_by("id")))
            .order_by("id")
        ),
    )


def cases_of_order(order_id: int) -> list[ReturnCase]:
    """The cases of one order with their node, the newest first. One statement."""
    return list(ReturnCase.objects.filter(order_id=order_id).select_related("node").order_by("-id"))


@dataclass(frozen=True, slots=True)
class Returnable:
    """A goods line and how many of its units may still be asked back."""

    line_no: int
    sku: str
    name: str
    bought: int
    left: int
    paid_minor: int


@dataclass(frozen=True, slots=True)
class ReturnableOrder:
    """What may still come back of an order."""

    order_id: int
    shop: str
    number: str
    status: str
    currency: str
    lines: list[Returnable] = field(default_factory=list)


def returnable(order_id: int) -> ReturnableOrder | None:
    """The goods of an order with what is left of each line, or None for an unknown order. Locks nothing."""
    facts = load([order_id], current_policy()[1]).get(order_id)
    if facts is None:
        return None
    return ReturnableOrder(
        facts.id,
        facts.shop,
        facts.number,
        facts.status,
        facts.currency,
        [
            Returnable(
                line.line_no,
                line.sku,
                line.name,
                line.qty,
                max(0, line.qty - line.taken - line.by_channel),
                line.amount_minor,
            )
            for line in facts.goods
        ],
    )


@dataclass(frozen=True, slots=True)
class ReturnPoint:
    """A node that takes returns (RET-06)."""

    id: int
    code: str
    name: str
    city: str


def return_points(nodes: Collection[int] | None = None) -> list[ReturnPoint]:
    """The nodes that take returns, by code; of those ``nodes`` only, where it is given. One statement."""
    rows: list[tuple[Any, ...]] = fetch_all(
        f"""SELECT n.id, n.code, n.name, n.city FROM network_node n
            WHERE n.is_active AND {TAKES_RETURNS} AND (%s::bigint[] IS NULL OR n.id = ANY(%s::bigint[]))
            ORDER BY n.code""",
        [None if nodes is None else sorted(nodes), None if nodes is None else sorted(nodes)],
    )
    return [ReturnPoint(*row) for row in rows]


@dataclass(frozen=True, slots=True)
class ReasonCount:
    """How often a reason was given: cases and units that were not refused or withdrawn."""

    reason: str
    is_quality: bool
    cases: int
    units: int


def reasons_given(start: datetime, end: datetime) -> list[ReasonCount]:
    """Why goods came back of cases asked for in [start, end), the most frequent first (RET-05, RET-07)."""
    rows = fetch_all(
        """SELECT l.reason, l.is_quality, count(DISTINCT l.case_id), sum(l.qty)::bigint
           FROM orders_returncaseline l JOIN orders_returncase c ON c.id = l.case_id
           WHERE c.requested_at >= %s AND c.requested_at < %s AND c.status NOT IN ('refused', 'withdrawn')
           GROUP BY 1, 2 ORDER BY 4 DESC, 1""",
        [start, end],
    )
    return [ReasonCount(*row) for row in rows]
