"""Counts: how right the book is, what should be counted, counting with a phone, and approving what was found."""

from __future__ import annotations

import uuid
from collections.abc import Callable
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
from tongpan.catalog.queries import SkuFilter, fetch_skus, sku_by_code
from tongpan.console.access import Request, page, who
from tongpan.console.choices import node_choices, node_code_choices
from tongpan.console.lists import Column, FilterForm, listing
from tongpan.console.stock_lines import CodesField, units_of
from tongpan.console.wording import localized
from tongpan.core.clock import utc_now
from tongpan.core.errors import Refusal
from tongpan.inventory.actions import (
    approve_count,
    cancel_count,
    enter_counts,
    open_counts,
    send_back_count,
    submit_count,
)
from tongpan.inventory.counts import (
    SheetFilter,
    accuracy_by_node,
    count_rules,
    count_sheets,
    due_counts,
    fetch_sheets,
    sheet_by_id,
)
from tongpan.inventory.engine.counting import CountOutcome, Found, SheetDoc
from tongpan.inventory.models import CountKind, CountLine, CountSheet, CountState
from tongpan.network.queries import nodes_by_code

ACCURACY_DAYS = 90
SHOWN = 40
"""Lines on one screen of a phone; the search finds the others."""
COLUMNS = (
    Column("number", _("Count"), None),
    Column("node", _("Node"), None),
    Column("kind", _("Kind"), None),
    Column("state", _("Status"), None),
    Column("counted", _("Counted"), None, is_number=True),
    Column("snapshot", _("Begun at"), None),
    Column("booked", _("Booked at"), None),
    Column("by", _("By"), None),
)


class CountFilters(FilterForm):
    q = None  # type: ignore[assignment]
    state = forms.ChoiceField(label=_("Status"), required=False, choices=[("", _("All")), *CountState.choices])
    node = forms.ChoiceField(label=_("Node"), required=False)

    def __init__(self, request: HttpRequest) -> None:
        super().__init__(request, {"node": [("", _("All")), *node_choices()]})

    def wanted(self) -> SheetFilter:
        given = self.values
        return SheetFilter(given.get("state", ""), int(given["node"]) if "node" in given else None)


class CountForm(forms.Form):
    key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)
    node = forms.ChoiceField(label=_("Node"))
    kind = forms.ChoiceField(label=_("Kind"), choices=CountKind.choices, widget=forms.RadioSelect, initial="cycle")
    skus = CodesField(
        label=_("SKUs of a cycle count"), required=False, help_text=_("One on each line. A full count needs none.")
    )
    is_blind = forms.BooleanField(label=_("Blind: whoever counts does not see the book"), required=False)
    note = forms.CharField(label=_("Note"), max_length=300, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["node"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101 - declared above
        field.choices = node_code_choices()

    def doc(self) -> SheetDoc:
        given = self.cleaned_data
        skus = given["skus"] if given["kind"] == CountKind.CYCLE else ()
        return SheetDoc(
            "console", str(given["key"]), given["node"], given["kind"], skus, given["is_blind"], given["note"]
        )


@page("stock.view")
def count_list(request: Request) -> HttpResponse:
    """All counts, and how right the book of each node was in the last ACCURACY_DAYS days."""
    filters, now = CountFilters(request), utc_now()
    wanted = filters.wanted()
    nodes, total = accuracy_by_node(now - timedelta(days=ACCURACY_DAYS), now + timedelta(seconds=1))
    context = {
        "section": "counts",
        "filters": filters,
        "nodes": nodes,
        "total": total,
        "rules": count_rules(),
        "days": ACCURACY_DAYS,
        "can_edit": can(request.user, "stock.edit"),
        "list": listing(
            request,
            COLUMNS,
            default_sort="",
            fetch=lambda _sort, offset, limit: fetch_sheets(wanted, offset, limit),
            count=lambda cap: count_sheets(wanted, cap),
        ),
    }
    return render(request, "console/counts/list.html", context)


@page("stock.edit")
def count_new(request: Request) -> HttpResponse:
    """Open a count; with ``node`` the goods that are due there are proposed."""
    code = request.GET.get("node", "")
    node = nodes_by_code([code]).get(code) if code.isprintable() else None
    due = due_counts(node.pk, utc_now()) if node else []
    initial = {"node": code, "skus": "\n".join(one.sku_code for one in due)}
    form = CountForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        outcome = open_counts([form.doc()], **who(request))[0]
        if outcome.state != "refused":
            return redirect("console:count_enter", outcome.sheet_id)
        form.add_error(None, localized(outcome.reason))
    context = {"section": "counts", "form": form, "due": due, "node": node, "nodes": node_code_choices()}
    return render(request, "console/counts/new.html", context)


@page("stock.view")
def count_detail(request: Request, sheet_id: int) -> HttpResponseBase:
    """One count with what is off; POST hands it in, approves it, sends it back or gives it up."""
    sheet = _or_404(sheet_id)
    if request.method == "POST":
        needed = _STEPS.get(request.POST.get("step", ""), ("stock.edit", None))[0]
        if not can(request.user, needed):
            return render(request, "console/no_permission.html", {"permission": needed}, status=403)
        _step(request, sheet_id)
        return redirect("console:count", sheet_id)
    lines: list[CountLine] = sheet.shown_lines  # type: ignore[attr-defined]
    hides = sheet.is_blind and sheet.state == CountState.OPEN and not can(request.user, "stock.approve")
    off = [] if hides else [line for line in lines if line.variance]
    counted = [line for line in lines if line.counted is not None]
    context = {
        "section": "counts",
        "sheet": sheet,
        "hides": hides,
        "off": sorted(off, key=lambda line: -abs(line.variance or 0))[:200],
        "off_count": len(off),
        "units_off": sum(abs(line.variance or 0) for line in off),
        "book_units": sum(line.expected or 0 for line in counted),
        "counted": len(counted),
        "total": len(lines),
        "can_edit": can(request.user, "stock.edit"),
        "can_approve": can(request.user, "stock.approve"),
    }
    return render(request, "console/counts/detail.html", context)


@page("stock.edit")
def count_enter(request: Request, sheet_id: int) -> HttpResponseBase:
    """Count with a phone: search or scan, type what is there, save."""
    sheet = _or_404(sheet_id)
    if sheet.state != CountState.OPEN:
        return redirect("console:count", sheet_id)
    error = ""
    if request.method == "POST":
        error = _save_entries(request, sheet)
        if not error:
            return redirect(request.get_full_path())
    lines: list[CountLine] = sheet.shown_lines  # type: ignore[attr-defined]
    text, show = request.GET.get("q", "").strip(), request.GET.get("show", "")
    counted = sum(line.counted is not None for line in lines)
    chosen = lines
    if text:
        wanted = text.casefold()
        chosen = [n for n in lines if wanted in f"{n.sku.code}\n{n.sku.name}\n{n.sku.barcode}".casefold()]
    elif show != "all":
        chosen = [line for line in lines if line.counted is None]
    found = {line.sku_id for line in chosen}
    others = fetch_skus(SkuFilter(text=text), "code", 0, 5) if text and not chosen else []
    context = {
        "section": "counts",
        "sheet": sheet,
        "lines": chosen[:SHOWN],
        "more": max(0, len(chosen) - SHOWN),
        "others": [sku for sku in others if sku.pk not in found],
        "text": text,
        "show": show,
        "counted": counted,
        "total": len(lines),
        "key": uuid.uuid4(),
        "error": error,
    }
    return render(request, "console/counts/enter.html", context)


def _save_entries(request: Request, sheet: CountSheet) -> str:
    """Save what was typed; a sentence when something of it cannot be."""
    known = {str(line.pk): line for line in sheet.shown_lines}  # type: ignore[attr-defined]
    key = request.POST.get("key", "")[:40]
    found = []
    try:
        for name in request.POST:
            what, _dash, rest = name.partition("-")
            if what not in ("qty", "new"):
                continue
            units = units_of(request.POST, name)
            if units is None:
                continue
            line = known.get(rest) if what == "qty" else None
            is_more = f"more-{rest}" in request.POST
            if line is not None and (is_more or units != line.counted):
                entry_key = f"{key}-{rest}" if is_more else ""
                found.append(Found(line.sku.code, units, line.bucket, is_more, entry_key))
            elif what == "new" and sku_by_code(rest) is not None:
                found.append(Found(rest, units))
    except Refusal as refusal:
        return refusal.sentence
    outcomes = enter_counts(sheet.pk, found, **who(request)) if found else []
    if refused := [outcome for outcome in outcomes if outcome.state == "refused"]:
        return localized(refused[0].reason)
    if found:
        messages.success(request, gettext("%(count)d saved.") % {"count": len(found)})
    return ""


def _submit(request: Request, sheet_id: int, reason: str) -> CountOutcome:
    uncounted = "zero" if request.POST.get("uncounted") == "zero" else "leave"
    return submit_count(sheet_id, reason=reason, uncounted=uncounted, **who(request))  # type: ignore[arg-type]


_STEPS: dict[str, tuple[str, Callable[[Request, int, str], CountOutcome] | None]] = {
    "submit": ("stock.edit", _submit),
    "approve": ("stock.approve", lambda request, i, _reason: approve_count(i, **who(request))),
    "send_back": ("stock.approve", lambda request, i, reason: send_back_count(i, reason=reason, **who(request))),
    "cancel": ("stock.edit", lambda request, i, reason: cancel_count(i, reason=reason, **who(request))),
}


def _step(request: Request, sheet_id: int) -> None:
    _permission, run = _STEPS.get(request.POST.get("step", ""), ("", None))
    if run is None:
        return
    outcome = run(request, sheet_id, request.POST.get("reason", "").strip()[:300])
    if outcome.state == "refused":
        messages.error(request, localized(outcome.reason))
    else:
        messages.success(request, gettext("Done."))


def _or_404(sheet_id: int) -> CountSheet:
    sheet = sheet_by_id(sheet_id)
    if sheet is None:
        raise Http404
    return sheet
