"""Who may open a page. Every view of the console is declared with ``page``."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django_htmx.middleware import HtmxDetails

from tongpan.access.models import User
from tongpan.access.queries import can
from tongpan.core.clock import utc_now

View = Callable[..., HttpResponseBase]


class Request(HttpRequest):
    """The request that a guarded view gets: somebody is signed in."""

    user: User
    htmx: HtmxDetails


def actor_of(request: Request) -> str:
    """Who is signed in, as audit trails and ledgers name it."""
    return f"user:{request.user.get_username()}"


def who(request: Request) -> dict[str, Any]:
    """The actor and the instant that every action wants to know."""
    return {"actor": actor_of(request), "now": utc_now()}


def is_allowed(user: Any, permission: str) -> bool:
    """Whether ``user`` has ``permission``; the empty permission is everybody's who is signed in."""
    return not permission or can(user, permission)


def page(permission: str = "") -> Callable[[View], View]:
    """Decorate a view: anonymous visitors go to the sign-in page and come back; others without ``permission``
    get a 403 page that says what is missing. A part loaded by htmx sends the whole page to sign in.
    """

    def decorate(view: View) -> View:
        @functools.wraps(view)
        def guarded(request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not request.user.is_authenticated:
                if request.htmx:
                    came_from = request.headers.get("HX-Current-URL", "/")
                    login = f"{reverse('console:login')}?{urlencode({'next': _path_of(came_from)})}"
                    return HttpResponse(headers={"HX-Redirect": login})
                return redirect_to_login(request.get_full_path())
            if not is_allowed(request.user, permission):
                return render(request, "console/no_permission.html", {"permission": permission}, status=403)
            return view(request, *args, **kwargs)

        return guarded

    return decorate


def _path_of(url: str) -> str:
    """The path and query of an absolute address of this site."""
    _scheme, _sep, rest = url.partition("://")
    _host, slash, path = rest.partition("/")
    return slash + path if slash else "/"
