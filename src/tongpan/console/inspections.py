"""Quality inspections: what was looked at and found, what is off sale, and who may release it."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from tongpan.access.queries import can
from tongpan.console import exports
from tongpan.console.access import Request, actor_of, page, who
from tongpan.console.choices import node_choices, node_code_choices
from tongpan.console.lists import Column, FilterForm, listing
from tongpan.console.wording import localized
from tongpan.core.clock import utc_now
from tongpan.core.errors import Refusal
from tongpan.inventory.actions import decide_hold, inspect, save_quality_rules
from tongpan.inventory.actions.inspecting import quality_rules
from tongpan.inventory.engine.inspecting import (
    MAX_PHOTOS,
    Check,
    CheckResult,
    InspectionDoc,
    QualityRules,
    sampling,
)
from tongpan.inventory.inspections import (
    InspectionFilter,
    count_inspections,
    fetch_inspections,
    history_of,
    inspection_by_id,
    open_holds,
    promised_under,
    quality_by,
    select_inspections,
)
from tongpan.inventory.models import InspectionKind
from tongpan.network.queries import nodes_of

QUALITY_DAYS = 90
SPARE_ROWS = 4
_RULES = [("sample", _("Sample after GB/T 2828.1, level II, AQL 2.5")), ("all", _("All units"))]
_SCOPES = [("node", _("The SKU at that node")), ("sku", _("The SKU at every node"))]
COLUMNS = (
    Column("number", _("Inspection"), lambda row: row.pk),
    Column("sku", _("SKU"), lambda row: row.sku.code),
    Column("node", _("Node"), lambda row: row.node.name),
    Column("kind", _("Kind"), lambda row: row.get_kind_display()),
    Column("supplier", _("Supplier"), lambda row: row.supplier),
    Column("result", _("Result"), lambda row: "passed" if row.passed else "failed"),
    Column("lot", _("Lot"), lambda row: row.lot, is_number=True),
    Column("sample", _("Looked at"), lambda row: row.sample, is_number=True),
    Column("failed", _("Failed units"), lambda row: row.failed, is_number=True),
    Column("at", _("Inspected at"), lambda row: row.inspected_at),
    Column("by", _("By"), lambda row: row.inspector),
)


class InspectionFilters(FilterForm):
    result = forms.ChoiceField(
        label=_("Result"),
        required=False,
        choices=[("", _("All")), ("failed", _("Not passed")), ("passed", _("Passed"))],
    )
    kind = forms.ChoiceField(label=_("Kind"), required=False, choices=[("", _("All")), *InspectionKind.choices])
    node = forms.ChoiceField(label=_("Node"), required=False)

    def __init__(self, request: HttpRequest) -> None:
        super().__init__(request, {"node": [("", _("All")), *node_choices()]})

    def wanted(self) -> InspectionFilter:
        given = self.values
        node_id = int(given["node"]) if "node" in given else None
        return InspectionFilter(given.get("q", ""), given.get("kind", ""), given.get("result", ""), node_id)


@page("stock.view")
def inspection_list(request: Request) -> HttpResponse:
    """All inspections, what is off sale now, and quality by supplier and node."""
    filters, now = InspectionFilters(request), utc_now()
    wanted = filters.wanted()
    since, until = now - timedelta(days=QUALITY_DAYS), now + timedelta(seconds=1)
    context = {
        "section": "inspections",
        "filters": filters,
        "holds": open_holds(20),
        "quality": [
            (gettext("Supplier"), quality_by("supplier", since, until, 8)),
            (gettext("Node"), quality_by("node", since, until, 8)),
        ],
        "days": QUALITY_DAYS,
        "can_edit": can(request.user, "stock.edit"),
        "can_approve": can(request.user, "stock.approve"),
        "list": listing(
            request,
            COLUMNS,
            default_sort="",
            fetch=lambda _sort, offset, limit: fetch_inspections(wanted, offset, limit),
            count=lambda cap: count_inspections(wanted, cap),
        ),
    }
    return render(request, "console/inspections/list.html", context)


@page("data.export")
def inspection_export(request: Request) -> HttpResponseBase:
    """All inspections of the filter."""
    rows = select_inspections(InspectionFilters(request).wanted()).order_by("-inspected_at", "-id")
    return exports.respond("inspections", COLUMNS, rows.iterator(chunk_size=2000), request.GET.get("format", ""))


class InspectionForm(forms.Form):
    key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)
    kind = forms.ChoiceField(label=_("What is inspected"), choices=InspectionKind.choices)
    node = forms.ChoiceField(label=_("Node"))
    sku = forms.CharField(label=_("SKU"), max_length=120, help_text=_("Scan or type the code."))
    lot = forms.IntegerField(label=_("Units of the lot"), min_value=1, max_value=10_000_000)
    supplier = forms.CharField(label=_("Supplier"), max_length=120, required=False)
    reference = forms.CharField(label=_("Transfer, receipt or batch"), max_length=120, required=False)
    rule = forms.ChoiceField(label=_("How many units are looked at"), choices=_RULES)
    sample = forms.IntegerField(
        label=_("Units looked at"),
        min_value=1,
        required=False,
        help_text=_(
            "Empty: as many as the rule says: 5 of up to 50, 20 of up to 150, 32 of up to 280, 50 of up to 500."
        ),
    )
    failed = forms.IntegerField(
        label=_("Units that failed"), min_value=0, required=False, help_text=_("Empty: no unit failed two checks.")
    )
    photos = forms.CharField(
        label=_("Photos"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("Where they lie, one address on each line, at most 10."),
    )
    note = forms.CharField(label=_("Note"), max_length=300, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["node"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101 - declared above
        field.choices = node_code_choices()

    def clean_photos(self) -> tuple[str, ...]:
        lines = tuple(line.strip() for line in self.cleaned_data["photos"].splitlines() if line.strip())
        if len(lines) > MAX_PHOTOS:
            raise forms.ValidationError(gettext("At most 10 photos."))
        return lines

    def doc(self, results: list[CheckResult]) -> InspectionDoc:
        given = self.cleaned_data
        return InspectionDoc(
            "console",
            str(given["key"]),
            given["kind"],
            given["node"],
            given["sku"].strip(),
            given["lot"],
            utc_now(),
            results,
            given["rule"],
            given["sample"],
            given["failed"],
            given["supplier"].strip(),
            given["reference"].strip(),
            given["photos"],
            given["note"].strip(),
        )


def _results(request: Request, rules: QualityRules) -> list[CheckResult]:
    """What was typed for each check. Raises Refusal inspection.check."""
    results = []
    for check in rules.checks:
        text = request.POST.get(f"failed-{check.code}", "").strip() or "0"
        if not (text.isascii() and text.isdecimal() and len(text) < 9):
            raise Refusal("inspection.check", f"“{text[:20]}” is no number of units.")
        results.append(CheckResult(check.code, int(text), request.POST.get(f"note-{check.code}", "").strip()[:300]))
    return results


@page("stock.edit")
def inspection_new(request: Request) -> HttpResponse:
    """Write down what was found; made for a phone."""
    rules = quality_rules()
    initial = {"rule": rules.rule, "sku": request.GET.get("sku", ""), "node": request.GET.get("node", "")}
    form = InspectionForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            doc = form.doc(_results(request, rules))
            [outcome] = inspect([doc], nodes=nodes_of(request.user.pk), **who(request))
        except Refusal as refusal:
            form.add_error(None, localized(refusal.sentence))
        else:
            if outcome.state != "refused":
                _tell(request, outcome.moved, outcome.held, passed=outcome.passed)
                return redirect("console:inspection", outcome.inspection_id)
            form.add_error(None, localized(outcome.reason))
    checks = [
        (check, request.POST.get(f"failed-{check.code}", "0"), request.POST.get(f"note-{check.code}", ""))
        for check in rules.checks
    ]
    context = {"section": "inspections", "form": form, "checks": checks}
    return render(request, "console/inspections/new.html", context)


def _tell(request: Request, moved: int, held: int, *, passed: bool | None) -> None:
    if passed:
        messages.success(request, gettext("The lot passed; %(moved)d failed units are off sale.") % {"moved": moved})
    else:
        words = gettext("The lot failed: %(moved)d units are damaged, %(held)d more wait for a decision.")
        messages.warning(request, words % {"moved": moved, "held": held})


@page("stock.view")
def inspection_detail(request: Request, inspection_id: int) -> HttpResponseBase:
    """One inspection with its checks; POST releases or condemns what it holds."""
    row = inspection_by_id(inspection_id)
    if row is None:
        raise Http404
    if request.method == "POST":
        if not can(request.user, "stock.approve"):
            return render(request, "console/no_permission.html", {"permission": "stock.approve"}, status=403)
        _decide(request, row.hold_id)
        return redirect("console:inspection", inspection_id)
    is_held = row.hold is not None and row.hold.decided_at is None
    context = {
        "section": "inspections",
        "row": row,
        "plan": sampling(row.rule, row.lot)[0],
        "is_held": is_held,
        "promised": promised_under(row.hold) if row.hold and is_held else 0,
        "can_decide": is_held and can(request.user, "stock.approve"),
        "is_own": row.inspector == actor_of(request),
        "others": history_of(row.sku_id, row),
    }
    return render(request, "console/inspections/detail.html", context)


def _decide(request: Request, hold_id: int | None) -> None:
    decision, reason = request.POST.get("decision", ""), request.POST.get("reason", "")
    try:
        units = decide_hold(hold_id or 0, decision, reason=reason, **who(request))  # type: ignore[arg-type]
    except Refusal as refusal:
        messages.error(request, localized(refusal.sentence))
        return
    words = (
        gettext("%(units)d units are on sale again.")
        if decision == "released"
        else gettext("%(units)d units are damaged.")
    )
    messages.success(request, words % {"units": units})


@page("stock.approve")
def inspection_rules(request: Request) -> HttpResponse:
    """The sampling rule, what a failed lot blocks, and the checklist by rows."""
    error = ""
    rules = quality_rules()
    if request.method == "POST":
        rules = _rules_said(request)
        try:
            save_quality_rules(rules, **who(request))
        except Refusal as refusal:
            error = localized(refusal.sentence)
        else:
            messages.success(request, gettext("Saved."))
            return redirect("console:inspections")
    rows = [*rules.checks, *(Check("", "") for _ in range(SPARE_ROWS))]
    context = {
        "section": "inspections",
        "rules": rules,
        "rows": list(enumerate(rows)),
        "error": error,
        "sampling_rules": _RULES,
        "scopes": _SCOPES,
    }
    return render(request, "console/inspections/rules.html", context)


def _rules_said(request: Request) -> QualityRules:
    given = request.POST
    checks = tuple(
        Check(given[f"code-{n}"].strip(), given.get(f"name-{n}", "").strip(), f"critical-{n}" in given)
        for n in range(30)
        if given.get(f"code-{n}", "").strip() or given.get(f"name-{n}", "").strip()
    )
    return QualityRules(
        checks, "all" if given.get("rule") == "all" else "sample", "sku" if given.get("scope") == "sku" else "node"
    )
