"""The public page of one order: its steps, its parcels, and the code to fetch it. Nobody signs in."""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime
from threading import Lock

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from tongpan.fulfillment.models import Fulfillment
from tongpan.fulfillment.papers.drawing import qr_svg
from tongpan.fulfillment.pickup.codes import shown
from tongpan.fulfillment.pickup.queries import codes_for
from tongpan.fulfillment.queries import journey, routing_of
from tongpan.fulfillment.states import ENDED
from tongpan.fulfillment.tracking_links import order_of
from tongpan.orders.models import Order

PER_MINUTE = 60
_REMEMBERED = 10_000


class Limiter:
    """At most ``per_minute`` requests of one address in a minute, in this process; it remembers the latest few."""

    def __init__(self, per_minute: int) -> None:
        self.per_minute = per_minute
        self._seen: OrderedDict[str, tuple[int, int]] = OrderedDict()
        self._lock = Lock()

    def is_allowed(self, address: str, at: float) -> bool:
        minute = int(at // 60)
        with self._lock:
            known, times = self._seen.pop(address, (minute, 0))
            times = times + 1 if known == minute else 1
            self._seen[address] = (minute, times)
            while len(self._seen) > _REMEMBERED:
                self._seen.popitem(last=False)
        return times <= self.per_minute


LIMITER = Limiter(PER_MINUTE)


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


def track(request: HttpRequest, token: str) -> HttpResponse:
    """The state of one order, without anything that says who bought it."""
    if not LIMITER.is_allowed(request.META.get("REMOTE_ADDR", ""), time.monotonic()):
        response = HttpResponse(_("Too many requests; try again in a minute."), status=429, content_type="text/plain")
        response.headers["Retry-After"] = "60"
        return response
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
