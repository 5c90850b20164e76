"""Webhooks: subscriptions, what was sent to whom, and sending it again."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from tongpan.access.queries import can
from tongpan.connectors.webhooks.actions import (
    change_webhook,
    create_webhook,
    delete_webhook,
    reveal_secret,
    rotate_secret,
)
from tongpan.connectors.webhooks.delivering import replay_delivery, replay_range, send_test
from tongpan.connectors.webhooks.models import Webhook
from tongpan.connectors.webhooks.queries import (
    Standing,
    attempts_of,
    deliveries,
    get_delivery,
    get_webhook,
    standings,
    webhooks,
)
from tongpan.console.access import Request, page, who
from tongpan.console.lists import Column, listing
from tongpan.console.webhook_forms import DeliveryFilters, RangeForm, WebhookForm
from tongpan.console.wording import localized
from tongpan.core.clock import utc_now
from tongpan.core.errors import Refusal

COLUMNS = (
    Column("event", _("Event"), None),
    Column("at", _("Happened at"), None),
    Column("state", _("Status"), None),
    Column("attempts", _("Attempts"), None, is_number=True),
    Column("answer", _("Last answer"), None, is_number=True),
    Column("next", _("Next attempt"), None),
    Column("message", _("Message"), None),
)


def _or_404(webhook_id: int) -> Webhook:
    row = get_webhook(webhook_id)
    if row is None:
        raise Http404
    return row


@page("integration.view")
def webhook_list(request: Request) -> HttpResponse:
    """All subscriptions with how they stand."""
    counted = standings()
    context = {
        "section": "webhooks",
        "webhooks": [(row, counted.get(row.pk, Standing())) for row in webhooks()],
        "can_edit": can(request.user, "integration.edit"),
    }
    return render(request, "console/webhooks/list.html", context)


@page("integration.edit")
def webhook_edit(request: Request, webhook_id: int = 0) -> HttpResponse:
    """A new subscription without ``webhook_id``, else the one that is there."""
    row = _or_404(webhook_id) if webhook_id else None
    form = WebhookForm(request.POST or None, webhook=row)
    if request.method == "POST" and form.is_valid():
        try:
            saved = (
                change_webhook(row.pk, form.spec(), **who(request))
                if row
                else create_webhook(form.spec(), **who(request))
            )
        except Refusal as refusal:
            form.add_error(None, localized(refusal.sentence))
        else:
            messages.success(request, gettext("Saved."))
            return redirect("console:webhook", saved.pk)
    return render(request, "console/webhooks/edit.html", {"section": "webhooks", "form": form, "webhook": row})


@page("integration.view")
def webhook_detail(request: Request, webhook_id: int) -> HttpResponse:
    """One subscription and the log of its deliveries."""
    return _detail(request, _or_404(webhook_id))


def _detail(request: Request, row: Webhook, *, secret: str = "", range_form: RangeForm | None = None) -> HttpResponse:
    filters = DeliveryFilters(request)
    values = filters.values
    found = deliveries(
        row.pk, state=values.get("state", ""), event=values.get("event", ""), text=values.get("q", "").strip()
    )
    context = {
        "section": "webhooks",
        "webhook": row,
        "standing": standings().get(row.pk, Standing()),
        "secret": secret,
        "range_form": range_form or RangeForm(),
        "filters": filters,
        "can_edit": can(request.user, "integration.edit"),
        "list": listing(
            request,
            COLUMNS,
            default_sort="",
            fetch=lambda _sort, offset, limit: list(found.order_by("-id")[offset : offset + limit]),
            count=lambda cap: found[:cap].count(),
        ),
    }
    return render(request, "console/webhooks/detail.html", context)


@require_POST
@page("integration.edit")
def webhook_secret(request: Request, webhook_id: int) -> HttpResponse:
    """The page with the secret shown; the look is noted in the audit trail."""
    return _detail(request, _or_404(webhook_id), secret=reveal_secret(webhook_id, **who(request)))


@require_POST
@page("integration.edit")
def webhook_rotate(request: Request, webhook_id: int) -> HttpResponse:
    _or_404(webhook_id)
    rotate_secret(webhook_id, **who(request))
    messages.success(request, gettext("There is a new secret. For 24 hours the old one signs beside it."))
    return redirect("console:webhook", webhook_id)


@require_POST
@page("integration.edit")
def webhook_test(request: Request, webhook_id: int) -> HttpResponse:
    """Send a test message and show what becomes of it."""
    _or_404(webhook_id)
    return redirect("console:webhook_delivery", send_test(webhook_id, **who(request)))


@require_POST
@page("integration.edit")
def webhook_replay(request: Request, webhook_id: int) -> HttpResponse:
    """Send a range of time again."""
    row = _or_404(webhook_id)
    form = RangeForm(request.POST)
    if form.is_valid():
        try:
            sent = replay_range(row.pk, form.cleaned_data["begin"], form.cleaned_data["end"], now=utc_now())
        except Refusal as refusal:
            form.add_error(None, localized(refusal.sentence))
        else:
            text = ngettext("%(n)d message is sent again.", "%(n)d messages are sent again.", sent) % {"n": sent}
            messages.success(request, text)
            return redirect("console:webhook", row.pk)
    return _detail(request, row, range_form=form)


@require_POST
@page("integration.edit")
def webhook_delete(request: Request, webhook_id: int) -> HttpResponse:
    row = _or_404(webhook_id)
    delete_webhook(webhook_id, **who(request))
    messages.success(request, gettext("The webhook %(name)s is gone.") % {"name": row.name})
    return redirect("console:webhooks")


@page("integration.view")
def delivery_detail(request: Request, delivery_id: int) -> HttpResponse:
    """One message, every attempt and what was answered. While it waits, the page asks for itself."""
    row = get_delivery(delivery_id)
    if row is None:
        raise Http404
    context = {
        "section": "webhooks",
        "delivery": row,
        "webhook": row.webhook,
        "tries": attempts_of(delivery_id),
        "can_edit": can(request.user, "integration.edit"),
    }
    return render(request, "console/webhooks/delivery.html", context)


@require_POST
@page("integration.edit")
def delivery_replay(request: Request, delivery_id: int) -> HttpResponse:
    """Send one message again."""
    if get_delivery(delivery_id) is None:
        raise Http404
    replay_delivery(delivery_id, now=utc_now())
    return redirect("console:webhook_delivery", delivery_id)
