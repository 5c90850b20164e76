"""Where somebody may work, and the guard of every page of the desk."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render

from tongpan.access.models import User
from tongpan.console.access import Request, page
from tongpan.network.models import Node
from tongpan.network.queries import active_nodes, nodes_of

PERMISSION = "fulfillment.work"


class DeskRequest(Request):
    """The request of a page of the desk: ``node`` is where the person works now."""

    node: Node


def places_of(user: User) -> list[Node]:
    """The active nodes at which ``user`` may work and that keep stock, by code."""
    mine = nodes_of(user.pk)
    return [node for node in active_nodes() if node.tracks_stock and (mine is None or node.pk in mine)]


def desk(permission: str = PERMISSION) -> Callable[[Callable[..., HttpResponseBase]], Callable[..., HttpResponseBase]]:
    """Decorate a view whose first argument is the code of a node: others than those who work there get a 403 page."""

    def decorate(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
        @page(permission)
        @functools.wraps(view)
        def guarded(request: DeskRequest, code: str, *args: Any, **kwargs: Any) -> HttpResponseBase:
            node = next((one for one in places_of(request.user) if one.code == code), None)
            if node is None:
                return no_place(request)
            request.node = node
            return view(request, *args, **kwargs)

        return guarded

    return decorate


def no_place(request: Request) -> HttpResponse:
    """The page for somebody who works at no node, or not at this one."""
    context = {"places": places_of(request.user)}
    return render(request, "console/store/no_place.html", context, status=403)
