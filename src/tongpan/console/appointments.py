"""Appointments: who comes when, a new one from the free slots, one with its steps, and the kinds; for a phone too."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from tongpan.access.queries import can
from tongpan.console import exports
from tongpan.console.access import Request, page, who
from tongpan.console.lists import Column, FilterForm, listing, sort_of
from tongpan.console.saved_views import tabs_of
from tongpan.console.wording import localized
from tongpan.core.clock import DEFAULT_ZONE, business_day, utc_now, zone
from tongpan.core.errors import Refusal
from tongpan.fulfillment.services import appointments as actions
from tongpan.fulfillment.services.engine import APPOINTMENT_STEPS, KindSpec, ServiceOutcome
from tongpan.fulfillment.services.models import Appointment, AppointmentStatus
from tongpan.fulfillment.services.queries import (
    AppointmentFilter,
    kinds_by_code,
    masked,
    places,
    select_appointments,
    slots,
)
from tongpan.network.models import Facility
from tongpan.network.queries import nodes_of

_SORTS = {"at": ("starts_at", "pk")}
COLUMNS = (
    Column("number", _("Appointment"), lambda row: row.pk),
    Column("at", _("Time"), lambda row: row.starts_at, sort="at"),
    Column("kind", _("Kind"), lambda row: row.kind.name),
    Column("node", _("Node"), lambda row: row.node.name),
    Column("who", _("Customer"), lambda row: " ".join(masked(row))),
    Column("status", _("Status"), lambda row: row.get_status_display()),
    Column("note", _("Note"), lambda row: row.note),
)


class AppointmentFilters(FilterForm):
    day = forms.DateField(label=_("Day"), required=False)
    when = forms.ChoiceField(
        label=_("When"), required=False, choices=[("", _("Any time")), ("today", _("Today")), ("coming", _("To come"))]
    )
    node = forms.ChoiceField(label=_("Node"), required=False)
    kind = forms.ChoiceField(label=_("Kind"), required=False)
    status = forms.ChoiceField(label=_("Status"), required=False, choices=[("", _("All")), *AppointmentStatus.choices])

    def __init__(self, request: Request) -> None:
        self.nodes = nodes_of(request.user.pk)
        kinds = [(code, kind.name) for code, (_id, kind) in kinds_by_code().items()]
        nodes = [(str(one.id), one.name) for one in places("", self.nodes)]
        super().__init__(request, {"node": [("", gettext("All")), *nodes], "kind": [("", gettext("All")), *kinds]})

    def wanted(self) -> AppointmentFilter:
        given, now = self.values, utc_now()
        day = given.get("day") or (business_day(now, DEFAULT_ZONE) if given.get("when") == "today" else None)
        since = datetime.combine(day, datetime.min.time(), zone(DEFAULT_ZONE)) if day else None
        until = since + timedelta(days=1) if since else None
        if since is None and given.get("when") == "coming":
            since = now
        node_id = int(given["node"]) if "node" in given else None
        return AppointmentFilter(
            given.get("status", ""), given.get("kind", ""), node_id, since, until, given.get("q", ""), self.nodes
        )


def _sorted(rows: Any, sort: str) -> Any:
    sign = "-" if sort.startswith("-") else ""
    return rows.order_by(*(f"{sign}{name}" for name in _SORTS[sort.removeprefix("-")]))


@page("orders.view")
def appointment_list(request: Request) -> HttpResponse:
    """Who comes when to the nodes where the person works."""
    filters = AppointmentFilters(request)
    rows = select_appointments(filters.wanted())
    standard = [
        ("today", gettext("Today"), "when=today", gettext("Everybody who comes today")),
        ("coming", gettext("To come"), "when=coming&status=booked", gettext("Booked, and the time is still to come")),
        ("missed", gettext("Did not come"), "status=no_show", gettext("People to ask for another time")),
    ]
    context = {
        "section": "appointments",
        "filters": filters,
        "views": tabs_of(request.user, "appointments", request.META["QUERY_STRING"], standard),
        "may_work": can(request.user, "fulfillment.work"),
        "may_edit": can(request.user, "network.edit"),
        "list": listing(
            request,
            COLUMNS,
            default_sort="at",
            fetch=lambda sort, offset, limit: [
                (row, *masked(row)) for row in _sorted(rows, sort)[offset : offset + limit]
            ],
            count=lambda cap: rows.order_by()[:cap].count(),
        ),
    }
    return render(request, "console/appointments/list.html", context)


@page("data.export")
def appointment_export(request: Request) -> HttpResponseBase:
    """All appointments of the filter; names and phones masked."""
    rows = _sorted(select_appointments(AppointmentFilters(request).wanted()), sort_of(request.GET, COLUMNS, "at"))
    return exports.respond("appointments", COLUMNS, rows.iterator(chunk_size=2000), request.GET.get("format", ""))


@require_POST
@page("fulfillment.work")
def appointment_bulk(request: Request) -> HttpResponse:
    """One step for the chosen appointments; each has its own outcome."""
    ids = [int(text) for text in request.POST.getlist("id")[:200] if text.isascii() and text.isdecimal()]
    step = request.POST.get("step", "")
    if ids and step in APPOINTMENT_STEPS:
        _tell(request, actions.take_step(step, ids, nodes=nodes_of(request.user.pk), **who(request)))
    else:
        messages.warning(request, gettext("Choose at least one appointment."))
    back = request.POST.get("back", "")
    return redirect(back if back.startswith("/appointments/") else "console:appointments")


def _tell(request: Request, outcomes: Sequence[ServiceOutcome]) -> None:
    if done := Counter(outcome.state for outcome in outcomes)["done"]:
        told = ngettext("%(n)d appointment done.", "%(n)d appointments done.", done) % {"n": done}
        messages.success(request, told)
    for outcome in [o for o in outcomes if o.state == "refused"][:5]:
        messages.error(request, localized(outcome.reason))


class SlotForm(forms.Form):
    """Which kind, where, on which day: what the free slots depend on."""

    kind = forms.ChoiceField(label=_("Kind"))
    node = forms.ChoiceField(label=_("Node"))
    day = forms.DateField(label=_("Day"), widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}))

    def __init__(self, data: Any, request: Request) -> None:
        self.kinds = {code: kind for code, (_id, kind) in kinds_by_code().items() if kind.is_active}
        wanted = self.kinds.get(data.get("kind") or next(iter(self.kinds), ""))
        self.nodes = places(wanted.facility if wanted else "", nodes_of(request.user.pk))
        given = {
            "kind": data.get("kind") or next(iter(self.kinds), ""),
            "node": data.get("node") or (self.nodes[0].code if self.nodes else ""),
            "day": data.get("day") or f"{business_day(utc_now(), DEFAULT_ZONE)}",
        }
        super().__init__(given)
        self.fields["kind"].choices = [(code, kind.name) for code, kind in self.kinds.items()]  # type: ignore[attr-defined]
        self.fields["node"].choices = [(one.code, one.name) for one in self.nodes]  # type: ignore[attr-defined]

    def slots(self) -> list[Any]:
        """What the node offers; [] when a choice is not valid."""
        if not self.is_valid():
            return []
        given = self.cleaned_data
        node_id = next(one.id for one in self.nodes if one.code == given["node"])
        return slots(node_id, self.kinds[given["kind"]], now=utc_now(), day=given["day"])


def _instant(text: str) -> datetime:
    """Raises Refusal appointment.time."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = datetime.min
    if at.tzinfo is None:
        raise Refusal("appointment.time", gettext("Choose a time."))
    return at


@page("fulfillment.work")
def appointment_new(request: Request) -> HttpResponse:
    """Choose kind, node and day, then one of the slots, and say who comes."""
    form = SlotForm(request.POST if request.method == "POST" else request.GET, request)
    context: dict[str, Any] = {"section": "appointments", "form": form, "given": {}}
    if request.method == "POST" and form.is_valid():
        given = {name: request.POST.get(name, "").strip() for name in ("customer", "name", "phone", "note")}
        try:
            at = _instant(request.POST.get("starts_at", ""))
            spec = actions.BookingSpec(form.cleaned_data["kind"], form.cleaned_data["node"], at, **given)
            (outcome,) = actions.book([spec], nodes=nodes_of(request.user.pk), **who(request))
        except Refusal as refusal:
            outcome = ServiceOutcome(0, "refused", "", refusal.code, str(refusal))
        if outcome.state == "done":
            messages.success(request, gettext("The appointment is booked."))
            return redirect("console:appointment", outcome.id)
        context |= {"given": given, "problem": localized(outcome.reason), "chosen": request.POST.get("starts_at", "")}
    context["slots"] = form.slots()
    return render(request, "console/appointments/new.html", context, status=422 if context.get("problem") else 200)


@page("orders.view")
def appointment_detail(request: Request, appointment_id: int) -> HttpResponse:
    """One appointment; a POST takes a step, moves it, or shows who comes (which is audited)."""
    nodes = nodes_of(request.user.pk)
    one = select_appointments(AppointmentFilter(nodes=nodes)).filter(pk=appointment_id).first()
    if one is None:
        raise Http404
    contact = None
    if request.method == "POST":
        what = request.POST.get("step", "")
        if not can(request.user, "fulfillment.work"):
            return render(request, "console/no_permission.html", {"permission": "fulfillment.work"}, status=403)
        if what == "contact":
            contact = actions.reveal(one.pk, nodes=nodes, **who(request))
        else:
            _tell(request, _do(request, one, what))
            return redirect("console:appointment", one.pk)
    data = {"kind": one.kind.code, "node": one.node.code, "day": request.GET.get("day", "")}
    form = SlotForm(data, request)
    context = {
        "section": "appointments",
        "one": one,
        "who": masked(one),
        "contact": contact,
        "may_work": can(request.user, "fulfillment.work"),
        "form": form,
        "slots": form.slots() if one.status == AppointmentStatus.BOOKED else [],
    }
    response = render(request, "console/appointments/detail.html", context)
    response.headers["Cache-Control"] = "private, no-store"
    return response


def _do(request: Request, one: Appointment, what: str) -> list[ServiceOutcome]:
    nodes = nodes_of(request.user.pk)
    if what in APPOINTMENT_STEPS:
        return actions.take_step(what, [one.pk], nodes=nodes, **who(request))
    try:
        return [actions.move(one.pk, _instant(request.POST.get("starts_at", "")), nodes=nodes, **who(request))]
    except Refusal as refusal:
        return [ServiceOutcome(one.pk, "refused", one.status, refusal.code, str(refusal))]


class KindForm(forms.Form):
    code = forms.SlugField(label=_("Code"), max_length=40)
    name = forms.CharField(label=_("Name"), max_length=80)
    minutes = forms.IntegerField(label=_("Minutes"), min_value=5, max_value=1440, initial=60)
    capacity = forms.IntegerField(label=_("People in one slot"), min_value=1, max_value=500, initial=1)
    facility = forms.ChoiceField(label=_("Facility of the node"), choices=Facility.choices, initial="appointment")
    notice_minutes = forms.IntegerField(
        label=_("Minutes before, at the latest"), min_value=0, max_value=20_160, initial=60
    )
    ahead_days = forms.IntegerField(label=_("Days before, at the earliest"), min_value=1, max_value=365, initial=30)
    remind_hours = forms.IntegerField(label=_("Reminder, hours before"), min_value=0, max_value=720, initial=24)
    is_active = forms.BooleanField(label=_("Can be booked"), required=False, initial=True)


@page("network.edit")
def appointment_kinds(request: Request) -> HttpResponse:
    """The kinds of appointment, and a form for one."""
    kinds = {code: kind for code, (_id, kind) in kinds_by_code().items()}
    open_one = kinds.get(request.GET.get("code", ""))
    initial = {name: getattr(open_one, name) for name in KindSpec.__slots__} if open_one else None
    form = KindForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            actions.save_kinds([KindSpec(**form.cleaned_data)], **who(request))
        except Refusal as refusal:
            form.add_error(None, localized(str(refusal)))
        else:
            messages.success(request, gettext("Saved."))
            return redirect("console:appointment_kinds")
    context = {"section": "appointments", "kinds": kinds.values(), "form": form, "facilities": dict(Facility.choices)}
    return render(request, "console/appointments/kinds.html", context, status=422 if form.errors else 200)
