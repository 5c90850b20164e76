"""Transfers: the list, one transfer with its steps, and receiving it with a phone in one hand."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from tongpan.access.queries import audit_of, can
from tongpan.console.access import Request, page, who
from tongpan.console.choices import node_choices, node_code_choices
from tongpan.console.lists import Column, FilterForm, listing
from tongpan.console.stock_lines import LinesField, units_of
from tongpan.console.wording import localized
from tongpan.core.errors import Refusal
from tongpan.inventory.actions import cancel_transfers, create_transfers, make_ready, receive, send
from tongpan.inventory.engine.transfers import Arrival, Receipt, Sending, TransferDoc, TransferOutcome, Wanted
from tongpan.inventory.models import Transfer, TransferState
from tongpan.inventory.transit import TransferFilter, count_transfers, fetch_transfers, transfer_by_id, units_in_transit

COLUMNS = (
    Column("number", _("Transfer"), None),
    Column("from", _("From"), None),
    Column("to", _("To"), None),
    Column("state", _("Status"), None),
    Column("lines", _("Lines"), None, is_number=True),
    Column("units", _("Units"), None, is_number=True),
    Column("created", _("Made at"), None),
    Column("expected", _("Expected at"), None),
    Column("by", _("By"), None),
)
STEPS = {
    "transfer.created": _("Made"),
    "transfer.ready": _("Ready to send"),
    "transfer.sent": _("Sent"),
    "transfer.arrived": _("A part arrived"),
    "transfer.received": _("Received"),
    "transfer.cancelled": _("Cancelled"),
}


class TransferFilters(FilterForm):
    state = forms.ChoiceField(
        label=_("Status"), required=False, choices=[("", _("All")), ("open", _("Open")), *TransferState.choices]
    )
    node = forms.ChoiceField(label=_("Node"), required=False)

    def __init__(self, request: HttpRequest) -> None:
        super().__init__(request, {"node": [("", _("All")), *node_choices()]})

    def wanted(self) -> TransferFilter:
        given = self.values
        node_id = int(given["node"]) if "node" in given else None
        return TransferFilter(given.get("state", ""), node_id, given.get("q", ""))


class TransferForm(forms.Form):
    """key: made with the empty form, so that sending the form twice makes one transfer."""

    key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)
    from_node = forms.ChoiceField(label=_("From"))
    to_node = forms.ChoiceField(label=_("To"))
    lines = LinesField(label=_("Goods"), help_text=_("One SKU on each line with its units; paste from a spreadsheet."))
    note = forms.CharField(label=_("Note"), max_length=300, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("from_node", "to_node"):
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)  # noqa: S101 - declared above
            field.choices = node_code_choices()

    def doc(self) -> TransferDoc:
        given = self.cleaned_data
        lines = [Wanted(code, units) for code, units in given["lines"]]
        return TransferDoc("console", str(given["key"]), given["from_node"], given["to_node"], lines, given["note"])


@page("stock.view")
def transfer_list(request: Request) -> HttpResponse:
    filters = TransferFilters(request)
    wanted = filters.wanted()
    context = {
        "section": "transfers",
        "filters": filters,
        "on_the_way": units_in_transit(),
        "can_edit": can(request.user, "stock.edit"),
        "list": listing(
            request,
            COLUMNS,
            default_sort="",
            fetch=lambda _sort, offset, limit: fetch_transfers(wanted, offset, limit),
            count=lambda cap: count_transfers(wanted, cap),
        ),
    }
    return render(request, "console/transfers/list.html", context)


@page("stock.edit")
def transfer_new(request: Request) -> HttpResponse:
    form = TransferForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        outcome = create_transfers([form.doc()], **who(request))[0]
        if outcome.state != "refused":
            return redirect("console:transfer", outcome.transfer_id)
        form.add_error(None, localized(outcome.reason))
    return render(request, "console/transfers/new.html", {"section": "transfers", "form": form})


@page("stock.view")
def transfer_detail(request: Request, transfer_id: int) -> HttpResponseBase:
    """One transfer; POST takes its next step: ready, send or cancel."""
    transfer = _or_404(transfer_id)
    if request.method == "POST":
        if not can(request.user, "stock.edit"):
            return render(request, "console/no_permission.html", {"permission": "stock.edit"}, status=403)
        _step(request, transfer)
        return redirect("console:transfer", transfer_id)
    history = [
        {"at": entry["at"], "title": STEPS.get(entry["action"], entry["action"]), "actor": entry["actor"]}
        for entry in audit_of("transfer", str(transfer_id))
    ]
    context = {
        "section": "transfers",
        "transfer": transfer,
        "history": history,
        "can_edit": can(request.user, "stock.edit"),
        "has_begun": any(line.good is not None for line in transfer.shown_lines),  # type: ignore[attr-defined]
        "short": sum(line.short for line in transfer.shown_lines),  # type: ignore[attr-defined]
    }
    return render(request, "console/transfers/detail.html", context)


@page("stock.edit")
def transfer_receive(request: Request, transfer_id: int) -> HttpResponseBase:
    """Take in what has arrived, with one big field for each line. More may be to come: then the rest stays on its way.

    key: made with the empty form, so that sending it twice takes the goods in once.
    """
    transfer = _or_404(transfer_id)
    if transfer.state != TransferState.IN_TRANSIT:
        return redirect("console:transfer", transfer_id)
    error, key = "", request.POST.get("key", "")[:60] or str(uuid.uuid4())
    if request.method == "POST":
        try:
            arrivals = [
                Arrival(n, units_of(request.POST, f"good-{n}") or 0, units_of(request.POST, f"damaged-{n}") or 0)
                for n in (line.line_no for line in transfer.shown_lines)  # type: ignore[attr-defined]
            ]
            receipt = Receipt(
                transfer_id,
                arrivals,
                request.POST.get("reason", "").strip()[:300],
                is_final="more" not in request.POST,
                key=key,
            )
            [outcome] = receive([receipt], **who(request))
            error = localized(outcome.reason)
        except Refusal as refusal:
            error = refusal.sentence
        if not error:
            messages.success(request, gettext("Received."))
            return redirect("console:transfer", transfer_id)
    for line in transfer.shown_lines:  # type: ignore[attr-defined]
        line.typed_good = request.POST.get(f"good-{line.line_no}", line.rest)
        line.typed_damaged = request.POST.get(f"damaged-{line.line_no}", "")
    context = {
        "section": "transfers",
        "transfer": transfer,
        "error": error,
        "reason": request.POST.get("reason", ""),
        "key": key,
    }
    return render(request, "console/transfers/receive.html", context)


def _step(request: Request, transfer: Transfer) -> None:
    what, reason = request.POST.get("step", ""), request.POST.get("reason", "").strip()[:300]
    outcomes: list[TransferOutcome] = []
    try:
        if what == "ready":
            outcomes = make_ready([transfer.pk], **who(request))
        elif what == "send":
            numbers = [line.line_no for line in transfer.shown_lines]  # type: ignore[attr-defined]
            outcomes = send(
                [Sending(transfer.pk, {n: units_of(request.POST, f"qty-{n}") or 0 for n in numbers})], **who(request)
            )
        elif what == "cancel":
            outcomes = cancel_transfers([transfer.pk], reason=reason, **who(request))
    except Refusal as refusal:
        messages.error(request, refusal.sentence)
    for outcome in outcomes:
        if outcome.state == "refused":
            messages.error(request, localized(outcome.reason))
        else:
            messages.success(request, gettext("Done."))


def _or_404(transfer_id: int) -> Transfer:
    transfer = transfer_by_id(transfer_id)
    if transfer is None:
        raise Http404
    return transfer
