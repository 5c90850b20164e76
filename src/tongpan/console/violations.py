"""Violation cases: the queue, and one case with its evidence, steps and letters."""

from __future__ import annotations

from datetime import timedelta
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
from tongpan.console.lists import Column, FilterForm, listing, sort_of, whole
from tongpan.console.observations import sorted_by
from tongpan.console.patrol_words import STEPS, TAKE
from tongpan.console.saved_views import tabs_of
from tongpan.console.wording import localized
from tongpan.core.clock import DEFAULT_ZONE, utc_now
from tongpan.core.errors import Refusal
from tongpan.core.money import to_decimal, to_minor
from tongpan.pricing.patrol.actions import add_evidence, take_step
from tongpan.pricing.patrol.actions.casework import Step, standing_of
from tongpan.pricing.patrol.casework import ENDS, FOLLOWS, proposed, rung_of
from tongpan.pricing.patrol.models import FindingCode, ViolationKind, ViolationStatus
from tongpan.pricing.patrol.queries.cases import CaseFilter, WholeCase, confirmed_counts, select_cases, whole_case
from tongpan.pricing.patrol.queries.rules import rules_in_force

_SORTS = {"due": ("due_at", "pk"), "opened": ("opened_at", "pk")}
COLUMNS = (
    Column("number", _("Case"), lambda row: row.number),
    Column("kind", _("Kind"), lambda row: str(row.get_kind_display())),
    Column("party", _("Party"), lambda row: row.party_name),
    Column("sku", _("SKU"), lambda row: row.sku.code if row.sku else ""),
    Column("finding", _("Finding"), lambda row: str(dict(FindingCode.choices).get(row.finding, ""))),
    Column("status", _("Status"), lambda row: str(row.get_status_display())),
    Column(
        "fine",
        _("Fine"),
        lambda row: None if row.fine_minor is None else to_decimal(row.fine_minor, row.currency),
        is_number=True,
    ),
    Column("due", _("Due"), lambda row: row.due_at, "due"),
    Column("opened", _("Opened"), lambda row: row.opened_at, "opened", False, True),
)


class ViolationFilters(FilterForm):
    status = forms.ChoiceField(
        label=_("Status"),
        required=False,
        choices=[("", _("All")), ("open", _("Not over")), ("appeal", _("Appeal waits")), *ViolationStatus.choices],
    )
    kind = forms.ChoiceField(label=_("Kind"), required=False, choices=[("", _("All")), *ViolationKind.choices])
    due = forms.ChoiceField(label=_("Due"), required=False, choices=[("", _("Any time")), ("late", _("Overdue"))])
    party = forms.CharField(required=False, max_length=200, widget=forms.HiddenInput)

    def wanted(self) -> CaseFilter:
        given = self.values
        return CaseFilter(
            given.get("status", ""),
            given.get("kind", ""),
            given.get("party", ""),
            given.get("q", ""),
            utc_now() if "due" in given else None,
        )


@page("prices.view")
def violation_list(request: Request) -> HttpResponse:
    """The queue of cases, what is due first first."""
    filters = ViolationFilters(request)
    rows = select_cases(filters.wanted())
    standard = [
        ("open", gettext("Not over"), "status=open", gettext("Cases that wait for their next step")),
        ("late", gettext("Overdue"), "due=late", gettext("Cases whose next step is late")),
        ("appeal", gettext("Appeal waits"), "status=appeal", gettext("Appeals to decide")),
    ]
    context = {
        "section": "violations",
        "filters": filters,
        "views": tabs_of(request.user, "violations", request.META["QUERY_STRING"], standard),
        "now": utc_now(),
        "findings": dict(FindingCode.choices),
        "list": listing(
            request,
            COLUMNS,
            default_sort="due",
            fetch=lambda sort, offset, limit: list(sorted_by(rows, sort, _SORTS)[offset : offset + limit]),
            count=lambda cap: rows[:cap].count(),
        ),
    }
    return render(request, "console/patrol/violations.html", context)


@page("data.export")
def violation_export(request: Request) -> HttpResponseBase:
    sort = sort_of(request.GET, COLUMNS, "due")
    rows = sorted_by(select_cases(ViolationFilters(request).wanted()), sort, _SORTS)
    return exports.respond("violations", COLUMNS, rows.iterator(chunk_size=2000), request.GET.get("format", ""))


class StepForm(forms.Form):
    step = forms.ChoiceField(label=_("Next step"))
    reason = forms.CharField(
        label=_("Reason"), required=False, max_length=2000, widget=forms.Textarea(attrs={"rows": 3})
    )
    fine = forms.DecimalField(label=_("Fine"), required=False, min_value=0, max_digits=12, decimal_places=2)
    language = forms.ChoiceField(
        label=_("Letter"), required=False, choices=[("zh", "中文"), ("en", "English"), ("", _("No letter"))]
    )

    def __init__(self, *args: Any, steps: list[tuple[str, Any]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["step"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101 - declared above
        field.choices = steps


@page("prices.view")
def violation_detail(request: Request, case_id: int) -> HttpResponse:
    """One case; a POST takes its next step or adds evidence."""
    found = whole_case(case_id)
    if found is None:
        raise Http404
    case, may_edit = found.case, can(request.user, "cases.edit")
    if request.method == "POST" and not may_edit:
        return render(request, "console/no_permission.html", {"permission": "cases.edit"}, status=403)
    _version, rules = rules_in_force()
    confirmed = confirmed_counts([case.party], utc_now() - timedelta(days=rules.repeat_days))
    standing = standing_of(case, confirmed)
    named = proposed(standing, rules, utc_now())
    rung = rung_of(standing.confirmed, rules)
    steps = [(step, TAKE[step]) for step in _steps(found)]
    initial = {"step": named, "language": "zh"}
    if rung.fine_minor:
        initial["fine"] = str(to_decimal(rung.fine_minor, case.currency))
    form = StepForm(request.POST if "step" in request.POST else None, initial=initial, steps=steps)
    if request.method == "POST" and (
        ("note" in request.POST and _added(request, found)) or _taken(request, form, found)
    ):
        return redirect("console:violation", case_id)
    context = {
        "section": "violations",
        "whole": found,
        "case": case,
        "form": form if steps else None,
        "may_edit": may_edit,
        "is_over": case.status in ENDS,
        "is_late": case.due_at is not None and case.due_at < utc_now(),
        "confirmed": standing.confirmed,
        "repeat_days": rules.repeat_days,
        "proposed": TAKE.get(named, ""),
        "finding": dict(FindingCode.choices).get(case.finding, ""),
        "zone": DEFAULT_ZONE,
        "timeline": [
            {"at": s.at, "title": STEPS.get(s.kind, s.kind), "text": s.reason, "actor": s.actor} for s in found.steps
        ][::-1],
    }
    return render(request, "console/patrol/violation.html", context)


def _steps(found: WholeCase) -> list[str]:
    case = found.case
    if case.appeal == "filed":
        return ["granted", "rejected"]
    appeal = ["appeal"] if case.status in ("confirmed", "warning", "fine", "termination") else []
    return [*FOLLOWS[case.status], *appeal]


def _added(request: Request, found: WholeCase) -> bool:
    reference = request.POST.get("reference", "").strip()
    try:
        add_evidence(
            found.case.pk,
            kind="file" if reference else "statement",
            reference=reference,
            note=request.POST.get("note", ""),
            **who(request),
        )
    except Refusal as refusal:
        messages.error(request, localized(refusal.sentence))
    else:
        messages.success(request, gettext("The evidence is kept."))
    return True


def _taken(request: Request, form: StepForm, found: WholeCase) -> bool:
    if not form.is_valid():
        return False
    given = form.cleaned_data
    step = Step(
        found.case.pk,
        whole(request.POST.get("revision", ""), 0),
        given["step"],
        given["reason"],
        to_minor(given["fine"], found.case.currency) if given["fine"] and given["step"] == "fine" else 0,
        given["language"],
    )
    [outcome] = take_step([step], **who(request))
    if outcome.state == "refused":
        form.add_error(None, localized(outcome.reason))
        return False
    messages.success(request, gettext("Done."))
    return True
