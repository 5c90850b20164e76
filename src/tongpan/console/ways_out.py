"""The ways out of a stock-out, as a part of an order's story."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from tongpan.access.queries import can
from tongpan.console import formats
from tongpan.console.access import Request, page, who
from tongpan.console.wording import localized
from tongpan.core.errors import Refusal
from tongpan.fulfillment.stockout.actions import take_way_out
from tongpan.fulfillment.stockout.engine import STRATEGIES, Option, Strategy
from tongpan.fulfillment.stockout.queries import ways_out_of_order

TITLES: dict[Strategy, str | Promise] = {
    "nearest_store": gettext_lazy("Collect at a store"),
    "transfer": gettext_lazy("Transfer"),
    "reservation": gettext_lazy("Wait for the goods"),
    "urgent": gettext_lazy("Urgent replenishment"),
}


@dataclass(frozen=True, slots=True)
class WayView:
    """One way out in words. is_best: the first that is open."""

    strategy: Strategy
    title: str | Promise
    sentence: str
    is_open: bool
    is_best: bool


def _sentence(option: Option) -> str:
    far = "" if option.km is None else f"{formats.number(round(option.km))} km"
    if option.why == "no_store":
        return _("No store has everything.")
    if option.why == "no_place":
        return _("Where the buyer is, is not known.")
    if option.why == "no_stock":
        return _("No node has everything.")
    if option.why == "too_far" and option.node:
        return _("%(node)s has everything, but is too far away (%(km)s).") % {"node": option.node.name, "km": far}
    if option.strategy == "nearest_store" and option.node:
        return _("%(node)s has everything, %(km)s from the buyer.") % {"node": option.node.name, "km": far}
    if option.strategy == "transfer" and option.node and option.to:
        return _("From %(node)s to %(to)s.") % {"node": option.node.name, "to": option.to.name}
    if option.strategy == "urgent" and option.to:
        return _("For %(to)s.") % {"to": option.to.name}
    if option.due:
        return _("Enough is on its way, expected on %(day)s.") % {"day": formats.stamp(option.due)}
    return _("Goods that come in are promised to waiting orders, oldest first.")


@require_http_methods(["GET", "POST"])
@page("orders.view")
def ways_out(request: Request, order_id: int) -> HttpResponse:
    """Show the ways out; take one with POST and ``strategy``."""
    try:
        if request.method == "POST":
            return _take(request, order_id)
        found = ways_out_of_order(order_id)
    except Refusal as refusal:
        if refusal.code == "order.unknown":
            raise Http404 from None
        raise
    best = found.recommended
    ways = [
        WayView(option.strategy, TITLES[option.strategy], _sentence(option), option.is_open, option is best)
        for option in found.options
    ]
    context = {"order_id": order_id, "ways": ways, "may_edit": can(request.user, "orders.edit")}
    return render(request, "console/orders/parts/ways_out.html", context)


def _take(request: Request, order_id: int) -> HttpResponse:
    if not can(request.user, "orders.edit"):
        return render(request, "console/no_permission.html", {"permission": "orders.edit"}, status=403)
    strategy = request.POST.get("strategy", "")
    if strategy not in STRATEGIES:
        raise Http404
    try:
        taken = take_way_out(order_id, strategy, **who(request))
    except Refusal as refusal:
        if refusal.code == "order.unknown":
            raise
        messages.error(request, localized(refusal.sentence))
    else:
        said = _("Done; it is noted on the order.") if taken.state == "done" else _("This had been done before.")
        messages.success(request, said)
    return redirect("console:order", order_id)
