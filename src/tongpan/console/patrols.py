"""Patrols: what is due, the plans; competitors and price wars; complaints about prices."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from tongpan.access.queries import can
from tongpan.console import exports
from tongpan.console.access import Request, page, who
from tongpan.console.lists import Column, FilterForm, listing, sort_of
from tongpan.console.observations import channel_choices, sorted_by
from tongpan.console.patrol_words import ACTIONS, CONFLICTS, SUGGESTION_REASONS
from tongpan.console.saved_views import tabs_of
from tongpan.console.wording import localized
from tongpan.core.clock import utc_now
from tongpan.core.errors import Refusal
from tongpan.core.money import to_decimal
from tongpan.pricing.patrol.actions import PlanSpec, save_plan
from tongpan.pricing.patrol.models import PatrolPlan
from tongpan.pricing.patrol.queries.observations import Competing, competing, select_complaints, select_wars
from tongpan.pricing.patrol.queries.patrols import due_list, plan_goods, plans

DUE_COLUMNS = (
    Column("sku", _("SKU"), lambda row: row.sku),
    Column("name", _("Name"), lambda row: row.sku_name),
    Column("channel", _("Channel"), lambda row: row.channel_zh),
    Column("plan", _("Plan"), lambda row: row.plan),
    Column("assignee", _("Who looks"), lambda row: row.assignee),
    Column("last", _("Last seen"), lambda row: row.last_at),
    Column("due", _("Due"), lambda row: row.due_at),
    Column("late", _("Days late"), lambda row: row.days_late, is_number=True),
)


class DueFilters(FilterForm):
    who = forms.ChoiceField(label=_("Who looks"), required=False)
    late = forms.ChoiceField(
        label=_("Due"), required=False, choices=[("", _("All")), ("yes", _("Overdue by a day or more"))]
    )

    def __init__(self, request: Request) -> None:
        people = sorted({plan.assignee for plan in plans()})
        super().__init__(request, {"who": [("", _("All")), *((name, name) for name in people)]})

    def rows(self) -> list[Any]:
        given = self.values
        rows = due_list(utc_now(), assignee=given.get("who", ""), overdue="late" in given)
        text = given.get("q", "").lower()
        return [row for row in rows if text in f"{row.sku} {row.sku_name} {row.plan}".lower()]


@page("prices.view")
def patrol_board(request: Request) -> HttpResponse:
    """What is due to be looked at, and the plans."""
    filters = DueFilters(request)
    rows = filters.rows()
    context = {
        "section": "observations",
        "tab": "patrol",
        "filters": filters,
        "plans": list(plans()),
        "late": sum(row.days_late > 0 for row in rows),
        "due": len(rows),
        "may_edit": can(request.user, "prices.edit"),
        "views": tabs_of(request.user, "patrol", request.META["QUERY_STRING"]),
        "list": listing(
            request,
            DUE_COLUMNS,
            default_sort="",
            fetch=lambda _sort, offset, limit: rows[offset : offset + limit],
            count=lambda _cap: len(rows),
        ),
    }
    return render(request, "console/patrol/board.html", context)


@page("data.export")
def patrol_export(request: Request) -> HttpResponseBase:
    return exports.respond("patrol-due", DUE_COLUMNS, DueFilters(request).rows(), request.GET.get("format", ""))


class PlanForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=80)
    skus = forms.CharField(
        label=_("SKUs"), widget=forms.Textarea(attrs={"rows": 4}), help_text=_("Codes, with blanks or commas between.")
    )
    channels = forms.MultipleChoiceField(label=_("Channels"), widget=forms.CheckboxSelectMultiple)
    every_days = forms.IntegerField(label=_("Every so many days"), min_value=1, max_value=366, initial=7)
    assignee = forms.CharField(label=_("Who looks"), max_length=150)
    starts_on = forms.DateField(label=_("From day"), widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}))
    is_active = forms.BooleanField(label=_("The plan is in force"), required=False, initial=True)
    note = forms.CharField(label=_("Note"), required=False, max_length=300)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["channels"]
        assert isinstance(field, forms.MultipleChoiceField)  # noqa: S101 - declared above
        field.choices = channel_choices()


@page("prices.edit")
def plan_edit(request: Request) -> HttpResponse:
    """Make a plan, or change the one that the address names."""
    plan = PatrolPlan.objects.filter(name=request.GET.get("plan", "")).first()
    initial: dict[str, Any] = {"assignee": request.user.get_username(), "starts_on": utc_now().date()}
    if plan is not None:
        skus, chosen = plan_goods(plan.pk)
        initial = {
            "name": plan.name,
            "skus": " ".join(skus),
            "channels": chosen,
            "every_days": plan.every_days,
            "assignee": plan.assignee,
            "starts_on": plan.starts_on,
            "is_active": plan.is_active,
            "note": plan.note,
        }
    form = PlanForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        codes = given["skus"].replace(",", " ").replace("，", " ").split()
        spec = PlanSpec(**(given | {"skus": tuple(codes), "channels": tuple(given["channels"])}))
        try:
            save_plan(spec, **who(request))
        except Refusal as refusal:
            form.add_error(None, localized(refusal.sentence))
        else:
            messages.success(request, gettext("The plan is kept."))
            return redirect("console:patrol")
    return render(request, "console/patrol/plan.html", {"section": "observations", "form": form, "plan": plan})


RIVAL_COLUMNS = (
    Column("sku", _("SKU"), lambda row: row.sku),
    Column("channel", _("Channel"), lambda row: row.channel),
    Column("ours", _("Our price"), lambda row: to_decimal(row.ours_minor, row.currency), is_number=True),
    Column("rival", _("Lowest competitor"), lambda row: row.suggestion.rival.seller),
    Column(
        "theirs",
        _("Their price"),
        lambda row: to_decimal(row.suggestion.rival.effective_minor, row.currency),
        is_number=True,
    ),
    Column("gap", _("Gap (%)"), lambda row: row.suggestion.gap_bp / 100, is_number=True),
    Column("proposal", _("Proposal"), lambda row: str(ACTIONS[row.suggestion.action])),
    Column("reasons", _("Why"), lambda row: "; ".join(_reasons(row))),
)


def _reasons(row: Competing) -> list[str]:
    made = []
    for code, figures in row.suggestion.reasons:
        words = {n: v if n == "percent" else to_decimal(v, row.currency) for n, v in figures.items()}
        made.append(str(SUGGESTION_REASONS[code]) % words)
    return made


class RivalFilters(FilterForm):
    action = forms.ChoiceField(label=_("Proposal"), required=False, choices=[("", _("All")), *ACTIONS.items()])

    def rows(self) -> list[Competing]:
        given = self.values
        rows = competing(utc_now(), text=given.get("q", ""))
        return [row for row in rows if given.get("action", row.suggestion.action) == row.suggestion.action]


@page("prices.view")
def rival_list(request: Request) -> HttpResponse:
    """Our prices against competitors', each with a proposal; and the price wars that go on."""
    filters = RivalFilters(request)
    rows = filters.rows()
    context = {
        "section": "observations",
        "tab": "rivals",
        "filters": filters,
        "wars": list(select_wars(is_open=True).order_by("-pk")[:20]),
        "actions": ACTIONS,
        "views": tabs_of(request.user, "rivals", request.META["QUERY_STRING"]),
        "list": listing(
            request,
            RIVAL_COLUMNS,
            default_sort="",
            fetch=lambda _sort, offset, limit: [(row, _reasons(row)) for row in rows[offset : offset + limit]],
            count=lambda _cap: len(rows),
        ),
    }
    return render(request, "console/patrol/rivals.html", context)


@page("data.export")
def rival_export(request: Request) -> HttpResponseBase:
    return exports.respond("competitors", RIVAL_COLUMNS, RivalFilters(request).rows(), request.GET.get("format", ""))


COMPLAINT_COLUMNS = (
    Column("number", _("Number"), lambda row: row.external_id),
    Column("channel", _("Channel"), lambda row: row.channel.code),
    Column("sku", _("SKU"), lambda row: row.sku.code),
    Column("order", _("Order"), lambda row: row.order_number),
    Column("text", _("Complaint"), lambda row: row.text),
    Column("conflict", _("Points to"), lambda row: str(CONFLICTS[row.conflict])),
    Column("case", _("Case"), lambda row: row.case.number if row.case else ""),
    Column("at", _("Said at"), lambda row: row.said_at, "at", False, True),
)
_COMPLAINT_SORTS = {"at": ("said_at", "pk")}


class ComplaintFilters(FilterForm):
    conflict = forms.ChoiceField(
        label=_("Points to"),
        required=False,
        choices=[
            ("", _("All")),
            *((code or "none", label) for code, label in CONFLICTS.items()),
        ],
    )

    def rows(self) -> Any:
        return select_complaints(conflict=self.values.get("conflict", ""), text=self.values.get("q", ""))


@page("prices.view")
def complaint_list(request: Request) -> HttpResponse:
    """Complaints about prices, each with the conflict it points to."""
    filters = ComplaintFilters(request)
    rows = filters.rows()
    context = {
        "section": "observations",
        "tab": "complaints",
        "filters": filters,
        "conflicts": CONFLICTS,
        "may_edit": can(request.user, "prices.edit"),
        "views": tabs_of(request.user, "price_complaints", request.META["QUERY_STRING"]),
        "list": listing(
            request,
            COMPLAINT_COLUMNS,
            default_sort="-at",
            fetch=lambda sort, offset, limit: list(sorted_by(rows, sort, _COMPLAINT_SORTS)[offset : offset + limit]),
            count=lambda cap: rows[:cap].count(),
        ),
    }
    return render(request, "console/patrol/complaints.html", context)


@page("data.export")
def complaint_export(request: Request) -> HttpResponseBase:
    sort = sort_of(request.GET, COMPLAINT_COLUMNS, "-at")
    rows = sorted_by(ComplaintFilters(request).rows(), sort, _COMPLAINT_SORTS)
    return exports.respond(
        "price-complaints", COMPLAINT_COLUMNS, rows.iterator(chunk_size=2000), request.GET.get("format", "")
    )
