"""Webhooks in: who pushes to us, and what became of every message."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from tongpan.access.queries import can
from tongpan.connectors.inbound.actions import replay_failed, replay_message, reveal_source_secret, save_source
from tongpan.connectors.inbound.models import InboundSource
from tongpan.connectors.inbound.queries import get_message, get_source, message_counts, messages_of, sources
from tongpan.console.access import Request, page, who
from tongpan.console.lists import Column, listing
from tongpan.console.webhook_forms import MessageFilters, SourceForm
from tongpan.console.wording import localized
from tongpan.core.errors import Refusal

COLUMNS = (
    Column("topic", _("Event"), None),
    Column("received", _("Received at"), None),
    Column("state", _("Status"), None),
    Column("outcome", _("Result"), None),
    Column("repeats", _("Repeats"), None, is_number=True),
    Column("message", _("Message"), None),
)


def _or_404(code: str) -> InboundSource:
    row = get_source(code)
    if row is None:
        raise Http404
    return row


@page("integration.view")
def source_list(request: Request) -> HttpResponse:
    counted = message_counts()
    context = {
        "section": "inbound",
        "sources": [(row, counted.get(row.pk, {})) for row in sources()],
        "can_edit": can(request.user, "integration.edit"),
    }
    return render(request, "console/inbound/list.html", context)


@page("integration.edit")
def source_edit(request: Request, code: str = "") -> HttpResponse:
    """A new source without ``code``, else the one that is there."""
    row = _or_404(code) if code else None
    form = SourceForm(request.POST or None, source=row)
    if request.method == "POST" and form.is_valid():
        try:
            saved = save_source(form.spec(), **who(request))
        except Refusal as refusal:
            form.add_error(None, localized(refusal.sentence))
        else:
            messages.success(request, gettext("Saved."))
            return redirect("console:inbound_source", saved.code)
    return render(request, "console/inbound/edit.html", {"section": "inbound", "form": form, "source": row})


@page("integration.view")
def source_detail(request: Request, code: str) -> HttpResponse:
    """One source and the log of its messages."""
    return _detail(request, _or_404(code))


def _detail(request: Request, row: InboundSource, secret: str = "") -> HttpResponse:
    filters = MessageFilters(request)
    found = messages_of(row.pk, state=filters.values.get("state", ""), text=filters.values.get("q", "").strip())
    context = {
        "section": "inbound",
        "source": row,
        "address": request.build_absolute_uri(f"/hooks/{row.code}"),
        "counts": message_counts().get(row.pk, {}),
        "secret": secret,
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
    return render(request, "console/inbound/detail.html", context)


@require_POST
@page("integration.edit")
def source_secret(request: Request, code: str) -> HttpResponse:
    """The page with the secret shown; the look is noted in the audit trail."""
    row = _or_404(code)
    return _detail(request, row, reveal_source_secret(row.pk, **who(request)))


@require_POST
@page("integration.edit")
def source_replay(request: Request, code: str) -> HttpResponse:
    """Take every failed message again."""
    number = replay_failed(_or_404(code).pk)
    text = ngettext("%(n)d message is taken again.", "%(n)d messages are taken again.", number) % {"n": number}
    messages.success(request, text)
    return redirect("console:inbound_source", code)


@require_POST
@page("integration.edit")
def message_replay(request: Request, code: str, message_id: int) -> HttpResponse:
    """Take one message again."""
    found = get_message(message_id)
    if found is None or found.source.code != code:
        raise Http404
    replay_message(message_id)
    return redirect("console:inbound_source", code)
