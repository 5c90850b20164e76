"""The replenishment desk: what lies below its safety line, what is proposed, what is urgent and what is late."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from tongpan.access.queries import can
from tongpan.console.access import Request, page, who
from tongpan.console.choices import node_choices, node_code_choices
from tongpan.console.lists import Column, FilterForm, listing
from tongpan.console.stock_lines import ids_of
from tongpan.console.wording import localized
from tongpan.core.clock import utc_now
from tongpan.core.errors import Refusal
from tongpan.inventory.actions import accept_replenishments, close_replenishments, request_urgently
from tongpan.inventory.engine.replenishing import UrgentDoc
from tongpan.inventory.models import ReplenishmentState
from tongpan.inventory.replenishment import (
    ReplenishFilter,
    alert_figures,
    count_replenishments,
    fetch_replenishments,
    open_alerts,
    replenish_rules,
)

SHOWN_ALERTS = 50
COLUMNS = (
    Column("sku", _("SKU"), None),
    Column("node", _("Needed at"), None),
    Column("from", _("Comes from"), None),
    Column("qty", _("Units"), None, is_number=True),
    Column("state", _("Status"), None),
    Column("due", _("Due"), None),
    Column("reason", _("Reason"), None),
    Column("transfer", _("Transfer"), None),
)


class ReplenishmentFilters(FilterForm):
    state = forms.ChoiceField(
        label=_("Status"),
        required=False,
        choices=[("", _("Open")), ("overdue", _("Overdue")), *ReplenishmentState.choices, ("all", _("All"))],
    )
    node = forms.ChoiceField(label=_("Node"), required=False)
    urgent = forms.ChoiceField(label=_("Priority"), required=False, choices=[("", _("All")), ("1", _("Urgent"))])

    def __init__(self, request: HttpRequest) -> None:
        super().__init__(request, {"node": [("", _("All")), *node_choices()]})

    def wanted(self) -> ReplenishFilter:
        given = self.values
        state = given.get("state", "open")
        node_id = int(given["node"]) if "node" in given else None
        return ReplenishFilter("" if state == "all" else state, node_id, "urgent" in given, given.get("q", ""))


class UrgentForm(forms.Form):
    """key: made with the empty form, so that sending the form twice asks once."""

    key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)
    sku = forms.CharField(label=_("SKU"), max_length=120)
    node = forms.ChoiceField(label=_("Needed at"))
    qty = forms.IntegerField(label=_("Units"), min_value=1, max_value=10_000_000)
    due_at = forms.DateTimeField(
        label=_("Needed until"),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        input_formats=["%Y-%m-%dT%H:%M"],
    )
    reason = forms.CharField(label=_("Reason"), max_length=300, help_text=_("The live room, the campaign, the store."))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["node"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101 - declared above
        field.choices = node_code_choices()
        hours = gettext("Without a time: in %(hours)d hours.")
        self.fields["due_at"].help_text = hours % {"hours": replenish_rules().urgent_hours}

    def doc(self) -> UrgentDoc:
        given = self.cleaned_data
        return UrgentDoc(
            "console",
            str(given["key"]),
            given["node"],
            given["sku"].strip(),
            given["qty"],
            given["reason"],
            given["due_at"],
        )


@page("stock.view")
def replenishment_desk(request: Request) -> HttpResponseBase:
    """The desk; POST accepts or dismisses the chosen ones."""
    if request.method == "POST":
        if not can(request.user, "stock.edit"):
            return render(request, "console/no_permission.html", {"permission": "stock.edit"}, status=403)
        _decide(request)
        return redirect(request.get_full_path())
    filters = ReplenishmentFilters(request)
    wanted = filters.wanted()
    alerts = open_alerts(wanted.node_id).order_by("-opened_at", "-id")
    context = {
        "section": "replenishment",
        "filters": filters,
        "figures": alert_figures(),
        "alerts": list(alerts[:SHOWN_ALERTS]),
        "can_edit": can(request.user, "stock.edit"),
        "now": utc_now(),
        "list": listing(
            request,
            COLUMNS,
            default_sort="",
            fetch=lambda _sort, offset, limit: fetch_replenishments(wanted, offset, limit),
            count=lambda cap: count_replenishments(wanted, cap),
        ),
    }
    return render(request, "console/replenishment/desk.html", context)


@page("stock.edit")
def urgent(request: Request) -> HttpResponse:
    """Ask for goods that are needed at once."""
    form = UrgentForm(request.POST or None, initial={"sku": request.GET.get("sku", "")})
    if request.method == "POST" and form.is_valid():
        outcome = request_urgently([form.doc()], **who(request))[0]
        if outcome.state != "refused":
            messages.success(request, gettext("Asked for."))
            return redirect("console:replenishment")
        form.add_error(None, localized(outcome.reason))
    return render(request, "console/replenishment/urgent.html", {"section": "replenishment", "form": form})


def _decide(request: Request) -> None:
    ids, what = ids_of(request.POST.getlist("id")), request.POST.get("step", "")
    decision = request.POST.get("decision", "").strip()[:300]
    try:
        if what == "accept":
            outcomes = accept_replenishments(ids, **who(request))
        elif what in ("dismiss", "done"):
            outcomes = close_replenishments(ids, is_done=what == "done", decision=decision, **who(request))
        else:
            return
    except Refusal as refusal:
        messages.error(request, localized(refusal.sentence))
        return
    refused = [outcome for outcome in outcomes if outcome.state == "refused"]
    if done := len(outcomes) - len(refused):
        messages.success(request, gettext("%(count)d done.") % {"count": done})
    for outcome in refused[:3]:
        messages.error(request, localized(outcome.reason))
