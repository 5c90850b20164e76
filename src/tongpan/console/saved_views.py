"""Saving a list's filter and sort under a name, and finding it again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode

from django.contrib import messages
from django.db.models import Q
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from tongpan.access.models import User
from tongpan.console.access import Request, page
from tongpan.console.keyset import PLACE
from tongpan.console.models import SavedView

# Which lists can have views, and where each of them is.
PAGES = {
    "orders": "console:orders",
    "stock": "console:stock",
    "supply": "console:supply",
    "forecast": "console:forecast",
    "allocation": "console:allocation",
    "turnover": "console:turnover",
    "targets": "console:targets",
    "core_goods": "console:core_goods",
    "promises": "console:promises",
    "return_analysis": "console:return_analysis",
    "goods": "console:goods",
    "coverage": "console:coverage",
    "listings": "console:listings",
    "kits": "console:kits",
    "roles": "console:roles",
    "stores": "console:stores",
    "layout": "console:layout",
    "dealers": "console:dealers",
    "customers": "console:customers",
    "aftersale": "console:aftersale",
    "appointments": "console:appointments",
    "services": "console:services",
    "prices": "console:prices",
    "price_sync": "console:price_sync",
    "price_requests": "console:price_requests",
    "price_log": "console:price_log",
    "observations": "console:observations",
    "patrol": "console:patrol",
    "rivals": "console:rivals",
    "price_complaints": "console:price_complaints",
    "violations": "console:violations",
    "diversion": "console:diversion",
}
NOT_PART_OF_A_VIEW = (*PLACE, "format", "id")


@dataclass(frozen=True, slots=True)
class ViewTab:
    """One view as a tab. key: names it on the page. is_own: its owner may delete it. why: what a standard view,
    which nobody saved, is there for.
    """

    key: str
    id: int
    name: str
    query: str
    href: str
    is_current: bool
    is_own: bool = False
    is_shared: bool = False
    why: str = ""


@dataclass(frozen=True, slots=True)
class ViewTabs:
    """All views of a page for one user. query: the present filter and sort, to be saved."""

    page: str
    base: str
    query: str
    tabs: list[ViewTab]

    @property
    def current(self) -> ViewTab | None:
        return next((tab for tab in self.tabs if tab.is_current), None)


def normal_query(query: str) -> str:
    """``query`` in a fixed order without empty values and page number, so that equal views compare equal."""
    kept = [(key, value) for key, value in parse_qsl(query) if key not in NOT_PART_OF_A_VIEW]
    return urlencode(sorted(kept))


def query_of(text: str) -> QueryDict:
    """The address part of a view as Django reads it."""
    return QueryDict(text)


def tabs_of(user: User, page_key: str, query: str, standard: Sequence[tuple[str, str, str, str]] = ()) -> ViewTabs:
    """The views of ``page_key`` that ``user`` sees: those of ``standard`` (key, name, query, why), then own and
    shared ones. One statement.
    """
    base = reverse(PAGES[page_key])
    now = normal_query(query)
    views = SavedView.objects.filter(Q(owner=user) | Q(is_shared=True), page=page_key)
    tabs = [
        ViewTab(key, 0, name, given, f"{base}?{given}", normal_query(given) == now, why=why)
        for key, name, given, why in standard
    ]
    tabs += [
        ViewTab(
            f"view-{view.pk}",
            view.pk,
            view.name,
            view.query,
            f"{base}?{view.query}",
            view.query == now,
            view.owner_id == user.pk,
            view.is_shared,
        )
        for view in views
    ]
    return ViewTabs(page_key, base, now, tabs)


@require_POST
@page()
def save(request: Request) -> HttpResponse:
    """Save the given filter under a name; a name this user has on this page already is overwritten."""
    page_key, name = request.POST.get("view_page", ""), request.POST.get("name", "").strip()
    if page_key not in PAGES:
        return HttpResponse(status=400)
    query = normal_query(request.POST.get("query", ""))
    limit = SavedView._meta.get_field("name").max_length or 0
    if not name or len(name) > limit:
        messages.error(request, _("A view needs a name of 1 to %(limit)d characters.") % {"limit": limit})
    else:
        SavedView.objects.update_or_create(
            owner=request.user,
            page=page_key,
            name=name,
            defaults={"query": query, "is_shared": "is_shared" in request.POST},
        )
        messages.success(request, _("View “%(name)s” saved.") % {"name": name})
    return redirect(f"{reverse(PAGES[page_key])}?{query}")


@require_POST
@page()
def delete(request: Request, view_id: int) -> HttpResponse:
    """Delete one of one's own views; another user's view stays."""
    view = SavedView.objects.filter(pk=view_id, owner=request.user).first()
    if view is None:
        messages.error(request, _("Only its owner can delete a view."))
        return redirect("console:home")
    view.delete()
    messages.success(request, _("View “%(name)s” deleted.") % {"name": view.name})
    return redirect(PAGES[view.page])
