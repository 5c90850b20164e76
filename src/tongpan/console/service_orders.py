"""Service orders: the queue of installations and repairs, a new one, and one with its steps; for a phone too."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from tongpan.access.queries import can
from tongpan.console import exports
from tongpan.console.access import Request, page, who
from tongpan.console.lists import Column, FilterForm, listing, sort_of
from tongpan.console.saved_views import tabs_of
from tongpan.console.wording import localized
from tongpan.core.clock import utc_now
from tongpan.core.errors import Refusal
from tongpan.fulfillment.services import orders as actions
from tongpan.fulfillment.services.engine import OPEN_SERVICES, SERVICE_STEPS, ServiceOutcome
from tongpan.fulfillment.services.models import ServiceKind, ServiceOrder, ServiceStatus
from tongpan.fulfillment.services.service_queries import ServiceFilter, candidates, select_services
from tongpan.network.queries import active_nodes, nodes_of
from tongpan.orders.models import Order

_SORTS = {"due": ("due_at", "pk")}
_OFFICE = ("assign", "cancel")
COLUMNS = (
    Column("number", _("Service order"), lambda row: row.pk),
    Column("kind", _("Kind"), lambda row: row.get_kind_display()),
    Column("status", _("Status"), lambda row: row.get_status_display()),
    Column("goods", _("Goods"), lambda row: row.goods),
    Column("order", _("Order"), lambda row: row.order.external_id if row.order else ""),
    Column("place", _("Place"), lambda row: f"{row.province} {row.city}".strip()),
    Column("node", _("Node"), lambda row: row.node.name if row.node else ""),
    Column("due", _("Due"), lambda row: row.due_at, sort="due"),
    Column("coming", _("Somebody comes"), lambda row: row.starts_at),
)


class ServiceFilters(FilterForm):
    """status: "open" is a group."""

    status = forms.ChoiceField(
        label=_("Status"), required=False, choices=[("", _("All")), ("open", _("Open")), *ServiceStatus.choices]
    )
    kind = forms.ChoiceField(label=_("Kind"), required=False, choices=[("", _("All")), *ServiceKind.choices])
    node = forms.ChoiceField(label=_("Node"), required=False)
    due = forms.ChoiceField(label=_("Due"), required=False, choices=[("", _("Any time")), ("late", _("Overdue"))])

    def __init__(self, request: Request) -> None:
        self.nodes = nodes_of(request.user.pk)
        mine = [one for one in active_nodes() if self.nodes is None or one.pk in self.nodes]
        super().__init__(request, {"node": [("", gettext("All")), *((str(one.pk), one.name) for one in mine)]})

    def wanted(self) -> ServiceFilter:
        given = self.values
        return ServiceFilter(
            given.get("status", ""),
            given.get("kind", ""),
            int(given["node"]) if "node" in given else None,
            utc_now() if "due" in given else None,
            given.get("q", ""),
            self.nodes,
        )


def _sorted(rows: Any, sort: str) -> Any:
    sign = "-" if sort.startswith("-") else ""
    return rows.order_by(*(f"{sign}{name}" for name in _SORTS[sort.removeprefix("-")]))


@page("orders.view")
def service_list(request: Request) -> HttpResponse:
    """The queue, what is due first first."""
    filters = ServiceFilters(request)
    rows = select_services(filters.wanted())
    standard = [
        ("open", gettext("Open"), "status=open", gettext("Everything that waits for its next step")),
        ("assign", gettext("To assign"), "status=requested", gettext("Nobody was asked yet")),
        ("rejected", gettext("Rejected"), "status=rejected", gettext("Somebody else must be asked")),
        ("late", gettext("Overdue"), "due=late", gettext("Open, and past the time by which it should be done")),
    ]
    context = {
        "section": "services",
        "filters": filters,
        "views": tabs_of(request.user, "services", request.META["QUERY_STRING"], standard),
        "may_work": can(request.user, "fulfillment.work"),
        "now": utc_now(),
        "open_statuses": OPEN_SERVICES,
        "list": listing(
            request,
            COLUMNS,
            default_sort="due",
            fetch=lambda sort, offset, limit: list(_sorted(rows, sort)[offset : offset + limit]),
            count=lambda cap: rows.order_by()[:cap].count(),
        ),
    }
    return render(request, "console/services/list.html", context)


@page("data.export")
def service_export(request: Request) -> HttpResponseBase:
    """All service orders of the filter; without names and addresses."""
    rows = _sorted(select_services(ServiceFilters(request).wanted()), sort_of(request.GET, COLUMNS, "due"))
    return exports.respond("services", COLUMNS, rows.iterator(chunk_size=2000), request.GET.get("format", ""))


class ServiceForm(forms.Form):
    """A new service order; of an order the place and the person are its own."""

    kind = forms.ChoiceField(label=_("Kind"), choices=ServiceKind.choices)
    line_no = forms.ChoiceField(label=_("Line of the order"), required=False)
    goods = forms.CharField(label=_("Goods"), max_length=200, required=False)
    note = forms.CharField(label=_("What is to be done"), max_length=300, required=False)
    name = forms.CharField(label=_("Name"), max_length=80, required=False)
    phone = forms.CharField(label=_("Phone"), max_length=40, required=False)
    province = forms.CharField(label=_("Province"), max_length=60, required=False)
    city = forms.CharField(label=_("City"), max_length=60, required=False)
    address = forms.CharField(label=_("Address"), max_length=300, required=False)

    def __init__(self, data: Any, order: Order | None) -> None:
        super().__init__(data)
        if order is None:
            del self.fields["line_no"]
            return
        lines = order.lines.filter(kind="goods").order_by("line_no")
        choices = [(str(line.line_no), f"{line.line_no} · {line.name}") for line in lines]
        self.fields["line_no"].choices = [("", gettext("The whole order")), *choices]  # type: ignore[attr-defined]
        for name in ("name", "phone", "province", "city", "address"):
            del self.fields[name]

    def spec(self, order: Order | None) -> actions.ServiceSpec:
        """What was asked for. Call it when the form is valid."""
        given = dict(self.cleaned_data)
        line = given.pop("line_no", "")
        return actions.ServiceSpec(**given, order_id=order.pk if order else None, line_no=int(line) if line else None)


@page("fulfillment.work")
def service_new(request: Request) -> HttpResponse:
    """Ask for an installation or a repair, of the order that the address names or by itself."""
    wanted = request.GET.get("order", "")
    is_number = wanted.isascii() and wanted.isdigit() and len(wanted) < 18
    order = Order.objects.filter(pk=int(wanted)).first() if is_number else None
    form = ServiceForm(request.POST or None, order)
    if request.method == "POST" and form.is_valid():
        (outcome,) = actions.request_services([form.spec(order)], **who(request))
        if outcome.state == "done":
            messages.success(request, gettext("The service order is there; the office assigns it."))
            mine = nodes_of(request.user.pk)
            return redirect("console:service", outcome.id) if mine is None else redirect("console:services")
        form.add_error(None, localized(outcome.reason))
    context = {"section": "services", "form": form, "order": order}
    return render(request, "console/services/new.html", context, status=422 if form.errors else 200)


class TimeForm(forms.Form):
    starts_at = forms.DateTimeField()
    ends_at = forms.DateTimeField()


@page("orders.view")
def service_detail(request: Request, service_id: int) -> HttpResponse:
    """One service order; a POST takes a step, or shows where to go (which is audited)."""
    nodes = nodes_of(request.user.pk)
    one = select_services(ServiceFilter(nodes=nodes)).filter(pk=service_id).first()
    if one is None:
        raise Http404
    may_work, may_edit = can(request.user, "fulfillment.work"), can(request.user, "orders.edit")
    contact = None
    if request.method == "POST":
        step = request.POST.get("step", "")
        needed = "orders.edit" if step in _OFFICE else "fulfillment.work"
        if not can(request.user, needed):
            return render(request, "console/no_permission.html", {"permission": needed}, status=403)
        if step == "contact":
            contact = actions.reveal_contact(one.pk, nodes=nodes, **who(request))
        elif step in SERVICE_STEPS:
            _tell(request, _do(request, one, step))
            return redirect("console:service", one.pk)
    context = {
        "section": "services",
        "one": one,
        "contact": contact,
        "steps": one.steps.select_related("node").order_by("id"),
        "places": candidates(one, utc_now()) if may_edit and one.status in OPEN_SERVICES else [],
        "may": {step for step, (_to, allowed) in SERVICE_STEPS.items() if one.status in allowed},
        "may_work": may_work,
        "may_edit": may_edit,
        "is_open": one.status in OPEN_SERVICES,
        "now": utc_now(),
    }
    response = render(request, "console/services/detail.html", context)
    response.headers["Cache-Control"] = "private, no-store"
    return response


def _do(request: Request, one: ServiceOrder, step: str) -> list[ServiceOutcome]:
    nodes, given = nodes_of(request.user.pk), request.POST
    if step == "assign":
        return actions.assign([one.pk], given.get("node", ""), **who(request))
    times = TimeForm(given) if step == "schedule" else None
    when = times.cleaned_data if times is not None and times.is_valid() else {}
    try:
        return actions.take_service_step(step, [one.pk], given.get("note", ""), nodes=nodes, **when, **who(request))
    except Refusal as refusal:
        return [ServiceOutcome(one.pk, "refused", one.status, refusal.code, str(refusal))]


def _tell(request: Request, outcomes: Sequence[ServiceOutcome]) -> None:
    for outcome in outcomes:
        if outcome.state == "refused":
            messages.error(request, localized(outcome.reason))
        else:
            messages.success(request, gettext("The service order is %(status)s.") % {"status": _status(outcome)})


def _status(outcome: ServiceOutcome) -> str:
    return str(ServiceStatus(outcome.status).label)
