"""After-sale: the queue of customer service and one case with its steps, as usable at a counter as at a desk."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from tongpan.access.queries import can
from tongpan.console import exports
from tongpan.console.access import Request, page, who
from tongpan.console.aftersale_request import REASONS
from tongpan.console.choices import node_choices
from tongpan.console.lists import Column, FilterForm, listing, sort_of
from tongpan.console.saved_views import tabs_of
from tongpan.console.stock_lines import units_of
from tongpan.console.wording import localized
from tongpan.core.clock import utc_now
from tongpan.core.errors import Refusal
from tongpan.core.money import to_decimal
from tongpan.network.queries import nodes_of
from tongpan.orders.aftersale import actions
from tongpan.orders.aftersale.engine.outcomes import OPEN, CaseOutcome
from tongpan.orders.aftersale.queries import (
    NOBODY,
    CaseFilter,
    WholeCase,
    return_points,
    select_cases,
    whole_case,
)
from tongpan.orders.aftersale.specs import Found
from tongpan.orders.models import CaseKind, CaseStatus, Disposition

_SORTS = {"due": ("due_at", "pk"), "asked": ("requested_at", "pk"), "quoted": ("quoted_minor", "pk")}
COLUMNS = (
    Column("number", gettext_lazy("Case"), lambda row: row.number),
    Column("order", gettext_lazy("Order"), lambda row: row.order.external_id),
    Column("shop", gettext_lazy("Shop"), lambda row: row.shop.name),
    Column("kind", gettext_lazy("Kind"), lambda row: row.get_kind_display()),
    Column("status", gettext_lazy("Status"), lambda row: row.get_status_display()),
    Column("units", gettext_lazy("Units"), lambda row: row.units, is_number=True),
    Column(
        "quoted",
        gettext_lazy("Refund quoted"),
        lambda row: to_decimal(row.quoted_minor, row.currency),
        sort="quoted",
        is_number=True,
    ),
    Column("node", gettext_lazy("Comes back to"), lambda row: row.node.name if row.node else ""),
    Column("owner", gettext_lazy("Owner"), lambda row: row.owner),
    Column("due", gettext_lazy("Due"), lambda row: row.due_at, sort="due"),
    Column("asked", gettext_lazy("Asked for"), lambda row: row.requested_at, sort="asked"),
)
STEPS = {
    "requested": gettext_lazy("Asked for"),
    "approved": gettext_lazy("Approved"),
    "refused": gettext_lazy("Refused"),
    "withdrawn": gettext_lazy("Withdrawn"),
    "in_transit": gettext_lazy("Handed to the carrier"),
    "received": gettext_lazy("Goods received"),
    "inspected": gettext_lazy("Inspected"),
    "closed": gettext_lazy("Closed"),
    "assigned": gettext_lazy("Given to someone"),
    "instant_refund": gettext_lazy("Refunded at once"),
    "matched": gettext_lazy("The channel told of it"),
    "refund_approved": gettext_lazy("Refund approved"),
    "refund_paid": gettext_lazy("Refund paid"),
    "refund_failed": gettext_lazy("Refund failed"),
    "parcel_collected": gettext_lazy("Carrier: collected"),
    "parcel_in_transit": gettext_lazy("Carrier: on its way back"),
    "parcel_out_for_delivery": gettext_lazy("Carrier: out for delivery"),
    "parcel_delivered": gettext_lazy("Carrier: the parcel has arrived"),
    "parcel_exception": gettext_lazy("Carrier: something is wrong"),
    "parcel_returned": gettext_lazy("Carrier: it went back to the buyer"),
    "parcel_info": gettext_lazy("Carrier"),
}


TENDER_ACTIONS = {
    "pay_back": gettext_lazy("Paid back"),
    "restore": gettext_lazy("To be restored"),
    "exchange": gettext_lazy("Pays for what is sent instead"),
}


class CaseFilters(FilterForm):
    """status: "open" and "refund" are groups of them."""

    status = forms.ChoiceField(
        label=gettext_lazy("Status"),
        required=False,
        choices=[
            ("", gettext_lazy("All")),
            ("open", gettext_lazy("Open")),
            ("refund", gettext_lazy("Refund waits")),
            *CaseStatus.choices,
        ],
    )
    kind = forms.ChoiceField(
        label=gettext_lazy("Kind"), required=False, choices=[("", gettext_lazy("All")), *CaseKind.choices]
    )
    owner = forms.ChoiceField(label=gettext_lazy("Owner"), required=False)
    quality = forms.ChoiceField(
        label=gettext_lazy("Reason"),
        required=False,
        choices=[
            ("", gettext_lazy("All")),
            ("yes", gettext_lazy("Fault of quality")),
            ("no", gettext_lazy("Other reasons")),
        ],
    )
    node = forms.ChoiceField(label=gettext_lazy("Comes back to"), required=False)
    due = forms.ChoiceField(
        label=gettext_lazy("Due"),
        required=False,
        choices=[("", gettext_lazy("Any time")), ("late", gettext_lazy("Overdue"))],
    )
    rarely = ("quality", "node")

    def __init__(self, request: Request) -> None:
        me = request.user.get_username()
        owners = [("", _("All")), (me, _("Me")), (NOBODY, _("Nobody"))]
        super().__init__(request, {"owner": owners, "node": [("", _("All")), *node_choices()]})
        self.nodes = nodes_of(request.user.pk)

    def wanted(self) -> CaseFilter:
        given = self.values
        return CaseFilter(
            given.get("status", ""),
            given.get("kind", ""),
            given.get("owner", ""),
            utc_now() if given.get("due") else None,
            int(given["node"]) if "node" in given else None,
            quality=given.get("quality", ""),
            text=given.get("q", ""),
            nodes=self.nodes,
        )


def _sorted(rows: Any, sort: str) -> Any:
    sign = "-" if sort.startswith("-") else ""
    return rows.order_by(*(f"{sign}{name}" for name in _SORTS[sort.removeprefix("-")]))


@page("orders.view")
def case_list(request: Request) -> HttpResponse:
    """The queue, what is due first first."""
    filters = CaseFilters(request)
    rows = select_cases(filters.wanted())
    standard = [
        ("open", _("Open"), "status=open", _("Everything that waits for its next step")),
        ("mine", _("Mine"), f"owner={request.user.get_username()}&status=open", _("Open cases that I work on")),
        ("ask", _("To approve"), "status=requested", _("Requests that the policy leaves to a person")),
        ("late", _("Overdue"), "due=late", _("Open cases whose next step is late")),
        ("refund", _("Refund waits"), "status=refund", _("Refunds to approve or to pay")),
    ]
    context = {
        "section": "aftersale",
        "filters": filters,
        "views": tabs_of(request.user, "aftersale", request.META["QUERY_STRING"], standard),
        "may_approve": can(request.user, "returns.approve"),
        "may_edit": can(request.user, "returns.edit"),
        "now": utc_now(),
        "open_statuses": OPEN,
        "list": listing(
            request,
            COLUMNS,
            default_sort="due",
            fetch=lambda sort, offset, limit: list(_sorted(rows, sort)[offset : offset + limit]),
            count=lambda cap: rows[:cap].count(),
        ),
    }
    return render(request, "console/aftersale/list.html", context)


@page("data.export")
def case_export(request: Request) -> HttpResponseBase:
    """All cases of the filter."""
    rows = _sorted(select_cases(CaseFilters(request).wanted()), sort_of(request.GET, COLUMNS, "due"))
    return exports.respond("after-sale", COLUMNS, rows.iterator(chunk_size=2000), request.GET.get("format", ""))


@require_POST
@page("returns.edit")
def case_bulk(request: Request) -> HttpResponseBase:
    """Approve the chosen cases, or take them over; each has its own outcome."""
    ids = [int(text) for text in request.POST.getlist("id")[:500] if text.isascii() and text.isdecimal()]
    what = request.POST.get("what", "")
    if what == "approve" and not can(request.user, "returns.approve"):
        return render(request, "console/no_permission.html", {"permission": "returns.approve"}, status=403)
    outcomes: Sequence[CaseOutcome] = []
    if what == "approve":
        outcomes = actions.approve(ids, **who(request))
    elif what == "take":
        outcomes = actions.assign(ids, request.user.get_username(), **who(request))
    _tell(request, outcomes)
    return redirect(_back(request, "console:aftersale"))


def _back(request: Request, otherwise: str) -> str:
    came = request.POST.get("back", "")
    return came if came.startswith("/") and url_has_allowed_host_and_scheme(came, None) else otherwise


def _tell(request: Request, outcomes: Sequence[CaseOutcome]) -> None:
    done = sum(outcome.state != "refused" for outcome in outcomes)
    if done:
        messages.success(request, ngettext("%(n)d case done.", "%(n)d cases done.", done) % {"n": done})
    for outcome in [outcome for outcome in outcomes if outcome.state == "refused"][:5]:
        messages.error(request, localized(outcome.reason))


@page("orders.view")
def case_detail(request: Request, case_id: int) -> HttpResponseBase:
    """One case with its whole story; a POST takes its next step."""
    whole = _whole(request, case_id)
    if request.method == "POST":
        what = request.POST.get("step", "")
        permission = "returns.approve" if what in _APPROVING else "returns.edit"
        if not can(request.user, permission):
            return render(request, "console/no_permission.html", {"permission": permission}, status=403)
        _step(request, whole, what)
        return redirect("console:case", case_id)
    nodes = nodes_of(request.user.pk)
    case = whole.case
    context = {
        "section": "aftersale",
        "whole": whole,
        "case": case,
        "zone": case.shop.channel.zone,
        "may_edit": can(request.user, "returns.edit"),
        "may_approve": can(request.user, "returns.approve"),
        "is_open": case.status in OPEN,
        "is_late": case.due_at is not None and case.due_at < utc_now() and case.status in OPEN,
        "points": return_points(nodes) if case.status in {"approved", "in_transit"} else [],
        "has_arrived": case.status == "in_transit" and any(e.kind == "parcel_delivered" for e in whole.events),
        "dispositions": Disposition.choices,
        "timeline": [
            {"at": e.at, "title": STEPS.get(e.kind, e.kind), "text": _told(e), "actor": e.actor} for e in whole.events
        ][::-1],
        "reason_names": {code: REASONS.get(code, code) for code in {line.reason for line in whole.lines}},
        "tender_actions": TENDER_ACTIONS,
        "sentence": localized(case.answer["sentence"]),
        "approval": localized(case.answer.get("approval", "")),
        "can_repropose": bool(whole.refunds) and all(r.status == "failed" for r in whole.refunds),
    }
    return render(request, "console/aftersale/detail.html", context)


def _told(event: Any) -> str:
    words = [
        str(event.data[name]) for name in ("reason", "note", "owner", "number", "place", "text") if event.data.get(name)
    ]
    return " · ".join([*([event.node.name] if event.node else []), *words])


def _whole(request: Request, case_id: int) -> WholeCase:
    whole = whole_case(case_id)
    nodes = nodes_of(request.user.pk)
    # What is on its way to another store may still be handed in at mine; what another store has is its own.
    if whole is None or (nodes is not None and whole.case.received_at and whole.case.node_id not in nodes):
        raise Http404
    return whole


_APPROVING = ("approve", "refuse", "refund_approve", "refund_paid", "refund_failed")


def _step(request: Request, whole: WholeCase, what: str) -> None:
    """Take the step that the page asks for; what refuses it becomes a message."""
    case, given = whole.case, request.POST
    reason = given.get("reason", "").strip()
    refund_ids = [refund.pk for refund in whole.refunds if refund.status != "failed"]
    nodes = nodes_of(request.user.pk)
    by = who(request)
    steps: dict[str, Callable[[], Sequence[CaseOutcome]]] = {
        "approve": lambda: actions.approve([case.pk], note=reason, **by),
        "refuse": lambda: actions.refuse([case.pk], reason, **by),
        "withdraw": lambda: actions.withdraw([case.pk], reason, **by),
        "take": lambda: actions.assign([case.pk], request.user.get_username(), **by),
        "send": lambda: actions.send([(case.pk, given.get("carrier", ""), given.get("tracking_number", ""))], **by),
        "receive": lambda: actions.receive([case.pk], given.get("node", ""), nodes=nodes, **by),
        "inspect": lambda: [actions.inspect(case.pk, _found(request, whole), nodes=nodes, **by)],
        "refund_approve": lambda: actions.approve_refunds(refund_ids, **by),
        "refund_paid": lambda: actions.pay_refunds(refund_ids, given.get("reference", ""), **by),
        "refund_failed": lambda: actions.fail_refunds(refund_ids, reason, **by),
        "refund_again": lambda: actions.propose_again([case.pk], **by),
    }
    if what not in steps:
        return
    try:
        outcomes = steps[what]()
    except Refusal as refusal:
        messages.error(request, localized(refusal.sentence))
        return
    for outcome in outcomes:
        if outcome.state == "refused":
            messages.error(request, localized(outcome.reason))
        elif outcome.state == "unchanged":
            messages.info(request, _("Somebody has done that already."))
        else:
            messages.success(request, _("Done."))


def _found(request: Request, whole: WholeCase) -> list[Found]:
    """What was typed for each line and disposition. Raises Refusal units.invalid."""
    note = request.POST.get("note", "").strip()
    found = []
    for line in whole.lines:
        for disposition in Disposition.values:
            qty = units_of(request.POST, f"{disposition}-{line.line_no}")
            if qty:
                found.append(Found(line.line_no, disposition, qty, note))
    return found
