"""The columns of a list that a person chose, remembered for the person."""

from __future__ import annotations

from collections.abc import Sequence

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from tongpan.access.models import User
from tongpan.console.access import Request, page
from tongpan.console.models import ListLayout
from tongpan.console.saved_views import PAGES, normal_query

_MOST = 60


def layout_of(user: User, page_key: str) -> list[str] | None:
    """The keys of the columns that ``user`` chose for a list; None when nothing was chosen. One statement."""
    found = ListLayout.objects.filter(owner=user, page=page_key).values_list("columns", flat=True).first()
    return None if found is None else list(found)


def keep_layout(user: User, page_key: str, columns: Sequence[str]) -> None:
    """Remember ``columns`` for ``user``; none at all forgets the choice."""
    if columns:
        ListLayout.objects.update_or_create(owner=user, page=page_key, defaults={"columns": list(columns)})
    else:
        ListLayout.objects.filter(owner=user, page=page_key).delete()


@require_POST
@page()
def save(request: Request) -> HttpResponse:
    """Keep the columns of the form for the signed-in person and go back to the list; "reset" forgets them."""
    page_key = request.POST.get("view_page", "")
    if page_key not in PAGES:
        return HttpResponse(status=400)
    chosen = [] if "reset" in request.POST else [key[:40] for key in request.POST.getlist("column")[:_MOST]]
    keep_layout(request.user, page_key, chosen)
    messages.success(request, _("Columns saved.") if chosen else _("Columns as they were at first."))
    return redirect(f"{reverse(PAGES[page_key])}?{normal_query(request.POST.get('query', ''))}")
