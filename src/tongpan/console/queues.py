"""Queues of the nodes: what waits for which step, the steps for many at once, and the papers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from tongpan.access.queries import can
from tongpan.console import exports
from tongpan.console.access import Request, page, who
from tongpan.console.choices import node_choices
from tongpan.console.lists import Column, FilterForm, listing
from tongpan.console.wording import localized
from tongpan.core.clock import utc_now
from tongpan.core.errors import Refusal
from tongpan.fulfillment.actions.desk import accept, make_ready, pack, pick
from tongpan.fulfillment.actions.dispatch import dispatch
from tongpan.fulfillment.actions.handing import collect, find_code, hand_over
from tongpan.fulfillment.actions.refusing import SAYABLE, reject
from tongpan.fulfillment.actions.scheduled import release
from tongpan.fulfillment.models import RejectReason
from tongpan.fulfillment.papers.loading import KINDS, print_papers
from tongpan.fulfillment.pickup.codes import read_code
from tongpan.fulfillment.queues import MOST_AT_ONCE, chosen, most_urgent, queue, work_of_nodes
from tongpan.fulfillment.states import StepOutcome
from tongpan.network.queries import nodes_of
from tongpan.orders.models import DeliveryMethod

STAGES = (
    ("", _("All")),
    ("offered", _("Offered")),
    ("pick", _("To pick")),
    ("pack", _("To pack")),
    ("dispatch", _("To dispatch")),
    ("collect", _("Waits for its buyer")),
    ("later", _("Waits for its slot")),
)
STEPS = {"accept": accept, "pick": pick, "pack": pack, "ready": make_ready, "release": release}
COLUMNS = (
    Column("parcel", _("Parcel"), lambda row: row.pk),
    Column("order", _("Order"), lambda row: row.order.external_id),
    Column("node", _("Node"), lambda row: row.node.name),
    Column("status", _("Status"), lambda row: row.get_status_display()),
    Column("method", _("Delivery"), lambda row: row.order.get_delivery_method_display()),
    Column("contents", _("Contents"), lambda row: ", ".join(f"{i.sku.code} × {i.qty}" for i in row.lines.all())),
    Column("due", _("Due"), lambda row: row.due),
    Column("by", _("By"), lambda row: row.worked_by),
)


class QueueFilters(FilterForm):
    stage = forms.ChoiceField(label=_("Step"), required=False)
    node = forms.ChoiceField(label=_("Node"), required=False)
    method = forms.ChoiceField(label=_("Delivery"), required=False)

    def __init__(self, request: HttpRequest) -> None:
        choices = {
            "stage": STAGES,
            "node": [("", _("All")), *node_choices()],
            "method": [("", _("All")), *DeliveryMethod.choices],
        }
        super().__init__(request, choices)

    def wanted(self, mine: Collection[int] | None) -> Any:
        given = self.values
        nodes = mine
        if "node" in given:
            nodes = {int(given["node"])} if mine is None else {int(given["node"])} & set(mine)
        return queue(given.get("stage", ""), nodes, text=given.get("q", ""), method=given.get("method", ""))


@page("orders.view")
def queue_list(request: Request) -> HttpResponse:
    """What waits at the nodes where the person works, the most urgent first."""
    filters, mine, now = QueueFilters(request), nodes_of(request.user.pk), utc_now()
    rows = most_urgent(filters.wanted(mine))
    context = {
        "section": "queues",
        "filters": filters,
        "work": work_of_nodes(mine, now)[:12],
        "now": now,
        "may_work": can(request.user, "fulfillment.work"),
        "reasons": [(reason, RejectReason(reason).label) for reason in SAYABLE],
        "list": listing(
            request,
            COLUMNS,
            default_sort="",
            fetch=lambda _sort, offset, limit: list(rows[offset : offset + limit]),
            count=lambda cap: rows[:cap].count(),
        ),
    }
    return render(request, "console/queues/list.html", context)


@page("data.export")
def queue_export(request: Request) -> HttpResponseBase:
    """All that waits, of the filter."""
    rows = most_urgent(QueueFilters(request).wanted(nodes_of(request.user.pk)))
    return exports.respond("queues", COLUMNS, rows.iterator(chunk_size=2000), request.GET.get("format", ""))


def _ids(texts: list[str]) -> list[int]:
    return [int(text) for text in texts if text.isascii() and text.isdigit() and len(text) < 18][:MOST_AT_ONCE]


@require_POST
@page("fulfillment.work")
def queue_step(request: Request) -> HttpResponse:
    """Take one step with the chosen parcels; what cannot be taken is said, parcel by parcel."""
    step, ids = request.POST.get("step", ""), _ids(request.POST.getlist("id"))
    nodes = nodes_of(request.user.pk)
    back = redirect(f"{request.POST.get('back', '')}" if _is_here(request.POST.get("back", "")) else "console:queues")
    if not ids:
        messages.warning(request, gettext("Choose at least one parcel."))
        return back
    try:
        if step == "reject":
            given = request.POST
            outcomes = reject(ids, given.get("reason", ""), given.get("note", ""), nodes=nodes, **who(request))
        elif step == "hand_over":
            outcomes = hand_over(ids, request.POST.get("note", ""), nodes=nodes, **who(request))
        elif step == "dispatch":
            outcomes = _dispatched(request, ids, nodes)
        else:
            outcomes = STEPS[step](ids, nodes=nodes, **who(request)) if step in STEPS else []
    except Refusal as refusal:
        messages.error(request, localized(str(refusal)))
        return back
    _tell(request, outcomes)
    return back


def _is_here(address: str) -> bool:
    return address.startswith("/queues/")


def _dispatched(request: Request, ids: list[int], nodes: Collection[int] | None) -> list[StepOutcome]:
    """Parcels leave without a carrier's number; those that cannot are said."""
    mine = [row.pk for row in chosen(ids, nodes) if row.order.delivery_method != "pickup"]
    gone = set(dispatch(mine, at=utc_now(), actor=who(request)["actor"]))
    no = gettext("It has left already, waits for its buyer, or is held back.")
    return [
        StepOutcome(i, "done", "dispatched") if i in gone else StepOutcome(i, "refused", "", "fulfillment.status", no)
        for i in ids
    ]


def _tell(request: Request, outcomes: list[StepOutcome]) -> None:
    counts = Counter(outcome.state for outcome in outcomes)
    if done := counts["done"]:
        told = ngettext("%(count)d parcel went on.", "%(count)d parcels went on.", done) % {"count": done}
        messages.success(request, told)
    for outcome in [o for o in outcomes if o.state == "refused"][:5]:
        messages.error(request, localized(outcome.reason))


@page("fulfillment.work")
def queue_papers(request: Request, kind: str) -> HttpResponse:
    """The papers of the chosen parcels as one PDF, shown in the browser."""
    ids = _ids(request.GET.getlist("id"))
    link = request.build_absolute_uri("/p/") + "{code}"
    try:
        if kind not in KINDS or not ids:
            raise Refusal("paper.none", gettext("Choose at least one parcel."))
        content = print_papers(kind, ids, link=link, nodes=nodes_of(request.user.pk), **who(request))
    except Refusal as refusal:
        messages.error(request, localized(str(refusal)))
        return redirect("console:queues")
    response = HttpResponse(content, content_type="application/pdf")
    response.headers["Content-Disposition"] = f'inline; filename="{kind}.pdf"'
    response.headers["Cache-Control"] = "private, no-store"
    return response


@page("fulfillment.work")
def pickup(request: Request, code: str = "") -> HttpResponse:
    """Verify a pickup code on a phone: look first, then hand over. The link of a QR leads here."""
    given = request.POST.get("code", "") or request.GET.get("code", "") or code
    nodes = nodes_of(request.user.pk)
    context: dict[str, Any] = {"section": "queues", "code": given, "found": None, "problem": "", "done": False}
    if request.method == "POST":
        outcome = collect(given, nodes=nodes, **who(request))
        if outcome.state == "done":
            context |= {"done": True, "rows": chosen([outcome.fulfillment_id]), "code": ""}
        else:
            context["problem"] = localized(outcome.reason or gettext("It was handed over already."))
    elif given:
        try:
            found = find_code(given, nodes=nodes, **who(request))
        except Refusal as refusal:
            context["problem"] = localized(str(refusal))
        else:
            context |= {"found": found, "rows": chosen([found.fulfillment_id]), "code": read_code(given)}
    response = render(request, "console/queues/pickup.html", context)
    response.headers["Cache-Control"] = "private, no-store"
    return response
