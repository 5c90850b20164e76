"""Scan-to-buy: the public page of a store for its customers' phones, and the poster that leads there (FUL-14)."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from tongpan.access.limits import is_allowed
from tongpan.access.queries import can
from tongpan.channels.queries import shops
from tongpan.console.access import Request, page, who
from tongpan.console.track import too_many
from tongpan.console.wording import localized
from tongpan.core.clock import utc_now
from tongpan.core.errors import Refusal
from tongpan.fulfillment.papers.drawing import qr_svg
from tongpan.network.queries import nodes_by_code
from tongpan.orders.actions.baskets import open_store, show_basket
from tongpan.orders.queries.baskets import StoreShop, kept_lines, offers_of, price_basket, scan_shops, scanned, shop_of
from tongpan.promotions.pricing_carts import Quote

# All customers of a store may come from one address, that of its network.
PAGES, LOOKS, BASKETS = 120, 600, 60
_LARGEST_BODY = 10_000


def _store(request: HttpRequest, code: str, scope: str, per_minute: int) -> StoreShop | None:
    """The store, None when this address asks too often. Raises Http404 for one that does not sell by phone."""
    if not is_allowed(scope, request.META.get("REMOTE_ADDR", ""), per_minute, utc_now()):
        return None
    shop = shop_of(code) if code.isprintable() else None
    if shop is None:
        raise Http404
    return shop


def _private(response: HttpResponse) -> HttpResponse:
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cache-Control"] = "private, no-store"
    return response


def scan(request: HttpRequest, code: str) -> HttpResponse:
    """The page on which a customer scans goods; what is scanned stays on the phone until the code is made."""
    shop = _store(request, code, "scan", PAGES)
    return _private(render(request, "console/scan.html", {"shop": shop})) if shop else too_many()


def goods(request: HttpRequest, code: str) -> HttpResponse:
    """Name, price and stock of what was scanned, as JSON; 404 with a sentence when nothing has that code."""
    shop = _store(request, code, "scan-goods", LOOKS)
    if shop is None:
        return too_many()
    found = scanned(shop, request.GET.get("code", ""), utc_now())
    if found is None:
        return _private(JsonResponse({"sentence": _("Nothing here has this code; ask the staff.")}, status=404))
    said = {"sku": found.code, "name": found.name, "price": found.price_minor, "free": found.free}
    return _private(JsonResponse(said))


def quote(request: HttpRequest, code: str) -> HttpResponse:
    """What the goods on the phone (POST, JSON: lines [{sku, qty}]) cost before and after offers, and which; as JSON."""
    shop = _store(request, code, "scan-goods", LOOKS)
    if shop is None:
        return too_many()
    try:
        found = price_basket(shop, _lines(request), utc_now())
    except Refusal as refusal:
        return _private(JsonResponse({"sentence": localized(refusal.sentence)}, status=422))
    return _private(JsonResponse(_said(found)))


def basket(request: HttpRequest, code: str) -> HttpResponse:
    """Keep what was scanned (POST, JSON: lines [{sku, qty}]); the code to show, as QR and as text."""
    shop = _store(request, code, "scan-basket", BASKETS)
    if shop is None:
        return too_many()
    try:
        made = show_basket(code, _lines(request), now=utc_now())
    except Refusal as refusal:
        return _private(JsonResponse({"sentence": localized(refusal.sentence)}, status=422))
    said = {"code": made.code, "qr": qr_svg(made.code), "until": made.expires_at.isoformat()}
    return _private(JsonResponse(said | _said(made.quote)))


def offer_name(offer: dict[str, Any]) -> str:
    """The name of an offer as ``offers_of`` tells it, in the language of the reader."""
    names = [offer["name_zh"], offer["name_en"]]
    own, other = names if (get_language() or "").startswith("zh") else names[::-1]
    return str(own or other or offer["rule"])


def _said(found: Quote) -> dict[str, Any]:
    """Amounts in minor units; before: of the list prices, total: what is to be paid."""
    lines = kept_lines(found)
    return {
        "lines": [
            {"sku": line["sku"], "unit": line["unit_minor"], "net": line["net_minor"]}
            for line in lines
            if "gift" not in line
        ],
        "gifts": [{"name": line["name"], "qty": line["qty"]} for line in lines if "gift" in line],
        "offers": [{"name": offer_name(offer), "off": offer["off_minor"]} for offer in offers_of(found)],
        "before": sum(line.amount_minor for line in found.lines),
        "total": found.total_minor,
    }


def _lines(request: HttpRequest) -> list[tuple[str, int]]:
    """Raises Refusal basket.lines for what is not understood."""
    try:
        sent: Any = json.loads(request.body) if 0 < len(request.body) <= _LARGEST_BODY else None
        rows = [(row["sku"], row["qty"]) for row in sent["lines"]]
    except (ValueError, TypeError, KeyError):
        rows = []
    if not rows or not all(isinstance(sku, str) and type(qty) is int for sku, qty in rows):
        raise Refusal("basket.lines", "The basket is not understood; load the page again.")
    return rows


@page("network.view")
def poster(request: Request, code: str) -> HttpResponseBase:
    """The QR of one store to print, and in which shop its customers buy; POST changes it."""
    node = nodes_by_code([code]).get(code) if code.isprintable() else None
    if node is None:
        raise Http404
    if request.method == "POST":
        if not can(request.user, "network.edit"):
            return render(request, "console/no_permission.html", {"permission": "network.edit"}, status=403)
        try:
            open_store(code, request.POST.get("shop", ""), **who(request))
        except Refusal as refusal:
            messages.error(request, localized(refusal.sentence))
        else:
            messages.success(request, _("Saved."))
        return redirect("console:scan_poster", code)
    address = request.build_absolute_uri(reverse("console:scan", args=[code]))
    chosen = scan_shops().get(code, "")
    context = {
        "section": "network",
        "node": node,
        "chosen": chosen,
        "shops": [shop for shop in shops() if shop.is_active],
        "address": address,
        "qr": qr_svg(address) if chosen else "",
        "can_edit": can(request.user, "network.edit"),
    }
    return render(request, "console/network/scan.html", context)
