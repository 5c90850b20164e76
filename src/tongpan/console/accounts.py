"""Shops connected to their platforms: how they are, what they could not be told, what could not be taken."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from tongpan.access.queries import can
from tongpan.connectors.accounts.actions import remove_account, save_account
from tongpan.connectors.accounts.jobs import start_pulling
from tongpan.connectors.accounts.models import Account
from tongpan.connectors.accounts.outbox import dismiss, send_again
from tongpan.connectors.accounts.queries import account_of, accounts, incidents, pushes, refused_orders
from tongpan.connectors.accounts.readers import start_pushing
from tongpan.connectors.platforms.registry import PLATFORMS
from tongpan.console.access import Request, page, who
from tongpan.console.account_forms import AccountForm
from tongpan.console.wording import localized
from tongpan.core.errors import Refusal

_SHOWN = 50


def _or_404(shop_code: str) -> Account:
    try:
        return account_of(shop_code)
    except Refusal:
        raise Http404 from None


@page("integration.view")
def account_list(request: Request) -> HttpResponse:
    """All accounts, the shipments that platforms were not told of first."""
    found = incidents()
    context = {
        "section": "accounts",
        "accounts": [(row, PLATFORMS[row.platform].title) for row in accounts()],
        "incidents": found[:_SHOWN],
        "incident_count": found.count(),
        "can_edit": can(request.user, "integration.edit"),
    }
    return render(request, "console/accounts/list.html", context)


@page("integration.edit")
def account_edit(request: Request, shop_code: str = "") -> HttpResponse:
    """Connect a shop, or change how one is connected."""
    row = _or_404(shop_code) if shop_code else None
    form = AccountForm(request.POST or None, account=row)
    if request.method == "POST" and form.is_valid():
        try:
            saved = save_account(form.spec(), **who(request))
        except Refusal as refusal:
            form.add_error(None, localized(refusal.sentence))
        else:
            messages.success(request, gettext("Saved."))
            return redirect("console:account", saved.shop.code)
    return render(request, "console/accounts/edit.html", {"section": "accounts", "form": form, "account": row})


@page("integration.view")
def account_detail(request: Request, shop_code: str) -> HttpResponse:
    """One account: how it is, what waits, what failed, what was refused."""
    row = _or_404(shop_code)
    context = {
        "section": "accounts",
        "account": row,
        "platform": PLATFORMS[row.platform],
        "dead": pushes(row).filter(state="dead")[:_SHOWN],
        "latest": pushes(row).exclude(state="dead")[:_SHOWN],
        "refused": refused_orders(row)[:_SHOWN],
        "can_edit": can(request.user, "integration.edit"),
    }
    return render(request, "console/accounts/detail.html", context)


@require_POST
@page("integration.edit")
def account_pull(request: Request, shop_code: str) -> HttpResponse:
    """Pull soon."""
    start_pulling(_or_404(shop_code).pk)
    messages.success(request, gettext("The orders are being pulled. Look again in a moment."))
    return redirect("console:account", shop_code)


@require_POST
@page("integration.edit")
def account_remove(request: Request, shop_code: str) -> HttpResponse:
    """Forget the account; its orders stay."""
    _or_404(shop_code)
    remove_account(shop_code, **who(request))
    messages.success(request, gettext("The shop is not connected any more."))
    return redirect("console:accounts")


@require_POST
@page("integration.edit")
def push_decide(request: Request, push_id: int) -> HttpResponse:
    """Send again what failed, or note that a person did it by hand."""
    row = pushes().filter(pk=push_id).first()
    if row is None:
        raise Http404
    try:
        if request.POST.get("decision") == "again":
            start_pushing([send_again(push_id, **who(request))])
            messages.success(request, gettext("It is being sent again."))
        else:
            dismiss(push_id, **who(request))
            messages.success(request, gettext("Noted as done by hand."))
    except Refusal as refusal:
        messages.error(request, localized(refusal.sentence))
    return redirect("console:account", row.account.shop.code)
