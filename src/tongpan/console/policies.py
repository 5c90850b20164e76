"""Policies and quotas: what channels may take of the pool, live sessions, and what nodes keep back."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext

from tongpan.access.queries import can
from tongpan.console.access import Request, page
from tongpan.console.policy_forms import FloorsForm, ModeForm, PolicyForm, SessionForm
from tongpan.console.wording import localized
from tongpan.core.clock import utc_now
from tongpan.core.errors import Refusal
from tongpan.inventory.actions.policies import remove_policies
from tongpan.inventory.policy_queries import pool_mode, select_node_policies, select_policies, select_sessions

_SHOWN = 200
FORMS: dict[str, type[PolicyForm | SessionForm | FloorsForm | ModeForm]] = {
    "policy": PolicyForm,
    "session": SessionForm,
    "floors": FloorsForm,
    "mode": ModeForm,
}


@page("stock.view")
def policies(request: Request) -> HttpResponse:
    """The policies that count, live sessions and floors; of one SKU with ``sku``."""
    sku = request.GET.get("sku", "").strip()
    context = {
        "section": "stock",
        "sku": sku,
        "mode": pool_mode(),
        "policies": select_policies(sku_code=sku)
        .filter(session=None)
        .order_by("channel__position", "sku__code")[:_SHOWN],
        "sessions": select_sessions()[:20],
        "floors": select_node_policies(sku_code=sku).order_by("node__code", "sku__code")[:_SHOWN],
        "can_edit": can(request.user, "stock.edit"),
    }
    return render(request, "console/stock/policies.html", context)


@page("stock.edit")
def policy_edit(request: Request, what: str) -> HttpResponse:
    """Set one policy, live session, the floors of a node, or the mode of the pool."""
    form_class = FORMS.get(what)
    if form_class is None:
        raise Http404
    initial = {name: value for name, value in request.GET.items() if name != "csrfmiddlewaretoken"}
    if what == "mode":
        initial.setdefault("mode", pool_mode())
    form = form_class(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            form.save(actor=f"user:{request.user.get_username()}")
        except Refusal as refusal:
            form.add_error(None, localized(refusal.sentence))
        else:
            messages.success(request, gettext("Saved."))
            return redirect("console:stock_policies")
    titles = {
        "policy": gettext("Policy of a channel"),
        "session": gettext("Live session"),
        "floors": gettext("Floors of a node"),
        "mode": gettext("Shared or segregated"),
    }
    return render(request, "console/stock/policy_edit.html", {"section": "stock", "form": form, "title": titles[what]})


@page("stock.edit")
def policy_remove(request: Request) -> HttpResponse:
    """Take one standing policy away."""
    if request.method == "POST":
        key = (request.POST.get("channel", ""), request.POST.get("sku", ""))
        if remove_policies([key], actor=f"user:{request.user.get_username()}", now=utc_now()):
            messages.success(request, gettext("Taken away."))
    return redirect("console:stock_policies")
