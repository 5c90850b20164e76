"""The public page of one order: its steps, its parcels, and the code to fetch it. Nobody signs in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from tongpan.access.limits import is_allowed
from tongpan.core.clock import utc_now
from tongpan.fulfillment.models import Fulfillment
from tongpan.fulfillment.papers.drawing import qr_svg
from tongpan.fulfillment.pickup.codes import shown
from tongpan.fulfillment.pickup.queries import codes_for
from tongpan.fulfillment.queries import journey, routing_of
from tongpan.fulfillment.states import ENDED
from tongpan.fulfillment.tracking_links import order_of
from tongpan.orders.models import Order

PER_MINUTE = 60


@dataclass(frozen=True, slots=True)
class Stop:
    """One step of an order's way. at: when it was reached, None for one that lies ahead."""

    label: str | Promise
    at: datetime | None
    is_here: bool = False


def _stops(order: Order, parts: list[Fulfillment]) -> list[Stop]:
    if order.cancelled_at:
        return [Stop(_("Ordered"), order.placed_at), Stop(_("Cancelled"), order.cancelled_at, is_here=True)]
    is_pickup = order.delivery_method == "pickup"
    packed = _all([part.ready_at if is_pickup else part.packed_at or part.dispatched_at for part in parts])
    last = _all([part.collected_at or part.delivered_at for part in parts])
    ways: list[tuple[str | Promise, datetime | None]] = [
        (_("Ordered"), order.placed_at),
        (_("Paid"), order.paid_at),
        (_("Being prepared"), min((part.allocated_at for part in parts), default=None)),
    ]
    if is_pickup:
        ways += [(_("Ready for pickup"), packed), (_("Collected"), last or order.delivered_at)]
    else:
        left = _all([part.dispatched_at for part in parts]) or order.dispatched_at
        ways += [(_("Packed"), packed or left), (_("On its way"), left), (_("Delivered"), last or order.delivered_at)]
    here = max(position for position, (_label, at) in enumerate(ways) if at is not None)
    return [Stop(label, at, position == here) for position, (label, at) in enumerate(ways)]


def _all(times: list[datetime | None]) -> datetime | None:
    """The latest of ``times`` when all are known."""
    known = [at for at in times if at is not None]
    return max(known) if known and len(known) == len(times) else None


def too_many() -> HttpResponse:
    """The answer to an address that asks too often."""
    response = HttpResponse(_("Too many requests; try again in a minute."), status=429, content_type="text/plain")
    response.headers["Retry-After"] = "60"
    return response


def track(request: HttpRequest, token: str) -> HttpResponse:
    """The state of one order, without anything that says who bought it."""
    if not is_allowed("track", request.META.get("REMOTE_ADDR", ""), PER_MINUTE, utc_now()):
        return too_many()
    order_id = order_of(token)
    order = Order.objects.select_related("shop", "channel").filter(pk=order_id).first() if order_id else None
    if order is None:
        raise Http404
    parts = [part for part in routing_of(order.pk).fulfillments if part.status not in ENDED]
    codes = codes_for(order.pk)
    pickups = [
        {
            "part": part,
            "code": shown(codes[part.pk]),
            "qr": qr_svg(request.build_absolute_uri(f"/p/{codes[part.pk]}")),
        }
        for part in parts
        if part.pk in codes
    ]
    context = {
        "order": order,
        "number": f"…{order.external_id[-4:]}",
        "stops": _stops(order, parts),
        "journey": journey(order.pk),
        "pickups": pickups,
        "zone": order.channel.zone,
        "units": order.units,
    }
    response = render(request, "console/track.html", context)
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cache-Control"] = "private, no-store"
    return response
