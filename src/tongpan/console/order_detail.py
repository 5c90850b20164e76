"""One order with its whole story: as a page, as the panel beside the list, and its address in the clear."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from tongpan.access.actions import audit
from tongpan.access.queries import can
from tongpan.access.vault import open_sealed
from tongpan.console import order_page
from tongpan.console.access import Request, page
from tongpan.console.bulk_actions import offered
from tongpan.console.order_ledger import account_of
from tongpan.console.order_offers import offers_of
from tongpan.console.order_source import source_of
from tongpan.core.clock import utc_now
from tongpan.fulfillment.queries import journey, routing_of, steps_of_order
from tongpan.fulfillment.tracking_links import token_of
from tongpan.inventory.queries import movements_caused_by, reservations_of
from tongpan.orders.aftersale.engine.deciding import LEFT
from tongpan.orders.aftersale.queries import cases_of_order
from tongpan.orders.models import Order
from tongpan.orders.queries import OPEN, order_whole, payload_of


class RevealForm(forms.Form):
    reason = forms.CharField(label=_("Reason"), min_length=5, max_length=200)


def _order(order_id: int) -> Order:
    order = order_whole(order_id)
    if order is None:
        raise Http404
    return order


def story(request: Request, order: Order) -> dict[str, Any]:
    """What page and panel show of ``order``."""
    routing = routing_of(order.pk)
    reservations = reservations_of(order.pk)
    causes = {
        "fulfillment": [parcel.pk for parcel in routing.fulfillments],
        "reservation": [promise.pk for promise in reservations],
        "return": [doc.pk for doc in order.returns.all()],
    }
    return {
        "section": "orders",
        "order": order,
        "routing": routing,
        "journey": journey(order.pk),
        "steps": steps_of_order(order.pk),
        "track_path": reverse("console:track", args=[token_of(order.pk)]),
        "may_work": can(request.user, "fulfillment.work"),
        "zone": order.channel.zone,
        "lines": order_page.line_views(order, routing, reservations),
        "money": order_page.money_rows(order),
        "payers": order_page.payer_rows(order),
        "account": account_of(order),
        "offers": offers_of(order.pk),
        "timeline": order_page.timeline(order, routing),
        "decisions": order_page.decisions(routing),
        "movements": movements_caused_by(causes),
        "open_holds": [hold for hold in order.holds.all() if hold.released_at is None],
        "digest": bytes(order.digest).hex(),
        "may_reveal": can(request.user, "customers.reveal") and bool(order.recipient_sealed),
        "may_open_source": can(request.user, "customers.reveal") and order.raw_digest is not None,
        "source_form": RevealForm(auto_id=f"source-{order.pk}-%s"),
        "single_actions": [action for action in offered(request.user) if action.least == 1],
        "is_changeable": can(request.user, "orders.edit") and order.status in OPEN,
        "cases": cases_of_order(order.pk),
        "may_return": can(request.user, "returns.edit") and order.status in LEFT,
        "may_ask_service": can(request.user, "fulfillment.work") and order.status != "cancelled",
        "is_split": any(line.part > 1 for line in order.lines.all()),
        "reveal_form": RevealForm(auto_id=f"reveal-{order.pk}-%s"),
    }


@page("orders.view")
def order_detail(request: Request, order_id: int) -> HttpResponse:
    return render(request, "console/orders/detail.html", story(request, _order(order_id)))


@page("orders.view")
def order_panel(request: Request, order_id: int) -> HttpResponse:
    """The same story as a part that the list shows beside itself."""
    return render(request, "console/orders/panel.html", story(request, _order(order_id)))


@require_POST
@page("customers.reveal")
def order_address(request: Request, order_id: int) -> HttpResponse:
    """Recipient, phone and address in the clear, once, for a reason that is logged. Asked for by htmx only."""
    order = _order(order_id)
    form = RevealForm(request.POST, auto_id=f"reveal-{order.pk}-%s")
    context: dict[str, Any] = {"order": order, "reveal_form": form, "may_reveal": bool(order.recipient_sealed)}
    if form.is_valid() and order.recipient_sealed:
        audit(
            f"user:{request.user.get_username()}",
            "order.address_revealed",
            "order",
            str(order.pk),
            {"reason": form.cleaned_data["reason"]},
            now=utc_now(),
        )
        recipient, phone, address = json.loads(open_sealed(order.recipient_sealed))
        context["revealed"] = {"recipient": recipient, "phone": phone, "address": address}
    response = render(request, "console/orders/parts/address.html", context)
    response.headers["Cache-Control"] = "no-store"
    return response


@require_POST
@page("customers.reveal")
def order_source(request: Request, order_id: int) -> HttpResponse:
    """The payload in which an order came, in the clear, once, for a reason that is logged. Asked for by htmx only."""
    order = _order(order_id)
    form = RevealForm(request.POST, auto_id=f"source-{order.pk}-%s")
    is_kept = order.raw_digest is not None
    context: dict[str, Any] = {"order": order, "source_form": form, "may_open_source": is_kept}
    if form.is_valid() and is_kept:
        audit(
            f"user:{request.user.get_username()}",
            "order.source_revealed",
            "order",
            str(order.pk),
            {"reason": form.cleaned_data["reason"]},
            now=utc_now(),
        )
        context["source"] = source_of(payload_of(order_id))
    response = render(request, "console/orders/parts/payload.html", context)
    response.headers["Cache-Control"] = "no-store"
    return response
