"""Pages of the desk. What they change is sent as acts (``acting``), so that a bad line does nothing twice."""

from __future__ import annotations

import json
import re
from typing import Any

from django.http import Http404, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.middleware.csrf import get_token
from django.shortcuts import redirect, render
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tongpan.channels.queries import shops
from tongpan.console.access import Request, page
from tongpan.console.models import StoreAct
from tongpan.console.scan import offer_name
from tongpan.console.store.acting import perform
from tongpan.console.store.acts import ACTS
from tongpan.console.store.lookup import goods_meant, member_of
from tongpan.console.store.places import PERMISSION, DeskRequest, desk, no_place, places_of
from tongpan.console.store.tasks import DUE_COUNTS, WORK, today_at, work_of
from tongpan.core.clock import utc_now
from tongpan.fulfillment.actions.refusing import SAYABLE
from tongpan.fulfillment.models import RejectReason
from tongpan.inventory.counts import due_counts, sheet_by_id
from tongpan.inventory.models import CountState, TransferState
from tongpan.inventory.transit import transfer_by_id
from tongpan.orders.actions.baskets import basket_of
from tongpan.orders.aftersale.policies import current_policy
from tongpan.orders.aftersale.queries import returnable
from tongpan.orders.queries import OrderFilter, fetch_orders
from tongpan.tracking.models import VisitKind

_KEY = re.compile(r"^[0-9a-f-]{36}$")
_LARGEST_BODY = 200_000
_SHOWN_ACTS = 50
_HITS = 10
PAPERS: dict[str, tuple[tuple[str, Any], ...]] = {
    "pick": (("pick-list", gettext_lazy("Pick list")),),
    "pack": (("packing-slips", gettext_lazy("Packing slips")),),
    "dispatch": (("labels", gettext_lazy("Labels")),),
    "collect": (("pickup-slips", gettext_lazy("Pickup slips")),),
}
"""The papers that the work of each queue needs, by kind and name."""


def _keepable(response: HttpResponse) -> HttpResponse:
    """Let the device keep this page for when the line is down: it shows no customer."""
    response.headers["X-Desk-Keep"] = "1"
    return response


@page(PERMISSION)
def start(request: Request) -> HttpResponse:
    """Where to work; who works at one node only goes there at once."""
    places = places_of(request.user)
    if not places:
        return no_place(request)
    if len(places) == 1:
        return redirect("console:store_today", places[0].code)
    return render(request, "console/store/start.html", {"places": places})


@page(PERMISSION)
def acts(request: Request) -> HttpResponseBase:
    """Do one act (POST, JSON: key, node, act, args); GET tells the device whose session it has, and its token.

    The answer is 200 for what was done and for what was refused; anything else means that it was not looked at.
    """
    if request.method != "POST":
        known = {"owner": request.user.pk, "token": get_token(request)}
        return JsonResponse(known, headers={"Cache-Control": "no-store"})
    try:
        sent: Any = json.loads(request.body) if len(request.body) <= _LARGEST_BODY else None
    except ValueError:
        sent = None
    if not isinstance(sent, dict) or not _KEY.match(str(sent.get("key"))) or not isinstance(sent.get("args"), dict):
        return _answer("refused", _("What was sent is not understood; load the page again."), status=400)
    act = ACTS.get(str(sent.get("act")))
    node = next((one for one in places_of(request.user) if one.code == sent.get("node")), None)
    if act is None or node is None:
        return _answer("refused", _("You do not work at that node, or the desk cannot do that any more."))
    done = perform(
        act, str(sent["act"]), user=request.user, node=node, key=sent["key"], args=sent["args"], now=utc_now()
    )
    return _answer(done.state, done.sentence, done.link)


def _answer(state: str, sentence: str, link: str = "", status: int = 200) -> JsonResponse:
    said = {"state": state, "sentence": sentence, "link": link}
    return JsonResponse(said, status=status, headers={"Cache-Control": "no-store"})


@page(PERMISSION)
def worker(request: Request) -> HttpResponse:
    """The service worker: it keeps the shell, and pages that show no customer, for when the line is down."""
    response = render(request, "console/store/worker.js", content_type="text/javascript")
    response.headers["Service-Worker-Allowed"] = "/desk/"
    return response


@page(PERMISSION)
def offline(request: Request) -> HttpResponse:
    """What the device shows for a page that it has not kept."""
    return render(request, "console/store/offline.html", {})


@desk()
def today(request: DeskRequest) -> HttpResponse:
    """Today's work at one node."""
    now = utc_now()
    context = {"tab": "today", "today": today_at(request.node, now), "now": now}
    return _keepable(render(request, "console/store/today.html", context))


@desk()
def work(request: DeskRequest, queue: str) -> HttpResponse:
    """One queue of fulfilments, each with the step that it waits for."""
    names = {key: name for key, name, _clock in WORK}
    if queue not in names:
        raise Http404
    tasks = work_of(request.node, queue, utc_now(), 50)
    chosen = urlencode([("id", task.fulfillment.pk) for task in tasks])
    context = {
        "tab": "today",
        "queue": queue,
        "name": names[queue],
        "tasks": tasks,
        "papers": [(kind, label, chosen) for kind, label in PAPERS.get(queue, ())] if tasks else [],
        "reject_reasons": [(reason, RejectReason(reason).label) for reason in SAYABLE],
    }
    return _keepable(render(request, "console/store/work.html", context))


@desk()
def pickup(request: DeskRequest) -> HttpResponse:
    """The code that a buyer shows, and what waits for its buyers."""
    context = {"tab": "pickup", "tasks": work_of(request.node, "collect", utc_now(), 50)}
    return _keepable(render(request, "console/store/pickup.html", context))


@desk()
def transfer(request: DeskRequest, transfer_id: int) -> HttpResponse:
    """Receive one transfer that comes to this node."""
    found = transfer_by_id(transfer_id)
    if found is None or found.to_node_id != request.node.pk:
        raise Http404
    context = {"tab": "today", "transfer": found, "is_moving": found.state == TransferState.IN_TRANSIT}
    return _keepable(render(request, "console/store/transfer.html", context))


@desk()
def count(request: DeskRequest, sheet_id: int | None = None) -> HttpResponse:
    """Count: a sheet that is open here, or without one what is due or scanned."""
    sheet = sheet_by_id(sheet_id) if sheet_id else None
    if sheet_id and (sheet is None or sheet.node_id != request.node.pk):
        raise Http404
    now = utc_now()
    lines: list[dict[str, Any]] = []
    if sheet is None:
        lines = [
            {"sku": one.sku_code, "name": one.name, "book": one.on_hand, "barcode": ""}
            for one in due_counts(request.node.pk, now, DUE_COUNTS)
        ]
    else:
        lines = [
            {
                "sku": line.sku.code,
                "name": line.sku.name,
                "book": None if sheet.is_blind else line.book,
                "barcode": line.sku.barcode,
                "counted": line.counted,
            }
            for line in sheet.shown_lines  # type: ignore[attr-defined]
            if line.bucket == "saleable"
        ]
    context = {
        "tab": "today",
        "sheet": sheet,
        "lines": lines,
        "is_open": sheet is None or sheet.state == CountState.OPEN,
    }
    return _keepable(render(request, "console/store/count.html", context))


@desk("goods.view")
def find(request: DeskRequest) -> HttpResponse:
    """Goods by code, barcode or name; one hit shows what is here and near by."""
    text = request.GET.get("q", "").replace("\x00", "").strip()[:120]
    goods, hits = goods_meant(text, request.node)
    context = {"tab": "find", "text": text, "hits": hits, "goods": goods}
    return _keepable(render(request, "console/store/find.html", context))


@desk("customers.view")
def member(request: DeskRequest) -> HttpResponse:
    """A member by phone: masked, and logged. The number is posted, so that it is in no address and no log."""
    phone = request.POST.get("phone", "").strip()[:40]
    found = member_of(phone, request.node, user=request.user, now=utc_now()) if phone else None
    response = render(request, "console/store/member.html", {"tab": "member", "is_asked": bool(phone), "found": found})
    response.headers["Cache-Control"] = "no-store"
    return response


@desk()
def order(request: DeskRequest) -> HttpResponse:
    """An order for a customer who stands here, of goods that come from elsewhere or are fetched here."""
    context = {
        "tab": "order",
        "shops": [shop for shop in shops() if shop.is_active],
        "skus": [sku for sku in request.GET.getlist("sku") if sku][:20],
    }
    return _keepable(render(request, "console/store/order.html", context))


@desk()
def basket(request: DeskRequest) -> HttpResponse:
    """What a customer scanned: the code is posted, so that it is in no address; then the payment is taken."""
    code = request.POST.get("code", "").strip()[:80]
    found = basket_of(code, request.node.pk, utc_now()) if code else None
    offers = [(offer, offer_name(offer)) for offer in found.offers] if found else []
    context = {"tab": "order", "code": code, "basket": found, "offers": offers}
    response = render(request, "console/store/basket.html", context)
    response.headers["Cache-Control"] = "no-store"
    return response


@desk()
def visit(request: DeskRequest) -> HttpResponse:
    """Somebody came in or tried something, whether it is bought or not."""
    context = {"tab": "member", "kinds": VisitKind.choices}
    return _keepable(render(request, "console/store/visit.html", context))


@desk("returns.edit")
def back(request: DeskRequest) -> HttpResponse:
    """Goods that a buyer brings back: the order is found first, then what of it may still come back."""
    text = request.GET.get("q", "").replace("\x00", "").strip()[:120]
    hits = fetch_orders(OrderFilter(text=text, sees_customers=True), "-placed", 0, _HITS) if text else []
    chosen = request.GET.get("order", "")
    order_id = int(chosen) if chosen.isdecimal() and len(chosen) < 19 else hits[0].pk if len(hits) == 1 else None
    context = {
        "tab": "return",
        "text": text,
        "hits": hits,
        "order": returnable(order_id) if order_id else None,
        "reasons": [(reason.code, _(reason.name)) for reason in current_policy()[1].reasons],
    }
    response = render(request, "console/store/return.html", context)
    response.headers["Cache-Control"] = "no-store"
    return response


@desk()
def sent(request: DeskRequest) -> HttpResponse:
    """What this device has sent or still holds, and what arrived here under one's name."""
    acts_here = StoreAct.objects.filter(owner=request.user, node=request.node).order_by("-at")[:_SHOWN_ACTS]
    context = {"tab": "sent", "acts": [one for one in acts_here if one.state]}
    return _keepable(render(request, "console/store/sent.html", context))
